"""How rules are applied: outcomes, evidence, causes and order."""

from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from typing import Any

import msgspec
import pytest

from envcheck.model.facts import Facts
from envcheck.model.record import all_unknown
from envcheck.model.report import LAYERS, Finding, Fix, Layer, Severity
from envcheck.model.unknown import Unknown, need
from envcheck.rules import engine
from envcheck.rules.engine import Check, Failure, Judgement, NotApplicable, Rule, all_rules, judge
from envcheck.words import template

FACTS = all_unknown(Facts, Unknown("denied", "the file is root's"))
HEARD = template("{what} was seen")


def rule(
    check: Check,
    id: str = "some-rule",
    *,
    severity: Severity = "error",
    layer: Layer = "driver",
    after: tuple[str, ...] = (),
) -> Rule:
    return Rule(id, severity, layer, HEARD, HEARD, after, check)


def fails(*failures: Failure) -> Check:
    return lambda facts: iter(failures)


def failure(subject: str | None = None, **more: Any) -> Failure:
    return Failure(evidence=(), fields={"what": "it"}, subject=subject, **more)


def always(id: str, *subjects: str | None, **more: Any) -> Rule:
    """Return a rule that fails once for each subject."""
    return rule(fails(*(failure(subject) for subject in subjects or (None,))), id, **more)


def outcome(judgement: Judgement, index: int = 0) -> tuple[str, str]:
    return judgement.outcomes[index].status, judgement.outcomes[index].detail


def causes(judgement: Judgement) -> dict[tuple[str, str | None], str | None]:
    return {(finding.id, finding.subject): finding.explained_by for finding in judgement.findings}


# --- outcomes -------------------------------------------------------------------------------------


def test_pass() -> None:
    assert judge(FACTS, [rule(fails())]) == Judgement(
        (), (msgspec.convert({"id": "some-rule", "status": "pass", "detail": ""}, engine.RuleOutcome),)
    )


def test_fail_with_evidence_words_and_fixes() -> None:
    fix = Fix(
        title="t", commands=("c",), needs_root=True, restart="machine", risk="system", source="https://example.org"
    )
    cpu = msgspec.structs.replace(FACTS.hardware.cpu, instruction_sets=("sse4_1", "avx"))
    facts = msgspec.structs.replace(FACTS, hardware=msgspec.structs.replace(FACTS.hardware, cpu=cpu))
    check = fails(
        Failure(
            evidence=("/hardware/cpu/instruction_sets/1", "/hardware/cpu/vendor"),
            fields={"what": "no {AVX2}"},
            fixes=(fix,),
            subject="tensorflow",
        )
    )
    judgement = judge(facts, [rule(check, severity="warning")])
    (finding,) = judgement.findings
    assert outcome(judgement) == ("fail", "")
    assert (finding.id, finding.severity, finding.layer, finding.subject) == (
        "some-rule",
        "warning",
        "driver",
        "tensorflow",
    )
    assert (finding.title, finding.message) == ("no {AVX2} was seen", "no {AVX2} was seen")
    assert (finding.fixes, finding.explained_by) == ((fix,), None)
    assert [(evidence.fact, evidence.value) for evidence in finding.evidence] == [
        ("/hardware/cpu/instruction_sets/1", "avx"),
        ("/hardware/cpu/vendor", {"unknown": "denied", "detail": "the file is root's"}),
    ]


def test_a_failure_can_be_milder_than_its_rule() -> None:
    judgement = judge(FACTS, [rule(fails(failure("a"), failure("b", severity="info")))])
    assert [(finding.subject, finding.severity) for finding in judgement.findings] == [("a", "error"), ("b", "info")]


def test_unknown() -> None:
    def check(facts: Facts) -> Iterator[Failure]:
        if need(facts.driver.nvidia.version) is None:
            yield failure()

    judgement = judge(FACTS, [rule(check)])
    assert (judgement.findings, outcome(judgement)) == ((), ("unknown", "denied: the file is root's"))


def test_what_was_seen_before_the_unknown_counts() -> None:
    def check(facts: Facts) -> Iterator[Failure]:
        yield failure("first")
        need(facts.driver.nvidia.version)
        yield failure("second")

    judgement = judge(FACTS, [rule(check)])
    assert (list(causes(judgement)), outcome(judgement)) == ([("some-rule", "first")], ("fail", ""))


def test_not_applicable() -> None:
    def check(facts: Facts) -> Iterator[Failure]:
        raise NotApplicable("no GPU on the bus")
        yield failure()

    judgement = judge(FACTS, [rule(check)])
    assert (judgement.findings, outcome(judgement)) == ((), ("not-applicable", "no GPU on the bus"))


