"""How many processes and threads this user may have: frameworks start a thread for each core, several times over."""

import re

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import cgroup, files
from envcheck.probes.system import unless_linux

LIMITS = "/proc/self/limits"


def processes(host: Host) -> tuple[int | None | Unknown, str | None | Unknown]:
    """Return the tighter of the user's own limit (ulimit -u) and the control group's, and which of the two it is."""
    elsewhere = unless_linux(host, "envcheck reads no such limit on {system}")
    if elsewhere is not None:
        return elsewhere, elsewhere
    own, group = _ulimit(host), cgroup.processes(host)
    if isinstance(own, Unknown):
        return own, own
    if isinstance(group, Unknown):
        return group, group
    known = [(limit, how) for limit, how in ((group, "pids.max"), (own, "ulimit -u")) if limit is not None]
    return min(known) if known else (None, None)


def _ulimit(host: Host) -> int | None | Unknown:
    text = files.required(host.read_text(LIMITS), LIMITS)
    if isinstance(text, Unknown):
        return text
    match = re.search(r"^Max processes\s+(\S+)", text, re.MULTILINE)
    if match is None:
        return Unknown("failed", f"{LIMITS} does not tell 'Max processes'")
    return int(match.group(1)) if match.group(1).isdecimal() else None
