"""The network interfaces that the kernel knows."""

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import files
from envcheck.probes.system import system

FOLDER = "/sys/class/net"


def interfaces(host: Host) -> tuple[str, ...] | Unknown:
    """Return their names. ``bonding_masters`` in that folder is a file of settings and no interface."""
    name = system(host)
    if name != "Linux":
        return name if isinstance(name, Unknown) else Unknown("unsupported", f"envcheck reads none on {name}")
    names = files.required(host.list_dir(FOLDER), FOLDER)
    return names if isinstance(names, Unknown) else tuple(name for name in names if name != "bonding_masters")
