"""What the smoke test showed: the tiny Keras model on each device through each framework."""

from collections.abc import Iterator
from dataclasses import replace

from envcheck.fixes.files import by_hand, look
from envcheck.fixes.missing_modules import install_missing
from envcheck.fixes.packages import interpreter
from envcheck.model.facts import Facts, SmokeRun, Stage
from envcheck.model.report import Fix, Severity
from envcheck.model.unknown import known, need
from envcheck.rules.causes import CUDA_LIBRARY_FAULTS, GPU_FAULTS
from envcheck.rules.engine import Failure, rule
from envcheck.rules.imports import DEATH_CAUSES, HANG_CAUSES, PACKAGE_CAUSES
from envcheck.rules.shared import in_use, title_of
from envcheck.words import sentence, template

KERAS = "https://keras.io/getting_started/"
AGAIN = template("Run it alone, with more time and with every word that it says")
DIAGNOSE = template("Take away overclocking and overrides, update the driver, and run NVIDIA's diagnosis of the card")
COMPARE = template("Try another release of {framework}, and report the difference to its makers")
DCGM = "https://docs.nvidia.com/datacenter/dcgm/latest/user-guide/dcgm-diagnostics.html"

OPTIONAL_STAGES = ("compile", "reduced-precision", "speed", "all-devices")
"""Stages without which a model still trains."""
STAGES = {
    "import": template("importing Keras"),
    "devices": template("listing the devices"),
    "place": template("putting a tensor on the device"),
    "matmul": template("multiplying matrices (BLAS; on a GPU cuBLAS)"),
    "conv": template("a convolution (oneDNN; on a GPU cuDNN)"),
    "recurrent": template("a recurrent layer (on a GPU cuDNN)"),
    "train": template("training the small model"),
    "compile": template("compiling the model (XLA or torch.compile)"),
    "reduced-precision": template("training in 16-bit numbers"),
    "speed": template("timing the product of two large matrices"),
    "all-devices": template("training on all devices of the kind together"),
}
"""What each stage of the ladder tries, in plain words."""

KERAS_CAUSES = (
    "keras-backend-unknown",
    "keras-json-invalid",
    "keras-json-unsupported-backend",
    "keras-backend-not-installed",
    "keras-backend-version-too-old",
    "framework-folder-left-over",
    "keras-torch-device-default",
)
WRONG = (*PACKAGE_CAUSES, *KERAS_CAUSES, "jax-platform-unavailable", "framework-files-differ-from-metadata")
"""Findings that explain an error or a wrong result on any device."""
GPU_ONLY = (
    *GPU_FAULTS,
    *CUDA_LIBRARY_FAULTS,
    "ptxas-missing",
    "libdevice-not-found",
    "ptxas-too-old",
    "nvidia-driver-too-old",
    "gpu-newer-than-framework-build",
    "gpu-older-than-framework-build",
    "gpu-arch-missing-from-build",
    "gpu-memory-held-by-other-process",
    "gpu-out-of-memory",
    "gpu-memory-preallocation-starves-cudnn",
    "rocm-gfx-not-in-build",
)


def _runs(facts: Facts) -> Iterator[tuple[int, SmokeRun]]:
    """Yield the runs that say something beyond 'the framework cannot be imported', which has a finding of its own."""
    imports = {found.name: known(found.imported.status, "ok") for found in known(facts.backends, ())}
    for index, run in enumerate(need(facts.smoke)):
        if imports.get(run.backend, "ok") == "ok" and run.status != "skipped":
            yield index, run


def _after(run: SmokeRun) -> tuple[str, ...]:
    """Return what may explain this run: what is wrong with a GPU explains nothing on the processor."""
    causes = {"crashed": (*DEATH_CAUSES, *WRONG), "timed-out": HANG_CAUSES}.get(run.status, WRONG)
    return (*causes, *GPU_ONLY) if run.device.startswith("gpu") else causes


def _failed_stage(run: SmokeRun) -> tuple[int, Stage] | None:
    stages = known(run.stages, ())
    return next(((place, stage) for place, stage in enumerate(stages) if stage.status == "failed"), None)


