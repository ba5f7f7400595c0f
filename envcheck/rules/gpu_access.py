"""Who may use the GPU: containers, WSL, and what an administrator allows."""

from collections.abc import Iterator

from envcheck.fixes import nvidia
from envcheck.fixes.files import by_hand, look
from envcheck.fixes.nvidia import by_system
from envcheck.model.facts import Facts, NvidiaGpu
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import (
    has_gpu_build,
    in_container,
    is_wsl,
    listed,
    matching,
    nvidia_on_bus,
    nvml_error,
    usable_gpus,
)
from envcheck.words import template

STATUS = "/driver/nvidia/nvml/status"
ERROR = "/driver/nvidia/nvml/error"
MODULE_LOADED = "/driver/nvidia/kernel_module_loaded"

UNFENCED = ("ray",)
"""Systems that hand out GPUs by CUDA_VISIBLE_DEVICES alone (docs.ray.io, 'Accelerator Support'); the driver still lists
every GPU. Others may use the device filter of control groups (slurm.schedmd.com/cgroup.conf.html: ConstrainDevices)."""
NVML_SOURCE = "https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html"
UNKNOWN_ERROR = ("nvml_error_unknown", "unknown error")
BLOCKED_BY_SYSTEM = ("operating_system", "blocked by the operating system", "operating system has blocked")
START_AGAIN = template("Start the container again, from the host: docker restart CONTAINER")
SHARE_AGAIN = template("Let several programs share the GPU again")
RUN_WITH_GPU = template("Start the container with the GPU, from the host: docker run --gpus all IMAGE")
SET_WDDM = template("On Windows: install the NVIDIA driver again, and put the card into WDDM mode")
READ_LOG = template("Read what the kernel says about the GPU")


@rule(
    "container-gpu-not-requested",
    severity="warning",
    layer="platform",
    title=template("The container was started without its host's GPU"),
    message=template(
        "The host has an NVIDIA GPU with a running driver, as the kernel shows, but NVIDIA's libraries are not in "
        "this container ({container}): they come in only where the GPU is asked for at the start."
    ),
    after=(
        "kubernetes-pod-without-gpu",
        "slurm-job-without-gpu",
    ),
)
def container_gpu_not_requested(facts: Facts) -> Iterator[Failure]:
    """The host has a working GPU, and the container was not given it.

    Frameworks in the container say that there is no CUDA device. Ask for the GPU: 'docker run --gpus all', 'podman run
    --device nvidia.com/gpu=all', 'apptainer exec --nv', or a resource request on Kubernetes. It is only a note where no
    framework in the container is built for NVIDIA GPUs.
    """
    if not in_container(facts):
        raise NotApplicable("not in a container")
    driver = facts.driver.nvidia
    if need(driver.kernel_module_loaded) and need(driver.nvml.status) == "library-missing":
        yield Failure(
            evidence=("/platform/container", MODULE_LOADED, STATUS),
            fields={"container": facts.platform.container},
            fixes=(by_hand(RUN_WITH_GPU, nvidia.CONTAINER),),
            severity="warning" if has_gpu_build(facts) else "info",
        )


@rule(
    "container-gpu-access-lost",
    severity="error",
    layer="platform",
    title=template("The container lost its right to open the GPU"),
    message=template(
        "NVIDIA's library is there but gets no access to the GPU: {error}. In a container that worked before, "
        "systemd on the host has rewritten the container's device rules."
    ),
)
def container_gpu_access_lost(facts: Facts) -> Iterator[Failure]:
    """A running container can no longer open the GPU, although its device files are still there.

    nvidia-smi says 'Failed to initialize NVML: Unknown Error' inside the container and works on the host. After
    'systemctl daemon-reload' on the host, systemd takes the device rules of containers away that were made behind its
    back. Starting the container again helps until the next time.
    """
    if not in_container(facts):
        raise NotApplicable("not in a container")
    if any(words in nvml_error(facts) for words in UNKNOWN_ERROR):
        yield Failure(
            evidence=(ERROR, "/platform/container"),
            fields={"error": facts.driver.nvidia.nvml.error},
            fixes=(by_hand(START_AGAIN, "https://github.com/NVIDIA/nvidia-docker/issues/1671"),),
        )


@rule(
    "wsl-gpu-access-blocked",
    severity="error",
    layer="platform",
    title=template("Windows blocks access to the GPU from WSL"),
    message=template(
        "NVIDIA's library runs inside WSL, but Windows refuses access to the GPU: {error}. The card is in a mode "
        "without display (TCC), or the driver on Windows is installed only in part."
    ),
)
def wsl_gpu_access_blocked(facts: Facts) -> Iterator[Failure]:
    """Inside WSL the driver of Windows does the work, and it refuses.

    NVML reports error 17, 'GPU access blocked by the operating system'. Only cards in WDDM mode can be used from WSL.
    """
    if not is_wsl(facts):
        raise NotApplicable("not under WSL")
    if any(words in nvml_error(facts) for words in BLOCKED_BY_SYSTEM):
        yield Failure(
            evidence=(ERROR, "/platform/wsl"),
            fields={"error": facts.driver.nvidia.nvml.error},
            fixes=(by_hand(SET_WDDM, nvidia.WSL),),
        )


