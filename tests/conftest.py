"""Real environments for the tests that need a framework, built once and kept for the session."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from framework_environments import NotBuilt, build

hypothesis.settings.register_profile("envcheck", deadline=None)  # no test is judged by the clock
hypothesis.settings.load_profile("envcheck")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background with Ctrl-C ignored, and children inherit that; its tests need it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def notebook_environment(environments_folder: Path) -> str:
    """Return an interpreter that has ipykernel and jupyter_client, and no Keras."""
    return _interpreter(environments_folder, "notebook")


def _interpreter(folder: Path, name: str) -> str:
    try:
        return str(build(folder, name) / "bin" / "python")
    except NotBuilt as reason:
        pytest.skip(str(reason))
