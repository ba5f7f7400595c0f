"""What NVIDIA's management library says, or why it says nothing."""

from collections.abc import Iterator

from envcheck.fixes import nvidia
from envcheck.fixes.files import by_hand, look
from envcheck.fixes.nvidia import by_system, install_driver
from envcheck.model.facts import Facts
from envcheck.model.unknown import Unknown, known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import (
    gpu_severity,
    in_container,
    is_wsl,
    nvml_error,
)
from envcheck.words import template

STATUS = "/driver/nvidia/nvml/status"
ERROR = "/driver/nvidia/nvml/error"
MODULE_LOADED = "/driver/nvidia/kernel_module_loaded"

MISMATCH = ("lib_rm_version_mismatch", "version mismatch")
PERMISSION = ("no_permission", "insufficient permissions")
NOT_LOADED = ("driver_not_loaded", "driver not loaded")
SPECIAL = (*MISMATCH, *PERMISSION, *NOT_LOADED)
"""Names and words of nvmlReturn_t in lower case: nvml.h, nvmlErrorString, and the texts of nvidia-ml-py 13."""

REBOOT = template("Restart the machine, so that the new kernel module is loaded")
RELOAD = template("Where a restart is impossible: stop every program that uses the GPU and load the module again")
RESTART_CONTAINER = template(
    "Start the container again, from the host, so that it gets the host's present driver files"
)
JOIN_GROUP = template("Join the group that owns the device files, then log in again")
GROUP_IN_CONTAINER = template(
    "Start the container with the group that owns the device files: docker run --group-add video"
)
SAVE_LOG = template("Save the kernel's log, then restart the machine; turn its power off and on if the restart hangs")
UPDATE_WINDOWS_DRIVER = template("Install another release of the NVIDIA driver on Windows")
READ_LOG = template("Read what the kernel says about the GPU")


@rule(
    "nvidia-driver-reboot-pending",
    severity="error",
    layer="driver",
    title=template("The NVIDIA driver was updated, and the old kernel module is still running"),
    message=template(
        "NVIDIA's library and the loaded kernel module ({module}) are of different versions, and the driver refuses "
        "to work with itself: {error}. That is the state between a driver update and the next restart; running "
        "programs go on, new ones fail."
    ),
    after=(
        "nvidia-driver-mixed-versions",
        "container-image-bundles-driver",
    ),
)
def nvidia_driver_reboot_pending(facts: Facts) -> Iterator[Failure]:
    """A package update replaced the driver's libraries while the old kernel module stays in memory.

    nvidia-smi says 'Failed to initialize NVML: Driver/library version mismatch'. Unattended updates do this overnight.
    A restart cures it. If it comes back after a restart, two installations of the driver are mixed: remove one. In a
    container the host was updated after the container had started.
    """
    if not any(words in nvml_error(facts) for words in MISMATCH):
        return
    reload_commands = (
        "sudo systemctl stop nvidia-persistenced",
        "sudo rmmod nvidia_drm nvidia_modeset nvidia_uvm nvidia",
        "sudo modprobe nvidia",
    )
    on_host = (
        by_system(REBOOT, ("sudo reboot",), nvidia.GUIDE),
        by_system(RELOAD, reload_commands, nvidia.GUIDE, restart="none"),
    )
    yield Failure(
        evidence=(ERROR, "/driver/nvidia/kernel_module_version"),
        fields={
            "error": facts.driver.nvidia.nvml.error,
            "module": known(facts.driver.nvidia.kernel_module_version, None) or "of unknown version",
        },
        fixes=(by_hand(RESTART_CONTAINER, nvidia.CONTAINER),) if in_container(facts) else on_host,
    )


@rule(
    "nvidia-device-permission-denied",
    severity="error",
    layer="driver",
    title=template("This user may not open the NVIDIA devices"),
    message=template(
        "The driver is loaded, but this user may not open the files /dev/nvidia*: {error}. They belong to a group "
        "that the user, or the user inside the container, is not in."
    ),
    after=("cgroup-blocks-gpu-devices",),
)
def nvidia_device_permission_denied(facts: Facts) -> Iterator[Failure]:
    """The files /dev/nvidia* are open to a group only, and this user is not in it.

    'ls -l /dev/nvidia*' shows the group, 'id' those of the user. Membership counts from the next login on.
    """
    if not any(words in nvml_error(facts) for words in PERMISSION):
        return
    commands = ("ls -l /dev/nvidia*", "sudo usermod -aG video,render $USER")
    join = by_system(JOIN_GROUP, commands, "https://man7.org/linux/man-pages/man8/usermod.8.html", restart="shell")
    yield Failure(
        evidence=(ERROR,),
        fields={"error": facts.driver.nvidia.nvml.error},
        fixes=(by_hand(GROUP_IN_CONTAINER, nvidia.CONTAINER),) if in_container(facts) else (join,),
    )