def divides(facts: Facts) -> Iterator[Failure]:
    yield failure("first")
    yield failure(str(1 // 0))


def asks_an_unknown(facts: Facts) -> Iterator[Failure]:
    if facts.driver.nvidia.version:
        yield failure()


def recurses(facts: Facts) -> Iterator[Failure]:
    yield from recurses(facts)


@pytest.mark.parametrize(
    ("check", "error"),
    [
        (divides, "ZeroDivisionError"),
        (asks_an_unknown, "TypeError"),
        (recurses, "RecursionError"),
        (lambda facts: None, "TypeError"),
        (fails(Failure(evidence=("/driver/nothing",), fields={"what": "it"})), "LookupError"),
        (fails(Failure(evidence=())), "KeyError"),
    ],
)
def test_a_crash_becomes_a_finding_and_the_others_go_on(check: Check, error: str) -> None:
    judgement = judge(FACTS, [rule(check, "broken"), always("other")])
    crash = next(finding for finding in judgement.findings if finding.id == "envcheck-rule-failed")
    assert (crash.severity, crash.layer, crash.subject) == ("warning", "platform", "broken")
    assert "broken" in crash.title and error in crash.message
    assert judgement.outcomes[0].status == "crashed" and error in judgement.outcomes[0].detail
    assert ("other", None) in causes(judgement)
    assert (("broken", "first") in causes(judgement)) == (check is divides)  # what it saw before stays


# --- causes ---------------------------------------------------------------------------------------


def test_the_lowest_cause_explains() -> None:
    judgement = judge(
        FACTS,
        [
            always("symptom", layer="keras", after=("high", "middle", "low", "absent")),
            always("high", layer="backend"),
            always("middle", layer="driver", after=("low",)),
            always("low", layer="hardware"),
        ],
    )
    assert causes(judgement) == {
        ("low", None): None,
        ("high", None): None,
        ("middle", None): "low",
        ("symptom", None): "low",
    }
    assert [(item.id, item.status, item.detail) for item in judgement.outcomes] == [
        ("symptom", "blocked", "low"),
        ("high", "fail", ""),
        ("middle", "blocked", "low"),
        ("low", "fail", ""),
    ]


def test_in_one_layer_the_first_named_cause_explains() -> None:
    judgement = judge(FACTS, [always("symptom", after=("second", "first")), always("first"), always("second")])
    assert causes(judgement)["symptom", None] == "second"


def test_causes_are_about_the_same_thing() -> None:
    judgement = judge(FACTS, [always("symptom", "torch", "jax", None, after=("cause",)), always("cause", "torch")])
    assert causes(judgement) == {
        ("cause", "torch"): None,
        ("symptom", "jax"): None,
        ("symptom", "torch"): "cause",
        ("symptom", None): "cause",
    }
    assert outcome(judgement) == ("fail", "")  # one of its findings stands for itself


def test_a_cause_about_everything_explains_each() -> None:
    judgement = judge(FACTS, [always("symptom", "torch", "jax", after=("cause",)), always("cause")])
    assert causes(judgement) == {("cause", None): None, ("symptom", "jax"): "cause", ("symptom", "torch"): "cause"}
    assert outcome(judgement) == ("blocked", "cause")


def test_a_note_explains_nothing() -> None:
    judgement = judge(FACTS, [always("symptom", after=("note",)), always("note", severity="info")])
    assert causes(judgement) == {("symptom", None): None, ("note", None): None}


def test_a_failure_can_narrow_what_explains_it() -> None:
    check = fails(failure("a"), failure("b", after=()), failure("c", after=("other",)))
    judgement = judge(FACTS, [rule(check, "symptom", after=("cause", "other")), always("cause"), always("other")])
    assert causes(judgement) == {
        ("cause", None): None,
        ("other", None): None,
        ("symptom", "a"): "cause",
        ("symptom", "b"): None,
        ("symptom", "c"): "other",
    }


# --- order ----------------------------------------------------------------------------------------


def test_order_of_findings() -> None:
    judgement = judge(
        FACTS,
        [
            always("note", layer="platform", severity="info"),
            always("explained-high", layer="notebook", after=("root-low",)),
            always("explained-low", layer="python", after=("root-low",)),
            always("root-high", "z", "a", layer="keras"),
            always("a-root-warning", layer="driver", severity="warning"),
            always("root-error", layer="driver"),
            always("root-low", layer="platform"),
        ],
    )
    assert [(finding.id, finding.subject) for finding in judgement.findings] == [
        ("root-low", None),
        ("root-error", None),
        ("a-root-warning", None),
        ("root-high", "a"),
        ("root-high", "z"),
        ("explained-low", None),
        ("explained-high", None),
        ("note", None),
    ]


def test_judging_twice_gives_the_same() -> None:
    assert judge(FACTS) == judge(FACTS)


# --- the rules of the package -----------------------------------------------------------------------


def test_rules_come_from_the_ground_up() -> None:
    places = [(LAYERS.index(item.layer), item.id) for item in all_rules()]
    assert places and places == sorted(places)
    assert len({id for _, id in places}) == len(places)


def test_rules_judge_a_machine_of_which_nothing_is_known() -> None:
    judgement = judge(FACTS)
    assert [finding.message for finding in judgement.findings] == []
    assert {item.status for item in judgement.outcomes} <= {"unknown", "not-applicable", "pass"}


def test_what_may_explain_a_rule_is_a_rule_and_goes_in_no_circle() -> None:
    ids = {item.id for item in all_rules()}
    graph: dict[str, Iterable[str]] = {item.id: item.after for item in all_rules()}
    strangers = {(id, cause) for id, after in graph.items() for cause in after if cause not in ids}
    assert strangers == set()
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_two_rules_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(facts: Facts) -> Iterator[Failure]:
        yield failure()

    def register(check: Check) -> Check:
        decorate = engine.rule("test-only-rule", severity="info", layer="python", title=HEARD, message=HEARD)
        return decorate(check)

    monkeypatch.setattr(engine, "_rules", {})  # leave the package's own register alone
    register(check)
    register(check)  # the same again: a module that was loaded anew
    with pytest.raises(ValueError, match="test-only-rule"):
        register(divides)


def test_findings_fit_the_model() -> None:
    judgement = judge(FACTS, [rule(divides), always("other", severity="warning")])
    encoded = msgspec.json.encode(judgement.findings)
    assert msgspec.json.decode(encoded, type=tuple[Finding, ...]) == judgement.findings
