"""The start of the CUDA driver API: NVML's good word proves nothing about it."""

from collections.abc import Iterator

from envcheck.fixes import nvidia, shell
from envcheck.fixes.files import by_hand, in_shell, look
from envcheck.fixes.nvidia import by_system
from envcheck.fixes.system import commands
from envcheck.model.facts import CudaDriver, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import Unknown, known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.environment import CUDA_ENVIRONMENT
from envcheck.rules.gpus import CUDA_CODE, CUDA_STATUS, NVML_STATUS, cuda_failed, messages, on_host
from envcheck.rules.shared import gpu_severity, has_gpu_build, in_container, is_wsl, usable_gpus, variable
from envcheck.words import sentence, template

MODULES = "/driver/nvidia/kernel/modules_loaded"

NOT_INITIALIZED, UNKNOWN_ERROR = 3, 999
"""CUresult of cuda.h."""
DRIVER_API = "https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html"
HMM = "https://docs.nvidia.com/cuda/cuda-installation-guide-linux/"
FIRMWARE = "https://github.com/Dasharo/dasharo-issues/issues/1135"
SUSPEND = "https://download.nvidia.com/XFree86/Linux-x86_64/580.95.05/README/powermanagement.html"

LOAD_UVM = template("Load the module nvidia-uvm and create its device file")
LOAD_UVM_ALWAYS = template("Load it at every start of the machine")
UVM_ON_HOST = template(
    "On the host: load the module nvidia-uvm (sudo nvidia-modprobe -u -c=0), then start the container again"
)
RELOAD_UVM = template("End the programs that use CUDA, and load the module again")
KEEP_MEMORY_OPTION = "options nvidia NVreg_PreserveVideoMemoryAllocations=1"
KEEP_MEMORY = template("For good: let the driver keep the GPU's memory over a suspend")
HMM_OFF = template("Switch off the part of nvidia-uvm that fails (HMM), and restart")
CHANGE_FIRMWARE = template(
    "Update the board's firmware (BIOS). In its setup, try 'Above 4G Decoding' on, 'Resizable BAR' off, and the IOMMU "
    "in pass-through mode, one at a time"
)
READ_LOG = template("Read what the kernel says about the GPU")
ASK_AGAIN = template("Ask the CUDA driver alone, in a fresh process; 0 means that it works")
UNSET = template("Remove {names} from the environment, also where it is set: shell profile, job script, kernel.json")


def _hidden(facts: Facts) -> bool:
    """Say whether CUDA_VISIBLE_DEVICES leaves nothing: then CUDA reports no device, as it was told."""
    visible = facts.driver.nvidia.visible_devices
    return known(visible.value, None) is not None and visible.gpus == ()


CAUSES = (
    "cuda-visible-devices-hides-gpus",
    "gpu-fallen-off-bus",
    "gpu-gsp-firmware-timeout",
    "nvidia-uvm-stale-after-suspend",
    "nvidia-uvm-not-loaded",
    "nvidia-uvm-hmm-init-failure",
    "system-firmware-breaks-cuda",
    "fabric-manager-version-mismatch",
    "fabric-manager-not-running",
    "libcuda-stub-loaded",
    "cuda-compat-unsupported-gpu",
    "nvidia-driver-mixed-versions",
    "nvidia-driver-reboot-pending",
    "container-image-bundles-driver",
    "wsl-linux-driver-installed",
    "cuda-compat-driver-too-old",
    "libcuda-kernel-module-mismatch",
    "wsl-multi-gpu-init-out-of-memory",
    "gpu-mig-instance-not-selected",
    "cgroup-blocks-gpu-devices",
    "nvidia-device-node-mismatch",
    "gpu-exclusive-compute-mode",
    "nvidia-driver-unresponsive",
)