def _kind(run: SmokeRun) -> str:
    """Return how the run failed: ``wrong-result``, ``wrong-device``, ``raised``, ``crashed`` or ``timed-out``."""
    if run.status in ("crashed", "timed-out"):
        return run.status
    failed = _failed_stage(run)
    return (known(failed[1].failure, None) if failed else None) or "raised"


def _failures(facts: Facts, *kinds: str) -> Iterator[Failure]:
    for index, run in _runs(facts):
        if run.status == "passed" or _kind(run) not in kinds:
            continue
        stage = known(run.failed_stage, None) or ""
        if stage != "import":  # that has a finding of its own
            yield _failure(facts, index, run, stage)


def _failure(facts: Facts, index: int, run: SmokeRun, stage: str) -> Failure:
    failed = _failed_stage(run)
    detail = (f"/smoke/{index}/stages/{failed[0]}/detail",) if failed else ()
    return Failure(
        evidence=(f"/smoke/{index}/status", f"/smoke/{index}/failed_stage", f"/smoke/{index}/reason", *detail),
        fields={
            "framework": title_of(run.backend),
            "device": run.device,
            "stage": sentence(STAGES.get(stage, template("starting"))),
            "reason": _shown(known(run.reason, None)),
        },
        fixes=_fixes(facts, run),
        subject=run.backend,
        severity=_severity(facts, run, stage),
        after=_after(run),
    )


def _severity(facts: Facts, run: SmokeRun, stage: str) -> Severity:
    return "error" if stage not in OPTIONAL_STAGES and in_use(facts, run.backend) else "warning"


def _shown(reason: str | None) -> str:
    lines = (reason or "").strip().splitlines()
    return lines[0].strip() if lines else "no message"


def _fixes(facts: Facts, run: SmokeRun) -> tuple[Fix, ...]:
    target = known(facts.python.executable, None)
    option = f" --python {interpreter(facts)}" if target else ""
    command = f"envcheck report{option} --backend {run.backend} --device {run.device} --timeout 600 --verbose"
    missing = install_missing(facts, run.backend, known(run.reason, None))
    return (*missing, look(AGAIN, command, source=KERAS))


@rule(
    "smoke-test-failed",
    severity="error",
    layer="backend",
    title=template("The small Keras model does not run through {framework} on {device}"),
    message=template("{framework} and Keras can be imported, and on {device} this step failed: {stage}. {reason}"),
    after=(*WRONG, *GPU_ONLY),
)
def smoke_test_failed(facts: Facts) -> Iterator[Failure]:
    """envcheck's small model met an error on one device.

    This is a symptom. The steps go up a ladder, and the first that fails names the floor that is broken: putting a
    tensor on the device (driver), multiplying matrices (BLAS, cuBLAS), a convolution or a recurrent layer (oneDNN,
    cuDNN), training (Keras and framework together), compiling (XLA, torch.compile). Where only compiling, 16-bit
    numbers or several devices together fail, models still train: a warning.
    """
    yield from _failures(facts, "raised")


@rule(
    "smoke-test-crashed",
    severity="error",
    layer="backend",
    title=template("The small Keras model kills its process through {framework} on {device}"),
    message=template("The process died in this step: {stage} ({reason}). Own programs will die in the same way."),
    after=(*DEATH_CAUSES, *WRONG, *GPU_ONLY),
)
def smoke_test_crashed(facts: Facts) -> Iterator[Failure]:
    """The process of the smoke test died on one device.

    This is a symptom. SIGSEGV and SIGABRT inside a step point to the library that the step uses: cuBLAS, cuDNN,
    oneDNN, an OpenMP library that is there twice. A notebook shows no more than that the kernel died.
    """
    yield from _failures(facts, "crashed")


@rule(
    "smoke-test-hung",
    severity="error",
    layer="backend",
    title=template("The small Keras model does not come to an end through {framework} on {device}"),
    message=template("This step gave no answer within the time limit: {stage} ({reason})."),
    after=tuple(dict.fromkeys((*HANG_CAUSES, *GPU_ONLY))),
)
def smoke_test_hung(facts: Facts) -> Iterator[Failure]:
    """The smoke test hangs on one device.

    This is a symptom. The first start on a GPU that the build has no machine code for takes minutes; a dead GPU or a
    stuck driver hangs for ever. '--timeout' gives more time.
    """
    yield from _failures(facts, "timed-out")


