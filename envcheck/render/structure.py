"""The order in which every renderer tells a report: root causes with what they explain, then notes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from envcheck.model.report import Finding, Report, RuleOutcome
from envcheck.model.unknown import Unknown
from envcheck.render import words
from envcheck.words import sentence, title_of


@dataclass(frozen=True)
class Cause:
    """A finding that no other one explains, with all that it explains."""

    finding: Finding
    consequences: tuple[Finding, ...]


@dataclass(frozen=True)
class Grouped:
    causes: tuple[Cause, ...]
    notes: tuple[Finding, ...]  #: of severity ``info``


def grouped(findings: Sequence[Finding]) -> Grouped:
    """Fold every consequence below its root cause, through any number of steps."""
    serious = [finding for finding in findings if finding.severity != "info"]
    parents = [_parent(index, serious) for index in range(len(serious))]
    roots = [_root(index, parents) for index in range(len(serious))]
    causes = tuple(
        Cause(finding, tuple(serious[other] for other in range(len(serious)) if roots[other] == index != other))
        for index, finding in enumerate(serious)
        if roots[index] == index
    )
    return Grouped(causes, tuple(finding for finding in findings if finding.severity == "info"))


def _parent(index: int, findings: Sequence[Finding]) -> int | None:
    finding = findings[index]
    named = [other for other in range(len(findings)) if other != index and findings[other].id == finding.explained_by]
    same_subject = [other for other in named if findings[other].subject == finding.subject]
    return next(iter(same_subject or named), None)


def _root(index: int, parents: Sequence[int | None]) -> int:
    """Follow the parents up; a circle of findings that explain each other has its first one as its root."""
    path = [index]
    while (parent := parents[path[-1]]) is not None:
        if parent in path:
            return min(path[path.index(parent) :])
        path.append(parent)
    return path[-1]


def undecided(report: Report) -> tuple[RuleOutcome, ...]:
    """Return the outcomes of the checks that could not be decided."""
    return tuple(outcome for outcome in report.outcomes if outcome.status in ("unknown", "crashed"))


def was_skipped(outcome: RuleOutcome) -> bool:
    """Tell whether a check is undecided because envcheck was told not to look, or had no reason to."""
    return outcome.detail.startswith("skipped:")


def why_undecided(outcome: RuleOutcome) -> str:
    """Return why a check could not be decided, for people."""
    reason, _, detail = outcome.detail.partition(": ")
    return f"{sentence(words.REASONS[reason])}: {detail}" if reason in words.REASONS else outcome.detail


def verdict(report: Report) -> tuple[str, str]:
    """Return the verdict's mark and its sentence."""
    causes = grouped(report.findings).causes
    errors = [cause for cause in causes if _is_error(cause)]
    if report.verdict == "error" and errors:
        return "error", _about_errors(errors)
    if report.verdict != "ok" and causes:
        title = causes[0].finding.title
        return "warning", words.counted(len(causes), words.ONE_WARNING, words.WARNINGS, title=title)
    return _about_health(report)


def _is_error(cause: Cause) -> bool:
    return any(finding.severity == "error" for finding in (cause.finding, *cause.consequences))


def _about_errors(errors: Sequence[Cause]) -> str:
    first = errors[0]
    if len(errors) > 1:
        return sentence(words.ERRORS, count=len(errors), title=first.finding.title)
    if first.consequences:
        return sentence(words.ONE_ERROR_EXPLAINS, count=len(first.consequences), title=first.finding.title)
    return sentence(words.ONE_ERROR, title=first.finding.title)


def _about_health(report: Report) -> tuple[str, str]:
    smoke = report.facts.smoke
    statuses = Counter(outcome.status for outcome in report.outcomes)
    not_decided = len(undecided(report))
    if not_decided and not statuses["pass"]:
        return "unknown", sentence(words.UNDECIDED, count=not_decided)
    if isinstance(smoke, Unknown):
        return "ok", sentence(words.CLEAN_UNPROVED)
    passed = [run for run in smoke if run.status == "passed"]
    if not passed:
        return "ok", sentence(words.CLEAN if smoke else words.CLEAN_NOTHING_TO_RUN)
    devices = words.listed(list(dict.fromkeys(run.device for run in passed)))
    backends = words.listed(list(dict.fromkeys(title_of(run.backend) for run in passed)))
    return "ok", sentence(words.READY, devices=devices, backends=backends)