@rule(
    "cuda-init-failed-nvml-works",
    severity="error",
    layer="driver",
    title=template("CUDA does not start, although nvidia-smi shows the GPU"),
    message=template(
        "NVIDIA's management library lists the GPU, but the CUDA driver, through which every program computes, does "
        "not start in a fresh process: {error}. Both take different ways into the driver, so a healthy nvidia-smi "
        "proves nothing."
    ),
    after=CAUSES,
)
def cuda_init_failed_nvml_works(facts: Facts) -> Iterator[Failure]:
    """NVML works, and the CUDA driver does not: cuInit ends with an error, hangs, or kills the process.

    The number tells the way on: 999 points to the module nvidia-uvm, 802 to the fabric manager, 803 and 804 to another
    libcuda than the driver's, 3 to the kernel or the firmware, 100 to devices that are hidden. Where envcheck knows the
    cause, this finding is listed below it.
    """
    if not usable_gpus(facts):
        raise NotApplicable("NVML lists no GPU")
    if _hidden(facts):
        raise NotApplicable("CUDA_VISIBLE_DEVICES hides every GPU")
    cuda = facts.driver.nvidia.cuda
    fatal = isinstance(cuda.status, Unknown) and cuda.status.reason in ("timed-out", "crashed")
    if fatal or need(cuda.status) == "error":
        command = "python3 -c \"import ctypes; print(ctypes.CDLL('libcuda.so.1').cuInit(0))\""
        read = () if in_container(facts) else (_read_log(),)
        yield Failure(
            evidence=(CUDA_STATUS, "/driver/nvidia/cuda/error", NVML_STATUS),
            fields={"error": _words(cuda)},
            fixes=(*read, look(ASK_AGAIN, command, source=DRIVER_API)),
            severity=gpu_severity(facts),
        )


def _words(cuda: CudaDriver) -> str:
    words = known(cuda.error, None) or "without a word"
    code = known(cuda.error_code, None)
    return f"{words} ({code})" if code is not None else words


def _read_log() -> Fix:
    return look(READ_LOG, "sudo dmesg | grep -iE 'nvrm|nvidia'", source=nvidia.GUIDE)


@rule(
    "nvidia-uvm-not-loaded",
    severity="error",
    layer="driver",
    title=template("The module nvidia-uvm, which CUDA needs, is missing"),
    message=template(
        "CUDA ends with an unknown error (999), and {what}. nvidia-smi does not need it, so it shows the GPU all the "
        "same."
    ),
)
def nvidia_uvm_not_loaded(facts: Facts) -> Iterator[Failure]:
    """CUDA needs the kernel module nvidia-uvm and its device file; nvidia-smi needs neither.

    'CUDA unknown error' and CUDA_ERROR_UNKNOWN (999) are the signs. That everything works after one start as root is
    the same fault: root may load the module. A container gets the device file only if the host had it at the start.
    """
    if is_wsl(facts):
        raise NotApplicable("under WSL there is no such module")
    if not usable_gpus(facts) or cuda_failed(facts, UNKNOWN_ERROR) is None:
        return
    kernel = facts.driver.nvidia.kernel
    if "nvidia_uvm" not in need(kernel.modules_loaded):
        pointer, what = MODULES, NOT_LOADED
    elif not any(node.path == "/dev/nvidia-uvm" for node in need(facts.driver.device_nodes)):
        pointer, what = "/driver/device_nodes", NO_NODE
    else:
        return
    on_machine = (
        by_system(LOAD_UVM, ("sudo nvidia-modprobe -u -c=0",), nvidia.GUIDE, restart="none"),
        by_system(
            LOAD_UVM_ALWAYS,
            ("echo nvidia_uvm | sudo tee /etc/modules-load.d/nvidia-uvm.conf",),
            "https://man7.org/linux/man-pages/man5/modules-load.d.5.html",
            restart="none",
        ),
    )
    yield Failure(
        evidence=(CUDA_CODE, pointer),
        fields={"what": sentence(what)},
        fixes=(by_hand(UVM_ON_HOST, nvidia.CONTAINER),) if in_container(facts) else on_machine,
        severity=gpu_severity(facts),
    )


NOT_LOADED = template("the kernel module nvidia-uvm is not loaded")
NO_NODE = template("there is no device file /dev/nvidia-uvm")


@rule(
    "nvidia-uvm-stale-after-suspend",
    severity="error",
    layer="driver",
    title=template("The module nvidia-uvm did not survive the machine's sleep"),
    message=template(
        "CUDA ends with an unknown error (999) although everything is loaded, and the machine has slept since its "
        "start. The module nvidia-uvm lost its state in the sleep."
    ),
)
def nvidia_uvm_stale_after_suspend(facts: Facts) -> Iterator[Failure]:
    """After a suspend CUDA says 999 while nvidia-smi works.

    Loading the module again helps until the next sleep; the driver can be told to keep the GPU's memory.
    """
    on_host(facts)
    if not usable_gpus(facts) or cuda_failed(facts, UNKNOWN_ERROR) is None:
        return
    if "nvidia_uvm" not in need(facts.driver.nvidia.kernel.modules_loaded):
        return
    for index, _ in messages(facts, ("resumed",)):
        option = f"echo '{KEEP_MEMORY_OPTION}' | sudo tee /etc/modprobe.d/nvidia-suspend.conf"
        services = "sudo systemctl enable nvidia-suspend nvidia-resume nvidia-hibernate"
        yield Failure(
            evidence=(CUDA_CODE, MODULES, f"/driver/kernel_log/volatile/messages/{index}/text"),
            fixes=(
                by_system(RELOAD_UVM, ("sudo rmmod nvidia_uvm", "sudo modprobe nvidia_uvm"), SUSPEND, restart="none"),
                by_system(KEEP_MEMORY, (option, services), SUSPEND),
            ),
            severity=gpu_severity(facts),
        )
        return


