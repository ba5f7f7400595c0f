"""The limits that control groups (version 1 and 2) set for this process: CPU quota, memory, processes.

Source: Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst and scheduler/sched-bwc.rst of the Linux kernel.
"""

import posixpath
from dataclasses import dataclass

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import files

NO_MEMORY_LIMIT = 1 << 60  #: version 1 has no word for 'none' but a huge number just below 2**63


@dataclass(frozen=True)
class Memory:
    """The tightest memory limit above this process, and what may still be used below it. Bytes; None: no limit."""

    limit: int | None
    left: int | None


def memory(host: Host) -> Memory | Unknown:
    """Return the memory limit.

    The limit that a user meets is the smallest one from the process's own group up to the top.
    """
    tightest = Memory(None, None)
    for group in _groups(host, "memory"):
        limit = _memory_limit(host, group)
        if isinstance(limit, Unknown):
            return limit
        if limit is None:
            continue
        used = _memory_used(host, group)
        left = max(0, limit - used) if used is not None else None
        tightest = Memory(
            limit if tightest.limit is None else min(limit, tightest.limit),
            left if tightest.left is None else tightest.left if left is None else min(left, tightest.left),
        )
    return tightest


def oom_kills(host: Host) -> int | None | Unknown:
    """Return how many processes the kernel killed in the process's own group for lack of memory."""
    for group in _groups(host, "memory"):
        text = host.read_text(f"{group.folder}/{'memory.events' if group.version == 2 else 'memory.oom_control'}")
        if isinstance(text, Unknown):
            return text
        count = files.table(text or "", " ").get("oom_kill", "")
        if count.isdecimal():
            return int(count)
    return None


def processes(host: Host) -> int | None | Unknown:
    """Return how many processes and threads the groups allow; None: no limit."""
    limits: list[int] = []
    for group in _groups(host, "pids"):
        text = files.line(host, f"{group.folder}/pids.max")
        if isinstance(text, Unknown):
            return text
        if text is not None and text.isdecimal():
            limits.append(int(text))
    return min(limits, default=None)


def cpu_quota(host: Host) -> float | None | Unknown:
    """Return how many cores' worth of time the groups allow; None: no quota."""
    quotas: list[float] = []
    for group in _groups(host, "cpu"):
        quota = _quota(host, group)
        if isinstance(quota, Unknown):
            return quota
        if quota is not None:
            quotas.append(quota)
    return min(quotas, default=None)


@dataclass(frozen=True)
class _Group:
    folder: str
    version: int


def _groups(host: Host, controller: str) -> list[_Group]:
    """Return the process's own group and all above it, in both versions (hybrid systems mount both)."""
    membership = host.read_text("/proc/self/cgroup")
    if not isinstance(membership, str):
        return []
    groups: list[_Group] = []
    for entry in membership.splitlines():
        _, _, rest = entry.partition(":")
        controllers, _, path = rest.partition(":")
        version = 2 if not controllers else 1
        if version == 1 and controller not in controllers.split(","):
            continue
        mount = _mount(host, controller if version == 1 else None)
        if mount is None:
            continue
        root, point = mount
        groups += [_Group(folder, version) for folder in _upwards(point, _below(path, root))]
    return groups


def _mount(host: Host, controller: str | None) -> tuple[str, str] | None:
    """Return which group is mounted, and where: for a controller of version 1, or (None) for version 2."""
    text = host.read_text("/proc/self/mountinfo")
    for entry in text.splitlines() if isinstance(text, str) else []:
        before, _, after = entry.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 5 or len(kind) < 3:
            continue
        if controller is None and kind[0] == "cgroup2":
            return fields[3], fields[4]
        if controller is not None and kind[0] == "cgroup" and controller in kind[2].split(","):
            return fields[3], fields[4]
    if isinstance(text, str):
        return None
    # Without mountinfo, the place where every distribution mounts them.
    return "/", "/sys/fs/cgroup" if controller is None else f"/sys/fs/cgroup/{controller}"


def _below(path: str, root: str) -> str:
    """Return a group's path relative to what is mounted; a container often sees its own group mounted as the top."""
    if root == "/":
        return path.strip("/")
    if path == root or path.startswith(root + "/"):
        return path[len(root) :].strip("/")
    return ""


def _upwards(point: str, relative: str) -> list[str]:
    if relative.startswith(".."):
        relative = ""
    folders = [point]
    for part in [part for part in relative.split("/") if part]:
        folders.append(posixpath.join(folders[-1], part))
    return folders[::-1]


def _memory_limit(host: Host, group: _Group) -> int | None | Unknown:
    name = "memory.max" if group.version == 2 else "memory.limit_in_bytes"
    text = files.line(host, f"{group.folder}/{name}")
    if not isinstance(text, str):
        return text
    if text == "max":
        return None
    if not text.isdecimal():
        return Unknown("failed", f"{group.folder}/{name} holds {text[:40]!r}")
    return None if int(text) >= NO_MEMORY_LIMIT else int(text)


def _memory_used(host: Host, group: _Group) -> int | None:
    """Return what cannot be reclaimed easily: usage without the inactive part of the page cache."""
    name, cache = (
        ("memory.current", "inactive_file") if group.version == 2 else ("memory.usage_in_bytes", "total_inactive_file")
    )
    usage = files.integer(host, f"{group.folder}/{name}")
    if not isinstance(usage, int):
        return None
    statistics = host.read_text(f"{group.folder}/memory.stat")
    inactive = files.table(statistics, " ").get(cache, "0") if isinstance(statistics, str) else "0"
    return max(0, usage - int(inactive)) if inactive.isdecimal() else usage


def _quota(host: Host, group: _Group) -> float | None | Unknown:
    if group.version == 2:
        text = files.line(host, f"{group.folder}/cpu.max")
        if not isinstance(text, str):
            return text
        quota, _, period = text.partition(" ")
        return _cores(quota, period or "100000", f"{group.folder}/cpu.max")
    text = files.line(host, f"{group.folder}/cpu.cfs_quota_us")
    if not isinstance(text, str):
        return text
    period_text = files.line(host, f"{group.folder}/cpu.cfs_period_us")
    return _cores(text, period_text if isinstance(period_text, str) else "100000", f"{group.folder}/cpu.cfs_quota_us")


def _cores(quota: str, period: str, path: str) -> float | None | Unknown:
    if quota in ("max", "-1"):
        return None
    if not (quota.isdecimal() and period.isdecimal() and int(period) > 0):
        return Unknown("failed", f"{path} holds {quota[:20]!r} {period[:20]!r}")
    return int(quota) / int(period)
