"""The CUDA driver API: programs come in through libcuda, and NVML's good word proves nothing about it."""

from collections.abc import Iterator

from envcheck.fixes import nvidia
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.nvidia import REBUILD_INITRAMFS, by_system, install_driver
from envcheck.model.facts import CudaDriver, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import Unknown, known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.environment import CUDA_ENVIRONMENT
from envcheck.rules.gpus import messages, on_host
from envcheck.rules.shared import gpu_severity, has_gpu_build, in_container, is_wsl, usable_gpus, variable
from envcheck.words import sentence, template

STATUS = "/driver/nvidia/cuda/status"
CODE = "/driver/nvidia/cuda/error_code"
NVML_STATUS = "/driver/nvidia/nvml/status"
MODULES = "/driver/nvidia/kernel/modules_loaded"

NOT_INITIALIZED, STUB_LIBRARY = 3, 34
SYSTEM_NOT_READY, DRIVER_MISMATCH, COMPAT_NOT_SUPPORTED, UNKNOWN_ERROR = 802, 803, 804, 999
"""CUresult of cuda.h."""
DRIVER_API = "https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html"
FABRIC = "https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/index.html"
COMPATIBILITY = "https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html"
HMM = "https://docs.nvidia.com/cuda/cuda-installation-guide-linux/"
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
INSTALL_COMPUTE = template("Install the driver's compute libraries, of exactly the version {version}")
NIXOS = template("On NixOS the driver's libraries lie in a folder of their own: let programs find it")
NO_STUBS = template("Take the folder with the stubs out of LD_LIBRARY_PATH and of /etc/ld.so.conf.d")
NO_COMPAT = template("Take the folder 'compat' off the loader's path, or update the driver of the host")
START_FABRIC = template("Install the fabric manager of the driver's own version and start it")
HOST_FABRIC = template("The operator of the host has to start the fabric manager there")
SAME_FABRIC = template("Install the fabric manager of the version {version}, and start it again")
READ_LOG = template("Read what the kernel says about the GPU")
ASK_AGAIN = template("Ask the CUDA driver alone, in a fresh process; 0 means that it works")
REMOVE_COPIES = template("Remove the foreign copy of libcuda, and let the system's loader find the driver's own")
UNSET = template("Remove {names} from the environment, also where it is set: shell profile, job script, kernel.json")


def _failed(facts: Facts, *codes: int) -> CudaDriver | None:
    """Return the CUDA driver if it ended with one of these codes.

    Raises:
        Undecided: if it could not be asked, for another reason than a fault of its own.
    """
    cuda = facts.driver.nvidia.cuda
    if isinstance(cuda.status, Unknown) and cuda.status.reason in ("timed-out", "crashed"):
        return None
    return cuda if need(cuda.status) == "error" and cuda.error_code in codes else None


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
            evidence=(STATUS, "/driver/nvidia/cuda/error", NVML_STATUS),
            fields={"error": _words(cuda)},
            fixes=(*read, in_shell(ASK_AGAIN, command, source=DRIVER_API)),
            severity=gpu_severity(facts),
        )


def _words(cuda: CudaDriver) -> str:
    words = known(cuda.error, None) or "without a word"
    code = known(cuda.error_code, None)
    return f"{words} ({code})" if code is not None else words


def _read_log() -> Fix:
    return by_system(READ_LOG, ("sudo dmesg | grep -iE 'nvrm|nvidia'",), nvidia.GUIDE, restart="none")


