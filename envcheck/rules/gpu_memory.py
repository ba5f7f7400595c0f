"""GPU memory: who reserved it, and what did not fit."""

from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.model.facts import Company, Facts, SmokeRun
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import backend, for_each, title_of, usable_gpus, variable
from envcheck.words import sentence, template

JAX_MEMORY = "https://docs.jax.dev/en/latest/gpu_memory_allocation.html"
TENSORFLOW_MEMORY = "https://www.tensorflow.org/guide/gpu#limiting_gpu_memory_growth"
TORCH_MEMORY = "https://docs.pytorch.org/docs/stable/notes/cuda.html#memory-management"
HIGH_FRACTION = 0.95
"""'1.00' prints an out-of-memory message at start (rstudio/keras3#1539); JAX's own default is 0.75 (JAX_MEMORY)."""
OUT_OF_MEMORY = (
    "CUDA out of memory",
    "ResourceExhaustedError",
    "RESOURCE_EXHAUSTED: Out of memory",
    "OOM when allocating tensor",
    "CUDA_ERROR_OUT_OF_MEMORY",
)
"""torch/csrc of 2.x; tensorflow/core/framework/op_kernel.cc; xla's allocator; the CUDA driver's name of error 2."""
NO_HANDLE = (
    "CUDNN_STATUS_INTERNAL_ERROR",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "DNN library initialization failed",
    "Failed to get convolution algorithm",
)
"""What starting cuDNN or cuBLAS ends with where no memory is left (jax-ml/jax#15361, tensorflow/tensorflow#24496)."""
RESERVING_ALL = {"TF_FORCE_GPU_ALLOW_GROWTH": ("false", "0"), "XLA_PYTHON_CLIENT_PREALLOCATE": ("true", "1")}
"""Settings with which TensorFlow and JAX take most of a GPU at start."""
LITTLE_BYTES = 1024**3
LOWER = template("Leave memory to the libraries")
GROW = template("Let frameworks take memory as they need it")
FREE = template("End the programs that hold memory of this GPU; 'nvidia-smi' lists them")


def _no_reserve(facts: Facts) -> Fix:
    return in_shell(
        GROW,
        shell.export(facts, "TF_FORCE_GPU_ALLOW_GROWTH", "true"),
        shell.export(facts, "XLA_PYTHON_CLIENT_PREALLOCATE", "false"),
        source=TENSORFLOW_MEMORY,
    )


