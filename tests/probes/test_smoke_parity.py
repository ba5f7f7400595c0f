"""How far runs are apart, from what they answered."""

import pytest

from envcheck.probes.smoke_parity import Answers, parity

CPU: Answers = {"matmul": (1.0, 0.5), "train": (0.25,)}


def test_every_two_runs_are_compared_in_the_stages_that_both_passed() -> None:
    answers: dict[tuple[str, str], Answers] = {
        ("jax", "cpu"): CPU,
        ("jax", "gpu:0"): {"matmul": (1.0, 0.5), "train": (0.3,)},
        ("openvino", "cpu"): {"matmul": (1.01, 0.5)},
    }
    found = {(one.backend, one.device, one.other_backend, one.other_device): one for one in parity(answers)}
    assert list(found) == [
        ("jax", "cpu", "jax", "gpu:0"),
        ("jax", "cpu", "openvino", "cpu"),
        ("jax", "gpu:0", "openvino", "cpu"),
    ]
    first, second, _ = found.values()
    assert first.compared == ("matmul", "train") and first.volatile.stage == "train"
    assert first.volatile.difference == pytest.approx(0.05)
    assert second.compared == ("matmul",) and second.volatile.difference == pytest.approx(0.01)


def test_runs_without_a_common_answer_are_not_compared() -> None:
    assert parity({("jax", "cpu"): CPU, ("torch", "cpu"): {}}) == ()
    assert parity({("jax", "cpu"): CPU}) == ()
