"""Names of hardware: cores by Arm's numbers, vendors and families by PCI numbers."""

from collections.abc import Mapping
from typing import ClassVar, TypeVar

from envcheck import knowledge

T = TypeVar("T")


class ArmVendor(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("implementer",)

    implementer: str
    name: str


class ArmCore(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("implementer", "part")

    implementer: str
    part: str
    name: str


class PciVendor(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("id",)

    id: str
    name: str


class NvidiaDevice(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("device",)

    device: str
    family: str
    compute_capability: str


class AmdDevice(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("device",)

    device: str
    target: str


class IntelDevice(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("device",)

    device: str
    family: str


def arm_vendor(implementer: str) -> str | None:
    """Return the vendor of an Arm core by the ``CPU implementer`` of /proc/cpuinfo, such as ``0x41``."""
    rows = knowledge.load("arm_vendors", ArmVendor)
    return next((row.name for row in rows if row.implementer == implementer.lower()), None)


def arm_core(implementer: str, part: str) -> str | None:
    """Return the name of an Arm core by ``CPU implementer`` and ``CPU part``."""
    wanted = (implementer.lower(), part.lower())
    rows = knowledge.load("arm_cores", ArmCore)
    return next((row.name for row in rows if (row.implementer, row.part) == wanted), None)


def pci_vendor(vendor_id: str) -> str | None:
    """Return the name of a PCI vendor by its four hexadecimal digits."""
    return next((row.name for row in knowledge.load("pci_vendors", PciVendor) if row.id == vendor_id.lower()), None)


def nvidia_family(device_id: str) -> tuple[str, str] | None:
    """Return family and compute capability of an NVIDIA GPU by its PCI device id."""
    row = _longest({row.device: row for row in knowledge.load("nvidia_devices", NvidiaDevice)}, device_id)
    return (row.family, row.compute_capability) if row else None


def amd_target(device_id: str) -> str | None:
    """Return the gfx target of an AMD GPU by its PCI device id."""
    rows = knowledge.load("amd_devices", AmdDevice)
    return next((row.target for row in rows if row.device == device_id.lower()), None)


def intel_family(device_id: str) -> str | None:
    """Return the family of an Intel GPU by its PCI device id."""
    row = _longest({row.device: row for row in knowledge.load("intel_devices", IntelDevice)}, device_id)
    return row.family if row else None


def _longest(rows: Mapping[str, T], device_id: str) -> T | None:
    """Return the row with the longest key that the id begins with."""
    device_id = device_id.lower()
    return next((rows[device_id[:length]] for length in (4, 3, 2) if device_id[:length] in rows), None)