@rule(
    "nvml-fails",
    severity="error",
    layer="driver",
    title=template("The NVIDIA driver is loaded, but its management library fails"),
    message=template(
        "NVIDIA's management library (NVML), which every tool asks for GPU facts, ends with an error: {error}. CUDA "
        "programs usually fail as well. The kernel's log names the reason."
    ),
    after=(
        "gpu-fallen-off-bus",
        "gpu-gsp-firmware-timeout",
        "wsl-linux-driver-installed",
        "nvidia-device-node-mismatch",
        "jupyterhub-hides-gpu-devices",
        "cgroup-blocks-gpu-devices",
        "container-gpu-access-lost",
        "wsl-gpu-access-blocked",
    ),
)
def nvml_fails(facts: Facts) -> Iterator[Failure]:
    """NVML is there and ends with an error for which there is no page of its own.

    nvidia-smi shows the same words. Lines of the kernel's log that begin with NVRM tell more: a GPU that fell off the
    bus, firmware that does not answer, a module that does not know the GPU.
    """
    words = nvml_error(facts)
    if not any(special in words for special in SPECIAL):
        yield Failure(
            evidence=(STATUS, ERROR),
            fields={"error": facts.driver.nvidia.nvml.error or "without a word"},
            fixes=(look(READ_LOG, "sudo dmesg | grep -iE 'nvrm|xid|nvidia'", source=nvidia.GUIDE),),
            severity=gpu_severity(facts),
        )


@rule(
    "nvidia-driver-unresponsive",
    severity="error",
    layer="driver",
    title=template("The NVIDIA driver does not answer"),
    message=template(
        "A call into NVIDIA's management library got no answer: {detail}. Programs that touch the GPU will hang in "
        "the same way. The GPU or its firmware has stopped working, or a reset is stuck."
    ),
    after=(
        "gpu-fallen-off-bus",
        "gpu-gsp-firmware-timeout",
    ),
)
def nvidia_driver_unresponsive(facts: Facts) -> Iterator[Failure]:
    """Calls into the driver hang; programs that make one cannot even be killed.

    The GPU stopped answering on the bus, its system processor hangs, or a reset never ended. The kernel's log has Xid
    lines or 'blocked for more than 120 seconds'.
    """
    status = facts.driver.nvidia.nvml.status
    if isinstance(status, Unknown) and status.reason == "timed-out":
        commands = ("sudo dmesg > ~/dmesg.txt", "sudo reboot")
        yield Failure(
            evidence=(STATUS,),
            fields={"detail": status.detail},
            fixes=(by_system(SAVE_LOG, commands, "https://docs.nvidia.com/deploy/xid-errors/index.html"),),
        )
    elif isinstance(status, Unknown) and status.reason != "crashed":
        need(status)


@rule(
    "nvml-crashes",
    severity="error",
    layer="driver",
    title=template("NVIDIA's management library crashes"),
    message=template(
        "The process that asked NVIDIA's management library (NVML) died: {detail}. A damaged or half-updated driver "
        "does this; so does a library that does not belong to it."
    ),
)
def nvml_crashes(facts: Facts) -> Iterator[Failure]:
    """Asking NVML kills the process that asks.

    Under WSL some releases of the Windows driver do this while CUDA itself works; that has a finding of its own.
    Elsewhere the driver's files are damaged or mixed.
    """
    status = facts.driver.nvidia.nvml.status
    if isinstance(status, Unknown) and status.reason == "crashed":
        wsl = is_wsl(facts)
        if wsl and known(facts.driver.nvidia.cuda.status, None) == "ok":
            raise NotApplicable("under WSL, and CUDA works")
        yield Failure(
            evidence=(STATUS,),
            fields={"detail": status.detail},
            fixes=(by_hand(UPDATE_WINDOWS_DRIVER, nvidia.WSL),) if wsl else (install_driver(facts),),
        )
    elif isinstance(status, Unknown) and status.reason != "timed-out":
        need(status)


@rule(
    "nvml-library-missing",
    severity="warning",
    layer="driver",
    title=template("The NVIDIA kernel module runs, but its management library is not installed"),
    message=template(
        "The kernel has the nvidia module loaded (version {module}), and the library libnvidia-ml.so.1 cannot be "
        "found. Without it no tool can read what the GPU is and does, and the CUDA library of the driver is often "
        "missing too."
    ),
)
def nvml_library_missing(facts: Facts) -> Iterator[Failure]:
    """The kernel half of the driver is there, the user-space half is missing in part.

    Headless installations sometimes leave the utilities out. nvidia-smi is missing too, or says that it could not find
    libnvidia-ml.so. Install the package of exactly the running module's version.
    """
    if in_container(facts) or is_wsl(facts):
        raise NotApplicable("in a container or under WSL the libraries come from the host")
    driver = facts.driver.nvidia
    if need(driver.nvml.status) == "library-missing" and need(driver.kernel_module_loaded):
        yield Failure(
            evidence=(MODULE_LOADED, STATUS),
            fields={"module": known(driver.kernel_module_version, None) or "not told"},
            fixes=(install_driver(facts),),
        )


@rule(
    "nvml-library-unusable",
    severity="error",
    layer="driver",
    title=template("NVIDIA's management library cannot be loaded"),
    message=template(
        "The file {library} is there, but the system's loader refuses it: {error}. It is damaged, or made for "
        "another processor or another system, or a library that it needs is missing."
    ),
    after=("wsl-linux-driver-installed",),
)
def nvml_library_unusable(facts: Facts) -> Iterator[Failure]:
    """The library libnvidia-ml.so.1 is on the disk and cannot be loaded.

    An interrupted installation leaves files cut short; copying a driver's files by hand brings some of another
    processor architecture. Install the driver's packages again.
    """
    nvml = facts.driver.nvidia.nvml
    if need(nvml.status) == "library-unusable":
        yield Failure(
            evidence=(STATUS, ERROR, "/driver/nvidia/nvml/library"),
            fields={"library": known(nvml.library, None) or "libnvidia-ml.so.1", "error": known(nvml.error, None)},
            fixes=(install_driver(facts),),
            severity=gpu_severity(facts),
        )
