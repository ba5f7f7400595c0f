"""What the kernel said about GPUs, their driver, and programs that died."""

import os
import re
from dataclasses import dataclass

from envcheck.host import READ_LIMIT_BYTES, Host
from envcheck.knowledge.xid import xid
from envcheck.model.facts import KernelLog, KernelLogVolatile, KernelMessage
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes.system import unless_linux

FILES = ("/dev/kmsg", "/var/log/dmesg", "/var/log/kern.log")
MESSAGES_LIMIT = 100
TEXT_LIMIT = 300

_ADDRESS = r"(?P<address>[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}(?:\.\d)?)"
_PATTERNS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            "xid",
            rf"NVRM: Xid \((?:PCI:)?{_ADDRESS}\): (?P<code>\d+)(?:, pid=[^,]*)?(?:, name=(?P<process>[^,]+))?",
        ),
        ("sxid", rf"nvidia-nvswitch\d+: SXid \(PCI:{_ADDRESS}\): (?P<code>\d+), (?:Fatal|Non-fatal)"),
        ("rm-init-failed", rf"NVRM: (?:GPU {_ADDRESS}: )?RmInitAdapter failed!"),
        ("gfw-boot-failed", r"NVRM: .*GFW_BOOT"),
        ("gpu-off-bus", rf"NVRM: (?:GPU (?:at PCI:)?{_ADDRESS}: )?.*fallen off the bus"),
        ("api-mismatch", r"NVRM: API mismatch:"),
        ("no-supported-gpu", r"NVRM: No NVIDIA (?:GPU found|graphics adapter found|devices probed)"),
        ("legacy-driver-needed", r"NVRM: +supported through the NVIDIA \S+ Legacy drivers"),
        ("open-module-unsupported", r"not supported by open\b|open nvidia\.ko because it does not include"),
        ("open-module-required", r"requires use of the NVIDIA open kernel modules"),
        ("other-driver-owns-gpu", r"NVRM: The NVIDIA probe routine was not called for|nouveau, rivafb, nvidiafb"),
        ("power-cable-missing", r"NVRM: GPU .*does not have the necessary power cables connected"),
        ("bar-not-assigned", r"NVRM: BAR\d is 0M|NVRM: This PCI I/O region assigned to your NVIDIA device is invalid"),
        ("firmware-missing", r"Direct firmware load for nvidia/\S+ failed|RmFetchGspRmImages: No firmware image found"),
        (
            "module-rejected",
            r"Loading of (?:unsigned module|module with \w+ key) is rejected|unsigned module loading is restricted",
        ),
        ("module-unsigned", r"module verification failed: signature and/or required key missing"),
        ("kfd-unsupported", r"kfd kfd: .*not supported in kfd"),
        ("amdgpu-reset", rf"amdgpu {_ADDRESS}: .*(?:GPU reset|ring \S+ timeout)"),
        ("intel-gpu-hang", r"(?:i915|xe) .*GPU HANG"),
        ("pcie-error", rf"{_ADDRESS}: (?:AER:|PCIe Bus Error: severity=)"),
        ("oom-kill", r"(?:Out of memory|Memory cgroup out of memory): Kill(?:ed)? process \d+ \((?P<process>[^)]+)\)"),
        ("illegal-instruction", r"traps: (?P<process>\S+)\[\d+\] trap invalid opcode"),
        ("segfault", r"(?:^|\s)(?P<process>python[\w.]*)\[\d+\]: segfault at"),
        ("task-hung", r"INFO: task (?P<process>\S+):\d+ blocked for more than"),
        ("resumed", r"PM: suspend exit"),
    )
)
"""Fragments that the drivers and the kernel print: kernel-open/nvidia and src/nvidia of NVIDIA's
open-gpu-kernel-modules, mm/oom_kill.c, arch/x86/kernel/traps.c and kernel/module/signing.c of Linux; lines in issues of
NVIDIA/open-gpu-kernel-modules (#789), NVIDIA/gpu-operator (#1146) and leptonai/gpud (#1160, #338)."""
_BOOT = re.compile(r"(?:\] |;|kernel: )Linux version \d")

