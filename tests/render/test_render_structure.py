"""Root causes, the order of steps, and the verdict's sentence."""

import pytest
from render import report_samples as samples

from envcheck.model.report import Finding, Report
from envcheck.model.unknown import Unknown
from envcheck.render.steps import steps
from envcheck.render.structure import grouped, verdict


def ids(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.id for finding in findings]


def test_consequences_are_folded_below_the_last_cause_of_a_chain() -> None:
    root = samples.finding("root")
    middle = samples.finding("middle", explained_by="root")
    last = samples.finding("last", "warning", explained_by="middle")
    other = samples.finding("other")
    causes = grouped((root, other, middle, last)).causes
    assert [(cause.finding.id, ids(cause.consequences)) for cause in causes] == [
        ("root", ["middle", "last"]),
        ("other", []),
    ]


def test_a_cause_about_the_same_thing_is_preferred() -> None:
    causes = [samples.finding("cause", subject=subject) for subject in ("jax", "torch")]
    symptom = samples.finding("symptom", subject="torch", explained_by="cause")
    assert [ids(cause.consequences) for cause in grouped((*causes, symptom)).causes] == [[], ["symptom"]]


def test_no_finding_is_lost_when_its_cause_is_absent_or_when_causes_run_in_a_circle() -> None:
    absent = samples.finding("a", explained_by="not-there")
    ring = tuple(
        samples.finding(name, explained_by=cause) for name, cause in (("b", "c"), ("c", "d"), ("d", "b"), ("e", "b"))
    )
    itself = samples.finding("f", explained_by="f")
    causes = grouped((absent, *ring, itself)).causes
    assert [(cause.finding.id, ids(cause.consequences)) for cause in causes] == [
        ("a", []),
        ("b", ["c", "d", "e"]),
        ("f", []),
    ]


def test_notes_stand_apart() -> None:
    groups = grouped((samples.finding("note", "info", explained_by="error"), samples.finding("error")))
    assert ids(groups.notes) == ["note"]
    assert [cause.consequences for cause in groups.causes] == [()]


def test_steps_come_by_severity_then_from_the_ground_up() -> None:
    found = (
        samples.finding("warn-hardware", "warning", "hardware"),
        samples.finding("error-keras", "error", "keras"),
        samples.finding("error-driver", "error", "driver"),
        samples.finding("consequence", "error", "platform", explained_by="error-driver"),
        samples.finding("note", "info", "platform"),
    )
    assert [ids(step.findings) for step in steps(found)] == [["error-driver"], ["error-keras"], ["warn-hardware"]]


def test_the_same_commands_are_one_step_for_all_that_they_mend() -> None:
    one = samples.finding("one", fixes=(samples.fix("Do it", "a", "b"), samples.fix("Or that", "c")))
    two = samples.finding("two", fixes=(samples.fix("Do the same", "a", "b"),))
    by_hand = [samples.finding(name, fixes=(samples.fix("Ask somebody"),)) for name in ("three", "four")]
    unmendable = [samples.finding(name) for name in ("five", "six")]
    found = steps((one, two, *by_hand, *unmendable))
    assert [ids(step.findings) for step in found] == [["one", "two"], ["three", "four"], ["five"], ["six"]]
    assert [len(step.fixes) for step in found] == [2, 1, 0, 0]


def _error(*names: str) -> tuple[Finding, ...]:
    return tuple(samples.finding(name, title=f"Fault {name}") for name in names)


def _warning(*names: str) -> tuple[Finding, ...]:
    return tuple(samples.finding(name, "warning", title=f"Doubt {name}") for name in names)


RAN = (samples.run("torch", "gpu:0"), samples.run("torch", "gpu:1"), samples.run("jax", "cpu", "skipped"))
SKIPPED = Unknown("skipped", "--no-smoke")


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            samples.report(samples.facts(smoke=RAN), (), (samples.outcome("a"),)),
            ("ok", "Ready: the test model ran on gpu:0, gpu:1 with PyTorch."),
        ),
        (
            samples.report(samples.facts(smoke=SKIPPED), (), (samples.outcome("a"),)),
            ("ok", "No problem found. The test model was not run, so training is unproved."),
        ),
        (
            samples.report(samples.facts(), (), (samples.outcome("a"),)),
            ("ok", "No problem found. There was no device or backend to run the test model on."),
        ),
        (
            samples.report(samples.facts(smoke=RAN[2:]), (), (samples.outcome("a"),)),
            ("ok", "No problem found."),
        ),
        (
            samples.report(samples.facts(), (), (samples.outcome("a", "unknown"), samples.outcome("b", "crashed"))),
            ("unknown", "Could not tell: none of the 2 checks could be decided."),
        ),
        (samples.report(samples.facts(), _error("a")), ("error", "1 error: Fault a")),
        (
            samples.report(samples.facts(), (*_error("a"), samples.finding("b", explained_by="a"))),
            ("error", "1 error, which explains 1 more: Fault a"),
        ),
        (
            samples.report(samples.facts(), (*_warning("c"), *_error("a", "b"))),
            ("error", "2 errors; begin with: Fault a"),
        ),
        (samples.report(samples.facts(), _warning("a")), ("warning", "No errors, 1 warning: Doubt a")),
        (
            samples.report(samples.facts(), _warning("a", "b")),
            ("warning", "No errors, 2 warnings; begin with: Doubt a"),
        ),
    ],
)
def test_verdict(report: Report, expected: tuple[str, str]) -> None:
    assert verdict(report) == expected


def test_an_error_below_a_warning_still_counts_as_an_error() -> None:
    found = (samples.finding("cause", "warning", title="Cause"), samples.finding("b", explained_by="cause"))
    assert verdict(samples.report(samples.facts(), found)) == ("error", "1 error, which explains 1 more: Cause")
