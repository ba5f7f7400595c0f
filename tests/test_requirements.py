"""What is required and not there is named; what is there is not; what cannot be seen is not taken for granted."""

from typing import Any

import pytest
from judging import machines

from envcheck.model.report import Finding
from envcheck.requirements import Requirements, RequirementsError, parse, unmet


def missing(machine: str, wanted: Requirements, **changes: Any) -> tuple[Finding, ...]:
    data = machines.MACHINES[machine]()
    for pointer, value in changes.items():
        machines.change(data, pointer, value)
    return unmet(machines.facts(data), wanted)


def messages(machine: str, wanted: Requirements, changes: dict[str, Any] | None = None) -> list[str]:
    return [finding.message for finding in missing(machine, wanted, **(changes or {}))]


def test_everything_is_there() -> None:
    wanted = Requirements(backends=("torch",), gpu=True, min_gpu_memory_gib=24, min_driver="535", min_cuda="12.0")
    assert messages("nvidia", wanted) == []


def test_nothing_is_required() -> None:
    assert messages("cpu-only", Requirements()) == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Requirements(backends=("mxnet",)), "knows no backend of this name"),
        (Requirements(gpu=True), "1 GPU is required here. Found: 0 such GPU."),
        (Requirements(min_gpus=2), "2 GPU is required here."),
        (Requirements(min_driver="550"), "NVIDIA driver 550 or newer is required here. Found: none."),
        (Requirements(min_cuda="12.3"), "a driver for CUDA 12.3 or newer is required here. Found: none."),
        (Requirements(min_memory_gib=1e6), "1e+06 GiB of main memory is required here."),
    ],
)
def test_what_a_machine_without_a_gpu_lacks(wanted: Requirements, words: str) -> None:
    found = messages("cpu-only", wanted)
    assert len(found) == 1
    assert words in found[0]


def test_a_gpu_with_too_little_memory() -> None:
    found = messages("nvidia", Requirements(gpu=True, min_gpu_memory_gib=25))
    assert found == ["1 GPU with at least 25 GiB is required here. Found: 0 such GPU."]


def test_versions_are_compared_as_versions() -> None:
    assert messages("nvidia", Requirements(min_driver="9")) == []
    assert messages("nvidia", Requirements(min_driver="1000.1")) != []


def test_what_could_not_be_seen_is_not_met_and_says_so() -> None:
    denied = {"unknown": "denied", "detail": "the file is root's"}
    found = missing("nvidia", Requirements(min_driver="535"), **{"/driver/nvidia/version": denied})
    assert len(found) == 1
    assert "could not see" in found[0].message
    assert "denied: the file is root's" in found[0].message
    assert found[0].evidence[0].value == denied


def test_a_backend_that_fails_the_smoke_test() -> None:
    data = machines.MACHINES["nvidia"]()
    index = next(i for i, run in enumerate(data["smoke"]) if run["backend"] == "torch")
    data["smoke"][index]["status"] = "crashed"
    found = unmet(machines.facts(data), Requirements(backends=("torch",)))
    assert [evidence.fact for evidence in found[0].evidence] == [f"/smoke/{index}/status"]
    assert unmet(machines.facts(data), Requirements(backends=("jax",))) == ()


def test_a_file() -> None:
    text = 'backends = ["jax"]\ngpu = true\nmin_cuda = "12.3"\n'
    assert parse(text, "x.toml") == Requirements(backends=("jax",), gpu=True, min_cuda="12.3")


@pytest.mark.parametrize("text", ["gpu = 3", "gpus = 1", "[", 'min_cuda = "twelve"', "backends = 'jax'"])
def test_a_file_that_is_wrong_names_itself(text: str) -> None:
    with pytest.raises(RequirementsError, match=r"x\.toml"):
        parse(text, "x.toml")
