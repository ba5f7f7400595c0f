"""The network interfaces that the kernel knows."""

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import files
from envcheck.probes.system import unless_linux

FOLDER = "/sys/class/net"


def interfaces(host: Host) -> tuple[str, ...] | Unknown:
    """Return their names. ``bonding_masters`` in that folder is a file of settings and no interface."""
    elsewhere = unless_linux(host, "envcheck reads none on {system}")
    if elsewhere is not None:
        return elsewhere
    names = files.required(host.list_dir(FOLDER), FOLDER)
    return names if isinstance(names, Unknown) else tuple(name for name in names if name != "bonding_masters")
