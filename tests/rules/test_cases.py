"""Every rule on its cases: it fires on the fault, is silent beside it, and says so where it cannot tell."""

import msgspec
import pytest
from judging import cases, machines

from envcheck.model.record import resolve_pointer
from envcheck.model.report import Finding
from envcheck.rules.engine import Judgement, all_rules, judge

FOUND = cases.find()


def of_kind(kind: str) -> list[object]:
    return [pytest.param(found, id=found.name) for found in FOUND if found.kind == kind]


def described(finding: Finding) -> str:
    words = [finding.id, finding.subject, f"<- {finding.explained_by}" if finding.explained_by else None]
    return " ".join(word for word in words if word)


def outcome(judgement: Judgement, rule: str) -> str:
    return next(outcome.status for outcome in judgement.outcomes if outcome.id == rule)


@pytest.mark.parametrize("found", of_kind("fires"))
def test_fires(found: cases.Found) -> None:
    judgement = judge(found.facts())
    made = [finding for finding in judgement.findings if finding.id == found.rule]
    assert made, f"only {[described(finding) for finding in judgement.findings]}"
    if found.path.name.endswith(".report.json"):
        return
    expected = found.case().expect
    assert expected is not None
    data = found.case().data()
    wanted = [finding for finding in made if finding.subject == expected.subject]
    assert len(wanted) == 1
    finding = wanted[0]
    assert finding.severity == expected.severity
    assert finding.explained_by == expected.explained_by
    assert [seen.fact for seen in finding.evidence] == [machines.numbered(data, place) for place in expected.evidence]
    assert tuple(fix.commands for fix in finding.fixes if fix.commands) == expected.commands
    others = [described(other) for other in judgement.findings if other is not finding]
    assert sorted(others) == sorted(expected.also)


@pytest.mark.parametrize("found", of_kind("fires"))
def test_evidence_shows_what_was_seen(found: cases.Found) -> None:
    facts = found.facts()
    document = msgspec.to_builtins(facts)
    for finding in judge(facts).findings:
        assert finding.evidence
        for seen in finding.evidence:
            assert resolve_pointer(document, seen.fact) == seen.value


@pytest.mark.parametrize("found", of_kind("fires"))
def test_sentences_are_whole(found: cases.Found) -> None:
    for finding in judge(found.facts()).findings:
        for text in (finding.title, finding.message, *(fix.title for fix in finding.fixes)):
            assert text == text.strip()
            assert "None" not in text.replace("None of", "")
            assert "  " not in text
            assert "{" not in text
            assert "!" not in text.replace("!=", "")
        assert not finding.title.endswith(".")
        assert finding.message.endswith((".", "?")) or ": " in finding.message


@pytest.mark.parametrize("found", of_kind("fires"))
def test_failures_narrow_the_causes_of_their_rule(found: cases.Found) -> None:
    rule = next(rule for rule in all_rules() if rule.id == found.rule)
    for failure in rule.check(found.facts()):
        assert set(failure.after or ()) <= set(rule.after)


@pytest.mark.parametrize("found", of_kind("silent"))
def test_silent(found: cases.Found) -> None:
    judgement = judge(found.facts())
    assert [finding for finding in judgement.findings if finding.id == found.rule] == []
    assert outcome(judgement, found.rule) in ("pass", "not-applicable")


@pytest.mark.parametrize("found", of_kind("unknown"))
def test_unknown(found: cases.Found) -> None:
    judgement = judge(found.facts())
    assert [finding for finding in judgement.findings if finding.id == found.rule] == []
    assert outcome(judgement, found.rule) == "unknown"


@pytest.mark.parametrize("name", machines.MACHINES)
def test_a_healthy_machine_yields_nothing(name: str) -> None:
    judgement = judge(machines.facts(machines.MACHINES[name]()))
    assert [described(finding) for finding in judgement.findings] == []
    crashed = [outcome for outcome in judgement.outcomes if outcome.status == "crashed"]
    assert crashed == []
    # What a machine does not tell leaves rules undecided here; their silent cases prove that they can decide.
    undecided = [outcome.detail for outcome in judgement.outcomes if outcome.status == "unknown"]
    assert [detail for detail in undecided if not detail.startswith("skipped: ")] == []
