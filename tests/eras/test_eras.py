"""Every era for real: its environment is built from a committed lock file and inspected from outside.

A few environments are built by default; ENVCHECK_ERAS=all builds the rest too.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eras.builds import BUILDS, Told
from eras.surroundings import ERAS, SECONDS, Era, built, of, openmpi, reported, wanted

from envcheck.child import WORKERS

pytestmark = pytest.mark.eras


@pytest.fixture(params=ERAS, ids=lambda era: era.lock)
def era(request: pytest.FixtureRequest) -> Era:
    return wanted(request.param)


def test_an_era_is_seen_and_trains(era: Era, environments_folder: Path) -> None:
    """Versions are told, the whole ladder passes, and nothing that works is called a fault."""
    environ = dict(era.environ)
    if era.mpi:
        environ["LD_LIBRARY_PATH"] = str(openmpi(environments_folder))
    report = reported(built(environments_folder, era), environ)
    assert {run["backend"]: (run["through"], run["status"], run["reason"]) for run in report["facts"]["smoke"]} == {
        name: (through, "passed", None) for name, (through, _) in era.runs.items()
    }
    for run in report["facts"]["smoke"]:
        assert run["device"] == "cpu"
        assert run["backend_version"].partition("+")[0] == era.runs[run["backend"]][1]
        passed = {stage["name"] for stage in run["stages"] if stage["status"] == "passed"}
        assert {"import", "devices", "place", "matmul"} <= passed
        assert "train" in passed or run["backend"] == "onnxruntime"  # it predicts only
        assert {"conv", "recurrent"} <= passed or run["through"] == "native"
    backends = {backend["name"]: backend for backend in report["facts"]["backends"] if backend["installed"]}
    for name, (_, version) in era.runs.items():
        assert backends[name]["version"].partition("+")[0].startswith(version)
        assert told(backends[name]) == BUILDS[era.lock, name]
        assert backends[name]["main_library"]["missing"] == []
        assert backends[name]["main_library"]["truncated"] is False
        assert [device["name"] for device in backends[name]["devices"]] == ["cpu"]
    for package in report["facts"]["python"]["packages"]:
        assert (package["installer"], package["files_missing"], package["files_truncated"]) == ("uv", [], [])
        assert package["wheel_tags"]
        assert package["editable"] is False
    assert [finding["id"] for finding in report["findings"] if finding["severity"] != "info"] == []


def told(backend: dict[str, Any]) -> Told:
    """Return what the files of a framework told, as ``builds.py`` writes it."""
    built, library = backend["built_for"], backend["main_library"]
    fields = [built[name] for name in ("cuda", "cudnn", "compute_capabilities", "numpy_abi", "instruction_sets")]
    plain = ["?" if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value for value in fields]
    name = Path(library["path"]).name if library["path"] else None
    return Told(*plain, name, library["glibc"], library["libstdcxx"])


def test_cntk_without_open_mpi_names_what_it_misses(environments_folder: Path) -> None:
    """The names come from the header of its library, and the import dies of the first of them."""
    python = built(environments_folder, of("legacy"))
    report = reported(python, {}, "--backend", "cntk", "--device", "cpu")
    cntk = next(backend for backend in report["facts"]["backends"] if backend["name"] == "cntk")
    assert cntk["main_library"]["missing"] == ["libmpi_cxx.so.1", "libmpi.so.12"]
    assert "libmpi_cxx.so.1: cannot open shared object file" in cntk["import"]["error"]
    causes = {finding["id"]: finding["explained_by"] for finding in report["findings"]}
    assert causes["framework-import-raised"] == "cntk-openmpi-missing"
    assert causes["cntk-openmpi-missing"] is None


def test_theano_says_whether_it_compiles_and_with_which_blas(environments_folder: Path) -> None:
    python = built(environments_folder, of("legacy"))
    (run,) = reported(python, {}, "--backend", "theano")["facts"]["smoke"]
    said = next(stage["detail"] for stage in run["stages"] if stage["name"] == "devices")
    assert "compiles with" in said or "no C++ compiler" in said
    assert "BLAS: " in said


def test_a_graph_that_runs_elsewhere_is_seen(environments_folder: Path) -> None:
    """TensorFlow 1 under Keras moves operations in silence where a device is not there; the trace tells."""
    python = built(environments_folder, of("legacy"))
    script = Path(__file__).with_name("graph_placement.py")
    stages = Path(WORKERS) / "_smoke"
    result = subprocess.run([python, script, stages], capture_output=True, text=True, timeout=SECONDS, check=True)
    found = json.loads(result.stdout.splitlines()[-1])
    assert found.pop("absent") == "asked for /device:GPU:0, and it ran on /device:CPU:0"
    assert found.pop("all-devices") == "/device:CPU:0 + /device:CPU:1"
    assert set(found.values()) == {"/device:CPU:1"}
    assert "train" in found
