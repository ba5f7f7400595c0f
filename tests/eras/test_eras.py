"""Every era for real: its environment is built from a committed lock file and inspected from outside.

A few environments are built by default; ENVCHECK_ERAS=all builds the rest too.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from interpreters import PYENV, interpreter

from envcheck.child import WORKERS

pytestmark = pytest.mark.eras

LOCKS = Path(__file__).parent.parent / "environments"
SECONDS = 1200
#: Of Debian 12. CNTK 2.7 was linked with OpenMPI 1.10; for one process 4.1 does under the old names.
MPI_PACKAGES = ("libopenmpi3", "libevent-core-2.1-7", "libevent-pthreads-2.1-7", "libhwloc15")
MPI_NAMES = {"libmpi.so.12": "libmpi.so.40", "libmpi_cxx.so.1": "libmpi_cxx.so.40"}


@dataclass(frozen=True)
class Era:
    """``runs``: what each framework has to report: through which Keras, if any, and its version."""

    lock: str
    python: str
    runs: dict[str, tuple[str, str]]
    by_default: bool = False
    mpi: bool = False
    environ: tuple[tuple[str, str], ...] = ()


ERAS = (
    Era("tf215", "3.9", {"tensorflow": ("keras-2", "2.15.1")}, by_default=True),
    Era(
        "legacy",
        "3.6",
        {"tensorflow": ("keras-2", "1.15.5"), "theano": ("keras-2", "1.0.5"), "cntk": ("keras-2", "2.7")},
        by_default=True,
        mpi=True,
    ),
    Era("paddle", "3.11", {"paddle": ("native", "3.3.1")}, by_default=True),
    Era("tfk", "3.11", {"tensorflow": ("keras-2", "2.21.0")}, environ=(("TF_USE_LEGACY_KERAS", "1"),)),
    Era("tf210", "3.10", {"tensorflow": ("keras-2", "2.10.1")}),
    Era("tf115", "3.7", {"tensorflow": ("keras-2", "1.15.5")}),
    Era("tf114", "3.6", {"tensorflow": ("keras-2", "1.14.0")}),
    Era("theano", "3.7", {"theano": ("keras-2", "1.0.5")}, environ=(("KERAS_BACKEND", "theano"),)),
    Era("cntk", "3.6", {"cntk": ("keras-2", "2.7")}, mpi=True, environ=(("KERAS_BACKEND", "cntk"),)),
    Era("kmx", "3.7", {"mxnet": ("keras-2", "1.9.1")}, environ=(("KERAS_BACKEND", "mxnet"),)),
    Era(
        "plaid",
        "3.7",
        {"plaidml": ("keras-2", "0.7.0")},
        environ=(
            ("KERAS_BACKEND", "plaidml.keras.backend"),
            ("PLAIDML_EXPERIMENTAL", "1"),
            ("PLAIDML_DEVICE_IDS", "llvm_cpu.0"),
        ),
    ),
    Era("mxnet", "3.8", {"mxnet": ("native", "1.9.1")}),
    Era("ort", "3.11", {"onnxruntime": ("native", "1.32.0")}),
    Era("jaxalone", "3.11", {"jax": ("native", "0.10.2")}),
    Era("torchalone", "3.11", {"torch": ("native", "2.13.0")}),
)


@pytest.fixture(params=ERAS, ids=lambda era: era.lock)
def era(request: pytest.FixtureRequest) -> Era:
    chosen: Era = request.param
    if not chosen.by_default and os.environ.get("ENVCHECK_ERAS") != "all":
        pytest.skip(f"the environment '{chosen.lock}' is built with ENVCHECK_ERAS=all only")
    return chosen


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
        assert [device["name"] for device in backends[name]["devices"]] == ["cpu"]
    assert [finding["id"] for finding in report["findings"] if finding["severity"] != "info"] == []


def test_a_graph_that_runs_elsewhere_is_seen(environments_folder: Path) -> None:
    """TensorFlow 1 under Keras moves operations in silence where a device is not there; the trace tells."""
    python = built(environments_folder, next(era for era in ERAS if era.lock == "legacy"))
    script = Path(__file__).with_name("graph_placement.py")
    stages = Path(WORKERS) / "_smoke"
    result = subprocess.run([python, script, stages], capture_output=True, text=True, timeout=SECONDS, check=True)
    found = json.loads(result.stdout.splitlines()[-1])
    assert found.pop("absent") == "asked for /device:GPU:0, and it ran on /device:CPU:0"
    assert found.pop("all-devices") == "/device:CPU:0 + /device:CPU:1"
    assert set(found.values()) == {"/device:CPU:1"}
    assert "train" in found


def reported(python: Path, environ: dict[str, str]) -> dict[str, Any]:
    result = subprocess.run(
        [sys.executable, "-m", "envcheck", "report", "--python", str(python), "--format", "json", "--timeout", "500"],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert result.returncode in (0, 1), result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def built(folder: Path, era: Era) -> Path:
    """Build the environment below ``folder`` unless it stands there whole."""
    base = interpreter(era.python)
    if base is None:
        pytest.skip(f"the environment '{era.lock}' needs Python {era.python}, and there is none below {PYENV}")
    lock = LOCKS / f"{era.lock}.txt"
    place = folder / f"era-{era.lock}"
    python, stamp = place / "bin" / "python", place / "built-from.txt"
    if stamp.is_file() and stamp.read_text() == lock.read_text():
        return python
    _call(era, sys.executable, "-m", "uv", "venv", "--clear", "--python", base, str(place))
    _call(era, sys.executable, "-m", "uv", "pip", "install", "--python", str(python), "--requirement", str(lock))
    stamp.write_text(lock.read_text())
    return python


def _call(era: Era, *command: str) -> None:
    environ = dict(os.environ)
    if "PIP_FIND_LINKS" in environ:
        environ.setdefault("UV_FIND_LINKS", environ["PIP_FIND_LINKS"])
    result = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False)
    if result.returncode:
        pytest.skip(f"the environment '{era.lock}' could not be built: {' '.join(result.stderr.split())[-300:]}")


def openmpi(folder: Path) -> Path:
    """Return a folder with the MPI libraries that CNTK needs, unpacked from Debian's packages without root."""
    place = folder / "openmpi"
    libraries = place / "usr" / "lib" / "x86_64-linux-gnu"
    if (libraries / "libmpi.so.12").exists():
        return libraries
    place.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(
            ["apt-get", "download", *MPI_PACKAGES], cwd=place, capture_output=True, timeout=SECONDS, check=True
        )
        for package in place.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(place)], capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"CNTK needs OpenMPI, and Debian's packages of it could not be had: {error}")
    if not (libraries / "libmpi.so.40").exists():
        pytest.skip("CNTK needs OpenMPI, and this machine's packages hold another version than 4")
    for old, new in MPI_NAMES.items():
        (libraries / old).symlink_to(new)
    return libraries
