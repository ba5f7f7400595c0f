"""Suggestions for a conda environment: what is printed is run, tried and undone in a real one.

The program ``conda`` is a stand-in (tests/simulated/conda_program.py): its command line is ours, while packages are
solved, linked and recorded by py-rattler.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from simulated import conda, pythons
from simulated.conda import User

CONFLICT = "package-requirements-conflict"


@pytest.fixture
def ana(tmp_path: Path) -> User:
    return conda.with_conflict(tmp_path / "ana")


def suggested(user: User, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    """Return the fixes by finding; the target is as it was, and nothing is left of a trial."""
    before = user.conda_versions(), user.versions(), sorted(user.home.glob("env/**/*"))
    result = user.fixes("--no-smoke", "--format", "json", *arguments)
    assert result.returncode in (0, 1), result.stderr
    assert (user.conda_versions(), user.versions(), sorted(user.home.glob("env/**/*"))) == before
    assert not any(name.startswith("envcheck") for name in os.listdir(user.home / "tmp"))
    return {step["findings"][0]["id"]: step["fixes"] for step in json.loads(result.stdout)["steps"]}


def ask_for(user: User, requirement: str) -> None:
    """Let the installed tensorflow-text ask for something else."""
    metadata = next(user.site.glob("tensorflow_text-*.dist-info")) / "METADATA"
    text = re.sub("Requires-Dist: .*", f"Requires-Dist: {requirement}", metadata.read_text())
    metadata.unlink()  # a hard link into conda's cache
    metadata.write_text(text)


# --- commands -----------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="NumPy 1 has no package for Python 3.13: nothing is computed")
def test_the_range_is_computed_and_conda_chooses_inside_it(ana: User) -> None:
    for version in ("1.24.4", "1.26.4", "2.1.0"):
        ana.offer_package("numpy", version)
    ana.index_channel()
    assert ana.conda("install", "-y", "-p", str(ana.environment), "numpy==2.1.0").returncode == 0
    ask_for(ana, "numpy<2,>=1.25")
    (fix,) = suggested(ana)[CONFLICT]
    assert fix["commands"] == ["conda install -y -p ~/env 'numpy>=1.25.0,<2.0.0'"]
    assert ana.call("sh", "-c", fix["commands"][0]).returncode == 0
    assert ana.versions()["numpy"] == "1.26.4"


def test_the_program_that_is_there_is_called(ana: User) -> None:
    (ana.home / "bin" / "conda").rename(ana.home / "bin" / "micromamba")
    (fix,) = suggested(ana, "--verify")[CONFLICT]
    assert fix["commands"] == ["micromamba install -y -p ~/env 'helper-lib>=2'"]
    assert fix["notes"] == [
        "No set of releases could be computed from what envcheck knows, so conda's own solver chooses"
    ]
    assert fix["verification"]["status"] == "verified"


# --- --verify -----------------------------------------------------------------------------------------


def test_a_suggestion_that_holds(ana: User) -> None:
    pythons.write(ana.home, {".keras/keras.json": '{"floatx": "float31"}'})
    result = ana.fixes("--no-smoke", "--verify")
    assert "the channels that conda is set up with" in result.stderr
    assert "Tried in a scratch environment: verified." in result.stdout
    assert "not verifiable. It changes no packages." in " ".join(result.stdout.split())


def test_a_suggestion_that_does_not_resolve(ana: User) -> None:
    ask_for(ana, "helper-lib>=3")
    verification = suggested(ana, "--verify")[CONFLICT][0]["verification"]
    assert verification["status"] == "does not resolve"
    assert "helper-lib" in verification["detail"]


def test_a_suggestion_that_does_not_help(ana: User) -> None:
    """What conda has as helper-lib 2.1 says in Python that it is 1.1."""
    for path in (ana.channel / "noarch").glob("helper-lib-2*"):
        path.unlink()
    ana.offer_package("helper-lib", "2.1", calls_itself="1.1")
    ana.index_channel()
    assert suggested(ana, "--verify")[CONFLICT][0]["verification"]["status"] == "still fails"


def test_a_channel_out_of_reach_is_no_verdict(ana: User) -> None:
    ana.environ["CONDA_CHANNELS"] = "http://127.0.0.1:9/channel"
    verification = suggested(ana, "--verify")[CONFLICT][0]["verification"]
    assert verification["status"] == "not verifiable"
    assert "CONNECTION FAILED" in verification["detail"]


def test_without_conda_nothing_is_tried(ana: User) -> None:
    (ana.home / "bin" / "conda").unlink()
    verification = suggested(ana, "--verify")[CONFLICT][0]["verification"]
    assert verification["status"] == "not verifiable"
    assert "the program conda is not here" in verification["detail"]


# --- --apply and back ---------------------------------------------------------------------------------


def test_it_is_carried_out_and_undone(ana: User) -> None:
    """What was changed comes back as the same builds, also what is gone by now; what pip installed stays."""
    ana.offer("other-lib", "1.0")
    assert ana.call("uv", "pip", "install", "-q", "-p", ana.python, "other-lib").returncode == 0
    before = ana.conda_versions(), ana.versions()
    result = ana.fixes("--no-smoke", "--apply", "--yes")
    assert result.returncode == 0, result.stderr
    assert "$ conda install -y -p ~/env 'helper-lib>=2'" in result.stderr
    assert ana.conda_versions() == {**before[0], "helper-lib": "2.0=py_0", "new-lib": "1.0=py_0"}
    assert result.stdout.splitlines()[-1] == "Nothing is left to do."
    assert ana.conda("remove", "-y", "--force", "-p", str(ana.environment), "keras").returncode == 0
    command = re.findall(r"To undo everything: (sh .*)", result.stderr)[-1]
    for _ in range(2):
        undone = ana.call("sh", "-c", command)
        assert undone.returncode == 0, undone.stderr
        assert (ana.conda_versions(), ana.versions()) == before
