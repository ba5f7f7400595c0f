"""What differs between two snapshots, and what is not worth a word."""

from typing import Any

import pytest
from judging import machines

from envcheck.compare import Comparison, compare
from envcheck.report import build


def compared(changes: dict[str, Any], machine: str = "nvidia") -> Comparison:
    data = machines.MACHINES[machine]()
    before = build(machines.facts(data), "2026-11-22T19:00:00+00:00")
    for pointer, value in changes.items():
        machines.change(data, pointer, value)
    return compare(before, build(machines.facts(data), "2026-11-22T20:00:00+00:00"))


def test_nothing_changed() -> None:
    assert compared({}).same


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/hardware/memory/volatile/available_bytes", 17 * 2**30),
        ("/driver/nvidia/gpus/0/volatile/temperature_celsius", 71),
        ("/backends/torch/import/seconds", 3.14),
    ],
)
def test_what_changes_from_minute_to_minute_is_left_out(pointer: str, value: object) -> None:
    assert compared({pointer: value}).same


def test_a_stable_fact_that_changed_is_named_under_the_name_of_its_item() -> None:
    comparison = compared({"/backends/torch/version": "9.9"})
    assert [(d.where, d.after) for d in comparison.facts] == [("/backends/torch/version", "9.9")]


def test_an_item_that_came_shifts_no_other() -> None:
    data = machines.MACHINES["nvidia"]()
    before = build(machines.facts(data), "")
    data["python"]["packages"] = (machines.package("added"), *data["python"]["packages"])
    comparison = compare(before, build(machines.facts(data), ""))
    assert [d.where for d in comparison.facts] == ["/python/packages/added"]
    assert comparison.facts[0].before is None


def test_findings_that_came_and_went() -> None:
    came = compared(
        {"/hardware/pci/0000:01:00.0/kernel_driver": "nouveau", "/driver/nvidia/kernel_module_loaded": False}
    )
    assert "nouveau-bound-to-gpu" in " ".join(came.findings_new)
    assert came.findings_gone == ()
    assert not came.same
