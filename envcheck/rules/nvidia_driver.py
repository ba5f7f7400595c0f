"""Between the NVIDIA GPU and the frameworks: kernel driver and user-space driver."""

from collections.abc import Iterator

from envcheck.fixes import nvidia
from envcheck.fixes.files import by_hand
from envcheck.fixes.nvidia import by_system, install_driver
from envcheck.fixes.system import commands
from envcheck.model.facts import Facts, PciDevice
from envcheck.model.report import Fix, Severity
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.gpus import with_gpu_of_use
from envcheck.rules.shared import (
    DISPLAY_CLASS,
    NVIDIA_VENDOR_ID,
    RESERVING,
    gpu_severity,
    has_gpu_build,
    in_container,
    listed,
    matching,
    nvidia_on_bus,
)
from envcheck.words import template

NOUVEAU = ("nouveau", "nova", "nova_core")
"""Drivers of the kernel's own for NVIDIA GPUs (drivers/gpu/drm/nouveau and drivers/gpu/nova-core of Linux)."""
VFIO = "https://docs.kernel.org/driver-api/vfio.html"
MODPROBE = "https://man7.org/linux/man-pages/man5/modprobe.d.5.html"
BLACKLIST = template("Keep nouveau away from the GPU and restart the machine")
LOAD_MODULE = template("Load the NVIDIA kernel module, and read the kernel's own words if it refuses")
GIVE_BACK = template(
    "Take the device out of vfio-pci.ids on the kernel command line and of /etc/modprobe.d, then restart"
)
ELSEWHERE = template("Leave it as it is if a virtual machine on this host uses the GPU")


def _is_nvidia(device: PciDevice) -> bool:
    return device.vendor_id == NVIDIA_VENDOR_ID and device.class_code.startswith(DISPLAY_CLASS)


def _host_with_gpu(facts: Facts) -> None:
    """Leave the rule where the kernel is another machine's business, or where the bus has no NVIDIA GPU of use."""
    if in_container(facts):
        raise NotApplicable("in a container: kernel and driver are the host's")
    with_gpu_of_use(facts)


@rule(
    "nouveau-bound-to-gpu",
    severity="error",
    layer="driver",
    title=template("The driver {driver} holds the NVIDIA GPU {device}"),
    message=template(
        "The kernel gave the NVIDIA GPU at {device} to its own driver '{driver}', which can draw a screen but cannot "
        "compute. While it holds the GPU, the NVIDIA driver is never asked, and no framework sees a GPU."
    ),
)
def nouveau_bound_to_gpu(facts: Facts) -> Iterator[Failure]:
    """The kernel's own driver nouveau (or its successor nova) took the GPU before NVIDIA's driver could.

    It is what a fresh Linux does with an NVIDIA GPU. CUDA needs NVIDIA's driver. Most driver packages keep nouveau away
    by themselves; after a hand-made installation or with Secure Boot it may come back. nvidia-smi then says that it
    has failed because it could not communicate with the NVIDIA driver.
    """
    _host_with_gpu(facts)
    yield from _held_by(facts, NOUVEAU, _replace_nouveau(facts), gpu_severity(facts))


def _held_by(facts: Facts, drivers: tuple[str, ...], fixes: tuple[Fix, ...], severity: Severity) -> Iterator[Failure]:
    """Yield a failure if NVIDIA GPUs are bound to one of ``drivers``."""

    def is_held(device: PciDevice) -> bool:
        return _is_nvidia(device) and need(device.kernel_driver) in drivers

    held = matching(need(facts.hardware.pci), is_held)
    if held:
        yield Failure(
            evidence=tuple(f"/hardware/pci/{place}/kernel_driver" for place, _ in held),
            fields={"driver": held[0][1].kernel_driver, "device": listed(device.address for _, device in held)},
            fixes=fixes,
            severity=severity,
        )


def _replace_nouveau(facts: Facts) -> tuple[Fix, ...]:
    if known(facts.driver.nvidia.nvml.status, "") == "library-missing":
        return (install_driver(facts),)
    write = (
        "printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' | sudo tee /etc/modprobe.d/blacklist-nouveau.conf"
    )
    return (by_system(BLACKLIST, (write, *commands(facts, "initramfs"), "sudo reboot"), MODPROBE),)


