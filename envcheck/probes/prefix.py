"""What the files below a prefix (the root of an environment or of a Python) tell, without starting anything."""

import os
import re
import sys
from dataclasses import dataclass

from envcheck.host import Host

INTERPRETERS = ("bin/python", "bin/python3", "bin/python2", "Scripts/python.exe", "python.exe")


@dataclass(frozen=True)
class Venv:
    """The file ``pyvenv.cfg`` (PEP 405); None stands for what it does not say."""

    home: str | None
    version: str | None
    implementation: str | None
    system_site_packages: bool
    made_by_uv: bool


def venv(host: Host, prefix: str) -> Venv | None:
    """Return what ``pyvenv.cfg`` of an environment says, or None if it has none that can be read."""
    text = host.unrooted().read_text(os.path.join(prefix, "pyvenv.cfg"))
    if not isinstance(text, str):
        return None
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, found, value = line.partition("=")
        if found:
            values.setdefault(key.strip().lower(), value.strip())
    return Venv(
        home=values.get("home") or None,
        # 'version' is written by the standard library, 'version_info' by virtualenv and uv.
        version=values.get("version") or _release(values.get("version_info", "")),
        implementation=values.get("implementation") or None,
        system_site_packages=values.get("include-system-site-packages", "").lower() == "true",
        made_by_uv="uv" in values,
    )


def base_is_gone(host: Host, prefix: str) -> bool:
    """Say whether the interpreter that a virtual environment was made from is no longer there."""
    settings = venv(host, prefix)
    if settings is None or settings.home is None:
        return False
    files = host.unrooted()
    return not any(files.is_file(os.path.join(settings.home, os.path.basename(name))) for name in INTERPRETERS) and (
        not _versioned(host, settings.home)
    )


def is_conda(host: Host, prefix: str) -> bool:
    return host.unrooted().is_dir(os.path.join(prefix, "conda-meta"))


def is_environment(host: Host, folder: str) -> bool:
    """Say whether a folder is the root of a virtual environment or of a conda environment."""
    return host.unrooted().is_file(os.path.join(folder, "pyvenv.cfg")) or is_conda(host, folder)


def holds_python(host: Host, folder: str) -> bool:
    """Say whether there is an interpreter, be it a link that leads nowhere, or a library of Python below a folder."""
    return interpreter(host, folder) is not None or bool(library_folders(host, folder))


def interpreter(host: Host, prefix: str) -> str | None:
    """Return the interpreter below a prefix: one that exists, else a link that leads nowhere, else None."""
    names = [os.path.join(*name.split("/")) for name in INTERPRETERS]
    candidates = [os.path.join(prefix, name) for name in names]
    candidates += _versioned(host, os.path.join(prefix, "bin"))
    files = host.unrooted()
    existing = (path for path in candidates if files.is_file(path))
    links = (path for path in candidates if isinstance(files.link(path), str))
    return next(existing, None) or next(links, None)


def library_folders(host: Host, prefix: str) -> tuple[str, ...]:
    """Return the folders ``lib/pythonX.Y`` (on Windows ``Lib``) below a prefix."""
    files = host.unrooted()
    names = files.list_dir(os.path.join(prefix, "lib"))
    found = [name for name in names if re.match(r"(python|pypy)\d", name)] if isinstance(names, tuple) else []
    paths = [os.path.join(prefix, "lib", name) for name in found]
    if sys.platform == "win32":
        paths.append(os.path.join(prefix, "Lib"))
    return tuple(path for path in paths if files.is_dir(path))


def site_packages(host: Host, prefix: str) -> tuple[str, ...]:
    """Return the folders below a prefix that packages are installed in, for every version of Python found there."""
    names = ("site-packages", "dist-packages")
    candidates = [os.path.join(folder, name) for folder in library_folders(host, prefix) for name in names]
    return tuple(path for path in candidates if host.unrooted().is_dir(path))


def version(host: Host, prefix: str) -> str | None:
    """Return the version of Python that the files tell: whole, or as far as ``X.Y``; None if they tell none."""
    settings = venv(host, prefix)
    if settings is not None and settings.version:
        return settings.version
    names = host.unrooted().list_dir(os.path.join(prefix, "conda-meta"))
    for name in names if isinstance(names, tuple) else ():
        match = re.fullmatch(r"python-(\d+\.\d+\.\d+)-[^-]+\.json", name)
        if match:
            return match[1]
    found = {match[1] for path in library_folders(host, prefix) if (match := re.search(r"python(\d+\.\d+)$", path))}
    return found.pop() if len(found) == 1 else None


def _versioned(host: Host, folder: str) -> list[str]:
    names = host.unrooted().list_dir(folder)
    found = [name for name in names if re.fullmatch(r"(python|pypy)\d[\d.]*", name)] if isinstance(names, tuple) else []
    return [os.path.join(folder, name) for name in found]


def _release(version_info: str) -> str | None:
    """Return ``3.11.7`` of virtualenv's ``3.11.7.final.0`` and of uv's ``3.11.7``."""
    match = re.match(r"\d+\.\d+(\.\d+)?", version_info)
    return match[0] if match else None
