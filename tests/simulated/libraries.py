"""Shared libraries with the names of CUDA's, compiled for the test, and frameworks that ask for them."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from envcheck.host import Host
from envcheck.model.facts import Backend, BuiltFor, Import, Package, Python
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown

NOT_TOLD = Unknown("skipped", "this test does not tell")


def shared_library(
    path: Path, *, soname: str | None = None, needs: Sequence[str] = (), rpath: str = "", runpath: str = ""
) -> Path:
    """Compile an empty shared library. ``needs`` are sonames; they need not be anywhere."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to build stand-ins of CUDA's libraries with")
    path.parent.mkdir(parents=True, exist_ok=True)
    stubs = path.parent / ".stubs"
    for name in needs:
        stubs.mkdir(exist_ok=True)
        _compile(compiler, stubs / name, f"-Wl,-soname,{name}")
    flags = [f"-Wl,-soname,{soname or path.name}", "-Wl,--no-as-needed", *(str(stubs / name) for name in needs)]
    if rpath:
        flags += ["-Wl,--disable-new-dtags", f"-Wl,-rpath,{rpath}"]
    if runpath:
        flags += ["-Wl,--enable-new-dtags", f"-Wl,-rpath,{runpath}"]
    _compile(compiler, path, *flags)
    shutil.rmtree(stubs, ignore_errors=True)
    return path


def _compile(compiler: str, path: Path, *flags: str) -> None:
    command = [compiler, "-shared", "-fPIC", "-x", "c", "/dev/null", "-x", "none", "-o", str(path), *flags]
    subprocess.run(command, check=True)


def python(prefix: Path, *packages: Package) -> Python:
    """Return a target whose site-packages lie below ``prefix``."""
    site = prefix / "lib/python3.11/site-packages"
    site.mkdir(parents=True, exist_ok=True)
    return msgspec.structs.replace(
        all_unknown(Python, NOT_TOLD),
        executable=None,
        machine=os.uname().machine,
        prefix=str(prefix),
        site_packages=(str(site),),
        packages=packages,
        conda_packages=(),
    )


def wheel(prefix: Path, name: str, version: str, *files: Path) -> Package:
    """Return an installed distribution, whose RECORD names ``files``."""
    site = prefix / "lib/python3.11/site-packages"
    metadata = site / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    lines = [f"{file.relative_to(site)},sha256=x,{file.stat().st_size}\n" for file in files]
    (metadata / "RECORD").write_text("".join(lines), encoding="utf-8")
    values: dict[str, Any] = {field.name: NOT_TOLD for field in msgspec.structs.fields(Package)}
    return Package(**{**values, "name": name, "version": version, "location": str(site), "metadata": str(metadata)})


def framework(name: str, location: Path, cuda: str | None, cudnn: str | None = "9", version: str = "1.0") -> Backend:
    """Return a framework that was built for CUDA."""
    built = msgspec.structs.replace(all_unknown(BuiltFor, NOT_TOLD), cuda=cuda, cudnn=cudnn)
    return Backend(
        name=name,
        keras_backend=True,
        installed=True,
        version=version,
        metadata_version=version,
        distributions=(name,),
        how=NOT_TOLD,
        location=str(location),
        built_for=built,
        devices=NOT_TOLD,
        imported=all_unknown(Import, NOT_TOLD),
    )


def loaded_by_the_real_loader(path: Path, host: Host) -> dict[str, str]:
    """Return the file of each library that the dynamic loader of this machine takes for ``path``."""
    environ = {"LD_LIBRARY_PATH": host.environ.get("LD_LIBRARY_PATH", ""), "PATH": os.defpath}
    answer = subprocess.run(["ldd", str(path)], env=environ, capture_output=True, text=True, check=True)
    found = {}
    for line in answer.stdout.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if arrow and not rest.startswith("not found"):
            found[name] = rest.partition(" (")[0]
    return found