@rule(
    "libcuda-not-loadable",
    severity="error",
    layer="driver",
    title=template("The driver runs, but its CUDA library cannot be loaded"),
    message=template(
        "NVIDIA's management library works, and libcuda.so.1, the library through which every program computes, "
        "cannot be loaded: {error}. The compute part of the driver is not installed, or not where the system's "
        "loader looks."
    ),
    after=(
        "container-driver-capabilities-missing",
        "wsl-no-gpu-passthrough",
        "kubernetes-pod-without-gpu",
        "container-gpu-not-requested",
    ),
)
def libcuda_not_loadable(facts: Facts) -> Iterator[Failure]:
    """nvidia-smi works, and libcuda.so.1 is missing or damaged.

    Packages for headless machines come in parts, and the one with libcuda can be left out. On NixOS the driver's folder
    has to be on the loader's path. In containers the variable NVIDIA_DRIVER_CAPABILITIES leaves it out.
    """
    if not usable_gpus(facts):
        raise NotApplicable("NVML lists no GPU")
    cuda = facts.driver.nvidia.cuda
    if isinstance(cuda.status, Unknown) and cuda.status.reason in ("timed-out", "crashed"):
        return
    if need(cuda.status) not in ("library-missing", "library-unusable"):
        return
    capabilities = variable(facts, "NVIDIA_DRIVER_CAPABILITIES") if in_container(facts) else None
    if capabilities and not {"compute", "all"} & {word.strip() for word in capabilities[1].split(",")}:
        raise NotApplicable("NVIDIA_DRIVER_CAPABILITIES leaves the compute libraries out")
    yield Failure(
        evidence=(STATUS, "/driver/nvidia/cuda/error", NVML_STATUS),
        fields={"error": known(cuda.error, None) or "it is missing"},
        fixes=_bring_libcuda(facts),
        severity=gpu_severity(facts),
    )


def _bring_libcuda(facts: Facts) -> tuple[Fix, ...]:
    if in_container(facts):
        return (by_hand(RUN_WITH_COMPUTE, nvidia.CONTAINER),)
    if known(facts.platform.os_id, None) == "nixos":
        return (
            in_shell(NIXOS, "export LD_LIBRARY_PATH=/run/opengl-driver/lib", source="https://wiki.nixos.org/wiki/CUDA"),
        )
    version = known(facts.driver.nvidia.version, None) or ""
    packages = {"ubuntu": f"libnvidia-compute-{version.split('.')[0]}", "debian": "libcuda1"}
    name = packages.get(known(facts.platform.os_id, None) or "")
    if name is None:
        return (install_driver(facts),)
    return (by_system(INSTALL_COMPUTE, (f"sudo apt install -y {name}",), nvidia.GUIDE, "none", version=version),)


