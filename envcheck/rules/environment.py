"""Variables of the user's environment that change what the stack does."""

import re
from collections.abc import Iterator

from envcheck.fixes import nvidia, shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.model.facts import Backend, Facts
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import for_each_framework, has_gpu_build, in_container, last_words, title_of, variable
from envcheck.words import sentence, template

CUDA_ENVIRONMENT = "https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html"
XLA_SOURCE = "https://github.com/openxla/xla/blob/main/xla/parse_flags_from_env.cc"
XLA_USAGE = re.compile(r"^\t--xla_\w+=.*\t(?:bool|string|int32|int64)\t", re.MULTILINE)
"""XLA ends with the list of its options where it cannot read the value of one (jaxlib 0.10.2)."""
ITS_OPTIONS = template("nothing but the list of the options that it knows, for it cannot read the value of one")
OLD_MIG_NAME = "MIG-GPU-"
"""How drivers before R470 name a slice of a GPU (NVIDIA Multi-Instance GPU User Guide); NVML lists other names."""
UNSET = template("Remove {name} from the environment, also where it is set: shell profile, job script, kernel.json")
ASK_FOR_COMPUTE = template(
    "Start the container with compute libraries: docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility "
    "IMAGE"
)


def hidden_by_variable(facts: Facts) -> tuple[int, str] | None:
    """Return CUDA_VISIBLE_DEVICES, with its place, if it names none of the GPUs that the driver lists.

    Raises:
        Undecided: if it is set and the GPUs are not known.
    """
    found = variable(facts, "CUDA_VISIBLE_DEVICES")
    if found is None or need(facts.driver.nvidia.nvml.status) != "ok":
        return None
    gpus = need(facts.driver.nvidia.gpus)
    first = found[1].split(",")[0].strip()
    if not gpus or (first.isdecimal() and int(first) < len(gpus)) or first.startswith(OLD_MIG_NAME):
        return None
    names = [known(gpu.uuid, "") for gpu in gpus]
    names += [known(slice_.uuid, "") for gpu in gpus for slice_ in known(gpu.mig_devices, ())]
    return None if first and any(name.startswith(first) for name in names) else found


@rule(
    "cuda-visible-devices-hides-gpus",
    severity="warning",
    layer="platform",
    title=template("CUDA_VISIBLE_DEVICES hides the GPUs from every program"),
    message=template(
        "The environment variable CUDA_VISIBLE_DEVICES is set to '{value}', which names no GPU that the driver "
        "lists ({count} in all). Programs started from here see no GPU; nvidia-smi takes no notice of the variable "
        "and still shows them."
    ),
    after=("slurm-job-without-gpu",),
)
def cuda_visible_devices_hides_gpus(facts: Facts) -> Iterator[Failure]:
    """A variable tells CUDA which GPUs a program may see, and it names none that exists.

    Empty is not the same as unset: an empty value, '-1', a number beyond the last GPU or a UUID of another machine hide
    everything, and so does every entry after the first wrong one. Some set it on purpose, to keep a program off the
    GPU; schedulers set it for jobs that asked for none. It is only a note where no framework is built for NVIDIA GPUs.
    """
    if variable(facts, "CUDA_VISIBLE_DEVICES") is None:
        raise NotApplicable("CUDA_VISIBLE_DEVICES is not set")
    found = hidden_by_variable(facts)
    if found is not None:
        index, value = found
        yield Failure(
            evidence=(f"/platform/environment/{index}/value", "/driver/nvidia/gpus/0/name"),
            fields={"value": value, "count": len(need(facts.driver.nvidia.gpus))},
            fixes=(
                in_shell(
                    UNSET,
                    shell.unset(facts, "CUDA_VISIBLE_DEVICES"),
                    source=CUDA_ENVIRONMENT,
                    name="CUDA_VISIBLE_DEVICES",
                ),
            ),
            severity="warning" if has_gpu_build(facts) else "info",
        )


@rule(
    "container-driver-capabilities-missing",
    severity="error",
    layer="platform",
    title=template("The container gets the GPU without its compute libraries"),
    message=template(
        "NVIDIA_DRIVER_CAPABILITIES is '{value}' in this container. Without 'compute' the library libcuda is left "
        "out: nvidia-smi works, and no framework can use the GPU."
    ),
)
def container_driver_capabilities_missing(facts: Facts) -> Iterator[Failure]:
    """A container's GPU comes with only those driver libraries that a variable names, and 'compute' is not among them.

    NVIDIA's container toolkit reads NVIDIA_DRIVER_CAPABILITIES at the start of the container. Images set it; a value
    such as 'utility' alone leaves CUDA out.
    """
    if not in_container(facts):
        raise NotApplicable("not in a container")
    found = variable(facts, "NVIDIA_DRIVER_CAPABILITIES")
    if found is None:
        return
    index, value = found
    words = {word.strip() for word in value.split(",")}
    if need(facts.driver.nvidia.nvml.status) == "ok" and value and not words & {"compute", "all"}:
        yield Failure(
            evidence=(f"/platform/environment/{index}/value", "/driver/nvidia/nvml/status"),
            fields={"value": value},
            fixes=(by_hand(ASK_FOR_COMPUTE, nvidia.CONTAINER),),
            severity="error" if has_gpu_build(facts) else "info",
        )


@rule(
    "xla-flags-unknown",
    severity="error",
    layer="platform",
    title=template("XLA_FLAGS holds an option that {framework} does not know"),
    message=template(
        "The compiler XLA inside {framework} ends the process at the first option that it does not know. It said: "
        "{said}"
    ),
)
def xla_flags_unknown(facts: Facts) -> Iterator[Failure]:
    """The variable XLA_FLAGS was made for another release of XLA, or for other hardware.

    XLA aborts at start: 'Unknown flags in XLA_FLAGS'. The hint that it prints about another variable misleads. Options
    for TPUs belong into LIBTPU_INIT_ARGS.
    """
    found = variable(facts, "XLA_FLAGS") or variable(facts, "TF_XLA_FLAGS")
    if found is None:
        raise NotApplicable("no XLA flags are set")
    place = f"/platform/environment/{found[0]}/value"

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        for pointer, words in last_words(facts, index, backend):
            said = next((line.strip() for line in words.splitlines() if "nknown flag" in line), None)
            if said is None and XLA_USAGE.search(words):
                said = sentence(ITS_OPTIONS)
            if said:
                name = need(facts.platform.environment)[found[0]].name
                yield Failure(
                    evidence=(place, pointer),
                    fields={"framework": title_of(backend.name), "said": said},
                    fixes=(in_shell(UNSET, shell.unset(facts, name), source=XLA_SOURCE, name=name),),
                    subject=backend.name,
                )
                return

    yield from for_each_framework(facts, check)
