"""Intel's GPUs and neural processing units: modules, Level Zero, OpenCL."""

import re

from envcheck.host import Host
from envcheck.model.facts import IntelDriver
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import modules
from envcheck.probes.system import unless_linux

MODULES = ("i915", "xe", "intel_vpu", "ivpu")
FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib", "/usr/lib/wsl/lib")
LOADER = re.compile(r"libze_loader\.so\.\d+$")
DRIVER = re.compile(r"libze_intel_(?:gpu|vpu|npu)\.so(?:\.\d+)?$")


def probe(host: Host) -> IntelDriver:
    """Look at what a program needs to reach an Intel GPU: Level Zero (SYCL, PyTorch XPU) or OpenCL (OpenVINO)."""
    elsewhere = unless_linux(host, "envcheck reads Intel's driver on Linux only")
    if elsewhere is not None:
        return all_unknown(IntelDriver, elsewhere)
    loaders = _files(host, FOLDERS, LOADER)
    return IntelDriver(
        modules_loaded=modules.loaded(host, *MODULES),
        level_zero_loader=loaders if isinstance(loaders, Unknown) else next(iter(loaders), None),
        level_zero_drivers=_files(host, FOLDERS, DRIVER),
        opencl_drivers=_files(host, ("/etc/OpenCL/vendors",), re.compile(r".+\.icd$")),
        accelerator_nodes=_files(host, ("/dev/accel",), re.compile(r"accel\d+$")),
    )


def _files(host: Host, folders: tuple[str, ...], pattern: "re.Pattern[str]") -> tuple[str, ...] | Unknown:
    found = []
    for folder in folders:
        names = host.list_dir(folder)
        if isinstance(names, Unknown):
            return names
        found += [f"{folder}/{name}" for name in names or () if pattern.match(name)]
    return tuple(found)
