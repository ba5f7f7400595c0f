"""Interpreters, environments and installed packages, made of real files."""

import csv
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from envcheck.host import Host

PYENV = Path("~/.pyenv/versions").expanduser()


def user_host(tmp_path: Path, timeout: float = 60.0, cwd: Path | None = None, **environ: str) -> Host:
    """Return this machine as a user sees it who has a home, a working directory, and only ``environ`` set."""
    home = tmp_path / "home"
    work = cwd or tmp_path / "work"
    for folder in (home, work):
        folder.mkdir(exist_ok=True)
    return Host(environ={"PATH": os.defpath, "HOME": str(home), **environ}, cwd=str(work), timeout=timeout)


def pyenv(version: str) -> str:
    """Return an interpreter of pyenv, such as ``3.6``; skips the test where there is none."""
    found = sorted(PYENV.glob(f"{version}.*/bin/python"))
    if not found:
        pytest.skip(f"no Python {version} below {PYENV}")
    return str(found[-1])


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files of the given names and contents below ``folder``."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def program(path: Path, text: str) -> Path:
    """Write a program that the system can start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def venv(folder: Path, python: str = sys.executable) -> Path:
    """Make a real virtual environment."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    return folder


def site_packages(environment: Path) -> Path:
    return next(environment.glob("lib/python*/site-packages"))


def environment_of(folder: Path, interpreter: str | None = None, version: str = "3.9.2", home: str = "/gone") -> Path:
    """Write the files of a virtual environment, whose interpreter is a link to ``interpreter`` or is missing."""
    write(folder, {"pyvenv.cfg": f"home = {home}\ninclude-system-site-packages = false\nversion = {version}\n"})
    (folder / "bin").mkdir()
    minor = ".".join(version.split(".")[:2])
    (folder / "lib" / f"python{minor}" / "site-packages").mkdir(parents=True)
    if interpreter is not None:
        (folder / "bin" / "python").symlink_to(interpreter)
    return folder


def install(
    site: Path,
    name: str,
    version: str,
    files: Mapping[str, str | bytes] | None = None,
    *,
    requires: tuple[str, ...] = (),
    tag: str = "py3-none-any",
    metadata: Mapping[str, str | bytes] | None = None,
) -> Path:
    """Install a distribution as pip does, and return its metadata folder."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    headers = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    headers += "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    everything: dict[str, str | bytes] = {
        **(files or {}),
        f"{info}/METADATA": headers + "\nA description\nName: of something else\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n",
        f"{info}/INSTALLER": "pip\n",
        **{f"{info}/{key}": value for key, value in (metadata or {}).items()},
    }
    record = io.StringIO(newline="")
    rows = csv.writer(record, lineterminator="\n")
    for path, content in everything.items():
        rows.writerow((path, "sha256=x", len(content.encode() if isinstance(content, str) else content)))
    rows.writerow((f"{info}/RECORD", "", ""))
    everything.setdefault(f"{info}/RECORD", record.getvalue())
    write(site, everything)
    return site / info


def compile_c(output: Path, source: str, *arguments: str) -> Path:
    """Compile C; skips the test where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    output.parent.mkdir(parents=True, exist_ok=True)
    code = output.with_name(output.name + ".c")
    code.write_text(source)
    subprocess.run([compiler, str(code), "-o", str(output), *arguments], check=True, timeout=60)
    return output


def elf_header(machine: int, size: int = 4096) -> bytes:
    """Return a 64-bit little-endian ELF program of ``size`` bytes for a processor, with nothing in it to run."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += (2).to_bytes(2, "little") + machine.to_bytes(2, "little") + (1).to_bytes(4, "little")
    header += bytes(24) + bytes(4) + (64).to_bytes(2, "little") + bytes(10)
    return header.ljust(size, b"\0")
