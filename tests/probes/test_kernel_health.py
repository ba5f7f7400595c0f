"""Whether the target's kernel can start, and what a running notebook still holds."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from simulated.pythons import install, site_packages, user_host, venv, write

from envcheck.model.facts import Notebook
from envcheck.model.unknown import Unknown
from envcheck.probes import interpreter, notebook, target

KERNEL_FILES = {"ipykernel/__init__.py": "", "ipykernel/kernelapp.py": "import zmq\n"}


def look(tmp_path: Path, files: dict[str, str], *, kernel: bool = True) -> Notebook:
    """Look at an environment with a stand-in for ipykernel, and with a kernel of Jupyter that starts it."""
    made = venv(tmp_path / "env")
    install(site_packages(made), "ipykernel", "7.1.0", {**KERNEL_FILES, **files})
    if kernel:
        spec = {"argv": [str(made / "bin/python"), "-m", "ipykernel_launcher"], "language": "python"}
        write(tmp_path / "jupyter" / "kernels" / "mine", {"kernel.json": json.dumps(spec)})
    host = user_host(tmp_path, JUPYTER_PATH=str(tmp_path / "jupyter"))
    return notebook.probe(host, interpreter.probe(host, target.find(host, str(made), None)))


def test_a_kernel_that_can_start(tmp_path: Path) -> None:
    assert look(tmp_path, {"zmq.py": ""}).ipykernel_error is None


def test_a_kernel_that_cannot(tmp_path: Path) -> None:
    assert look(tmp_path, {}).ipykernel_error == "ModuleNotFoundError: No module named 'zmq'"


def test_a_kernel_that_dies(tmp_path: Path) -> None:
    found = look(tmp_path, {"zmq.py": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"})
    assert found.ipykernel_error == "the process died of SIGSEGV"


def test_where_no_kernel_starts_the_target_nothing_is_imported(tmp_path: Path) -> None:
    error = look(tmp_path, {"zmq.py": f"open({str(tmp_path / 'imported')!r}, 'w')\n"}, kernel=False).ipykernel_error
    assert isinstance(error, Unknown) and error.reason == "skipped"
    assert not (tmp_path / "imported").exists()


IN_A_NOTEBOOK = """
import sys
sys.path.insert(0, sys.argv[1])
{imports}
import envcheck, msgspec
report = envcheck.check(python=sys.executable, smoke=False)
print(msgspec.json.encode(report.facts.notebook.stale_modules).decode())
"""


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        ("import ipykernel, numpy", [{"name": "numpy", "loaded": "1.26.4", "installed": "2.3.5"}]),
        ("import numpy", []),
    ],
    ids=["replaced", "no notebook"],
)
def test_packages_that_were_replaced_under_a_notebook(tmp_path: Path, imports: str, expected: list[Any]) -> None:
    """The metadata tell of a NumPy that came after the one in memory."""
    site = tmp_path / "site"
    old = {"numpy/__init__.py": "__version__ = '1.26.4'\n", "ipykernel/__init__.py": ""}
    install(site, "numpy", "2.3.5", old)
    result = subprocess.run(
        [sys.executable, "-c", IN_A_NOTEBOOK.format(imports=imports), str(site)],
        env={**os.environ, "PYTHONPATH": str(site), "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert json.loads(result.stdout.splitlines()[-1]) == expected
