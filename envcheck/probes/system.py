"""Which operating system a host has: asked by several probes, cheap, and true of a mounted image too."""

import os
import platform as python_platform
import re
import sys

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import files

MACOS_VERSION_FILE = "/System/Library/CoreServices/SystemVersion.plist"
ELF_MACHINES = {3: "i686", 21: "ppc64le", 22: "s390x", 40: "armv7l", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
"""e_machine of the ELF header, as /usr/include/elf.h numbers them, in the kernel's names."""
ELF_WITNESSES = ("/bin/sh", "/usr/bin/env", "/sbin/init", "/sbin/ldconfig")


def system(host: Host) -> str | Unknown:
    """Return ``Linux``, ``Darwin``, ``Windows`` or what else this Python calls its system."""
    if not host.root:
        return {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}.get(sys.platform, sys.platform)
    if host.is_file(MACOS_VERSION_FILE):
        return "Darwin"
    if any(host.is_dir(path) for path in ("/proc", "/sys", "/etc", "/usr/lib")):
        return "Linux"
    return Unknown("failed", f"{host.root} does not look like the root of a system")


def unless_linux(host: Host, why: str) -> Unknown | None:
    """Return None on Linux; elsewhere that this is not supported (``why`` may name the ``{system}``)."""
    name = system(host)
    if name == "Linux":
        return None
    return name if isinstance(name, Unknown) else Unknown("unsupported", why.format(system=name))


def kernel_release(host: Host) -> str | Unknown:
    """Return the release of the running kernel, such as ``6.1.0-18-amd64``."""
    release = files.line(host, "/proc/sys/kernel/osrelease")
    if isinstance(release, str):
        return release
    return files.required(release, "/proc/sys/kernel/osrelease") if host.root else python_platform.release()


def machine(host: Host) -> str | Unknown:
    """Return the kernel's name for the processor architecture, such as ``x86_64`` or ``aarch64``."""
    if not host.root:
        return os.uname().machine if hasattr(os, "uname") else python_platform.machine()
    arch = files.line(host, "/proc/sys/kernel/arch")
    if isinstance(arch, str):
        return arch
    cpuinfo = host.read_text("/proc/cpuinfo", 16 * 1024)
    if isinstance(cpuinfo, str):
        if re.search(r"^flags\s*:.*\blm\b", cpuinfo, re.MULTILINE):
            return "x86_64"
        if re.search(r"^CPU architecture\s*: *(8|AArch64)", cpuinfo, re.MULTILINE):
            return "aarch64"
    return _machine_of_programs(host)


def _machine_of_programs(host: Host) -> str | Unknown:
    for path in ELF_WITNESSES:
        head = host.read_bytes(path, 20)
        if isinstance(head, bytes) and head[:4] == b"\x7fELF" and len(head) == 20:
            number = int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")
            if number in ELF_MACHINES:
                return ELF_MACHINES[number]
    return Unknown("failed", "neither the kernel's files nor the programs of this image tell its architecture")


def describe_os(host: Host) -> tuple[str | None | Unknown, str | None | Unknown, str | None | Unknown]:
    """Return ID, version and name of the operating system."""
    name = system(host)
    if name == "Darwin":
        return _macos(host)
    if name == "Windows":
        release = python_platform.win32_ver()
        return "windows", release[1] or None, f"Windows {release[0]}".strip()
    values = _os_release(host)
    if values is None or isinstance(values, Unknown):
        return values, values, values
    return values.get("ID"), values.get("VERSION_ID"), values.get("PRETTY_NAME")


def os_variant(host: Host) -> str | None | Unknown:
    """Return VARIANT_ID, the edition of a distribution, such as ``silverblue`` of Fedora."""
    values = _os_release(host)
    return values if values is None or isinstance(values, Unknown) else values.get("VARIANT_ID")


def _os_release(host: Host) -> dict[str, str] | None | Unknown:
    text = host.read_text("/etc/os-release")
    if text is None:
        text = host.read_text("/usr/lib/os-release")
    if not isinstance(text, str):
        return text
    return {key: value.strip("\"'") for key, value in files.table(text, "=").items()}


def _macos(host: Host) -> tuple[str | None | Unknown, str | None | Unknown, str | None | Unknown]:
    text = host.read_text(MACOS_VERSION_FILE)
    if not isinstance(text, str):
        missing = files.required(text, MACOS_VERSION_FILE)
        return "macos", missing, missing
    found = dict(re.findall(r"<key>([^<]+)</key>\s*<string>([^<]*)</string>", text))
    version = found.get("ProductVersion")
    return "macos", version, f"macOS {version}" if version else None
