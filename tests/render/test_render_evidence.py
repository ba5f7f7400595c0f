"""Evidence in words: a person is not shown numbers of lists, and no sentence twice."""

import pytest
from judging import machines
from render.report_samples import finding, report

from envcheck.model.report import Evidence
from envcheck.render.evidence import in_words

FACTS = machines.facts(machines.nvidia())


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("/python/packages/2/version", "python > packages > numpy > version"),
        ("/python/packages/7/requires/3", "python > packages > tensorflow > requires"),
        ("/backends/0/built_for/cuda", "backends > tensorflow > built for > cuda"),
        ("/hardware/pci/0/kernel_driver", "hardware > pci > 0000:01:00.0 > kernel driver"),
        ("/driver/nvidia/gpus/0/volatile/pcie_width", "driver > nvidia > gpus > NVIDIA GeForce RTX 4090 > pcie width"),
        ("/smoke/1/status", "smoke > tensorflow on gpu:0 > status"),
        ("/no/such/fact", "/no/such/fact"),
        ("log:12", "log:12"),
    ],
)
def test_a_pointer_becomes_a_way_that_a_person_can_follow(pointer: str, words: str) -> None:
    seen = in_words(report(FACTS, (finding("rule", evidence=(Evidence(fact=pointer, value=1),)),)))
    assert [one.fact for one in seen.findings[0].evidence] == [words]


def test_a_sentence_is_not_shown_twice_and_a_word_may_be() -> None:
    error = "ModuleNotFoundError: No module named 'scipy'"
    values = {
        "/smoke/0/reason": error,
        "/smoke/0/stages/0/detail": error,
        "/smoke/0/status": "no",
        "/smoke/1/status": "no",
    }
    evidence = tuple(Evidence(fact=pointer, value=value) for pointer, value in values.items())
    seen = in_words(report(FACTS, (finding("rule", evidence=evidence),)))
    assert [one.value for one in seen.findings[0].evidence] == [error, "no", "no"]
