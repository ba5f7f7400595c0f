"""Write file trees of machines below a folder, for ENVCHECK_SYSROOT."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from envcheck.host import Host


@dataclass(frozen=True)
class Link:
    """A symbolic link to ``target``, which need not exist."""

    target: str


class Folder:
    """An empty folder."""


Entry = str | bytes | Link | type[Folder]


def write_tree(root: Path, entries: Mapping[str, Entry]) -> None:
    """Write files (text or bytes), links and empty folders; keys are absolute paths of the simulated machine."""
    for path, entry in entries.items():
        place = root / path.lstrip("/")
        if entry is Folder:
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(entry, Link):
            os.symlink(entry.target, place)
        elif isinstance(entry, bytes):
            place.write_bytes(entry)
        else:
            assert isinstance(entry, str)
            place.write_text(entry, encoding="utf-8")


def simulated_host(root: Path, *trees: Mapping[str, Entry], environ: Mapping[str, str] | None = None) -> Host:
    """Write the trees (a later one replaces equal paths of an earlier one) and return a host that looks at them."""
    entries: dict[str, Entry] = {}
    for tree in trees:
        entries.update(tree)
    root.mkdir(exist_ok=True)
    write_tree(root, entries)
    return Host(environ=dict(environ or {}), cwd=str(root), root=str(root), timeout=20.0)


LIMITS = (
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max processes             63432                63432                processes \n"
    "Max open files            1024                 524288               files     \n"
)

# --- parts of machines --------------------------------------------------------------------------


def linux(release: str = "6.1.0-18-amd64", arch: str = "x86_64") -> dict[str, Entry]:
    """Return what every Linux machine has, with 16 GiB of memory and no control groups."""
    return {
        "/proc/sys/kernel/osrelease": release + "\n",
        "/proc/sys/kernel/arch": arch + "\n",
        "/proc/meminfo": meminfo(16 * 1024**2),
        "/proc/loadavg": "0.52 0.58 0.59 1/467 12345\n",
        "/proc/self/status": "Name:\tpython\nCpus_allowed_list:\t0-7\n",
        "/proc/self/cgroup": "0::/\n",
        "/proc/self/limits": LIMITS,
        "/proc/modules": "",
        "/sys/devices": Folder,
        "/sys/bus/pci/devices": Folder,
        "/sys/class/net": Folder,
        "/dev": Folder,
        "/var/log/dmesg": "",
        "/etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    }


def meminfo(total_kib: int, available_kib: int | None = None, swap_kib: int = 0) -> str:
    """Return /proc/meminfo; half of the memory is available unless told otherwise."""
    available = total_kib // 2 if available_kib is None else available_kib
    return (
        f"MemTotal:       {total_kib} kB\nMemFree:        {available // 2} kB\nMemAvailable:   {available} kB\n"
        f"Buffers:        1024 kB\nCached:         2048 kB\nSwapTotal:      {swap_kib} kB\n"
        f"SwapFree:       {swap_kib} kB\n"
    )


def x86_cpuinfo(*, vendor: str, model: str, flags: str, sockets: int = 1, cores: int = 4, threads: int = 2) -> str:
    """Return /proc/cpuinfo of an x86 machine, its hardware threads numbered as Linux does."""
    blocks = []
    for thread in range(threads):
        for socket in range(sockets):
            for core in range(cores):
                number = thread * sockets * cores + socket * cores + core
                blocks.append(
                    f"processor\t: {number}\nvendor_id\t: {vendor}\ncpu family\t: 6\nmodel\t\t: 143\n"
                    f"model name\t: {model}\nphysical id\t: {socket}\ncore id\t\t: {core}\n"
                    f"cpu cores\t: {cores}\nflags\t\t: {flags}\n"
                )
    return "\n".join(blocks) + "\n"


def arm_cpuinfo(parts: list[tuple[str, str]], features: str) -> str:
    """Return /proc/cpuinfo of an Arm machine; one (implementer, part) for each core."""
    return "".join(
        f"processor\t: {number}\nBogoMIPS\t: 243.75\nFeatures\t: {features}\nCPU implementer\t: {implementer}\n"
        f"CPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: {part}\nCPU revision\t: 1\n\n"
        for number, (implementer, part) in enumerate(parts)
    )


def cgroup_mount(kind: str, options: str, point: str, root: str = "/", number: int = 40) -> str:
    """Return one line of /proc/self/mountinfo; ``kind`` is ``cgroup`` or ``cgroup2``."""
    return f"{number} 30 0:{number} {root} {point} rw,nosuid - {kind} {kind} {options}\n"


def pci_device(
    address: str, vendor: str, device: str, class_code: str = "030000", driver: str | None = None
) -> dict[str, Entry]:
    """Return the folder of one PCI device in sysfs."""
    folder = f"/sys/bus/pci/devices/{address}"
    entries: dict[str, Entry] = {
        f"{folder}/class": f"0x{class_code}\n",
        f"{folder}/vendor": f"0x{vendor}\n",
        f"{folder}/device": f"0x{device}\n",
    }
    if driver is not None:
        entries[f"{folder}/driver"] = Link(f"../../../../bus/pci/drivers/{driver}")
    return entries