@rule(
    "nvidia-gpu-init-failed",
    severity="error",
    layer="driver",
    title=template("The NVIDIA driver does not bring up the GPU at {device}"),
    message=template(
        "The nvidia driver is bound to what the PCI bus shows at {device}, and lists no GPU there. The start failed; "
        "lines with 'NVRM' in the kernel's log say why."
    ),
    after=(
        "gpu-fallen-off-bus",
        "gpu-power-cable-missing",
        "gpu-vbios-boot-failed",
        "gpu-bar-not-assigned",
        "gpu-gsp-firmware-timeout",
        "nvidia-open-module-on-pre-turing",
        "blackwell-requires-open-module",
        "nvidia-driver-dropped-gpu",
        "nvidia-driver-older-than-gpu",
        "nvidia-gsp-firmware-missing",
        "nvidia-device-node-mismatch",
    ),
)
def nvidia_gpu_init_failed(facts: Facts) -> Iterator[Failure]:
    """The driver runs, but one of the GPUs on the bus is not among those that it lists.

    The kernel's log has 'RmInitAdapter failed' for its address. Reasons: a GPU that this driver branch does not know or
    no longer knows, the wrong flavour of the kernel module, a missing power cable, a memory window that the firmware
    did not give, a dying card. The other GPUs can be used meanwhile.
    """
    if in_container(facts):
        raise NotApplicable("in a container the bus is the host's, and the GPUs are those that were handed in")
    if known(facts.platform.scheduler.name, None) not in (None, *UNFENCED):
        raise NotApplicable("the batch system gives each job its own GPUs")
    if need(facts.driver.nvidia.nvml.status) != "ok":
        raise NotApplicable("the driver lists no GPUs")
    running = {_place_on_bus(need(gpu.pci_address)) for _, gpu in usable_gpus(facts)}
    on_bus = dict(nvidia_on_bus(facts))
    bound = matching(need(facts.hardware.pci), lambda device: need(device.kernel_driver) == "nvidia")
    there = running | _denied(facts)
    down = [place for place, _ in bound if place in on_bus and _place_on_bus(on_bus[place]) not in there]
    if down:
        yield Failure(
            evidence=tuple(f"/hardware/pci/{place}/{fact}" for place in down for fact in ("address", "kernel_driver")),
            fields={"device": listed(on_bus[place] for place in down)},
            fixes=(look(READ_LOG, "sudo dmesg | grep -i nvrm", source=nvidia.GUIDE),),
            severity="error" if not running else "warning",
        )


def _denied(facts: Facts) -> set[str]:
    """Return the places of the GPUs whose device files this session may not open: a filter keeps them for others."""
    nodes = known(facts.driver.device_nodes, ())
    denied = {node.path for node in nodes if known(node.open_error, None) in ("EPERM", "EACCES")}
    gpus = known(facts.driver.nvidia.kernel.gpus, ())
    return {
        _place_on_bus(known(gpu.pci_address, None) or "") for gpu in gpus if f"/dev/nvidia{gpu.device_minor}" in denied
    }


def _place_on_bus(address: str) -> str:
    """Return bus, device and function: the driver writes the domain with eight digits, the kernel with four."""
    return ":".join(address.lower().split(":")[-2:])


@rule(
    "gpu-exclusive-compute-mode",
    severity="error",
    layer="driver",
    title=template("{gpu} is in the compute mode '{mode}'"),
    message=template(
        "An administrator set the compute mode of {gpu} to '{mode}'. In the mode 'prohibited' no program may compute "
        "on it; in 'exclusive-process' one program at a time may, and others are turned away. Nothing in Python "
        "changes it."
    ),
)
def gpu_exclusive_compute_mode(facts: Facts) -> Iterator[Failure]:
    """An administrator allowed only one program on the GPU, or none at all.

    Programs say 'all CUDA-capable devices are busy or unavailable'. The mode 'prohibited' stops every program; the mode
    'exclusive-process' is reported only where a smoke test on a GPU did not pass.
    """
    failed = any(
        run.device.startswith("gpu") and run.status not in ("passed", "skipped") for run in known(facts.smoke, ())
    )

    def is_closed(gpu: NvidiaGpu) -> bool:
        mode = need(gpu.compute_mode)
        return mode == "prohibited" or (mode == "exclusive-process" and failed)

    closed = matching([gpu for _, gpu in usable_gpus(facts)], is_closed)
    if closed:
        commands = tuple(f"sudo nvidia-smi -i {gpu.index} -c DEFAULT" for _, gpu in closed)
        yield Failure(
            evidence=tuple(f"/driver/nvidia/gpus/{place}/compute_mode" for place, _ in closed),
            fields={
                "gpu": listed(known(gpu.name, "GPU") for _, gpu in closed),
                "mode": closed[0][1].compute_mode,
            },
            fixes=(by_system(SHARE_AGAIN, commands, NVML_SOURCE, "none"),),
        )
