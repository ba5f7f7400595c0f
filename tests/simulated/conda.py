"""A conda environment made from a channel in a folder, whose packages are built here, and a user who has a ``conda``.

``conda`` is the stand-in of ``conda_program.py``, ``pixi`` that of ``pixi_program.py``: everything below their command
lines is done by py-rattler.
"""

import asyncio
import io
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulated import pythons, wheels

PROGRAMS = Path(__file__).parent
MINOR = wheels.MINOR
INSTALLED = {"python": f"={MINOR}", "helper-lib": "==1.0", "tensorflow-text": "", "keras": "", "pytorch": ""}


@dataclass
class User(wheels.User):
    """Somebody with a channel ``~/channel``, an environment ``~/env`` and a ``conda`` on PATH."""

    @property
    def channel(self) -> Path:
        return self.home / "channel"

    @property
    def variables(self) -> dict[str, str]:
        own = {"CONDA_CHANNELS": self.channel.as_uri(), "RATTLER_CACHE_DIR": str(self.home / "conda-cache")}
        found = {**super().variables, **own, **self.environ}
        return {**found, "PATH": f"{self.home / 'bin'}{os.pathsep}{found['PATH']}"}

    def offer_package(
        self,
        name: str,
        version: str,
        *,
        distribution: str | None = None,
        calls_itself: str | None = None,
        depends: tuple[str, ...] = (),
        requires: tuple[str, ...] = (),
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Put a package into the channel.

        ``distribution``, ``calls_itself`` (its version) and ``requires`` stand in Python's metadata, ``depends`` in
        conda's.
        """
        built = self.home / "built"
        wheel = wheels.wheel(built, distribution or name, calls_itself or version, requires=requires, more=more)
        with zipfile.ZipFile(wheel) as archive:
            files = {f"site-packages/{entry}": archive.read(entry) for entry in archive.namelist()}
        info = next(entry.rpartition("/")[0] for entry in files if entry.endswith("/METADATA"))
        files[f"{info}/INSTALLER"] = b"conda\n"
        _package(self.channel, name, version, files, ("python", *depends))

    def index_channel(self) -> None:
        from rattler.index import index_fs

        asyncio.run(index_fs(self.channel))

    def conda(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.call("conda", *arguments)

    def conda_versions(self) -> dict[str, str]:
        """Return what conda-meta says of the environment."""
        records = [json.loads(path.read_text()) for path in (self.environment / "conda-meta").glob("*.json")]
        return {record["name"]: f"{record['version']}={record['build']}" for record in records}


@dataclass
class ProjectUser(User):
    """Somebody with a project of pixi in ``~/work`` and a ``pixi`` on PATH."""

    @property
    def environment(self) -> Path:
        return self.home / "work" / ".pixi" / "envs" / "default"

    def fixes(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "envcheck", "fix-suggestions", "--python", str(self.environment))
        return self.call(*command, *arguments, stdin=stdin)


def _package(
    channel: Path, name: str, version: str, files: Mapping[str, bytes], depends: tuple[str, ...], subdir: str = "noarch"
) -> None:
    """Write a package (docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html)."""
    index = {
        "name": name, "version": version, "build": "py_0", "build_number": 0, "depends": list(depends),
        "subdir": subdir, "noarch": "python", "arch": None, "platform": None,
    }  # fmt: skip
    paths = [
        {"_path": place, "path_type": "hardlink", "size_in_bytes": len(content)} for place, content in files.items()
    ]
    about = {
        "info/index.json": json.dumps(index).encode(),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
        "info/link.json": json.dumps({"noarch": {"type": "python"}, "package_metadata_version": 1}).encode(),
    }
    with _archive(channel / subdir, name, version) as archive:
        for place, content in {**about, **files}.items():
            entry = tarfile.TarInfo(place)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))


def _archive(folder: Path, name: str, version: str) -> tarfile.TarFile:
    folder.mkdir(parents=True, exist_ok=True)
    return tarfile.open(folder / f"{name}-{version}-py_0.tar.bz2", "w:bz2", compresslevel=1)


def _python(channel: Path, subdir: str) -> None:
    """Build a package of the interpreter at hand: its program, and links to its standard library."""
    base = Path(str(getattr(sys, "_base_executable", sys.executable))).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    version = ".".join(map(str, sys.version_info[:3]))
    links = {f"lib/python{MINOR}/{entry.name}": entry for entry in library.iterdir() if entry.name != "site-packages"}
    links["bin/python"] = Path(f"python{MINOR}")
    program = f"bin/python{MINOR}"
    index = {
        "name": "python", "version": version, "build": "py_0", "build_number": 0, "depends": [], "subdir": subdir,
        "arch": None, "platform": None,
    }  # fmt: skip
    paths = [{"_path": program, "path_type": "hardlink", "size_in_bytes": base.stat().st_size}]
    paths += [{"_path": place, "path_type": "softlink", "size_in_bytes": 0} for place in links]
    with _archive(channel / subdir, "python", version) as archive:
        for place, text in (("index", index), ("paths", {"paths": paths, "paths_version": 1})):
            content = json.dumps(text).encode()
            entry = tarfile.TarInfo(f"info/{place}.json")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        archive.add(base, program)
        for place, target in links.items():
            entry = tarfile.TarInfo(place)
            entry.type, entry.linkname = tarfile.SYMTYPE, str(target)
            archive.addfile(entry)


def user(place: Path, program: str = "conda") -> User:
    """Make a user with a channel that has a Python, and no environment yet."""
    rattler = pytest.importorskip("rattler", reason="py-rattler, of the test extra, is not installed")
    if sys.platform == "win32":
        pytest.skip("the stand-in for conda is a program for POSIX")
    somebody = User(place, "uv")
    for name in ("work", "tmp", "wheels", "bin"):
        (place / name).mkdir(parents=True)
    (place / "uv.toml").write_text("no-index = true\n")
    (place / "bin" / "uv").symlink_to(wheels.UV)
    call = f"PYTHONPATH='{PROGRAMS.parent}' exec '{sys.executable}' -m {PROGRAMS.name}.{program}_program"
    pythons.program(place / "bin" / program, f'#!/bin/sh\n{call} "$@"\n')
    _python(somebody.channel, str(rattler.Subdir.current()))
    return somebody


def with_conflict(place: Path) -> User:
    """Make a user whose environment has one fault: tensorflow-text asks for another helper-lib than is there.

    The channel has what mends it. Keras and PyTorch are stand-ins that can be looked at and not used.
    """
    somebody = user(place)
    _offer_all(somebody)
    specs = [f"{name}{version}" for name, version in INSTALLED.items()]
    made = somebody.conda("create", "-y", "-p", str(somebody.environment), *specs)
    assert made.returncode == 0, made.stderr
    return somebody


def project_with_conflict(place: Path) -> ProjectUser:
    """Make a user with the same environment as a project of pixi, ``~/work``."""
    somebody = ProjectUser(**vars(user(place, "pixi")))
    _offer_all(somebody)
    lines = [f'{name} = "{version or "*"}"' for name, version in INSTALLED.items()]
    pythons.write(
        place,
        {
            "work/pixi.toml": "\n".join(
                (
                    "[workspace]",
                    f'channels = ["{somebody.channel.as_uri()}"]',
                    'platforms = ["linux-64"]',
                    "",
                    "[dependencies]",
                    *lines,
                    "",
                )
            )
        },
    )
    made = somebody.call("pixi", "install", "--manifest-path", str(place / "work"))
    assert made.returncode == 0, made.stderr
    return somebody


def _offer_all(somebody: User) -> None:
    somebody.environ["KERAS_BACKEND"] = "torch"
    somebody.offer_package("helper-lib", "1.0")
    somebody.offer_package("helper-lib", "2.0", depends=("new-lib",), requires=("new-lib",))
    somebody.offer_package("new-lib", "1.0")
    somebody.offer_package("tensorflow-text", "1.0", depends=("helper-lib",), requires=("helper-lib>=2",))
    backends = {f"keras/src/backend/{name}/__init__.py": "" for name in ("tensorflow", "jax", "torch")}
    somebody.offer_package("keras", "3.15.1", more=backends)
    version = {"torch/version.py": "cuda: str = None\nhip: str = None\n"}
    somebody.offer_package("pytorch", "2.2.2", distribution="torch", more=version)
    somebody.index_channel()
