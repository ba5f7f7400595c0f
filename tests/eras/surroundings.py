"""What the eras stand on: their environments, built from the lock files, and what Debian packages for them."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from interpreters import PYENV, interpreter

LOCKS = Path(__file__).parent.parent / "environments"
SECONDS = 1200
ENVCHECK = (sys.executable, "-m", "envcheck", "report", "--format", "json", "--timeout", "500")
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
    Era("tf212", "3.11", {"tensorflow": ("keras-2", "2.12.1"), "jax": ("native", "0.4.38")}),
    Era("tf210", "3.10", {"tensorflow": ("keras-2", "2.10.1")}),
    Era("tf28", "3.9", {"tensorflow": ("keras-2", "2.8.4")}),
    Era("tf26", "3.9", {"tensorflow": ("keras-2", "2.6.5")}),
    Era("tf24", "3.8", {"tensorflow": ("keras-2", "2.4.4")}),
    Era("tf23", "3.8", {"tensorflow": ("keras-2", "2.3.4")}),
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


def of(lock: str) -> Era:
    return next(era for era in ERAS if era.lock == lock)


def wanted(era: Era) -> Era:
    """Return ``era``, or skip the test where it is built on demand only."""
    if not era.by_default and os.environ.get("ENVCHECK_ERAS") != "all":
        pytest.skip(f"the environment '{era.lock}' is built with ENVCHECK_ERAS=all only")
    return era


def built(folder: Path, era: Era) -> Path:
    """Build the environment below ``folder`` unless it stands there whole, and return its interpreter."""
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


def unpacked(folder: Path, name: str, *packages: str) -> Path:
    """Return ``folder/name`` with what Debian's packages hold, unpacked there without root."""
    place = folder / name
    whole = place / "unpacked.txt"
    if whole.is_file():
        return place
    place.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(["apt-get", "download", *packages], cwd=place, capture_output=True, timeout=SECONDS, check=True)
        for package in place.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(place)], capture_output=True, timeout=60, check=True)
            package.unlink()
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"Debian's packages {', '.join(packages)} could not be had: {error}")
    whole.write_text(" ".join(packages))
    return place


def reported(python: Path, environ: dict[str, str], *options: str) -> dict[str, Any]:
    """Return envcheck's report on the environment of ``python``."""
    result = subprocess.run(
        [*ENVCHECK, "--python", str(python), *options],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert result.returncode in (0, 1), result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def openmpi(folder: Path) -> Path:
    """Return a folder with the MPI libraries that CNTK needs."""
    libraries = unpacked(folder, "openmpi", *MPI_PACKAGES) / "usr" / "lib" / "x86_64-linux-gnu"
    if not (libraries / "libmpi.so.40").exists():
        pytest.skip("CNTK needs OpenMPI, and this machine's packages hold another version than 4")
    for old, new in MPI_NAMES.items():
        if not (libraries / old).exists():
            (libraries / old).symlink_to(new)
    return libraries
