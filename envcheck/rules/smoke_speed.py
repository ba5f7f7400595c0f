"""How fast the devices multiply matrices, where one is slower than makes sense."""

from collections.abc import Iterator
from dataclasses import dataclass

from envcheck.fixes.files import by_hand, look
from envcheck.knowledge.peak_flops import peak_gflops
from envcheck.model.facts import Facts, SmokeRun
from envcheck.model.report import Severity
from envcheck.model.unknown import Undecided, Unknown, known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import title_of
from envcheck.words import sentence, template

ORDER = 10.0
"""A device that reaches less than a tenth of its peak is slow. Large products reach half of it and more."""
BUSY_PERCENT = 20
GPU_FRAMEWORKS = ("tensorflow", "jax", "torch", "paddle")
"""Those whose products stay on the GPU while they are measured; with the others the way there and back counts too."""

LESS_THAN_CORE = template("one core of the processor reaches {other} GFLOP/s with the same framework")
LESS_THAN_PEAK = template("such a device can reach {other} GFLOP/s")
LESS_THAN_CORE_OF_ITS_OWN = template("a single core of this processor can reach {other} GFLOP/s")
LOOK_AT_GPU = template("Look at what holds the GPU back: clocks, power, temperature, other programs")
LOOK_AT_BUILD = template(
    "Install {framework} from an ordinary wheel or conda package, which brings a fast library for matrices (BLAS), "
    "and measure again while nothing else runs"
)
SMI = "https://docs.nvidia.com/deploy/nvidia-smi/index.html"
KERAS = "https://keras.io/getting_started/"


@dataclass(frozen=True)
class Measured:
    run: SmokeRun
    gflops: float
    pointer: str


@dataclass(frozen=True)
class Slow:
    measured: Measured
    compared: str  #: with what, in words
    severity: Severity


@rule(
    "device-computes-slowly",
    severity="warning",
    layer="backend",
    title=template("{framework} multiplies matrices on {device} slower than it should"),
    message=template(
        "A product of two large matrices reached {gflops} GFLOP/s on {device} through {framework}, and {compared}. "
        "The results are right; training takes much longer than it could."
    ),
    after=("gpu-overheating", "gpu-power-throttling", "gpu-kernels-jit-from-ptx", "cuda-debug-environment"),
)
def device_computes_slowly(facts: Facts) -> Iterator[Failure]:
    """A device computes slower by an order of magnitude than its class, or a GPU slower than one core of the processor.

    The smoke test measures for a fraction of a second how fast a product of two large float32 matrices is. A GPU that
    reaches less than a tenth of its theoretical peak, or less than a single core of the processor, is held back: by
    heat, a lowered power limit, locked clocks, debugging variables, or code that was built for another GPU. A processor
    whose cores together do not reach a tenth of what one of them could runs a framework without a fast library for
    matrices (BLAS), or a build for debugging: a note. Where others use the device, several frameworks were measured on
    the processor at the same time, or less than one core is left to us, nothing can be said.
    """
    measured = list(_measured(facts))
    if not measured:
        raise NotApplicable("no device was timed")
    slow = [*_slow_gpus(facts, measured), *_slow_cpus(facts, measured)]
    if slow:
        _must_be_idle(facts, gpu=any(_is_gpu(found.measured.run) for found in slow))
    for found in slow:
        run = found.measured.run
        yield Failure(
            evidence=(found.measured.pointer,),
            fields={
                "framework": title_of(run.backend),
                "device": run.device,
                "gflops": _shown(found.measured.gflops),
                "compared": found.compared,
            },
            fixes=(
                look(LOOK_AT_GPU, "nvidia-smi -q -d PERFORMANCE,CLOCK,POWER,TEMPERATURE", source=SMI)
                if _is_gpu(run)
                else by_hand(LOOK_AT_BUILD, KERAS, framework=title_of(run.backend)),
            ),
            subject=run.backend,
            severity=found.severity,
        )


def _measured(facts: Facts) -> Iterator[Measured]:
    for index, run in enumerate(need(facts.smoke)):
        for place, stage in enumerate(known(run.stages, ())):
            gflops = known(stage.volatile.gflops, None)
            if gflops is not None:
                yield Measured(run, gflops, f"/smoke/{index}/stages/{place}/volatile/gflops")


def _is_gpu(run: SmokeRun) -> bool:
    return run.device.startswith("gpu")


def _is_cpu(run: SmokeRun) -> bool:
    return run.device.startswith("cpu")


def _slow_gpus(facts: Facts, measured: list[Measured]) -> Iterator[Slow]:
    cores = max(known(facts.hardware.cpu.cores_usable, 1.0), 1.0)
    for found in measured:
        through_model = known(found.run.through, "keras-3") == "keras-2" and found.run.backend != "tensorflow"
        if not _is_gpu(found.run) or found.run.backend not in GPU_FRAMEWORKS or through_model:
            continue
        on_cpu = [other for other in measured if other.run.backend == found.run.backend and _is_cpu(other.run)]
        core = max((other.gflops / cores for other in on_cpu), default=0.0)
        peak = peak_gflops(facts, found.run) or 0.0
        if found.gflops < core:
            yield Slow(found, sentence(LESS_THAN_CORE, other=_shown(core)), "warning")
        elif found.gflops < peak / ORDER:
            yield Slow(found, sentence(LESS_THAN_PEAK, other=_shown(peak)), "warning")


def _slow_cpus(facts: Facts, measured: list[Measured]) -> Iterator[Slow]:
    on_cpu = [found for found in measured if _is_cpu(found.run)]
    if len({found.run.backend for found in on_cpu}) > 1:
        return  # several frameworks side by side disturb each other by more than an order of magnitude
    for found in on_cpu:
        peak, cores = peak_gflops(facts, found.run), known(facts.hardware.cpu.cores_usable, 0.0)
        if peak is not None and cores >= 1 and found.gflops < peak / cores / ORDER:
            yield Slow(found, sentence(LESS_THAN_CORE_OF_ITS_OWN, other=_shown(peak / cores)), "info")


def _must_be_idle(facts: Facts, *, gpu: bool) -> None:
    """Raise where the measurement says little, because others use the devices."""
    cores, load = need(facts.hardware.cpu.cores_usable), need(facts.hardware.cpu.volatile.load_average)
    if cores < 1 or (load and load[0] > max(known(facts.hardware.cpu.cores_logical, None) or cores, cores) / 2):
        raise Undecided(Unknown("skipped", "other programs use the processor, or less than a core is left to us"))
    if gpu:
        for card in known(facts.driver.nvidia.gpus, ()):
            if known(card.volatile.utilization_percent, 0) > BUSY_PERCENT:
                raise Undecided(Unknown("skipped", "other programs use the GPU"))


def _shown(gflops: float) -> str:
    return f"{gflops:.3g}" if gflops < 1000 else f"{gflops:.0f}"
