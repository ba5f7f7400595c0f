"""What decides which builds of a package run: the target's Python, its machine, and the NVIDIA GPUs."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec
from packaging import tags
from packaging.version import InvalidVersion, Version

from envcheck.knowledge import cuda
from envcheck.model.facts import Facts
from envcheck.model.unknown import Unknown, known

Capability = tuple[int, int]

MAXWELL = (5, 0)
MAKERS_OF_GPUS = ("10de", "1002")
"""NVIDIA and AMD (pci-ids.ucw.cz, 2026-11-23)."""
GPU_CLASSES = ("03", "12")
"""Display controllers and processing accelerators (PCI Code and ID Assignment Specification)."""
ARCHITECTURES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "i686": "i386", "i586": "i386"}
LEGACY_MANYLINUX = {(2, 5): "manylinux1", (2, 12): "manylinux2010", (2, 17): "manylinux2014"}
"""The names of these glibc releases before PEP 600 (PEP 513, 571, 599)."""
OLDEST_GLIBC_TAG = {"x86_64": 5, "i386": 5}
"""Elsewhere wheels begin with manylinux2014, which is glibc 2.17 (PEP 599)."""
ASSUMED_MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": "3.12.0",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.12.0",
    "python_version": "3.12",
    "sys_platform": "linux",
}
"""What the markers of requirements are read with where the target does not tell: the machine that is most common."""
SYS_PLATFORMS = {"Linux": "linux", "Darwin": "darwin", "Windows": "win32"}


@dataclass(frozen=True)
class Machine:
    """A machine and its Python. What is not known is None, and rules nothing out."""

    python: Version | None = None
    free_threaded: bool = False
    system: str | None = None  #: ``Linux``, ``Darwin`` or ``Windows``
    architecture: str | None = None  #: ``x86_64`` or ``aarch64``, on every system
    libc: str | None = None  #: ``glibc`` or ``musl``
    libc_version: Version | None = None
    macos: Version | None = None
    instructions: frozenset[str] | None = None  #: names as in ``hardware.cpu.instruction_sets``
    gpus: tuple[Capability, ...] | None = None  #: compute capabilities, highest first
    cuda: Version | None = None  #: the newest CUDA that the driver supports
    driver: Version | None = None  #: of NVIDIA
    without_gpu: bool = False  #: known to have none, so that a build for GPUs would only fill the disk
    markers: tuple[tuple[str, str], ...] = ()

    @property
    def python_minor(self) -> str | None:
        return f"{self.python.major}.{self.python.minor}" if self.python else None

    @property
    def platform(self) -> str | None:
        """Return the platform as the table of builds names it."""
        if self.system is None or self.architecture is None:
            return None
        system = {"Darwin": "macos"}.get(self.system, self.system.lower())
        return f"{system}-{'arm64' if (system, self.architecture) == ('macos', 'aarch64') else self.architecture}"

    def environment(self) -> Mapping[str, str]:
        """Return the environment for the markers of requirements."""
        told = {**ASSUMED_MARKERS, **dict(self.markers)}
        if self.python and self.python_minor:
            told |= {"python_version": self.python_minor, "python_full_version": str(self.python)}
        if self.system:
            told |= {"platform_system": self.system, "sys_platform": SYS_PLATFORMS.get(self.system, "")}
            told["os_name"] = "nt" if self.system == "Windows" else "posix"
        if self.architecture:
            told["platform_machine"] = native_name(self.system, self.architecture)
        return told

    def with_python(self, minor: str) -> "Machine":
        """Return the same machine with another Python."""
        return replace(self, python=Version(f"{minor}.0"), free_threaded=False, markers=())


def machine_of(facts: Facts) -> Machine:
    """Return what the facts tell."""
    driver = facts.driver.nvidia
    system = known(facts.platform.system, None)
    told = msgspec.structs.asdict(facts.python.markers)
    libc = known(facts.platform.libc_name, None)
    return Machine(
        python=_version(known(facts.python.version, None)),
        free_threaded=known(facts.python.free_threaded, False),
        system=system,
        architecture=architecture(known(facts.python.machine, None) or known(facts.platform.machine, None)),
        libc=libc,
        libc_version=_version(known(facts.platform.libc_version, None)),
        macos=_version(known(facts.platform.os_version, None)) if system == "Darwin" else None,
        instructions=None
        if isinstance(facts.hardware.cpu.instruction_sets, Unknown)
        else frozenset(facts.hardware.cpu.instruction_sets),
        gpus=_capabilities(facts),
        cuda=_version(known(driver.cuda_driver_api_version, None)),
        driver=_version(known(driver.version, None)),
        without_gpu=_without_gpu(facts),
        markers=tuple((name, value) for name, value in told.items() if isinstance(value, str)),
    )


def _capabilities(facts: Facts) -> tuple[Capability, ...] | None:
    """Return the compute capabilities of the NVIDIA GPUs: as the driver tells them, or else by their PCI numbers."""
    told: tuple[str | None | Unknown, ...] = ()
    if not isinstance(facts.driver.nvidia.gpus, Unknown) and facts.driver.nvidia.gpus:
        told = tuple(gpu.compute_capability for gpu in facts.driver.nvidia.gpus)
    elif not isinstance(facts.hardware.pci, Unknown):
        told = tuple(device.compute_capability for device in facts.hardware.pci)
    found = sorted({each for text in told if isinstance(text, str) and (each := cuda.capability(text))}, reverse=True)
    # Beside a newer GPU one of Kepler or before shows a picture; what still serves it would hold the newer one back.
    return tuple(each for each in found if each >= MAXWELL or found[0] < MAXWELL) or None


def _without_gpu(facts: Facts) -> bool:
    """Say whether the machine is known to have no GPU that PyTorch has builds for, now or in the jobs of a cluster."""
    if isinstance(facts.hardware.pci, Unknown) or facts.platform.wsl is not None:
        return False
    cards = [device for device in facts.hardware.pci if device.class_code.startswith(GPU_CLASSES)]
    there = any(device.vendor_id in MAKERS_OF_GPUS for device in cards) or bool(known(facts.driver.nvidia.gpus, ()))
    return not there and facts.platform.scheduler.name is None


def _version(text: str | None) -> Version | None:
    try:
        return Version(text) if text else None
    except InvalidVersion:
        return None


def architecture(name: str | None) -> str | None:
    """Return one name for an architecture that systems name differently."""
    return ARCHITECTURES.get(name.lower(), name.lower()) if name else None


def native_name(system: str | None, architecture: str) -> str:
    """Return an architecture as ``platform.machine()`` names it on a system."""
    if system == "Windows":
        return {"x86_64": "AMD64", "aarch64": "ARM64"}.get(architecture, architecture)
    return "arm64" if system == "Darwin" and architecture == "aarch64" else architecture


# --- tags of wheels -------------------------------------------------------------------------------


@functools.cache
def platforms(machine: Machine) -> frozenset[str] | None:
    """Return the platform tags of wheels that the machine can use; None if they are not known."""
    architecture = machine.architecture
    if machine.system is None or architecture is None:
        return None
    if machine.system == "Windows":
        return frozenset({{"x86_64": "win_amd64", "aarch64": "win_arm64"}.get(architecture, "win32"), "any"})
    if machine.system == "Darwin":
        name = "arm64" if architecture == "aarch64" else architecture
        release = machine.macos.release if machine.macos else (99, 0)
        return frozenset({*tags.mac_platforms((release[0], release[1] if len(release) > 1 else 0), name), "any"})
    if machine.libc == "musl":
        minor = machine.libc_version.release[1] if machine.libc_version else 99
        return frozenset({*(f"musllinux_1_{number}_{architecture}" for number in range(minor + 1)), "any"})
    return frozenset({*_manylinux(machine, architecture), f"linux_{architecture}", "any"})


def _manylinux(machine: Machine, architecture: str) -> set[str]:
    release = machine.libc_version.release if machine.libc_version else (2, 99)
    found = set()
    for minor in range(OLDEST_GLIBC_TAG.get(architecture, 17), (release[1] if len(release) > 1 else 0) + 1):
        found.add(f"manylinux_2_{minor}_{architecture}")
        if (2, minor) in LEGACY_MANYLINUX:
            found.add(f"{LEGACY_MANYLINUX[2, minor]}_{architecture}")
    return found


@functools.cache
def interpreters(machine: Machine) -> frozenset[str] | None:
    """Return the tags of interpreter and ABI that the target accepts; None if its Python is not known."""
    if machine.python is None:
        return None
    major, minor = machine.python.major, machine.python.minor
    abi = f"cp{major}{minor}" + ("t" if machine.free_threaded else "m" if (major, minor) < (3, 8) else "")
    found = {f"{tag.interpreter}-{tag.abi}" for tag in tags.cpython_tags((major, minor), [abi], ["any"])}
    if machine.free_threaded:
        found = {tag for tag in found if not tag.endswith("-abi3")}
    return frozenset(
        {*found, *(f"{tag.interpreter}-{tag.abi}" for tag in tags.compatible_tags((major, minor), None, ["any"]))}
    )
