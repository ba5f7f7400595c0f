"""Stand-ins for NVIDIA's libraries, compiled for the test, and the GPUs that they tell of."""

import atexit
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

SOURCES = Path(__file__).parent
GIB = 1024**3

H100 = {
    "name": "NVIDIA H100 80GB HBM3",
    "capability": "9.0",
    "architecture": 9,
    "memory": 80 * GIB,
    "bar1": 128 * GIB,
    "vbios": "96.00.89.00.01",
    "gsp": "550.54.14",
    "compute_mode": 0,
    "persistence": 1,
    "display_active": 0,
    "virtualization": 0,
    "ecc": 1,
    "ecc_uncorrected": 0,
    "ecc_uncorrected_now": 0,
    "remapped": "0 0 0 0",
    "recovery": 0,
    "pcie_generation": 5,
    "pcie_width": 16,
    "pcie_generation_max": 5,
    "pcie_width_max": 16,
    "pcie_replays": 0,
    "nvlinks": "1" * 18,
    "fabric": 3,
    "temperature": 34,
    "temperature_slowdown": 87,
    "power": 71250,
    "power_limit": 700000,
    "power_limit_default": 700000,
    "clock_sm": 345,
    "clock_sm_max": 1980,
    "throttle": 1,
    "utilization": 0,
    "mig_mode": 0,
    "mig_max": 7,
}
"""What NVML says of a healthy, idle H100 in an HGX machine. Power in milliwatts."""

GEFORCE = {
    "name": "NVIDIA GeForce RTX 4090",
    "capability": "8.9",
    "architecture": 8,
    "memory": 24 * GIB,
    "bar1": 32 * GIB,
    "vbios": "95.02.18.80.5f",
    "compute_mode": 0,
    "persistence": 0,
    "display_active": 1,
    "virtualization": 0,
    "pcie_generation": 1,
    "pcie_width": 16,
    "pcie_generation_max": 4,
    "pcie_width_max": 16,
    "pcie_replays": 0,
    "temperature": 41,
    "temperature_slowdown": 84,
    "power": 18400,
    "power_limit": 450000,
    "power_limit_default": 450000,
    "clock_sm": 210,
    "clock_sm_max": 3105,
    "throttle": 1,
    "utilization": 2,
}
"""A healthy GeForce under a desktop: no ECC, no MIG, no NVLink, its PCIe link slowed down while idle."""


def machine(
    count: int,
    gpu: Mapping[str, object] = H100,
    *,
    driver: str = "550.54.14",
    cuda: int = 12040,
    changes: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return what the stand-ins tell: ``count`` equal GPUs, then ``changes`` such as ``{"gpu.1.lost": "!15"}``."""
    told: dict[str, object] = {"driver": driver, "nvml": f"12.{driver}", "cuda": cuda, "gpus": count}
    told.update({f"gpu.*.{key}": value for key, value in gpu.items()})
    for index in range(count):
        told[f"gpu.{index}.uuid"] = f"GPU-{index:08x}-1111-2222-3333-444444444444"
        told[f"gpu.{index}.pci"] = f"00000000:{index + 1:02X}:00.0"
        told[f"gpu.{index}.minor"] = index
    return {**told, **(changes or {})}


@cache
def library(source: str, soname: str, *flags: str) -> Path:
    """Compile a stand-in once per test run and return the folder that holds it."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or os.name != "posix":
        pytest.skip("no C compiler here to build the stand-in for NVIDIA's library")
    folder = Path(mkdtemp(prefix="envcheck-simulated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [compiler, "-shared", "-fPIC", "-O1", *flags, "-o", str(folder / soname), str(SOURCES / source)]
    subprocess.run(command, check=True)
    return folder


def preload_that_aborts(folder: Path) -> Path:
    """Return a library that ends every process into which LD_PRELOAD brings it."""
    source = folder / "aborts.c"
    source.write_text("#include <stdlib.h>\n__attribute__((constructor)) static void now(void) { abort(); }\n")
    return library(str(source), "libaborts.so") / "libaborts.so"


def environment(told: Mapping[str, object], folder: Path, *libraries: Path) -> dict[str, str]:
    """Return an environment in which the loader finds the stand-ins, and they find what to tell."""
    description = folder / "gpus.txt"
    description.write_text("".join(f"{key}={value}\n" for key, value in told.items()))
    paths = [str(path) for path in libraries] or [str(library("nvml.c", "libnvidia-ml.so.1"))]
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(paths), "SIMULATED_GPUS": str(description)}
