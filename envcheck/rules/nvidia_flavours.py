"""The kernel module of NVIDIA's driver and the GPU: flavour and branch have to go with its generation."""

from collections.abc import Iterator

from envcheck.fixes.nvidia import GUIDE, REBOOT, by_system, install_driver
from envcheck.fixes.system import commands, packaged
from envcheck.knowledge.cuda import capability, last_driver_branch
from envcheck.model.facts import Facts, PciDevice
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.gpus import (
    KERNEL,
    idle_cards,
    label,
    modules_for_running_kernel,
    on_host_with_gpu,
)
from envcheck.rules.shared import for_each, gpu_severity, version_of
from envcheck.words import template

TURING = (7, 5)
"""The first generation with a system processor (GSP), which the open module needs (README of
NVIDIA/open-gpu-kernel-modules: 'Turing or later')."""
FIRST_BRANCH = {"Blackwell": 570}
"""The first branch of the driver that knows a generation: CUDA 12.8, the first with Blackwell, comes with 570 (CUDA
Toolkit release notes, table 3)."""
OPEN_ONLY = ("Blackwell",)
"""Generations that the proprietary module refuses (Data Center Driver Installation Guide, 'Open kernel modules')."""
OPEN_FLAVOUR = template("Install the open flavour of the NVIDIA kernel module, then restart")
CLOSED_FLAVOUR = template("Install the proprietary flavour of the NVIDIA kernel module, then restart")
LEGACY_BRANCH = template("Install the driver branch {branch}, the last one that knows this GPU, then restart")


# --- module and GPU -------------------------------------------------------------------------------


def _flavour(facts: Facts) -> tuple[str, str | None]:
    """Return the flavour of the module that runs or else would run, and the fact that tells."""
    driver = facts.driver.nvidia
    if need(driver.kernel_module_loaded):
        return "/driver/nvidia/kernel_module_flavour", need(driver.kernel_module_flavour)
    for index in modules_for_running_kernel(facts):
        return f"{KERNEL}/module_files/{index}/flavour", need(need(driver.kernel.module_files)[index].flavour)
    raise NotApplicable("no NVIDIA module for the running kernel")


def _branch(facts: Facts) -> tuple[str, str, int]:
    """Return the fact that tells the version of the module that runs or else would run, the version, and its branch."""
    driver = facts.driver.nvidia
    if need(driver.kernel_module_loaded):
        return "/driver/nvidia/kernel_module_version", *_version(need(driver.kernel_module_version))
    for index in modules_for_running_kernel(facts):
        version = need(need(driver.kernel.module_files)[index].version)
        return f"{KERNEL}/module_files/{index}/version", *_version(version)
    raise NotApplicable("no NVIDIA module for the running kernel")


def _version(text: str | None) -> tuple[str, int]:
    version = version_of(text)
    if text is None or version is None:
        raise NotApplicable("the NVIDIA module tells no version")
    return text, version.major


@rule(
    "nvidia-open-module-on-pre-turing",
    severity="error",
    layer="driver",
    title=template("The open NVIDIA module cannot drive {gpu} ({family})"),
    message=template(
        "The installed kernel module is the open flavour, which needs a system processor that GPUs have only since "
        "the generation Turing. {gpu} is of the generation {family}; it needs the proprietary flavour."
    ),
    after=("nvidia-driver-dropped-gpu",),
)
def nvidia_open_module_on_pre_turing(facts: Facts) -> Iterator[Failure]:
    """The open flavour of the kernel module drives GPUs from Turing on; this one is older.

    The kernel's log says that the GPU is 'not supported by open nvidia.ko'. Install the proprietary flavour of a branch
    that still knows the GPU: 580 or older.
    """
    on_host_with_gpu(facts)
    pointer, flavour = _flavour(facts)
    if flavour != "open":
        return

    def check(_: int, place: tuple[int, PciDevice]) -> Iterator[Failure]:
        index, device = place
        able = capability(need(device.compute_capability) or "")
        if able is not None and able < TURING:
            family = known(device.family, None) or "before Turing"
            yield Failure(
                evidence=(pointer, f"/hardware/pci/{index}/compute_capability"),
                fields={"gpu": label(facts, device.address), "family": family},
                fixes=(_branch_fix(facts, CLOSED_FLAVOUR, last_driver_branch(family) or 580),),
                severity=gpu_severity(facts),
            )

    yield from for_each(idle_cards(facts), check)


