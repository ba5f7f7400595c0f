"""Which modules the kernel has loaded."""

from envcheck.host import Host
from envcheck.model.unknown import Unknown


def loaded(host: Host, *wanted: str) -> tuple[str, ...] | Unknown:
    """Return those of the wanted modules that are loaded; sysfs also has those that are built into the kernel."""
    text = host.read_text("/proc/modules")
    folders = host.list_dir("/sys/module")
    if not isinstance(text, str) and not isinstance(folders, tuple):
        if isinstance(text, Unknown):
            return text
        return Unknown("failed", "neither /proc/modules nor /sys/module can be seen")
    names = {entry.split(" ", 1)[0] for entry in text.splitlines()} if isinstance(text, str) else set()
    names.update(folders if isinstance(folders, tuple) else ())
    return tuple(name for name in wanted if name in names)


def is_loaded(host: Host, name: str) -> bool | Unknown:
    """Say whether one module is loaded."""
    found = loaded(host, name)
    return found if isinstance(found, Unknown) else bool(found)