RUN_WITH_COMPUTE = template("Start the container with the GPU and its compute libraries: docker run --gpus all IMAGE")


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
    if not usable_gpus(facts) or _failed(facts, UNKNOWN_ERROR) is None:
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
        evidence=(CODE, pointer),
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
    if not usable_gpus(facts) or _failed(facts, UNKNOWN_ERROR) is None:
        return
    if "nvidia_uvm" not in need(facts.driver.nvidia.kernel.modules_loaded):
        return
    for index, _ in messages(facts, ("resumed",)):
        option = f"echo '{KEEP_MEMORY_OPTION}' | sudo tee /etc/modprobe.d/nvidia-suspend.conf"
        services = "sudo systemctl enable nvidia-suspend nvidia-resume nvidia-hibernate"
        yield Failure(
            evidence=(CODE, MODULES, f"/driver/kernel_log/volatile/messages/{index}/text"),
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
    if not usable_gpus(facts) or _failed(facts, NOT_INITIALIZED) is None:
        return
    if need(facts.driver.nvidia.kernel.uvm_disable_hmm) is False:
        write = "echo 'options nvidia_uvm uvm_disable_hmm=1' | sudo tee /etc/modprobe.d/nvidia-uvm.conf"
        rebuild = REBUILD_INITRAMFS.get(known(facts.platform.os_id, None) or "")
        yield Failure(
            evidence=(CODE, "/driver/nvidia/kernel/uvm_disable_hmm"),
            fixes=(by_system(HMM_OFF, (write, *((rebuild,) if rebuild else ()), "sudo reboot"), HMM),),
            severity=gpu_severity(facts),
        )


# --- another libcuda than the driver's --------------------------------------------------------------


@rule(
    "libcuda-stub-loaded",
    severity="error",
    layer="driver",
    title=template("Programs find a stub instead of the driver's CUDA library"),
    message=template(
        "The loader takes {library} for libcuda.so.1. That file has the right name and nothing behind it: it is made "
        "for compiling on machines without a GPU."
    ),
)
def libcuda_stub_loaded(facts: Facts) -> Iterator[Failure]:
    """A folder named 'stubs' of the CUDA toolkit is on the loader's path; cuInit returns 34."""
    cuda = facts.driver.nvidia.cuda
    if _failed(facts, STUB_LIBRARY) is None and known(cuda.library_kind, None) != "stub":
        return
    yield Failure(
        evidence=("/driver/nvidia/cuda/library", CODE),
        fields={"library": known(cuda.library, None) or "a stub"},
        fixes=(by_system(NO_STUBS, ("grep -rl stubs /etc/ld.so.conf.d", "sudo ldconfig"), DRIVER_API, "none"),),
        severity=gpu_severity(facts),
    )


@rule(
    "cuda-compat-unsupported-gpu",
    severity="error",
    layer="driver",
    title=template("A newer CUDA library is in front of the driver's, and this GPU does not allow that"),
    message=template(
        "The loader takes {library}, a package for newer CUDA versions on an older driver (cuda-compat). It works "
        "with GPUs of data centres only; on this one CUDA ends with error 804."
    ),
)
def cuda_compat_unsupported_gpu(facts: Facts) -> Iterator[Failure]:
    """Images with a newer CUDA bring their own libcuda, which only data-centre GPUs accept on an older driver.

    nvidia-smi then even shows the newer CUDA version. Update the host's driver, or take an image with an older CUDA.
    """
    cuda = _failed(facts, COMPAT_NOT_SUPPORTED)
    if cuda is not None:
        yield Failure(
            evidence=(CODE, "/driver/nvidia/cuda/library"),
            fields={"library": known(cuda.library, None) or "a library of cuda-compat"},
            fixes=(by_hand(NO_COMPAT, COMPATIBILITY), *(() if in_container(facts) else (install_driver(facts),))),
            severity=gpu_severity(facts),
        )


@rule(
    "cuda-compat-driver-too-old",
    severity="error",
    layer="driver",
    title=template("The driver is too old even for the compatibility library that is in front of its own"),
    message=template(
        "The loader takes {library}, a package for newer CUDA versions on an older driver (cuda-compat). Each release "
        "of it works with certain branches of the driver; the kernel module here is of version {module}, and CUDA "
        "refuses both together (error 803)."
    ),
)
def cuda_compat_driver_too_old(facts: Facts) -> Iterator[Failure]:
    """A libcuda of cuda-compat talks only to the driver branches that its release supports.

    Images with a newer CUDA bring it; NVIDIA_DISABLE_REQUIRE switches off the check that would say so at the start of
    the container. Update the host's driver, or take an image with an older CUDA.
    """
    cuda = _failed(facts, DRIVER_MISMATCH)
    if cuda is not None and need(cuda.library_kind) == "compat":
        yield Failure(
            evidence=(CODE, "/driver/nvidia/cuda/library", "/driver/nvidia/kernel_module_version"),
            fields={
                "library": known(cuda.library, None) or "a library of cuda-compat",
                "module": known(facts.driver.nvidia.kernel_module_version, None) or "not told",
            },
            fixes=(by_hand(NO_COMPAT, COMPATIBILITY), *(() if in_container(facts) else (install_driver(facts),))),
            severity=gpu_severity(facts),
        )


@rule(
    "libcuda-kernel-module-mismatch",
    severity="error",
    layer="driver",
    title=template("The CUDA library is of another version than the driver's kernel module"),
    message=template(
        "The loader takes {library}, the kernel module is of version {module}, and CUDA refuses to start with both "
        "(error 803). A foreign copy of libcuda is in front, or an update of the driver is half done."
    ),
    after=(
        "cuda-compat-driver-too-old",
        "nvidia-driver-mixed-versions",
        "nvidia-driver-reboot-pending",
        "container-image-bundles-driver",
        "wsl-linux-driver-installed",
    ),
)
def libcuda_kernel_module_mismatch(facts: Facts) -> Iterator[Failure]:
    """CUDA's form of the version mismatch: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803).

    The copy of libcuda that the loader finds first is not that of the running driver: from an image, from cuda-compat,
    from conda or Nix, or from an update that waits for a restart.
    """
    cuda = _failed(facts, DRIVER_MISMATCH)
    if cuda is not None:
        commands = ("ldconfig -p | grep libcuda", "cat /proc/driver/nvidia/version")
        yield Failure(
            evidence=(CODE, "/driver/nvidia/cuda/library", "/driver/nvidia/kernel_module_version"),
            fields={
                "library": known(cuda.library, None) or "a libcuda",
                "module": known(facts.driver.nvidia.kernel_module_version, None) or "not told",
            },
            fixes=(in_shell(REMOVE_COPIES, *commands, source=COMPATIBILITY),),
            severity=gpu_severity(facts),
        )


# --- NVSwitch ---------------------------------------------------------------------------------------


@rule(
    "fabric-manager-not-running",
    severity="error",
    layer="driver",
    title=template("The switches between the GPUs are not set up"),
    message=template(
        "The GPUs of this machine are joined by NVSwitches, and CUDA waits until the fabric manager has set these "
        "up: {sign}. nvidia-smi works meanwhile."
    ),
    after=("fabric-manager-version-mismatch",),
)
def fabric_manager_not_running(facts: Facts) -> Iterator[Failure]:
    """On HGX and DGX machines CUDA works only after the fabric manager has set up the switches.

    Until then cuInit returns 802 (CUDA_ERROR_SYSTEM_NOT_READY). The fabric manager is a service of the host and has to
    be of exactly the driver's version; nothing inside a container can mend it.
    """
    gpus = usable_gpus(facts)
    if _failed(facts, SYSTEM_NOT_READY) is not None:
        pointer, sign = CODE, SAYS_NOT_READY
    else:
        waiting = [index for index, gpu in gpus if known(gpu.fabric_state, None) in ("not-started", "in-progress")]
        running = "nv-fabricmanager" in known(facts.driver.nvidia.kernel.services, ())
        if not waiting or running or not known(facts.driver.nvidia.kernel.nvswitches, 0):
            return
        pointer, sign = f"/driver/nvidia/gpus/{waiting[0]}/fabric_state", FABRIC_WAITS
    yield Failure(
        evidence=(pointer, "/driver/nvidia/kernel/nvswitches", "/driver/nvidia/kernel/services"),
        fields={"sign": sentence(sign)},
        fixes=(by_hand(HOST_FABRIC, FABRIC),) if in_container(facts) else _start_fabric(facts),
        severity=gpu_severity(facts),
    )


SAYS_NOT_READY = template("CUDA ends with 'system not ready' (802)")
FABRIC_WAITS = template("a GPU still waits for it")


def _start_fabric(facts: Facts) -> tuple[Fix, ...]:
    branch = (known(facts.driver.nvidia.version, None) or "").split(".")[0]
    install = {
        "ubuntu": (f"sudo apt install -y nvidia-fabricmanager-{branch}",),
        "debian": (f"sudo apt install -y nvidia-fabricmanager-{branch}",),
    }
    commands = install.get(known(facts.platform.os_id, None) or "", ())
    return (by_system(START_FABRIC, (*commands, "sudo systemctl enable --now nvidia-fabricmanager"), FABRIC, "none"),)


@rule(
    "fabric-manager-version-mismatch",
    severity="error",
    layer="driver",
    title=template("The fabric manager is {found}, the driver {driver}"),
    message=template(
        "The fabric manager, which sets up the switches between the GPUs, works only with exactly its own version of "
        "the driver. It is {found}, the driver {driver}: it ends at once, and CUDA waits for ever (error 802)."
    ),
)
def fabric_manager_version_mismatch(facts: Facts) -> Iterator[Failure]:
    """The packages of the driver and of the fabric manager were not updated together."""
    on_host(facts)
    kernel = facts.driver.nvidia.kernel
    if not need(kernel.nvswitches):
        raise NotApplicable("no NVSwitch")
    found, driver = need(kernel.fabric_manager_version), need(facts.driver.nvidia.kernel_module_version)
    if found is not None and driver is not None and found != driver:
        name = f"nvidia-fabricmanager-{driver.split('.')[0]}"
        commands = (f"sudo apt install -y '{name}={driver}*'", "sudo systemctl restart nvidia-fabricmanager")
        debian = known(facts.platform.os_id, None) in ("ubuntu", "debian")
        yield Failure(
            evidence=("/driver/nvidia/kernel/fabric_manager_version", "/driver/nvidia/kernel_module_version"),
            fields={"found": found, "driver": driver},
            fixes=(by_system(SAME_FABRIC, commands if debian else (), FABRIC, "none", version=driver),),
            severity=gpu_severity(facts),
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
            fixes=(in_shell(UNSET, f"unset {' '.join(names)}", source=CUDA_ENVIRONMENT, names=", ".join(names)),),
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