def _branch_fix(facts: Facts, title: str, branch: int, flavour: str = "") -> Fix:
    row = packaged(facts, "driver-branch")
    if row is None:
        return by_system(title, (), GUIDE, branch=branch)
    install = commands(facts, "driver-branch", branch=branch, flavour=flavour)
    return by_system(title, (*install, REBOOT), row.source, branch=branch)


@rule(
    "blackwell-requires-open-module",
    severity="error",
    layer="driver",
    title=template("{gpu} ({family}) needs the open NVIDIA module"),
    message=template(
        "The installed kernel module is the proprietary flavour, which refuses GPUs of the generation {family}. "
        "They work with the open flavour alone."
    ),
    after=("nvidia-driver-older-than-gpu",),
)
def blackwell_requires_open_module(facts: Facts) -> Iterator[Failure]:
    """GPUs of the generation Blackwell work only with the open flavour of the kernel module.

    The kernel's log says 'requires use of the NVIDIA open kernel modules', and nvidia-smi finds no devices.
    """
    on_host_with_gpu(facts)
    pointer, flavour = _flavour(facts)
    if flavour != "proprietary":
        return

    def check(_: int, place: tuple[int, PciDevice]) -> Iterator[Failure]:
        index, device = place
        if need(device.family) in OPEN_ONLY:
            yield Failure(
                evidence=(pointer, f"/hardware/pci/{index}/family"),
                fields={"gpu": label(facts, device.address), "family": device.family},
                fixes=(_branch_fix(facts, OPEN_FLAVOUR, 580, "-open"),),
                severity=gpu_severity(facts),
            )

    yield from for_each(idle_cards(facts), check)


@rule(
    "nvidia-driver-dropped-gpu",
    severity="error",
    layer="driver",
    title=template("The NVIDIA driver {version} no longer knows {gpu} ({family})"),
    message=template(
        "The branch {branch} was the last one with support for the generation {family}, and {version} is installed. "
        "The newer driver takes no notice of {gpu}."
    ),
)
def nvidia_driver_dropped_gpu(facts: Facts) -> Iterator[Failure]:
    """An update brought a driver branch that leaves old generations out.

    Kepler ends with the branch 470; Maxwell, Pascal and Volta end with 580. Current framework packages have often
    dropped these GPUs as well.
    """
    on_host_with_gpu(facts)
    pointer, version, branch = _branch(facts)

    def check(_: int, place: tuple[int, PciDevice]) -> Iterator[Failure]:
        index, device = place
        last = last_driver_branch(need(device.family) or "")
        if last is not None and branch > last:
            yield Failure(
                evidence=(pointer, f"/hardware/pci/{index}/family"),
                fields={
                    "gpu": label(facts, device.address),
                    "family": device.family,
                    "version": version,
                    "branch": last,
                },
                fixes=(_branch_fix(facts, LEGACY_BRANCH, last),),
                severity=gpu_severity(facts),
            )

    yield from for_each(idle_cards(facts), check)


@rule(
    "nvidia-driver-older-than-gpu",
    severity="error",
    layer="driver",
    title=template("The NVIDIA driver {version} is older than {gpu} ({family})"),
    message=template(
        "{gpu} is of the generation {family}, which drivers know from the branch {branch} on; {version} is "
        "installed and finds no GPU that it could drive."
    ),
)
def nvidia_driver_older_than_gpu(facts: Facts) -> Iterator[Failure]:
    """The card is newer than the driver. The kernel's log says 'No NVIDIA GPU found' or 'no devices probed'."""
    on_host_with_gpu(facts)
    pointer, version, branch = _branch(facts)

    def check(_: int, place: tuple[int, PciDevice]) -> Iterator[Failure]:
        index, device = place
        first = FIRST_BRANCH.get(need(device.family) or "")
        if first is not None and branch < first:
            yield Failure(
                evidence=(pointer, f"/hardware/pci/{index}/family"),
                fields={
                    "gpu": label(facts, device.address),
                    "family": device.family,
                    "version": version,
                    "branch": first,
                },
                fixes=(install_driver(facts),),
                severity=gpu_severity(facts),
            )

    yield from for_each(idle_cards(facts), check)
