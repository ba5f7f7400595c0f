"""The machine's memory, its swap, and what the control groups leave of it."""

import psutil

from envcheck.host import Host
from envcheck.model.facts import Memory, MemoryVolatile
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import cgroup, files
from envcheck.probes.system import system

MEMINFO = "/proc/meminfo"


def probe(host: Host) -> Memory:
    """Look at memory and swap. All sizes in bytes."""
    if system(host) == "Linux":
        return _linux(host)
    if host.root:
        return _all(Unknown("unsupported", "the image of this system does not record its memory"))
    return _psutil()


def _linux(host: Host) -> Memory:
    text = files.required(host.read_text(MEMINFO), MEMINFO)
    limit = cgroup.memory(host)
    if isinstance(text, Unknown):
        return _all(text, limit if isinstance(limit, Unknown) else limit.limit)
    table = files.table(text)
    available = _bytes(table, "MemAvailable")
    if isinstance(available, Unknown):
        available = _available_before_3_14(table)
    if not isinstance(limit, Unknown) and limit.left is not None and not isinstance(available, Unknown):
        available = min(available, limit.left)
    return Memory(
        total_bytes=_bytes(table, "MemTotal"),
        limit_bytes=limit if isinstance(limit, Unknown) else limit.limit,
        swap_total_bytes=_bytes(table, "SwapTotal"),
        volatile=MemoryVolatile(
            available_bytes=available, swap_free_bytes=_bytes(table, "SwapFree"), oom_kills=cgroup.oom_kills(host)
        ),
    )


def _available_before_3_14(table: dict[str, str]) -> int | Unknown:
    """Estimate MemAvailable, which the kernel gives since 3.14, from the fields that older ones have."""
    parts = [_bytes(table, name) for name in ("MemFree", "Buffers", "Cached")]
    known = [part for part in parts if not isinstance(part, Unknown)]
    return sum(known) if len(known) == len(parts) else Unknown("unsupported", f"{MEMINFO} has no MemAvailable")


def _bytes(table: dict[str, str], key: str) -> int | Unknown:
    number, _, unit = table.get(key, "").partition(" ")
    if not number.isdecimal() or unit not in ("kB", ""):
        return Unknown("failed", f"{MEMINFO} has no readable {key}")
    return int(number) * (1024 if unit == "kB" else 1)


def _psutil() -> Memory:
    try:
        memory = psutil.virtual_memory()
    except (psutil.Error, OSError, RuntimeError) as error:
        return _all(Unknown("failed", f"psutil: {error}"))
    swap_total, swap_free = _swap()
    return Memory(
        total_bytes=memory.total,
        limit_bytes=None,
        swap_total_bytes=swap_total,
        volatile=MemoryVolatile(available_bytes=memory.available, swap_free_bytes=swap_free, oom_kills=None),
    )


def _swap() -> tuple[int | Unknown, int | Unknown]:
    """Return size and free part of the swap; Windows tells them only where its performance counters are on."""
    try:
        swap = psutil.swap_memory()
    except (psutil.Error, OSError, RuntimeError) as error:
        why = Unknown("failed", f"psutil: {error}")
        return why, why
    return swap.total, swap.free


def _all(why: Unknown, limit: int | None | Unknown = None) -> Memory:
    return all_unknown(Memory, why, limit_bytes=limit)
