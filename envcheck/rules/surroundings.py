"""What stands between the machine and the process: containers, WSL, batch systems, hosted notebooks."""

from collections.abc import Iterator

from envcheck.fixes import nvidia
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.nvidia import by_system
from envcheck.model.facts import CdiSpecification, Facts
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.environment import CUDA_ENVIRONMENT
from envcheck.rules.gpus import on_host
from envcheck.rules.shared import (
    for_each,
    gpu_severity,
    has_gpu_build,
    in_container,
    is_wsl,
    nvidia_on_bus,
    usable_gpus,
    variable,
)
from envcheck.words import sentence, template

SLURM = "https://slurm.schedmd.com/gres.html"
KUBERNETES = "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/"
COLAB = "https://research.google.com/colaboratory/faq.html"
KAGGLE = "https://www.kaggle.com/docs/efficient-gpu-usage"
CDI = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/cdi-support.html"
WSL_INSTALL = "https://learn.microsoft.com/windows/wsl/basic-commands"
DRIVER_NAMES = ("libcuda.so", "libnvidia-ml.so")
HOSTED = {"colab": "Google Colab", "kaggle": "Kaggle"}
SLURM_COUNT = "SLURM_GPUS_ON_NODE"
"""The variable that holds a number of GPUs; in the others of Slurm '0' is the first GPU (manual page sbatch)."""

ASK_SLURM = template("Ask Slurm for a GPU")
ASK_KUBERNETES = template(
    "Ask for a GPU in the pod's specification: resources.limits 'nvidia.com/gpu: 1' and, where the cluster has it, "
    "runtimeClassName: nvidia"
)
COLAB_GPU = template("In Colab: Runtime > Change runtime type > GPU")
KAGGLE_GPU = template("On Kaggle: Settings > Accelerator > GPU")
CLEAN_IMAGE = template(
    "Take the driver's files out of the image (RUN rm -f {paths}) and build it again; the host's come in at the start"
)
NEW_CDI = template("Write the specification anew")
UPDATE_WSL = template("On Windows: update WSL and the NVIDIA driver")
VERSION_2 = template("On Windows: move this distribution to WSL 2")
REMOVE_LINUX_DRIVER = template("Remove the Linux driver, then restart WSL from Windows with: wsl --shutdown")
ONE_CARD = template("Let CUDA see one card only")
CPU_BUILD = template("Let JAX run on the processor")


@rule(
    "slurm-job-without-gpu",
    severity="warning",
    layer="platform",
    title=template("The Slurm job was not given a GPU"),
    message=template(
        "This process runs in a job of Slurm, and Slurm gave it no GPU. What looks like a broken driver is the job's "
        "request: a GPU has to be asked for."
    ),
)
def slurm_job_without_gpu(facts: Facts) -> Iterator[Failure]:
    """A job of the batch system Slurm sees only what it asked for.

    It is a note where the node has no NVIDIA GPU, or where no framework is built for one: many jobs want none.
    """
    scheduler = facts.platform.scheduler
    if need(scheduler.name) != "slurm":
        raise NotApplicable("not a job of Slurm")
    allocated = need(scheduler.gpus_allocated)
    if allocated and not (allocated == "0" and scheduler.gpus_allocated_how == SLURM_COUNT):
        return
    nvml = known(facts.driver.nvidia.nvml.status, None)
    hidden = facts.driver.nvidia.visible_devices.gpus == ()
    if nvml == "ok" and known(facts.driver.nvidia.gpus, ()) and not hidden:
        return  # the cluster does not fence its GPUs, and the job uses one
    if has_gpu_build(facts):
        wanted = bool(nvidia_on_bus(facts))
        yield Failure(
            evidence=("/platform/scheduler/name", "/platform/scheduler/gpus_allocated"),
            fixes=(in_shell(ASK_SLURM, "srun --gres=gpu:1 --pty bash", source=SLURM),),
            severity="warning" if wanted else "info",
        )