@rule(
    "smoke-ran-on-other-device",
    severity="error",
    layer="backend",
    title=template("{framework} was asked for {device} and computed elsewhere"),
    message=template(
        "In this step {framework} did not use the device that it was told to use: {stage} ({reason}). It did so "
        "without an error, so programs run there too, and slower."
    ),
    after=(*WRONG, *GPU_ONLY),
)
def smoke_ran_on_other_device(facts: Facts) -> Iterator[Failure]:
    """A framework quietly used another device than the one that it was asked for.

    A silent fall back to the processor is the usual case: the GPU is listed, but an operation has no code for it, or
    soft placement moves it.
    """
    yield from _failures(facts, "wrong-device")


@rule(
    "gpu-wrong-results",
    severity="error",
    layer="hardware",
    title=template("{device} computes wrong numbers through {framework}"),
    message=template(
        "A small model with fixed numbers has a known answer, and {device} misses it by more than rounding explains, "
        "in this step: {stage} ({reason}). Do not trust results of this device."
    ),
    after=("gpu-newer-than-framework-build",),
)
def gpu_wrong_results(facts: Facts) -> Iterator[Failure]:
    """A GPU gives results that are wrong by more than its arithmetic explains, while the processor is right.

    Defective memory, unstable clocks, a compiler that miscompiles for this GPU, or an override that claims another GPU
    do this. The tolerance depends on the arithmetic in use (TF32, bfloat16), so that rounding is not called wrong.
    """
    right = {run.backend for run in need(facts.smoke) if run.device.startswith("cpu") and _kind(run) != "wrong-result"}
    for failure in _wrong(facts, gpu=True):
        if failure.subject in right or not _ran_on_cpu(facts, failure.subject):
            yield failure


@rule(
    "backend-wrong-results",
    severity="error",
    layer="backend",
    title=template("{framework} computes wrong numbers on {device}"),
    message=template(
        "A small model with fixed numbers has a known answer, and {framework} misses it on {device} by more than "
        "rounding explains, in this step: {stage} ({reason}). Do not trust its results."
    ),
    after=WRONG,
)
def backend_wrong_results(facts: Facts) -> Iterator[Failure]:
    """A framework gives wrong results on the processor.

    A library of another release, a build with reckless optimisation, or a module of the same name that is not the
    framework does this.
    """
    yield from _wrong(facts, gpu=False)


def _wrong(facts: Facts, *, gpu: bool) -> Iterator[Failure]:
    for index, run in _runs(facts):
        if run.device.startswith("gpu") != gpu or run.status == "passed" or _kind(run) != "wrong-result":
            continue
        failure = _failure(facts, index, run, known(run.failed_stage, None) or "")
        way = by_hand(DIAGNOSE, DCGM) if gpu else by_hand(COMPARE, KERAS, framework=title_of(run.backend))
        after = ("gpu-newer-than-framework-build",) if gpu else WRONG
        yield replace(failure, fixes=(way, *failure.fixes), after=after)


def _ran_on_cpu(facts: Facts, backend: str | None) -> bool:
    return any(run.backend == backend and run.device.startswith("cpu") for _, run in _runs(facts))


@rule(
    "keras-import-failed",
    severity="error",
    layer="keras",
    title=template("Keras cannot be imported on {framework}"),
    message=template("{framework} itself can be imported, and 'import keras' with it fails: {reason}"),
    after=tuple(dict.fromkeys((*DEATH_CAUSES, *HANG_CAUSES, *WRONG))),
)
def keras_import_failed(facts: Facts) -> Iterator[Failure]:
    """The framework is in order, and importing Keras on top of it fails.

    This is a symptom. Keras and framework of releases that do not go together, a broken keras.json, and packages that
    Keras needs and that are missing are the usual causes.
    """
    seen: set[str] = set()
    for index, run in _runs(facts):
        if run.status != "passed" and known(run.failed_stage, None) == "import" and run.backend not in seen:
            seen.add(run.backend)
            yield _failure(facts, index, run, "import")
