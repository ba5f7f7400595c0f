"""Secure Boot and the kernel's lockdown, which decide whether a module without a trusted signature may be loaded."""

import re

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import files

EFI = "/sys/firmware/efi"
SECURE_BOOT = f"{EFI}/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
"""Of the UEFI specification (section 'Globally Defined Variables'): four bytes of attributes, one of value."""


def secure_boot(host: Host) -> str | None | Unknown:
    """Return ``enabled`` or ``disabled``; None where the machine did not start through UEFI."""
    data = host.read_bytes(SECURE_BOOT, 16)
    if isinstance(data, bytes) and len(data) == 5:
        return "enabled" if data[4] == 1 else "disabled"
    if not host.is_dir(EFI):
        names = host.list_dir("/sys/firmware")
        if names == ():
            return Unknown("denied", "the container runtime hides /sys/firmware")
        return names if isinstance(names, Unknown) else None
    answer = host.run("mokutil", "--sb-state")
    if answer is not None and not isinstance(answer, Unknown):
        match = re.search(r"SecureBoot (enabled|disabled)", answer.stdout)
        if match:
            return match.group(1)
    return data if isinstance(data, Unknown) else Unknown("failed", "the firmware's variables are not mounted")


def lockdown(host: Host) -> str | None | Unknown:
    """Return the kernel's lockdown, the word in brackets of ``none [integrity] confidentiality``; None: it has none."""
    text = files.line(host, "/sys/kernel/security/lockdown")
    if not isinstance(text, str):
        return text
    match = re.search(r"\[(\w+)\]", text)
    return match.group(1) if match else Unknown("failed", f"/sys/kernel/security/lockdown holds {text[:40]!r}")