@rule(
    "kubernetes-pod-without-gpu",
    severity="warning",
    layer="platform",
    title=template("The pod runs without its node's GPU"),
    message=template(
        "This is a pod of Kubernetes on a node with a running NVIDIA driver, and nothing of the driver was handed in: "
        "the pod did not ask for a GPU, or not through NVIDIA's runtime."
    ),
)
def kubernetes_pod_without_gpu(facts: Facts) -> Iterator[Failure]:
    """A pod gets a GPU only if its specification asks for one. It is a note where no framework is built for GPUs."""
    if need(facts.platform.scheduler.name) != "kubernetes" and known(facts.platform.container, None) != "kubernetes":
        raise NotApplicable("not a pod of Kubernetes")
    driver = facts.driver.nvidia
    if need(driver.kernel_module_loaded) and need(driver.nvml.status) == "library-missing":
        yield Failure(
            evidence=("/platform/scheduler/name", "/driver/nvidia/kernel_module_loaded", "/driver/nvidia/nvml/status"),
            fixes=(by_hand(ASK_KUBERNETES, KUBERNETES),),
            severity="warning" if has_gpu_build(facts) else "info",
        )


@rule(
    "colab-no-gpu-runtime",
    severity="info",
    layer="platform",
    title=template("This {service} session has no GPU"),
    message=template(
        "{service} gave this session a machine without GPU. That is the default; a GPU is chosen in the settings, "
        "as long as the quota lasts."
    ),
)
def colab_no_gpu_runtime(facts: Facts) -> Iterator[Failure]:
    """Colab and Kaggle start sessions without a GPU unless one is chosen."""
    hosted = need(facts.platform.cloud.hosted)
    if hosted not in HOSTED:
        raise NotApplicable("neither Colab nor Kaggle")
    if need(facts.driver.nvidia.nvml.status) == "library-missing" and not need(
        facts.driver.nvidia.kernel_module_loaded
    ):
        fix = by_hand(COLAB_GPU, COLAB) if hosted == "colab" else by_hand(KAGGLE_GPU, KAGGLE)
        yield Failure(
            evidence=("/platform/cloud/hosted", "/driver/nvidia/nvml/status"),
            fields={"service": HOSTED[str(hosted)]},
            fixes=(fix,),
        )


@rule(
    "no-nvidia-gpu",
    severity="warning",
    layer="hardware",
    title=template("JAX is told to use an NVIDIA GPU, and this machine has none"),
    message=template(
        "{name} is '{value}', and there is no NVIDIA GPU on the PCI bus, nor a driver for one. JAX then ends with an "
        "error instead of using the processor. No driver and no toolkit can help."
    ),
    after=("slurm-job-without-gpu", "wsl-no-gpu-passthrough"),
)
def no_nvidia_gpu(facts: Facts) -> Iterator[Failure]:
    """Somebody asked for an NVIDIA GPU on a machine that has none.

    A machine without a GPU is in order, so nothing is said unless a variable demands one.
    """
    if nvidia_on_bus(facts) or need(facts.driver.nvidia.nvml.status) != "library-missing":
        raise NotApplicable("there is an NVIDIA GPU or its driver")
    if is_wsl(facts) or "NVIDIA" in (known(facts.platform.board, None) or ""):
        raise NotApplicable("the GPU of this machine is not on the PCI bus")
    for name in ("JAX_PLATFORMS", "JAX_PLATFORM_NAME"):
        found = variable(facts, name)
        if found and found[1].split(",")[0].strip().lower() in ("cuda", "gpu"):
            yield Failure(
                evidence=(f"/platform/environment/{found[0]}/value", "/hardware/pci", "/driver/nvidia/nvml/status"),
                fields={"name": name, "value": found[1]},
                fixes=(
                    in_shell(CPU_BUILD, f"unset {name}", source="https://docs.jax.dev/en/latest/config_options.html"),
                ),
            )
            return


# --- containers ---------------------------------------------------------------------------------


