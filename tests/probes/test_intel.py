"""Intel's GPUs and neural processing units."""

from pathlib import Path

from simulated.trees import linux, simulated_host

from envcheck.model.unknown import Unknown
from envcheck.probes import intel


def test_an_arc_machine(tmp_path: Path) -> None:
    libraries = "/usr/lib/x86_64-linux-gnu"
    tree = {
        "/proc/modules": "xe 1 0 - Live 0x0\nintel_vpu 1 0 - Live 0x0\n",
        f"{libraries}/libze_loader.so.1": "",
        f"{libraries}/libze_loader.so.1.17.6": "",
        f"{libraries}/libze_intel_gpu.so.1": "",
        "/etc/OpenCL/vendors/intel.icd": "",
        "/dev/accel/accel0": "",
    }
    facts = intel.probe(simulated_host(tmp_path, linux(), tree))
    assert facts.modules_loaded == ("xe", "intel_vpu")
    assert facts.level_zero_loader == f"{libraries}/libze_loader.so.1"
    assert facts.level_zero_drivers == (f"{libraries}/libze_intel_gpu.so.1",)
    assert (facts.opencl_drivers, facts.accelerator_nodes) == (
        ("/etc/OpenCL/vendors/intel.icd",),
        ("/dev/accel/accel0",),
    )


def test_nothing_of_intel(tmp_path: Path) -> None:
    facts = intel.probe(simulated_host(tmp_path, linux()))
    assert (facts.modules_loaded, facts.level_zero_loader, facts.level_zero_drivers) == ((), None, ())


def test_elsewhere(tmp_path: Path) -> None:
    facts = intel.probe(simulated_host(tmp_path, {"/System/Library/CoreServices/SystemVersion.plist": ""}))
    assert isinstance(facts.modules_loaded, Unknown)
    assert facts.modules_loaded.reason == "unsupported"
