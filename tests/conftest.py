"""Real environments for the tests that need a framework, built once and kept for the session."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("envcheck", deadline=None)  # no test is judged by the clock
hypothesis.settings.load_profile("envcheck")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background with Ctrl-C ignored, and children inherit that; its tests need it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ENVIRONMENTS = Path(__file__).parent / "environments"
SECONDS_TO_BUILD = 1200


@pytest.fixture(scope="session")
def environments_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return where environments are built: ENVCHECK_TEST_ENVIRONMENTS, which keeps them for the next session too."""
    kept = os.environ.get("ENVCHECK_TEST_ENVIRONMENTS")
    if kept:
        yield Path(kept)
        return
    folder = tmp_path_factory.mktemp("environments")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # gigabytes, and pytest keeps the folders of three sessions


@pytest.fixture(scope="session")
def keras_environment(environments_folder: Path) -> str:
    """Return an interpreter that has Keras 3 with TensorFlow, JAX, PyTorch and OpenVINO."""
    return _interpreter(environments_folder, "all")


@pytest.fixture(scope="session")
def jax_environment(environments_folder: Path) -> str:
    """Return an interpreter that has Keras 3 with JAX alone."""
    return _interpreter(environments_folder, "jax")


@pytest.fixture(scope="session")
def gpu_tools_environment(environments_folder: Path) -> str:
    """Return an interpreter that has gpustat and nvitop."""
    return _interpreter(environments_folder, "gpu-tools")


def _interpreter(folder: Path, name: str) -> str:
    """Build the environment ``environments/NAME.txt`` below ``folder`` unless a whole one stands there."""
    pins = (ENVIRONMENTS / f"{name}.txt").read_text()
    place = folder / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    python = place / "bin" / "python"
    built = place / "built-from.txt"  # written last: a half-built environment has none
    if not (built.is_file() and built.read_text() == pins and python.exists()):
        # --compile-bytecode: workers run with -B, so each start would compile the frameworks' sources again.
        _uv("venv", "--clear", "--python", sys.executable, str(place), name=name)
        install = ("pip", "install", "--compile-bytecode", "--python", str(python))
        _uv(*install, "--requirement", str(ENVIRONMENTS / f"{name}.txt"), name=name)
        built.write_text(pins)
    return str(python)


def _uv(*arguments: str, name: str) -> None:
    environ = dict(os.environ)
    if "PIP_FIND_LINKS" in environ:
        environ.setdefault("UV_FIND_LINKS", environ["PIP_FIND_LINKS"])
    try:
        result = subprocess.run(
            [sys.executable, "-m", "uv", *arguments],
            env=environ,
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_BUILD,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the environment '{name}' was not built within {SECONDS_TO_BUILD} s")
    if result.returncode:
        reason = " ".join(result.stderr.split())[-300:]
        pytest.skip(f"the environment '{name}' could not be built from the package index: {reason}")