def _said(index: int, run: SmokeRun, signs: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the line in which a run on a GPU tells one of these signs, and the fact that holds it."""
    if run.status == "passed" or not run.device.startswith("gpu"):
        return None
    for name, text in (("reason", run.reason), ("stderr_tail", run.stderr_tail)):
        for line in (known(text, None) or "").splitlines():
            if any(sign in line for sign in signs):
                return f"/smoke/{index}/{name}", line.strip()
    return None


@rule(
    "xla-memory-fraction-too-high",
    severity="info",
    layer="backend",
    title=template("JAX is told to reserve nearly all of the GPU's memory"),
    message=template(
        "XLA_PYTHON_CLIENT_MEM_FRACTION is {value}: JAX reserves that share of the GPU at start. What is left is too "
        "little for cuDNN, cuBLAS and the display; start-up may print an out-of-memory message, or fail."
    ),
)
def xla_memory_fraction_too_high(facts: Facts) -> Iterator[Failure]:
    """A variable makes JAX reserve 95 % or more of the GPU's memory.

    The usual share is 75 %. Near 100 % the libraries that JAX calls find no memory of their own.
    """
    found = variable(facts, "XLA_PYTHON_CLIENT_MEM_FRACTION")
    if found is None or backend(facts, "jax") is None or not usable_gpus(facts):
        raise NotApplicable("the variable is not set, or JAX has no NVIDIA GPU here")
    index, value = found
    if _number(value) >= HIGH_FRACTION:
        lower = shell.export(facts, "XLA_PYTHON_CLIENT_MEM_FRACTION", ".9")
        yield Failure(
            evidence=(f"/platform/environment/{index}/value",),
            fields={"value": value},
            fixes=(in_shell(LOWER, lower, source=JAX_MEMORY),),
            subject="jax",
        )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


@rule(
    "gpu-out-of-memory",
    severity="error",
    layer="backend",
    title=template("{framework} finds too little free memory on {device}"),
    message=template(
        "The small test model needs a few hundred megabytes, and {framework} did not get them on {device}. It said: "
        "{said}"
    ),
    after=("gpu-memory-held-by-other-process",),
)
def gpu_out_of_memory(facts: Facts) -> Iterator[Failure]:
    """The GPU's memory ran out while the small test model ran.

    The model is tiny: either another program holds the memory, or the GPU has very little of it. An out-of-memory error
    of your own model on a GPU that passes this test means that the model or its batch is too big: a smaller batch,
    numbers of 16 bits, or gradient accumulation help.
    """
    for index, run in enumerate(need(facts.smoke)):
        seen = _said(index, run, OUT_OF_MEMORY)
        if seen:
            yield Failure(
                evidence=(f"/smoke/{index}/failed_stage", seen[0]),
                fields={"framework": title_of(run.backend), "device": run.device, "said": seen[1]},
                fixes=(by_hand(FREE, TORCH_MEMORY),),
                subject=run.backend,
            )


@rule(
    "gpu-memory-preallocation-starves-cudnn",
    severity="error",
    layer="backend",
    title=template("{framework} reserves so much GPU memory that its own libraries cannot start"),
    message=template(
        "cuDNN or cuBLAS did not start on {device}, and {why}. Their versions need not be wrong: they want memory of "
        "their own beside what the framework has reserved. {framework} said: {said}"
    ),
    after=("gpu-memory-held-by-other-process",),
)
def gpu_memory_preallocation_starves_cudnn(facts: Facts) -> Iterator[Failure]:
    """The pool that a framework reserves at start leaves nothing for cuDNN and cuBLAS.

    Signs: CUDNN_STATUS_INTERNAL_ERROR, CUBLAS_STATUS_ALLOC_FAILED, 'Failed to get convolution algorithm'. They look
    like a wrong version and mean a full GPU. envcheck's own test reserves nothing unless a variable of the user says
    so; it is said where such a variable is set, or where less than a gigabyte was free.
    """
    for index, run in enumerate(need(facts.smoke)):
        seen = _said(index, run, NO_HANDLE)
        if seen is None:
            continue
        asked = _reserves_all(facts)
        full = _little_free(facts)
        if asked or full:
            yield Failure(
                evidence=(f"/smoke/{index}/failed_stage", seen[0], *([asked[0]] if asked else full)),
                fields={
                    "framework": title_of(run.backend),
                    "device": run.device,
                    "said": seen[1],
                    "why": asked[1] if asked else sentence(LITTLE_FREE),
                },
                fixes=(_no_reserve(facts), by_hand(FREE, TENSORFLOW_MEMORY)),
                subject=run.backend,
            )


LITTLE_FREE = template("less than a gigabyte of its memory was free")


def _reserves_all(facts: Facts) -> tuple[str, str] | None:
    for name, words in RESERVING_ALL.items():
        found = variable(facts, name)
        if found and found[1].strip().lower() in words:
            return f"/platform/environment/{found[0]}/value", f"{name} is {found[1]}"
    return None


def _little_free(facts: Facts) -> list[str]:
    return [
        f"/driver/nvidia/gpus/{index}/volatile/memory_free_bytes"
        for index, gpu in usable_gpus(facts)
        if need(gpu.volatile.memory_free_bytes) < LITTLE_BYTES
    ]


@rule(
    "gpu-memory-shared-by-two-frameworks",
    severity="warning",
    layer="backend",
    title=template("{first} and {second} do not share the GPU's memory in one process"),
    message=template(
        "{first} was imported and used first, then {second} in the same process, and the second found no memory on the "
        "GPU: the first had reserved it. It said: {said}"
    ),
)
def gpu_memory_shared_by_two_frameworks(facts: Facts) -> Iterator[Failure]:
    """Two frameworks in one process both reserve the GPU's memory, and the second comes too late.

    TensorFlow takes nearly all of it, JAX three quarters. A program that feeds a JAX model with tf.data has this. Let
    neither reserve, or hide the GPU from TensorFlow: tf.config.set_visible_devices([], "GPU"). It is seen with
    'envcheck report --pairs' alone.
    """

    def check(index: int, pair: Company) -> Iterator[Failure]:
        said = next((line for line in (need(pair.reason) or "").splitlines() if _is_about_memory(line)), None)
        if pair.status not in ("ok", "skipped") and said:
            yield Failure(
                evidence=(f"/pairs/{index}/status", f"/pairs/{index}/reason"),
                fields={"first": title_of(pair.first), "second": title_of(pair.second), "said": said.strip()},
                fixes=(_no_reserve(facts),),
                subject=pair.second,
            )

    if not usable_gpus(facts):
        raise NotApplicable("no NVIDIA GPU with a driver")
    yield from for_each(need(facts.pairs), check)


def _is_about_memory(line: str) -> bool:
    return any(sign in line for sign in (*OUT_OF_MEMORY, *NO_HANDLE))
