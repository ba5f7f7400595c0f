"""The PCI bus without any driver."""

from pathlib import Path

from simulated.trees import Folder, linux, pci_device, simulated_host

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
