"""Whether a framework that was built for the GPU gets at it."""

from collections.abc import Iterator

from envcheck.fixes import gpu_builds, shell
from envcheck.fixes.files import in_shell, look
from envcheck.fixes.packages import python
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import Unknown, known, need
from envcheck.rules.causes import CUDA_LIBRARY_FAULTS, GPU_FAULTS
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.environment import hidden_by_variable
from envcheck.rules.requirements import Unmet, install_wanted, places, unmet
from envcheck.rules.searches import Found, bring, of_framework
from envcheck.rules.shared import (
    for_each_framework,
    in_use,
    listed,
    meant_for_gpu,
    nvidia_gpus,
    title_of,
    usable_gpus,
)
from envcheck.words import sentence, template

KERAS = "https://keras.io/getting_started/"
LOOK_CLOSER = template("See what {framework} says when it looks for GPUs")
EXTRAS = {"tensorflow": "and-cuda", "torch": ""}
"""The extra that names the packages of CUDA libraries; PyTorch requires them without one."""
PACKAGES = template(
    "of the packages with CUDA libraries that it names these are not installed in the right version: {missing}"
)
FILES = template("of the CUDA libraries that it opens these are nowhere on this machine: {missing}")
NO_IMPORT = template("It cannot be imported without them.")
NO_GPU = template("It runs on the processor only.")
TOO_SMALL = "TF_MIN_GPU_MULTIPROCESSOR_COUNT"
"""TensorFlow names it in its message (gpu_device.cc; tensorflow/tensorflow#43104)."""
GPU_DEVICE = "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/common_runtime/gpu/gpu_device.cc"
LOWER_LIMIT = template("Let TensorFlow use smaller GPUs too")
LOOK = {
    "tensorflow": ("TF_CPP_MAX_VLOG_LEVEL=3", "import tensorflow as tf; tf.config.list_physical_devices()"),
    "jax": ("JAX_PLATFORMS=cuda", "import jax; print(jax.devices())"),
    "torch": ("", "import torch; torch.cuda.init()"),
}


@rule(
    "cuda-libraries-missing",
    severity="error",
    layer="backend",
    title=template("{framework} misses CUDA libraries that it needs for the GPU"),
    message=template("{framework} {version} is a build for GPUs, and {missing}. {consequence}"),
    after=(
        "cuda-version-split-across-frameworks",
        "cuda-libraries-wrong-version",
        "cuda-libraries-not-on-loader-path",
        "pip-cuda-libraries-not-found",
    ),
)
def cuda_libraries_missing(facts: Facts) -> Iterator[Failure]:
    """The framework's packages of CUDA libraries are not installed, or not all of them.

    'pip install tensorflow' brings no CUDA libraries; 'pip install tensorflow[and-cuda]' does. Without them TensorFlow
    says 'Cannot dlopen some GPU libraries' and runs on the processor; that is reported only where a GPU with a working
    driver is there and TensorFlow does not see it. PyTorch asks for them outright, and cannot be imported without them.
    """
    installed = places(facts)

    def check(index: int, found: Backend) -> Iterator[Failure]:
        if need(found.built_for.cuda) is None:
            return
        missing = [
            conflict
            for name in need(found.distributions)
            if name in installed
            if found.name in EXTRAS
            for conflict in unmet(facts, installed, *installed[name], extra=EXTRAS[found.name])
            if conflict.name.startswith(("nvidia-", "cuda-"))
        ]
        nowhere = [] if missing else _nowhere(facts, found)
        if not (missing or nowhere) or not _harmful(facts, found):
            return
        names = [conflict.wanted for conflict in missing] or [search.search.soname for search in nowhere]
        yield Failure(
            evidence=(
                *(pointer for conflict in missing[:4] for pointer in conflict.evidence()),
                *(f"{search.pointer}/winner" for search in nowhere[:4]),
            ),
            fields={
                "framework": title_of(found.name),
                "version": known(found.version, None) or "",
                "missing": sentence(PACKAGES if missing else FILES, missing=listed(names)),
                "consequence": sentence(NO_IMPORT if found.name == "torch" else NO_GPU),
            },
            fixes=_bring_libraries(facts, found, missing) if missing else (bring(facts, found),),
            subject=found.name,
            severity="error" if meant_for_gpu(facts, found) else "warning",
        )

    yield from for_each_framework(facts, check)


def _nowhere(facts: Facts, found: Backend) -> list[Found]:
    """Return the libraries of which there is no file, neither of the wanted name nor under another number."""
    if isinstance(facts.driver.libraries, Unknown):
        return []  # then the packages alone are judged
    return [
        search
        for search in of_framework(facts, found.name)
        if search.winner is None
        and not need(search.search.candidates)
        and not need(search.search.other_versions)
        and not search.short_name.startswith("cudnn")
    ]


