"""Graphics cards and accelerators on the PCI bus, seen without any driver."""

import posixpath

from envcheck.host import Host
from envcheck.knowledge import hardware
from envcheck.model.facts import PciDevice, PciVolatile
from envcheck.model.unknown import Unknown
from envcheck.probes import files
from envcheck.probes.system import unless_linux

DEVICES = "/sys/bus/pci/devices"
CLASSES = ("03", "12")  #: base classes 'display controller' and 'processing accelerator' (PCI Code and ID Assignment)
IORESOURCE_MEM = 0x200  #: include/linux/ioport.h of the Linux kernel


def probe(host: Host) -> tuple[PciDevice, ...] | Unknown:
    """Return the devices in the order of their addresses; () where the kernel has no PCI bus."""
    elsewhere = unless_linux(host, "envcheck reads the PCI bus on Linux only, not on {system}")
    if elsewhere is not None:
        return elsewhere
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
    device_id = _id(host, f"{folder}/device") or ""
    family, capability, target = _family(vendor_id, device_id)
    return PciDevice(
        address=address,
        vendor_id=vendor_id,
        device_id=device_id,
        class_code=class_code,
        vendor=hardware.pci_vendor(vendor_id),
        kernel_driver=_base_name(host.link(f"{folder}/driver")),
        family=family,
        compute_capability=capability,
        gfx_target=target,
        link_speed_max_gts=_speed(host, f"{folder}/max_link_speed"),
        link_width_max=_width(host, f"{folder}/max_link_width"),
        numa_node=_numa_node(host, folder),
        iommu_group=_base_name(host.link(f"{folder}/iommu_group")),
        virtual_functions=files.integer(host, f"{folder}/sriov_numvfs"),
        is_virtual_function=host.link(f"{folder}/physfn") is not None,
        memory_regions_assigned=_regions_assigned(host, folder),
        answers=_answers(host, folder),
        shows_console=_flag(files.integer(host, f"{folder}/boot_vga")),
        volatile=PciVolatile(
            link_speed_gts=_speed(host, f"{folder}/current_link_speed"),
            link_width=_width(host, f"{folder}/current_link_width"),
            power_state=files.line(host, f"{folder}/power/runtime_status"),
        ),
    )


def _family(vendor_id: str, device_id: str) -> tuple[str | None, str | None, str | None]:
    """Return family, compute capability (NVIDIA) and gfx target (AMD)."""
    if vendor_id == "10de":
        return (*(hardware.nvidia_family(device_id) or (None, None)), None)
    if vendor_id == "1002":
        return None, None, hardware.amd_target(device_id)
    return (hardware.intel_family(device_id) if vendor_id == "8086" else None), None, None


def _id(host: Host, path: str) -> str | None:
    """Return hexadecimal digits without their ``0x``, or None."""
    text = files.line(host, path)
    return text.removeprefix("0x").lower() if isinstance(text, str) and text else None


def _base_name(link: str | None | Unknown) -> str | None | Unknown:
    return posixpath.basename(link) if isinstance(link, str) else link


def _speed(host: Host, path: str) -> float | None | Unknown:
    """Return gigatransfers per second from ``16.0 GT/s PCIe`` (older kernels: ``16 GT/s``)."""
    text = files.line(host, path)
    if not isinstance(text, str):
        return text
    number = text.partition(" ")[0]
    try:
        return float(number)
    except ValueError:
        return None  # 'Unknown speed': the device has no link of its own


def _width(host: Host, path: str) -> int | None | Unknown:
    """Return the lanes; 0 and 255 stand for a device without a link or that does not answer."""
    lanes = files.integer(host, path)
    return None if lanes in (0, 255) else lanes


def _numa_node(host: Host, folder: str) -> int | None | Unknown:
    node = files.integer(host, f"{folder}/numa_node")
    return None if node == -1 else node


def _regions_assigned(host: Host, folder: str) -> bool | Unknown:
    """Say whether every memory region has an address.

    Each line of ``resource`` is start, end and flags; a region that the firmware could not place has flags and an end,
    but starts at 0 (Documentation/PCI/sysfs-pci.rst of the Linux kernel).
    """
    text = files.required(host.read_text(f"{folder}/resource"), f"{folder}/resource")
    if isinstance(text, Unknown):
        return text
    try:
        regions = [[int(field, 16) for field in entry.split()] for entry in text.splitlines()]
    except ValueError:
        return Unknown("failed", f"{folder}/resource is not understood")
    own = regions[:6]  # bridges' windows and the ROM follow
    return not any(len(region) == 3 and region[2] & IORESOURCE_MEM and region[0] == 0 for region in own)


def _answers(host: Host, folder: str) -> bool | Unknown:
    head = files.required(host.read_bytes(f"{folder}/config", 4), f"{folder}/config")
    return head if isinstance(head, Unknown) else head != b"\xff\xff\xff\xff"


def _flag(number: int | None | Unknown) -> bool | None | Unknown:
    return number == 1 if isinstance(number, int) else number
