"""The device files of GPUs and accelerators, and whether this user can open them.

Opening tells more than the file's mode: EACCES is the mode or the group; EPERM with a mode that allows it is the device
filter of a control group (Documentation/admin-guide/cgroup-v2.rst, 'Device controller'); EIO, ENODEV and ENXIO come
from the driver.
"""

import os
import re
import stat
import sys

from envcheck.host import Host
from envcheck.model.facts import DeviceNode
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import files

SECONDS = 10.0
NODES = (
    ("/dev", re.compile(r"nvidia(?:ctl|\d+|-uvm)$|kfd$|dxg$|nvmap$|nvhost-gpu$")),
    ("/dev/dri", re.compile(r"renderD\d+$")),
    ("/dev/accel", re.compile(r"accel\d+$")),
)
"""The files that computing needs. Those for drawing (cardN, nvidia-modeset) are left alone: opening has effects."""
MAJOR_NAMES = (
    (re.compile(r"/dev/nvidia(?:ctl|\d+)$"), ("nvidia", "nvidia-frontend")),
    (re.compile(r"/dev/nvidia-uvm$"), ("nvidia-uvm",)),
    (re.compile(r"/dev/kfd$"), ("kfd",)),
    (re.compile(r"/dev/dri/"), ("drm",)),
    (re.compile(r"/dev/accel/"), ("accel",)),
)
"""Names in /proc/devices. NVIDIA's frontend was called 'nvidia-frontend' until the drivers of 2021."""


def probe(host: Host) -> tuple[DeviceNode, ...] | Unknown:
    """Return the device files that there are. A child opens them: a driver in trouble may never answer."""
    paths = []
    for folder, pattern in NODES:
        names = host.list_dir(folder)
        if isinstance(names, Unknown):
            return names
        paths += [f"{folder}/{name}" for name in names or () if pattern.match(name)]
    if not paths:
        return ()
    errors = _open(host, paths)
    majors = _majors(host)
    return tuple(_node(host, path, errors[path], majors) for path in sorted(paths, key=_natural))


def _natural(path: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path)]


def _open(host: Host, paths: list[str]) -> dict[str, str | None | Unknown]:
    real = {host.real(path): path for path in paths}
    result = host.run_worker(
        sys.executable, "device_nodes", {"paths": list(real)}, timeout=min(SECONDS, host.timeout), isolated=True
    )
    not_tried = Unknown("skipped", "another device did not answer before")
    if result.stage is None:
        not_tried = Unknown("failed", f"no process could be started to open it ({result.ending})")
    errors: dict[str, str | None | Unknown] = dict.fromkeys(paths, not_tried)
    for place, error in result.all("opened"):
        errors[real[place]] = error
    if result.ending != "done" and result.stage in real:
        reason = Unknown("timed-out", "opening it did not come to an end")
        if result.ending != "timed-out":
            reason = Unknown("crashed", f"the process that opened it ended early ({result.ending})")
        errors[real[result.stage]] = reason
    return errors


def _majors(host: Host) -> dict[str, int] | Unknown:
    """Return the major numbers of character devices by the name of their driver."""
    text = files.required(host.read_text("/proc/devices"), "/proc/devices")
    if isinstance(text, Unknown):
        return text
    characters = text.partition("Block devices:")[0]
    return {name: int(number) for number, name in re.findall(r"^\s*(\d+) (\S+)$", characters, re.MULTILINE)}


def _node(host: Host, path: str, error: str | None | Unknown, majors: dict[str, int] | Unknown) -> DeviceNode:
    state = host.stat(path)
    if not isinstance(state, os.stat_result):
        why = Unknown("failed", "it leads nowhere") if state is None else state
        return all_unknown(DeviceNode, why, path=path, open_error=error)
    is_device = stat.S_ISCHR(state.st_mode)
    return DeviceNode(
        path=path,
        mode=f"{stat.S_IMODE(state.st_mode):04o}",
        owner=_name(host, "/etc/passwd", state.st_uid),
        group=_name(host, "/etc/group", state.st_gid),
        major=os.major(state.st_rdev) if is_device else None,
        minor=os.minor(state.st_rdev) if is_device else None,
        major_expected=_expected(path, majors),
        open_error=error,
    )


def _expected(path: str, majors: dict[str, int] | Unknown) -> int | None | Unknown:
    if isinstance(majors, Unknown):
        return majors
    for pattern, names in MAJOR_NAMES:
        if pattern.match(path):
            return next((majors[name] for name in names if name in majors), None)
    return None


def _name(host: Host, table: str, number: int) -> str:
    """Return the name of a user or group, or its number where it has none here (as in containers)."""
    text = host.read_text(table)
    for entry in text.splitlines() if isinstance(text, str) else ():
        fields = entry.split(":")
        if len(fields) > 2 and fields[2] == str(number):
            return fields[0]
    return str(number)
