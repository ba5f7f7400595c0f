"""Parts of the smoke worker that need no framework: the names of devices, the libraries of a process."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from interpreters import each

PARTS = Path(__file__).parent.parent.parent / "envcheck" / "workers" / "_smoke"


def part(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"smoke_part_{name}", PARTS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


naming = part("naming")


def devices(*kinds: str) -> Any:
    return naming.named([{"kind": kind, "framework_name": str(number)} for number, kind in enumerate(kinds)])


def names(found: Any) -> list[str]:
    return [device["name"] for device in found]


def test_devices_are_numbered_by_kind_and_a_lone_cpu_is_not() -> None:
    assert names(devices("cpu", "gpu", "gpu", "tpu")) == ["cpu", "gpu:0", "gpu:1", "tpu:0"]
    assert names(devices("cpu", "cpu")) == ["cpu:0", "cpu:1"]


@pytest.mark.parametrize(
    ("patterns", "selected", "unmatched"),
    [
        ([], ["cpu", "gpu:0", "gpu:1"], []),
        (["gpu"], ["gpu:0", "gpu:1"], []),
        (["gpu:1"], ["gpu:1"], []),
        (["cpu:0", "gpu:7"], ["cpu"], ["gpu:7"]),
        (["tpu"], [], ["tpu"]),
    ],
)
def test_patterns_choose_devices(patterns: list[str], selected: list[str], unmatched: list[str]) -> None:
    found = devices("cpu", "gpu", "gpu")
    assert names(naming.selected(found, patterns)) == selected
    assert naming.unmatched(found, patterns) == unmatched


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a library whose name matters to the stack and whose file name tells its version."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler to build a shared library")
    folder = tmp_path_factory.mktemp("libraries")
    path = folder / "libcudnn.so.9.8.7"
    source = folder / "empty.c"
    source.write_text("int fancy(void) { return 1; }\n")
    subprocess.run([compiler, "-shared", "-fPIC", "-Wl,-soname,libcudnn.so.9", "-o", path, source], check=True)
    return path


@each("3.6", "3.13")
def test_loaded_libraries_have_soname_path_and_version(python: str, library: Path) -> None:
    code = f"""
import ctypes, importlib.util, json
spec = importlib.util.spec_from_file_location("libraries", {str(PARTS / "libraries.py")!r})
libraries = importlib.util.module_from_spec(spec)
spec.loader.exec_module(libraries)
before = libraries.loaded()
ctypes.CDLL({str(library)!r})
print(json.dumps([before, libraries.loaded()]))
"""
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    before, after = json.loads(done.stdout)
    assert [found for found in after if found not in before] == [
        {"soname": "libcudnn.so.9", "path": str(library), "version": "9.8.7"}
    ]