_PREFIXES = (
    re.compile(r"^\d+,\d+,\d+,[^;]*;"),  # a record of /dev/kmsg
    re.compile(r"^.*? kernel: (?:\[\s*\d+\.\d+\] )?"),  # a line of syslog, with the time and the name of the machine
    re.compile(r"^(?:<\d+>)?\[[^\]]+\] "),  # a line of dmesg
)


def probe(host: Host) -> KernelLog:
    """Read the kernel's log of this boot from the first place that this user may read."""
    elsewhere = unless_linux(host, "envcheck reads no kernel log on {system}")
    if elsewhere is not None:
        return all_unknown(KernelLog, elsewhere)
    denied: Unknown | None = None
    for path in FILES:
        data = _end_of(host, path)
        if isinstance(data, Unknown):
            denied = data
        elif data is not None:
            return _log(path, data.decode("utf-8", "replace"))
    answer = host.run("dmesg")
    if not isinstance(answer, Unknown) and answer is not None and answer.status == 0:
        return _log("dmesg", answer.stdout)
    if denied is None and answer is not None:
        denied = answer if isinstance(answer, Unknown) else Unknown("denied", answer.stderr.strip()[:200])
    if denied is not None:
        return all_unknown(KernelLog, denied)
    nothing = Unknown("failed", "there is no kernel log to read here")
    return KernelLog(source=None, volatile=KernelLogVolatile(messages=nothing))


def _end_of(host: Host, path: str) -> bytes | None | Unknown:
    """Return the last part of a log: its beginning is of earlier boots."""
    state = host.stat(path)
    size = state.st_size if isinstance(state, os.stat_result) else 0
    return host.read_bytes(path, offset=max(0, size - READ_LIMIT_BYTES))


def _log(source: str, text: str) -> KernelLog:
    return KernelLog(source=source, volatile=KernelLogVolatile(messages=interpret(text)))


@dataclass
class _Seen:
    kind: str
    text: str
    code: int | None
    address: str | None
    process: str | None
    count: int = 1


def interpret(text: str) -> tuple[KernelMessage, ...]:
    """Return the messages that matter, equal ones counted, in the order in which they first came."""
    seen: dict[tuple[str, int | None, str | None], _Seen] = {}
    for entry in _this_boot(text.splitlines()):
        message = _classified(entry)
        if message is None:
            continue
        known = seen.setdefault((message.kind, message.code, message.address), message)
        if known is not message:
            known.count += 1
    return tuple(_record(message) for message in list(seen.values())[-MESSAGES_LIMIT:])


def _this_boot(entries: list[str]) -> list[str]:
    """Leave out earlier boots: a log file goes over several, and each begins with the kernel's version."""
    starts = [index for index, entry in enumerate(entries) if _BOOT.search(entry)]
    return entries[starts[-1] :] if starts else entries


def _classified(entry: str) -> _Seen | None:
    for kind, pattern in _PATTERNS:
        match = pattern.search(entry)
        if match is None:
            continue
        found = match.groupdict()
        return _Seen(
            kind=kind,
            text=_without_prefix(entry)[:TEXT_LIMIT],
            code=int(found["code"]) if found.get("code") else None,
            address=_address(found.get("address")),
            process=(found.get("process") or "").strip() or None,
        )
    return None


def _address(text: str | None) -> str | None:
    """Return an address as sysfs writes it; the driver leaves out the function, which is 0 for a GPU."""
    if not text:
        return None
    domain, _, rest = text.lower().partition(":")
    return f"{domain[-4:]}:{rest}" if "." in rest else f"{domain[-4:]}:{rest}.0"


def _without_prefix(entry: str) -> str:
    for prefix in _PREFIXES:
        shorter = prefix.sub("", entry, count=1)
        if shorter != entry:
            return shorter.strip()
    return entry.strip()


def _record(message: _Seen) -> KernelMessage:
    known = xid(message.code) if message.kind == "xid" and message.code is not None else None
    return KernelMessage(
        kind=message.kind,
        text=message.text,
        count=message.count,
        code=message.code,
        meaning=known.meaning if known else None,
        pci_address=message.address,
        process=message.process,
    )