@rule(
    "nvidia-uvm-hmm-init-failure",
    severity="error",
    layer="driver",
    title=template("A part of nvidia-uvm (HMM) keeps CUDA from starting"),
    message=template(
        "CUDA ends with 'not initialized' (3) in a fresh process, while driver, device files and nvidia-smi are in "
        "order. On some kernels a part of the module nvidia-uvm, heterogeneous memory management, fails in this way, "
        "and it is switched on here."
    ),
)
def nvidia_uvm_hmm_init_failure(facts: Facts) -> Iterator[Failure]:
    """cuInit returns 3, and the option uvm_disable_hmm of nvidia-uvm is off: switch HMM off and try again."""
    on_host(facts)
    if not usable_gpus(facts) or cuda_failed(facts, NOT_INITIALIZED) is None:
        return
    if need(facts.driver.nvidia.kernel.uvm_disable_hmm) is False:
        write = "echo 'options nvidia_uvm uvm_disable_hmm=1' | sudo tee /etc/modprobe.d/nvidia-uvm.conf"
        yield Failure(
            evidence=(CUDA_CODE, "/driver/nvidia/kernel/uvm_disable_hmm"),
            fixes=(by_system(HMM_OFF, (write, *commands(facts, "initramfs"), "sudo reboot"), HMM),),
            severity=gpu_severity(facts),
        )


@rule(
    "system-firmware-breaks-cuda",
    severity="warning",
    layer="hardware",
    title=template("The board's firmware probably places the GPU so that CUDA cannot start"),
    message=template(
        "CUDA ends with 'not initialized' (3) in a fresh process, while nvidia-smi works, and the usual reason, HMM in "
        "the module nvidia-uvm, is switched off. Some releases and settings of the board's firmware (BIOS, coreboot) "
        "cause this. envcheck cannot see them, so this is what is left, not what was proved."
    ),
)
def system_firmware_breaks_cuda(facts: Facts) -> Iterator[Failure]:
    """cuInit returns 3 although HMM is off: the firmware's memory windows or IOMMU settings are left as the reason.

    Seen with a release of coreboot (github.com/Dasharo/dasharo-issues/issues/1135).
    """
    on_host(facts)
    if not usable_gpus(facts) or cuda_failed(facts, NOT_INITIALIZED) is None:
        return
    if need(facts.driver.nvidia.kernel.uvm_disable_hmm) is True:
        yield Failure(
            evidence=(CUDA_CODE, "/driver/nvidia/kernel/uvm_disable_hmm", NVML_STATUS),
            fixes=(by_hand(CHANGE_FIRMWARE, FIRMWARE),),
        )


@rule(
    "cuda-debug-environment",
    severity="warning",
    layer="driver",
    title=template("Variables for finding faults slow CUDA down: {names}"),
    message=template(
        "The environment sets {names}. They make CUDA wait after every step, load a tool into every program, or "
        "write dumps; that is for looking for faults, and slow or worse for everything else."
    ),
)
def cuda_debug_environment(facts: Facts) -> Iterator[Failure]:
    """Variables of a debugging session were left behind, in a shell profile or a job script."""
    if not usable_gpus(facts):
        raise NotApplicable("NVML lists no GPU")
    found = [place for name in DEBUG_VARIABLES if (place := variable(facts, name)) and place[1] not in ("", "0")]
    if found:
        environment = need(facts.platform.environment)
        names = [environment[index].name for index, _ in found]
        yield Failure(
            evidence=tuple(f"/platform/environment/{index}/value" for index, _ in found),
            fields={"names": ", ".join(names)},
            fixes=(in_shell(UNSET, shell.unset(facts, *names), source=CUDA_ENVIRONMENT, names=", ".join(names)),),
            severity="warning" if has_gpu_build(facts) else "info",
        )


DEBUG_VARIABLES = (
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_INJECTION32_PATH",
    "CUDA_INJECTION64_PATH",
    "CUDA_PROFILE",
    "COMPUTE_PROFILE",
    "CUDA_ENABLE_COREDUMP_ON_EXCEPTION",
    "NSIGHT_CUDA_DEBUGGER",
)