@rule(
    "vfio-bound-to-gpu",
    severity="warning",
    layer="driver",
    title=template("The NVIDIA GPU {device} is reserved for a virtual machine"),
    message=template(
        "The kernel driver '{driver}' keeps the NVIDIA GPU at {device} for a virtual machine, so this system cannot "
        "use it. On a host of virtual machines that is wanted."
    ),
)
def vfio_bound_to_gpu(facts: Facts) -> Iterator[Failure]:
    """A GPU is set aside for a virtual machine.

    vfio-pci and its like take a device so that a virtual machine can have it whole. The host then has no use of it:
    wanted on a virtualisation host, a surprise on a desktop whose kernel command line was copied from a guide. It is
    only a note where this system has another GPU to work with, or no framework that is built for NVIDIA GPUs.
    """
    _host_with_gpu(facts)
    fixes = (by_hand(GIVE_BACK, VFIO), by_hand(ELSEWHERE, VFIO))
    missed = has_gpu_build(facts) and not known(facts.driver.nvidia.gpus, ())
    yield from _held_by(facts, RESERVING, fixes, "warning" if missed else "info")


@rule(
    "nvidia-driver-not-installed",
    severity="error",
    layer="driver",
    title=template("An NVIDIA GPU is there, but no NVIDIA driver"),
    message=template(
        "The PCI bus shows an NVIDIA GPU at {device}. No driver is bound to it, the kernel has no nvidia module "
        "loaded, and the driver's library libnvidia-ml is not installed. Without the driver no framework can use the "
        "GPU; all of them run on the processor."
    ),
)
def nvidia_driver_not_installed(facts: Facts) -> Iterator[Failure]:
    """There is an NVIDIA GPU, and nothing of NVIDIA's driver: neither kernel module nor libraries.

    Frameworks do not bring the driver; it belongs to the operating system. The wheels bring the rest (CUDA, cuDNN).
    Frameworks say 'Could not find cuda drivers on your machine' or 'Found no NVIDIA driver on your system', which is
    harmless on a machine without a GPU and is to be taken literally here. It is a warning where no installed framework
    is built for NVIDIA GPUs.
    """
    _host_with_gpu(facts)
    driver = facts.driver.nvidia
    unbound = matching(
        need(facts.hardware.pci), lambda device: _is_nvidia(device) and need(device.kernel_driver) is None
    )
    if not unbound or need(driver.kernel_module_loaded) or need(driver.nvml.status) != "library-missing":
        return
    yield Failure(
        evidence=(
            *(f"/hardware/pci/{place}/kernel_driver" for place, _ in unbound),
            "/driver/nvidia/kernel_module_loaded",
            "/driver/nvidia/nvml/status",
        ),
        fields={"device": listed(device.address for _, device in unbound)},
        fixes=(install_driver(facts),),
        severity=gpu_severity(facts),
    )


@rule(
    "nvidia-kernel-module-not-loaded",
    severity="error",
    layer="driver",
    title=template("The NVIDIA kernel module is not loaded"),
    message=template(
        "NVIDIA's libraries are installed and the GPU at {device} is on the bus, but the running kernel has no "
        "nvidia module loaded, so nothing reaches the GPU. Usual reasons: the module was not built for this kernel "
        "after a kernel update, Secure Boot refuses it, or another driver holds the GPU."
    ),
    after=(
        "secure-boot-rejects-nvidia-module",
        "nvidia-dkms-build-failed",
        "nvidia-module-missing-for-kernel",
        "optimus-dgpu-disabled",
        "nvidia-driver-dropped-gpu",
        "nvidia-driver-older-than-gpu",
        "nvidia-open-module-on-pre-turing",
        "wsl-linux-driver-installed",
        "nouveau-bound-to-gpu",
        "vfio-bound-to-gpu",
    ),
)
def nvidia_kernel_module_not_loaded(facts: Facts) -> Iterator[Failure]:
    """The user-space half of the driver is installed, the kernel half is not running.

    nvidia-smi says that it could not communicate with the driver; NVML reports 'Driver Not Loaded'. 'modprobe nvidia'
    either cures it or names the reason: 'Key was rejected' (Secure Boot), 'not found in directory' (no module for this
    kernel), 'No such device' (another driver has the GPU, or the GPU is too old for this driver).
    """
    _host_with_gpu(facts)
    driver = facts.driver.nvidia
    if need(driver.kernel_module_loaded) or need(driver.nvml.status) == "library-missing":
        return
    commands = ("sudo modprobe nvidia", "sudo dmesg | grep -iE 'nvrm|nvidia|nouveau'")
    yield Failure(
        evidence=("/driver/nvidia/kernel_module_loaded", "/driver/nvidia/nvml/status"),
        fields={"device": nvidia_on_bus(facts)[0][1]},
        fixes=(
            by_system(LOAD_MODULE, commands, nvidia.GUIDE, restart="none"),
            install_driver(facts),
        ),
        severity=gpu_severity(facts),
    )