def _harmful(facts: Facts, found: Backend) -> bool:
    """Say whether the missing libraries make a difference here."""
    if found.name == "torch":
        return need(found.imported.status) != "ok"
    usable = bool(usable_gpus(facts)) and bool(nvidia_gpus(facts))
    return usable and hidden_by_variable(facts) is None and not sees_gpu(found)


def sees_gpu(found: Backend) -> bool:
    return any(device.name.startswith("gpu") for device in need(found.devices))


def _bring_libraries(facts: Facts, found: Backend, missing: list[Unmet]) -> tuple[Fix, ...]:
    if found.name == "tensorflow":
        return (gpu_builds.tensorflow(facts, version=known(found.version, None)),)
    return (install_wanted(facts, found.name, missing),)


@rule(
    "framework-ignores-gpu",
    severity="error",
    layer="backend",
    title=template("{framework} does not see the GPU"),
    message=template(
        "{gpu} is in this machine and {framework} {version} is a build for CUDA {cuda}, but it lists no GPU among "
        "its devices. It runs on the processor, and says so at most in its log."
    ),
    after=(
        *GPU_FAULTS,
        "nvidia-driver-too-old",
        "gpu-newer-than-framework-build",
        "gpu-older-than-framework-build",
        "gpu-arch-missing-from-build",
        "jax-cuda-plugin-version-mismatch",
        "jax-cuda-plugin-init-failed",
        "jetson-generic-wheel",
        "jetson-wheel-jetpack-mismatch",
        *CUDA_LIBRARY_FAULTS,
        "cuda-libraries-missing",
    ),
)
def framework_ignores_gpu(facts: Facts) -> Iterator[Failure]:
    """A framework that was built for NVIDIA GPUs lists none, although one is there.

    This is a symptom. Where envcheck knows the cause, it names it and this finding is listed below it. The framework's
    own log says more: run it with TF_CPP_MAX_VLOG_LEVEL=3 (TensorFlow) or JAX_PLATFORMS=cuda (JAX). It is a warning
    where Keras uses another framework.
    """
    gpus = nvidia_gpus(facts)
    if not gpus:
        raise NotApplicable("no NVIDIA GPU")
    if hidden_by_variable(facts) is not None:
        raise NotApplicable("CUDA_VISIBLE_DEVICES hides the GPUs")
    driver_works = known(facts.driver.nvidia.nvml.status, "") == "ok"

    def check(index: int, found: Backend) -> Iterator[Failure]:
        if need(found.built_for.cuda) is None or need(found.imported.status) != "ok" or sees_gpu(found):
            return
        yield Failure(
            evidence=(f"/backends/{index}/devices", f"/backends/{index}/built_for/cuda", gpus[0].pointer),
            fields={
                "gpu": gpus[0].name,
                "framework": title_of(found.name),
                "version": known(found.version, None) or "",
                "cuda": found.built_for.cuda,
            },
            fixes=_look_closer(facts, found),
            subject=found.name,
            severity=(
                "error" if driver_works and in_use(facts, found.name) and meant_for_gpu(facts, found) else "warning"
            ),
        )

    yield from for_each_framework(facts, check)


def _look_closer(facts: Facts, found: Backend) -> tuple[Fix, ...]:
    if found.name not in LOOK:
        return ()
    setting, code = LOOK[found.name]
    command = f"{python(facts)} -c {shell.words(code)}"
    if setting:
        name, _, value = setting.partition("=")
        command = shell.with_variable(facts, name, value, command)
    return (look(LOOK_CLOSER, command, source=KERAS, framework=title_of(found.name)),)


@rule(
    "gpu-ignored-few-multiprocessors",
    severity="info",
    layer="backend",
    title=template("TensorFlow leaves out a GPU because it is small"),
    message=template(
        "Where GPUs of different size are in one machine, TensorFlow uses only those with at least eight "
        "multiprocessors, the units that GPUs are made of. It said: {said}"
    ),
)
def gpu_ignored_few_multiprocessors(facts: Facts) -> Iterator[Failure]:
    """TensorFlow skips the smaller of several GPUs on purpose, so that it does not hold up the others.

    Sign: 'Ignoring visible gpu device ... with core count'. The limit can be lowered.
    """
    for index, found in enumerate(need(facts.backends)):
        if found.name != "tensorflow" or not need(found.installed) or len(usable_gpus(facts)) < 2:
            continue
        for line in (need(found.imported.stderr_tail) or "").splitlines():
            if TOO_SMALL in line:
                lower = shell.export(facts, TOO_SMALL, "2")
                yield Failure(
                    evidence=(f"/backends/{index}/import/stderr_tail",),
                    fields={"said": line.strip()},
                    fixes=(in_shell(LOWER_LIMIT, lower, source=GPU_DEVICE),),
                    subject="tensorflow",
                )
                return
