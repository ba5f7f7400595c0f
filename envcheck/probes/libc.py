"""The C library: which one, and its version, without running a program of the machine."""

import os
import re

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes.system import system

_FOLDERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
_GLIBC = re.compile(rb"GNU C Library [^\n]{0,120}? release version (\d+\.\d+)")
_MUSL = re.compile(rb"\0(1\.[0-2]\.\d{1,2})\0")
"""musl keeps its version as a string of its own; 1.0 to 1.2 are its release lines (musl.libc.org/releases.html)."""

Library = tuple[str | None | Unknown, str | None | Unknown]


def libc(host: Host) -> Library:
    """Return name (``glibc``, ``musl``) and version; (None, None) on systems with neither."""
    name = system(host)
    if isinstance(name, Unknown):
        return name, name
    if name != "Linux":
        return None, None
    if not host.root:
        told = _of_this_process()
        if told is not None:
            return "glibc", told
    return _from_files(host)


def _of_this_process() -> str | None:
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        return None  # musl knows no such name
    return text.split()[-1] if text and text.startswith("glibc") else None


def _from_files(host: Host) -> Library:
    folders = [folder for base in _FOLDERS for folder in (base, *_multiarch(host, base))]
    for folder in folders:
        for path in _musl_loaders(host, folder):
            return "musl", _search(host, path, _MUSL)
    for folder in folders:
        path = f"{folder}/libc.so.6"
        if host.is_file(path):
            return "glibc", _search(host, path, _GLIBC)
    nothing = Unknown("failed", "found neither libc.so.6 nor a musl loader")
    return nothing, nothing


def _multiarch(host: Host, base: str) -> list[str]:
    names = host.list_dir(base)
    return (
        [f"{base}/{name}" for name in names if name.endswith(("-linux-gnu", "-linux-gnueabihf"))]
        if isinstance(names, tuple)
        else []
    )


def _musl_loaders(host: Host, folder: str) -> list[str]:
    names = host.list_dir(folder)
    found = [name for name in names if name.startswith("ld-musl-")] if isinstance(names, tuple) else []
    # A Debian machine may carry musl beside glibc; only where glibc is absent is musl the system's library.
    return [f"{folder}/{name}" for name in found] if not host.is_file(f"{folder}/libc.so.6") else []


def _search(host: Host, path: str, pattern: "re.Pattern[bytes]") -> str | Unknown:
    data = host.read_bytes(path)
    if not isinstance(data, bytes):
        return data if isinstance(data, Unknown) else Unknown("failed", f"{path} went away")
    match = pattern.search(data)
    return match.group(1).decode("ascii") if match else Unknown("failed", f"{path} does not tell its version")
