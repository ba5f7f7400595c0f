"""A slice of tests/benchmarks/resolve_grid.py: what the solver names is what a real resolver accepts."""

import os
import shutil
import subprocess
import sysconfig

import pytest
from benchmarks.resolve_grid import cells, resolve

pytestmark = pytest.mark.frameworks

SLICE = (("3.9", "5.0", "470.256.02"), ("3.12", "8.9", "550.54.14"))


@pytest.fixture(scope="module")
def uv() -> str:
    found = shutil.which("uv", path=os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", ""))))
    if found is None:
        pytest.skip("uv is not installed")
    asked = subprocess.run(
        [found, "pip", "compile", "-", "--quiet"], input="packaging", capture_output=True, text=True, check=False
    )
    if asked.returncode != 0:
        pytest.skip("the package index cannot be asked")
    return found


@pytest.mark.parametrize(("python", "gpu", "driver"), SLICE)
def test_sets_resolve(uv: str, python: str, gpu: str, driver: str) -> None:
    grid = list(cells([python], [gpu], [driver]))
    assert any(cell.question for cell in grid)
    for cell in grid:
        if cell.question:
            failure, _ = resolve(uv, cell.question)
            assert failure is None, cell.question
