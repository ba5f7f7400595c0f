"""What the backends of Keras 2.3 lack on a current system: told from what they say, in their real environments."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from eras.surroundings import built, of, reported

pytestmark = pytest.mark.eras


def found(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {finding["id"]: finding for finding in report["findings"]}


def without_compiler(folder: Path) -> str:
    """Return a PATH with a few of the system's programs, and no compiler among them."""
    folder.mkdir()
    for name in ("env", "sh", "uname", "ldconfig"):
        place = shutil.which(name)
        if place:
            (folder / name).symlink_to(place)
    return str(folder)


def test_theano_without_a_compiler_works_slowly(environments_folder: Path, tmp_path: Path) -> None:
    python = built(environments_folder, of("legacy"))
    environ = {"PATH": without_compiler(tmp_path / "bin"), "KERAS_BACKEND": "theano"}
    report = reported(python, environ, "--backend", "theano")
    assert [run["status"] for run in report["facts"]["smoke"]] == ["passed"]
    finding = found(report)["theano-backend-broken"]
    assert finding["severity"] == "warning"
    assert "g++ not detected" in finding["message"]


def test_cntk_without_its_open_mpi(environments_folder: Path) -> None:
    python = built(environments_folder, of("legacy"))
    environ = {"LD_LIBRARY_PATH": "", "KERAS_BACKEND": "cntk", "PATH": os.environ["PATH"]}
    report = reported(python, environ, "--backend", "cntk")
    finding = found(report)["cntk-openmpi-missing"]
    assert (finding["severity"], finding["explained_by"]) == ("error", None)
    assert found(report)["framework-import-raised"]["explained_by"] == "cntk-openmpi-missing"
