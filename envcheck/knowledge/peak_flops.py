"""How fast a device could compute at best in float32: for comparison with what the smoke test measured."""

import re
from typing import ClassVar

from envcheck import knowledge
from envcheck.model.facts import Cpu, Facts, SmokeRun
from envcheck.model.unknown import known


class Peak(knowledge.Row, frozen=True):
    KEY: ClassVar = ("gpu",)

    gpu: str
    tflops: float


#: Operations of one core in one cycle, for the widest instructions that it has and two units for them: an upper bound,
#: since some cores have one. Source: stackoverflow.com/questions/15655835, FLOPS per cycle by microarchitecture.
_X86 = (("avx512f", 64), ("fma", 32), ("avx", 16), ("sse2", 8))
_CLOCK = re.compile(r"@ (\d+(?:\.\d+)?)GHz")


def peak_gflops(facts: Facts, run: SmokeRun) -> float | None:
    """Return the theoretical peak of the device of a run in GFLOP/s; None where the facts or the table do not tell."""
    if run.device.startswith("cpu"):
        return _of_cpu(facts.hardware.cpu)
    name = device_name(facts, run)
    return _of_gpu(name) if name and run.device.startswith("gpu") else None


def device_name(facts: Facts, run: SmokeRun) -> str | None:
    """Return what the framework calls the device of a run, such as ``NVIDIA H100 PCIe``; None if it gives no name."""
    backend = next((found for found in known(facts.backends, ()) if found.name == run.backend), None)
    devices = known(backend.devices, ()) if backend else ()
    return next((known(found.description, None) for found in devices if found.name == run.device), None)


def _of_gpu(name: str) -> float | None:
    short = re.sub(r"-\d+GB$", "", name.removeprefix("NVIDIA ").removeprefix("Tesla "))
    return next((row.tflops * 1000 for row in knowledge.load("peak_flops", Peak) if row.gpu == short), None)


def _of_cpu(cpu: Cpu) -> float | None:
    """Multiply the cores with the clock that the model's name states and the operations of a cycle."""
    model, cores, instructions = known(cpu.model, None), known(cpu.cores_usable, None), known(cpu.instruction_sets, ())
    clock = _CLOCK.search(model or "")
    per_cycle = next((count for name, count in _X86 if name in instructions), None)
    if clock is None or cores is None or per_cycle is None:
        return None
    return cores * float(clock[1]) * per_cycle