@rule(
    "container-image-bundles-driver",
    severity="error",
    layer="platform",
    title=template("The container's image holds files of another NVIDIA driver"),
    message=template(
        "{path} belongs to the image and is of version {version}, while the host's kernel module is {module}. Driver "
        "files come from the host at the start of the container; those of the image stand in their way."
    ),
)
def container_image_bundles_driver(facts: Facts) -> Iterator[Failure]:
    """Somebody installed an NVIDIA driver into the image, or saved a running container as an image.

    The copies block the host's files or are found before them. It is a note where CUDA works all the same.
    """
    if not in_container(facts):
        raise NotApplicable("not in a container")
    driver = facts.driver.nvidia
    module = need(driver.kernel_module_version)
    if module is None:
        raise NotApplicable("the host runs no NVIDIA driver")
    for index, library in enumerate(need(driver.libraries)):
        if library.kind != "driver" or need(library.version) in (None, module) or need(library.mounted):
            continue
        folder = library.path.rpartition("/")[0]
        paths = f"{folder}/libcuda.so* {folder}/libnvidia-*.so*"
        works = known(driver.cuda.status, None) == "ok"
        yield Failure(
            evidence=(
                f"/driver/nvidia/libraries/{index}/path",
                f"/driver/nvidia/libraries/{index}/version",
                "/driver/nvidia/kernel_module_version",
            ),
            fields={"path": library.path, "version": library.version, "module": module},
            fixes=(by_hand(CLEAN_IMAGE, nvidia.CONTAINER, paths=paths),),
            severity="info" if works else gpu_severity(facts),
        )
        return


@rule(
    "container-cdi-spec-invalid",
    severity="warning",
    layer="platform",
    title=template("The specification of GPUs for containers is of another driver version"),
    message=template(
        "{path} tells Podman and Docker to hand in driver files of version {old}, and the driver is {driver}. Those "
        "files are gone since an update, and containers that ask for the GPU do not start."
    ),
    after=("nvidia-driver-reboot-pending",),
)
def container_cdi_spec_invalid(facts: Facts) -> Iterator[Failure]:
    """The file with which containers get the GPU (CDI) was written for an earlier driver.

    Podman says 'unresolvable CDI devices' or that a file does not exist. 'nvidia-ctk cdi generate' writes it anew.
    """
    on_host(facts)
    version = need(facts.driver.nvidia.version)
    if version is None:
        raise NotApplicable("no NVIDIA driver")

    def check(index: int, found: CdiSpecification) -> Iterator[Failure]:
        versions = need(found.driver_versions)
        if (need(found.kind) or "").startswith("nvidia.com/") and versions and version not in versions:
            yield Failure(
                evidence=(
                    f"/platform/container_devices/cdi_specifications/{index}/path",
                    f"/platform/container_devices/cdi_specifications/{index}/driver_versions",
                    "/driver/nvidia/version",
                ),
                fields={"path": found.path, "old": ", ".join(versions), "driver": version},
                fixes=(by_system(NEW_CDI, (f"sudo nvidia-ctk cdi generate --output={found.path}",), CDI, "none"),),
            )

    yield from for_each(need(facts.platform.container_devices.cdi_specifications), check)


# --- WSL ------------------------------------------------------------------------------------------


def _in_wsl(facts: Facts) -> str:
    version = need(facts.platform.wsl)
    if version is None:
        raise NotApplicable("not under WSL")
    if in_container(facts):
        raise NotApplicable("in a container")
    return version


