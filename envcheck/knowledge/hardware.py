"""Names of hardware: cores by Arm's numbers, vendors and families by PCI numbers."""

import functools
import json
from importlib import resources
from typing import Any


def arm_vendor(implementer: str) -> str | None:
    """Return the vendor of an Arm core by the ``CPU implementer`` of /proc/cpuinfo, such as ``0x41``."""
    name = _load("arm_cores")["implementers"].get(implementer.lower())
    return str(name) if name else None


def arm_core(implementer: str, part: str) -> str | None:
    """Return the name of an Arm core by ``CPU implementer`` and ``CPU part``."""
    name = _load("arm_cores")["parts"].get(implementer.lower(), {}).get(part.lower())
    return str(name) if name else None


def pci_vendor(vendor_id: str) -> str | None:
    """Return the name of a PCI vendor by its four hexadecimal digits."""
    name = _load("pci_devices")["vendors"].get(vendor_id.lower())
    return str(name) if name else None


@functools.cache
def _load(name: str) -> Any:
    return json.loads(resources.files("envcheck.knowledge").joinpath(f"{name}.json").read_text("utf-8"))
