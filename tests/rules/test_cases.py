"""Every rule on its cases: it fires on the fault, is silent beside it, and says so where it cannot tell."""

from functools import cache

import msgspec
import pytest
from judging import cases, machines
from solver.checking import unconfirmed

from envcheck.model.record import resolve_pointer
from envcheck.model.report import Finding
from envcheck.rules.engine import Judgement, all_rules, judge

FOUND = cases.find()


TWO_FAULTS = {
    "conda-cpu-build-selected/fires-mkl.json": {"torch-cpu-only-build"},
    "nouveau-bound-to-gpu/fires-no-gpu-build.json": {"tensorflow-cpu-only-build"},
    "nvidia-driver-not-installed/fires-debian.json": {"tensorflow-cpu-only-build"},
    "smoke-test-failed/fires-processor.json": {"gpu-memory-held-by-other-process"},
}
"""Cases with two faults that have nothing to do with each other, and the other one of them."""


def of_kind(kind: str) -> list[object]:
    return [pytest.param(found, id=found.name) for found in FOUND if found.kind == kind]


@cache
def judged(found: cases.Found) -> Judgement:
    """Return what all rules say of a case; several tests look at it."""
    return judge(found.facts())


def described(finding: Finding) -> str:
    words = [finding.id, finding.subject, f"<- {finding.explained_by}" if finding.explained_by else None]
    return " ".join(word for word in words if word)


def outcome(judgement: Judgement, rule: str) -> str:
    return next(outcome.status for outcome in judgement.outcomes if outcome.id == rule)


@pytest.mark.parametrize("found", of_kind("fires"))
def test_fires(found: cases.Found) -> None:
    judgement = judged(found)
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
def test_the_right_finding_comes_first_and_no_wrong_one_beside_it(found: cases.Found) -> None:
    """A root cause stands before all others and alone; what it does not explain is at most a note."""
    findings = judged(found).findings
    made = [finding for finding in findings if finding.id == found.rule]
    if made[0].explained_by is not None or made[0].severity == "info":
        return  # a symptom or a note: the root cause is another, which has cases of its own
    roots = [each.id for each in findings if each.explained_by is None and each.severity != "info"]
    others = TWO_FAULTS.get(found.name, frozenset())
    assert findings[0].id in {found.rule, *others}
    assert set(roots) - {found.rule} == others


@pytest.mark.parametrize("found", of_kind("fires"))
def test_evidence_shows_what_was_seen(found: cases.Found) -> None:
    facts = found.facts()
    document = msgspec.to_builtins(facts)
    for finding in judged(found).findings:
        assert finding.evidence
        for seen in finding.evidence:
            assert resolve_pointer(document, seen.fact) == seen.value


@pytest.mark.parametrize("found", of_kind("fires"))
def test_sentences_are_whole(found: cases.Found) -> None:
    for finding in judged(found).findings:
        for text in (finding.title, finding.message, *(fix.title for fix in finding.fixes)):
            assert text == text.strip()
            assert "None" not in text.replace("None of", "")
            assert "  " not in text
            assert "{" not in text
            assert "!" not in text.replace("!=", "")
        assert not finding.title.endswith(".")
        assert not any(fix.title.startswith("Or ") for fix in finding.fixes)  # that is the renderers' word
        assert finding.message.endswith((".", "?")) or ": " in finding.message


@pytest.mark.parametrize("found", of_kind("fires"))
def test_failures_narrow_the_causes_of_their_rule(found: cases.Found) -> None:
    rule = next(rule for rule in all_rules() if rule.id == found.rule)
    for failure in rule.check(found.facts()):
        assert set(failure.after or ()) <= set(rule.after)


@pytest.mark.parametrize("found", of_kind("fires"))
def test_the_solver_confirms_every_release_that_is_named(found: cases.Found) -> None:
    """What an installer is told is a set that goes together here; nothing is left to chance that can be computed."""
    fixes = [fix for finding in judged(found).findings for fix in finding.fixes]
    assert [(fix.commands, wrong) for fix in fixes if (wrong := unconfirmed(found.facts(), fix))] == []


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


def test_a_system_that_envcheck_does_not_know_gives_no_alarm() -> None:
    data = machines.torch_alone()
    data["platform"].update(
        system="FreeBSD", release="14.3-RELEASE", machine="amd64", libc_name=None, libc_version=None
    )
    data["hardware"]["pci"] = {"unknown": "unsupported", "detail": "envcheck reads the PCI bus on Linux only"}
    data["python"]["markers"].update(platform_machine="amd64", platform_system="FreeBSD", sys_platform="freebsd14")
    for found in data["python"]["packages"]:
        found["wheel_tags"] = ("cp311-cp311-freebsd_14_3_release_amd64",)
    judgement = judge(machines.facts(data))
    assert [described(finding) for finding in judgement.findings] == []
    assert [outcome.id for outcome in judgement.outcomes if outcome.status == "crashed"] == []


NO_DRIVER_TO_CHECK = ("cuda-libraries-not-on-loader-path", "ld-library-path-not-inherited", "shm-permission-denied")


@pytest.mark.parametrize(
    "found", [found for found in FOUND if found.kind == "fires" and found.rule in NO_DRIVER_TO_CHECK]
)
def test_what_is_no_matter_of_the_driver_is_not_checked_with_nvidia_smi(found: cases.Found) -> None:
    fixes = [fix for finding in judged(found).findings if finding.id == found.rule for fix in finding.fixes]
    assert fixes and all(fix.verify != "nvidia-smi" for fix in fixes)
