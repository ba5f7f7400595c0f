"""Batch systems and hosted notebooks: who gives out GPUs, and whether this process got one."""

from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.model.facts import Facts
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import (
    has_gpu_build,
    is_wsl,
    nvidia_on_bus,
    variable,
)
from envcheck.words import template

SLURM = "https://slurm.schedmd.com/gres.html"
KUBERNETES = "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/"
COLAB = "https://research.google.com/colaboratory/faq.html"
KAGGLE = "https://www.kaggle.com/docs/efficient-gpu-usage"
HOSTED = {"colab": "Google Colab", "kaggle": "Kaggle"}
SLURM_COUNT = "SLURM_GPUS_ON_NODE"
"""The variable that holds a number of GPUs; in the others of Slurm '0' is the first GPU (manual page sbatch)."""

ASK_SLURM = template("Ask Slurm for a GPU: in a batch file with the line '#SBATCH --gres=gpu:1', in a shell with srun")
ASK_KUBERNETES = template(
    "Ask for a GPU in the pod's specification: resources.limits 'nvidia.com/gpu: 1' and, where the cluster has it, "
    "runtimeClassName: nvidia"
)
COLAB_GPU = template("In Colab: Runtime > Change runtime type > GPU")
KAGGLE_GPU = template("On Kaggle: Settings > Accelerator > GPU")
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
                    in_shell(
                        CPU_BUILD, shell.unset(facts, name), source="https://docs.jax.dev/en/latest/config_options.html"
                    ),
                ),
            )
            return
