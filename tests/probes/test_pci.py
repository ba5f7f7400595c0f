"""The PCI bus without any driver."""

from pathlib import Path

import pytest
from simulated.trees import Folder, Link, linux, pci_device, simulated_host

from envcheck.model.unknown import Unknown
from envcheck.probes import pci


def test_devices_of_several_vendors(tmp_path: Path) -> None:
    host = simulated_host(
        tmp_path,
        linux(),
        pci_device("0000:00:02.0", "8086", "a780", "030000", "i915"),
        pci_device("0000:01:00.0", "10de", "2684", "030000", "nouveau"),
        pci_device("0000:01:00.1", "10de", "22ba", "040300", "snd_hda_intel"),
        pci_device("0000:41:00.0", "10de", "2330", "030200"),
        pci_device("0000:81:00.0", "1002", "74a1", "120000", "amdgpu"),
        pci_device("0000:c1:00.0", "abcd", "0001", "120000"),
    )
    devices = pci.probe(host)
    assert isinstance(devices, tuple)
    assert [(device.address, device.vendor, device.device_id, device.kernel_driver) for device in devices] == [
        ("0000:00:02.0", "Intel", "a780", "i915"),
        ("0000:01:00.0", "NVIDIA", "2684", "nouveau"),
        ("0000:41:00.0", "NVIDIA", "2330", None),
        ("0000:81:00.0", "AMD", "74a1", "amdgpu"),
        ("0000:c1:00.0", None, "0001", None),
    ]


def test_an_empty_bus(tmp_path: Path) -> None:
    assert pci.probe(simulated_host(tmp_path, linux())) == ()


def test_a_machine_without_a_pci_bus(tmp_path: Path) -> None:
    assert pci.probe(simulated_host(tmp_path, {"/proc/version": "", "/sys/devices": Folder})) == ()


def test_a_container_without_sysfs_is_not_taken_for_a_machine_without_devices(tmp_path: Path) -> None:
    assert pci.probe(simulated_host(tmp_path, {"/proc/version": ""})) == Unknown("failed", "/sys is not mounted")


def test_a_mac(tmp_path: Path) -> None:
    answer = pci.probe(simulated_host(tmp_path, {"/System/Library/CoreServices/SystemVersion.plist": ""}))
    assert isinstance(answer, Unknown)
    assert answer.reason == "unsupported"


def test_everything_about_a_card(tmp_path: Path) -> None:
    folder = "/sys/bus/pci/devices/0000:41:00.0"
    host = simulated_host(
        tmp_path,
        linux(),
        pci_device("0000:41:00.0", "10de", "2330", "030200", "nvidia"),
        {
            f"{folder}/max_link_speed": "32.0 GT/s PCIe\n",
            f"{folder}/max_link_width": "16\n",
            f"{folder}/current_link_speed": "2.5 GT/s PCIe\n",
            f"{folder}/current_link_width": "8\n",
            f"{folder}/numa_node": "1\n",
            f"{folder}/iommu_group": Link("../../../../kernel/iommu_groups/47"),
            f"{folder}/sriov_numvfs": "0\n",
            f"{folder}/resource": RESOURCE.format(first="0x000000a0000000"),
            f"{folder}/config": bytes.fromhex("de103023"),
            f"{folder}/boot_vga": "0\n",
            f"{folder}/power/runtime_status": "active\n",
        },
    )
    devices = pci.probe(host)
    assert isinstance(devices, tuple)
    (device,) = devices
    assert (device.family, device.compute_capability, device.gfx_target) == ("Hopper", "9.0", None)
    assert (device.link_speed_max_gts, device.link_width_max) == (32.0, 16)
    assert (device.volatile.link_speed_gts, device.volatile.link_width) == (2.5, 8)
    assert (device.numa_node, device.iommu_group, device.virtual_functions) == (1, "47", 0)
    assert (device.is_virtual_function, device.memory_regions_assigned, device.answers) == (False, True, True)
    assert (device.shows_console, device.volatile.power_state) == (False, "active")


RESOURCE = "{first} 0x0000000000ffffff 0x0000000000040200\n" + "0x0 0x0 0x0\n" * 5


def test_a_card_in_trouble(tmp_path: Path) -> None:
    folder = "/sys/bus/pci/devices/0000:41:00.0"
    host = simulated_host(
        tmp_path,
        linux(),
        pci_device("0000:41:00.0", "10de", "1b06", "030000"),
        {
            f"{folder}/current_link_speed": "Unknown\n",
            f"{folder}/current_link_width": "255\n",
            f"{folder}/numa_node": "-1\n",
            f"{folder}/physfn": Link("../0000:41:00.1"),
            f"{folder}/resource": RESOURCE.format(first="0x0000000000000000"),
            f"{folder}/config": b"\xff" * 64,
        },
    )
    devices = pci.probe(host)
    assert isinstance(devices, tuple)
    (device,) = devices
    assert (device.family, device.compute_capability) == ("Pascal", "6.1")
    assert (device.volatile.link_speed_gts, device.volatile.link_width, device.numa_node) == (None, None, None)
    assert (device.is_virtual_function, device.memory_regions_assigned, device.answers) == (True, False, False)


@pytest.mark.parametrize(
    ("vendor", "device", "family", "capability", "target"),
    [
        ("10de", "102d", "Kepler", "3.7", None),  # K80
        ("10de", "1db6", "Volta", "7.0", None),  # V100
        ("10de", "1eb8", "Turing", "7.5", None),  # T4
        ("10de", "20b0", "Ampere", "8.0", None),  # A100
        ("10de", "2236", "Ampere", "8.6", None),  # A10
        ("10de", "2684", "Ada", "8.9", None),  # RTX 4090
        ("10de", "2b85", "Blackwell", "12.0", None),  # RTX 5090
        ("10de", "0641", "Tesla", "1.1", None),  # GeForce 9400
        ("1002", "7550", None, None, "gfx1201"),
        ("8086", "56a0", "Arc (Alchemist)", None, None),
        ("8086", "a780", None, None, None),
    ],
)
def test_families(
    tmp_path: Path, vendor: str, device: str, family: str | None, capability: str | None, target: str | None
) -> None:
    devices = pci.probe(simulated_host(tmp_path, linux(), pci_device("0000:01:00.0", vendor, device)))
    assert isinstance(devices, tuple)
    assert (devices[0].family, devices[0].compute_capability, devices[0].gfx_target) == (family, capability, target)
