"""Graphics cards and accelerators on the PCI bus, seen without any driver."""

import posixpath

from envcheck.host import Host
from envcheck.knowledge import hardware
from envcheck.model.facts import PciDevice
from envcheck.model.unknown import Unknown
from envcheck.probes import files
from envcheck.probes.system import system

DEVICES = "/sys/bus/pci/devices"
CLASSES = ("03", "12")  #: base classes 'display controller' and 'processing accelerator' (PCI Code and ID Assignment)


def probe(host: Host) -> tuple[PciDevice, ...] | Unknown:
    """Return the devices in the order of their addresses; () where the kernel has no PCI bus."""
    name = system(host)
    if name != "Linux":
        return (
            name
            if isinstance(name, Unknown)
            else Unknown("unsupported", f"envcheck reads the PCI bus on Linux only, not on {name}")
        )
    addresses = host.list_dir(DEVICES)
    if isinstance(addresses, Unknown):
        return addresses
    if addresses is None:
        if host.is_dir("/sys/devices"):
            return ()  # sysfs is there and knows no PCI bus: many Arm boards, WSL 1, small virtual machines
        return Unknown("failed", "/sys is not mounted")
    devices = (_device(host, address) for address in addresses)
    return tuple(device for device in devices if device is not None)


def _device(host: Host, address: str) -> PciDevice | None:
    folder = f"{DEVICES}/{address}"
    class_code = _id(host, f"{folder}/class")
    if class_code is None or not class_code.startswith(CLASSES):
        return None
    vendor_id = _id(host, f"{folder}/vendor") or ""
    driver = host.link(f"{folder}/driver")
    return PciDevice(
        address=address,
        vendor_id=vendor_id,
        device_id=_id(host, f"{folder}/device") or "",
        class_code=class_code,
        vendor=hardware.pci_vendor(vendor_id),
        kernel_driver=posixpath.basename(driver) if isinstance(driver, str) else driver,
    )


def _id(host: Host, path: str) -> str | None:
    """Return hexadecimal digits without their ``0x``, or None."""
    text = files.line(host, path)
    return text.removeprefix("0x").lower() if isinstance(text, str) and text else None