@rule(
    "wsl-no-gpu-passthrough",
    severity="warning",
    layer="platform",
    title=template("WSL does not pass the GPU on"),
    message=template(
        "{what}. Frameworks inside WSL run on the processor, whatever GPU the computer has. If it has an NVIDIA GPU, "
        "WSL or the driver on Windows is too old."
    ),
)
def wsl_no_gpu_passthrough(facts: Facts) -> Iterator[Failure]:
    """WSL 1 never passes a GPU on; WSL 2 does through /dev/dxg and the files in /usr/lib/wsl/lib.

    Whether the computer has an NVIDIA GPU cannot be seen from inside, so it is a note unless a framework is built for
    GPUs and /dev/dxg is missing altogether.
    """
    version = _in_wsl(facts)
    if known(facts.driver.nvidia.nvml.status, None) == "ok":
        return
    nodes = {node.path for node in need(facts.driver.device_nodes)}
    libraries = need(facts.driver.nvidia.libraries)
    upgrade = by_hand(UPDATE_WSL, nvidia.WSL)
    if version == "1":
        what, pointer, fix = WSL_1, "/platform/wsl", by_hand(VERSION_2, WSL_INSTALL)
    elif "/dev/dxg" not in nodes:
        what, pointer, fix = NO_DXG, "/driver/device_nodes", upgrade
    elif not any(found.kind == "wsl" and found.name == "libcuda.so" for found in libraries):
        what, pointer, fix = NO_LIBRARY, "/driver/nvidia/libraries", upgrade
    else:
        return
    yield Failure(
        evidence=("/platform/wsl", pointer) if pointer != "/platform/wsl" else (pointer,),
        fields={"what": sentence(what)},
        fixes=(fix,),
        severity="warning" if has_gpu_build(facts) and what != NO_LIBRARY else "info",
    )


WSL_1 = template("This is WSL 1, which has no access to GPUs")
NO_DXG = template("The device file /dev/dxg, through which WSL 2 reaches the GPU, is missing")
NO_LIBRARY = template("Windows offers WSL no NVIDIA driver: /usr/lib/wsl/lib has no libcuda")


@rule(
    "wsl-linux-driver-installed",
    severity="error",
    layer="platform",
    title=template("A Linux driver of NVIDIA is installed inside WSL"),
    message=template(
        "{path} belongs to an NVIDIA driver for Linux. Inside WSL only the driver of Windows can reach the GPU, "
        "through the files in /usr/lib/wsl/lib; the others are found first and cannot work."
    ),
)
def wsl_linux_driver_installed(facts: Facts) -> Iterator[Failure]:
    """Packages such as nvidia-driver or cuda-drivers were installed inside WSL.

    The Linux driver has no device there: nvidia-smi 'couldn't communicate with the NVIDIA driver'. It is a warning
    where CUDA works all the same.
    """
    _in_wsl(facts)
    driver = facts.driver.nvidia
    for index, library in enumerate(need(driver.libraries)):
        if library.kind == "driver" and library.name in DRIVER_NAMES and need(library.version) is not None:
            debian = known(facts.platform.os_id, None) in ("ubuntu", "debian")
            purge = ("sudo apt purge -y 'nvidia-driver*' 'libnvidia-compute*' 'nvidia-utils*'",) if debian else ()
            works = known(driver.cuda.status, None) == "ok"
            yield Failure(
                evidence=(f"/driver/nvidia/libraries/{index}/path", "/platform/wsl"),
                fields={"path": library.path},
                fixes=(by_system(REMOVE_LINUX_DRIVER, purge, nvidia.WSL),),
                severity="warning" if works else gpu_severity(facts),
            )
            return


@rule(
    "wsl-multi-gpu-init-out-of-memory",
    severity="error",
    layer="platform",
    title=template("CUDA reports 'out of memory' at its start under WSL"),
    message=template(
        "CUDA ends at its very start with 'out of memory' (2), on a computer with {count} GPUs under WSL. It is no "
        "lack of memory: one of the cards cannot be started there."
    ),
)
def wsl_multi_gpu_init_out_of_memory(facts: Facts) -> Iterator[Failure]:
    """With several cards under WSL cuInit may return 2. Hide all but one, and try each."""
    _in_wsl(facts)
    gpus = usable_gpus(facts)
    cuda = facts.driver.nvidia.cuda
    if len(gpus) > 1 and need(cuda.status) == "error" and cuda.error_code == 2:
        yield Failure(
            evidence=("/driver/nvidia/cuda/error_code", "/platform/wsl"),
            fields={"count": len(gpus)},
            fixes=(in_shell(ONE_CARD, "export CUDA_VISIBLE_DEVICES=0", source=CUDA_ENVIRONMENT),),
        )
