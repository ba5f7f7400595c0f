"""What DKMS, which builds kernel modules for each kernel, knows of NVIDIA's module."""

import posixpath
import re

from envcheck.host import Host
from envcheck.model.facts import DkmsModule
from envcheck.model.unknown import Unknown


def probe(host: Host) -> tuple[DkmsModule, ...] | Unknown:
    """Read DKMS' own tree: MODULE/VERSION/KERNEL/ARCH/module, and links kernel-KERNEL-ARCH to what is installed."""
    names = host.list_dir("/var/lib/dkms")
    if isinstance(names, Unknown):
        return names
    known: list[DkmsModule] = []
    for name in names or ():
        if name.startswith("nvidia") and not name.startswith("nvidia-fs"):
            entries = host.list_dir(f"/var/lib/dkms/{name}")
            if isinstance(entries, Unknown):
                return entries
            known += _versions(host, name, entries or ())
    return tuple(known)


def _versions(host: Host, name: str, entries: tuple[str, ...]) -> list[DkmsModule]:
    base = f"/var/lib/dkms/{name}"
    links = [entry for entry in entries if entry.startswith("kernel-")]
    installed = {posixpath.normpath(posixpath.join(base, str(host.link(f"{base}/{link}")))) for link in links}
    known: list[DkmsModule] = []
    for version in entries:
        if version.startswith(("kernel-", "original_module")):
            continue
        builds = _builds(host, f"{base}/{version}")
        error, failed_for = _build_error(host, f"{base}/{version}/build/make.log")
        for kernel, folder in builds:
            state = "installed" if folder in installed else "built"
            known.append(DkmsModule(name=name, version=version, kernel=kernel, state=state, error=None))
        if error is not None or not builds:
            state = "failed" if isinstance(error, str) else "added"
            known.append(DkmsModule(name=name, version=version, kernel=failed_for, state=state, error=error))
    return known


def _builds(host: Host, folder: str) -> list[tuple[str, str]]:
    """Return kernel and folder of each finished build."""
    builds: list[tuple[str, str]] = []
    kernels = host.list_dir(folder)
    for kernel in kernels if isinstance(kernels, tuple) else ():
        machines = host.list_dir(f"{folder}/{kernel}") if kernel not in ("build", "source") else None
        for machine in machines if isinstance(machines, tuple) else ():
            if host.is_dir(f"{folder}/{kernel}/{machine}/module"):
                builds.append((kernel, f"{folder}/{kernel}/{machine}"))
    return builds


def _build_error(host: Host, path: str) -> tuple[str | None | Unknown, str | None | Unknown]:
    """Return the first error of a failed build, and its kernel; a build that went well leaves no log in this place."""
    text = host.read_text(path)
    if not isinstance(text, str):
        return text, text
    kernel = re.search(r"^DKMS make\.log for \S+ for kernel (\S+)", text)
    match = re.search(r"^.*\b(?:fatal )?error: .*$|^.*\*\*\* .*$", text, re.MULTILINE)
    return match.group(0).strip()[:300] if match else None, kernel.group(1) if match and kernel else None
