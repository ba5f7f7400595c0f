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


def nvidia_family(device_id: str) -> tuple[str, str] | None:
    """Return family and compute capability of an NVIDIA GPU by its PCI device id."""
    row = _longest(_load("pci_devices")["nvidia"], device_id)
    return (str(row[0]), str(row[1])) if row else None


def amd_target(device_id: str) -> str | None:
    """Return the gfx target of an AMD GPU by its PCI device id."""
    target = _load("pci_devices")["amd"].get(device_id.lower())
    return str(target) if target else None


def intel_family(device_id: str) -> str | None:
    """Return the family of an Intel GPU by its PCI device id."""
    family = _longest(_load("pci_devices")["intel"], device_id)
    return str(family) if family else None


def _longest(rows: dict[str, Any], device_id: str) -> Any:
    """Return the row with the longest key that the id begins with."""
    device_id = device_id.lower()
    return next((rows[device_id[:length]] for length in (4, 3, 2) if device_id[:length] in rows), None)


@functools.cache
def _load(name: str) -> Any:
    return json.loads(resources.files("envcheck.knowledge").joinpath(f"{name}.json").read_text("utf-8"))
