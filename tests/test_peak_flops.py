"""The theoretical peak of a device, by the table and by what the facts say of the processor."""

from typing import Any

import pytest
from judging import machines

from envcheck import knowledge
from envcheck.knowledge.peak_flops import Peak, peak_gflops
from envcheck.model.unknown import Unknown


def test_every_gpu_stands_there_once() -> None:
    names = [row.gpu for row in knowledge.load("peak_flops", Peak)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "gflops"),
    [
        ("NVIDIA A100-SXM4-40GB", 19500),
        ("NVIDIA A100-SXM4-80GB", 19500),
        ("NVIDIA H100 80GB HBM3", 66900),
        ("Tesla V100-SXM2-16GB", 15700),
        ("Tesla T4", 8100),
        ("NVIDIA GeForce RTX 4090", 82600),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", None),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", None),
        ("GRID A100-10C", None),
    ],
)
def test_a_gpu_is_found_by_the_name_that_frameworks_give(name: str, gflops: float | None) -> None:
    assert peak_of(machines.nvidia(), {"/backends/torch/devices/gpu:0/description": name}, "torch@gpu:0") == gflops


@pytest.mark.parametrize(
    ("model", "instructions", "gflops"),
    [
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", ["sse2", "avx", "avx2", "fma"], 4 * 2.2 * 32),
        ("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", ["sse2", "avx", "avx2", "fma", "avx512f"], 4 * 2.5 * 64),
        ("Intel(R) Core(TM)2 Duo CPU @ 3.00GHz", ["sse2"], 4 * 3.0 * 8),
        ("AMD EPYC 7B13", ["sse2", "avx", "avx2", "fma"], None),
        ("Neoverse-N1", [], None),
        (Unknown("denied", "no access"), ["sse2"], None),
    ],
)
def test_a_processor_is_reckoned_from_cores_clock_and_instructions(
    model: Any, instructions: list[str], gflops: float | None
) -> None:
    changes = {
        "/hardware/cpu/model": model,
        "/hardware/cpu/instruction_sets": instructions,
        "/hardware/cpu/cores_usable": 4.0,
    }
    found = peak_of(machines.cpu_only(), changes, "torch@cpu")
    assert found == (None if gflops is None else pytest.approx(gflops))


def peak_of(data: Any, changes: dict[str, Any], run: str) -> float | None:
    for pointer, value in changes.items():
        machines.change(data, pointer, value)
    facts = machines.facts(data)
    assert not isinstance(facts.smoke, Unknown)
    return next(peak_gflops(facts, found) for found in facts.smoke if f"{found.backend}@{found.device}" == run)
