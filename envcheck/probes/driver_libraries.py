"""Where the files of NVIDIA's driver for programs lie: libcuda and libnvidia-ml in every usual place."""

import os
import posixpath
import re

from envcheck.host import Host
from envcheck.model.facts import DriverLibrary
from envcheck.model.unknown import Unknown
from envcheck.probes.loader import resolved

FOLDERS = (
    "/usr/lib/wsl/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu/nvidia/current",
    "/usr/lib64",
    "/usr/lib64/nvidia",
    "/usr/lib",
    "/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib/aarch64-linux-gnu/tegra",
    "/usr/lib/aarch64-linux-gnu/nvidia",
    "/run/opengl-driver/lib",
    "/usr/local/nvidia/lib64",
    "/usr/local/nvidia/lib",
    "/.singularity.d/libs",
    "/usr/local/lib",
)
"""Debian and Ubuntu, Fedora and SUSE, Arch; Jetson; NixOS; Kubernetes on Google's cloud; Apptainer; WSL."""
NAME = re.compile(r"(libcuda|libnvidia-ml)\.so(?:\.(\d+(?:\.\d+)*))?$")


def probe(host: Host) -> tuple[DriverLibrary, ...] | Unknown:
    """Return each file once, however many links lead to it; LD_LIBRARY_PATH comes before the usual places."""
    mounts = _mount_points(host)
    found: dict[str, DriverLibrary] = {}
    for folder, own in _folders(host):
        names = host.list_dir(folder) if own else host.unrooted().list_dir(folder)
        for name in names if isinstance(names, tuple) else ():
            if NAME.match(name):
                library = _library(host if own else host.unrooted(), f"{folder}/{name}", mounts)
                if library is not None:
                    found.setdefault(library.path, library)
    return tuple(found.values())


def _folders(host: Host) -> list[tuple[str, bool]]:
    """Return folders, and whether they are the system's own (read below the host's root)."""
    told = [folder.rstrip("/") for folder in host.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if folder]
    toolkits = host.list_dir("/usr/local")
    cuda = [f"/usr/local/{name}" for name in toolkits if name.startswith("cuda")] if isinstance(toolkits, tuple) else []
    compat = [f"{base}/{folder}" for base in cuda for folder in ("compat", "lib64/stubs")]
    return [(folder, False) for folder in told] + [(folder, True) for folder in (*FOLDERS, *compat)]


def _library(host: Host, path: str, mounts: frozenset[str]) -> DriverLibrary | None:
    state = host.stat(path)
    if not isinstance(state, os.stat_result):
        return None  # a link that leads nowhere
    real = resolved(host, path)
    match = NAME.match(posixpath.basename(real))
    version = match.group(2) if match else None
    return DriverLibrary(
        name=posixpath.basename(path).partition(".so")[0] + ".so",
        path=real,
        version=version if version and "." in version else None,
        kind=kind_of(real),
        size_bytes=state.st_size,
        mounted=_mounted(real, mounts),
    )


def kind_of(path: str) -> str:
    """Return what kind of libcuda lies at a path: ``stub``, ``compat``, ``wsl`` or ``driver``."""
    if "/stubs" in path:
        return "stub"
    if "/compat" in path or "/cuda-compat" in path:
        return "compat"
    if path.startswith("/usr/lib/wsl/"):
        return "wsl"
    return "driver"


def _mounted(path: str, mounts: frozenset[str]) -> bool:
    """Say whether a file, or a folder that holds it, is a mount of its own below the root."""
    while path not in ("", "/"):
        if path in mounts:
            return True
        path = posixpath.dirname(path)
    return False


def _mount_points(host: Host) -> frozenset[str]:
    text = host.read_text("/proc/self/mountinfo")
    lines = text.splitlines() if isinstance(text, str) else []
    return frozenset(fields[4] for fields in (line.split() for line in lines) if len(fields) > 4)
