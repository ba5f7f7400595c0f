"""What a rule is, and how all rules together judge one snapshot.

A rule is a pure function of the facts. It yields a :class:`Failure` for each fault that it sees,
raises :class:`NotApplicable` where its question makes no sense, and ends as 'unknown' when it
``need``s a fact that is ``Unknown``. Its docstring is its page in the documentation.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

import envcheck.rules
from envcheck.fixes import windows
from envcheck.model.facts import Facts
from envcheck.model.record import resolve_pointer
from envcheck.model.report import LAYERS, SEVERITIES, Evidence, Finding, Fix, Layer, RuleOutcome, Severity
from envcheck.model.unknown import Undecided
from envcheck.words import sentence, template

CRASH_TITLE = template("A check of envcheck itself failed: {rule}")
CRASH_MESSAGE = template(
    "The check {rule} ended with an error of its own ({error}). The other checks went on. "
    "Please report this to the envcheck project with the output of 'envcheck report --format json'."
)


class NotApplicable(Exception):
    """Raised by a rule whose question makes no sense for this snapshot."""


@dataclass(frozen=True)
class Failure:
    """One fault that a rule saw.

    ``evidence`` holds JSON pointers into the facts, ``fields`` what the rule's templates name,
    ``subject`` what it is about (``tensorflow``, ``gpu:0``); ``severity`` replaces the rule's own;
    ``after`` narrows the rule's own to those ids that can explain this failure.
    """

    evidence: tuple[str, ...]
    fields: Mapping[str, object] = field(default_factory=dict)
    fixes: tuple[Fix, ...] = ()
    subject: str | None = None
    severity: Severity | None = None
    after: tuple[str, ...] | None = None


Check = Callable[[Facts], Iterable[Failure]]


@dataclass(frozen=True)
class Rule:
    id: str
    severity: Severity
    layer: Layer
    title: str
    message: str
    after: tuple[str, ...]  #: ids of findings that explain this one when they are there too
    check: Check

    @property
    def documentation(self) -> str:
        return self.check.__doc__ or ""


_rules: dict[str, Rule] = {}


def rule(
    id: str, *, severity: Severity, layer: Layer, title: str, message: str, after: tuple[str, ...] = ()
) -> Callable[[Check], Check]:
    """Register a check as the rule ``id``. ``title`` and ``message`` are templates for its failures' fields."""

    def register(check: Check) -> Check:
        other = _rules.get(id)
        if other and (other.check.__module__, other.check.__qualname__) != (check.__module__, check.__qualname__):
            raise ValueError(f"two rules are called {id}")
        _rules[id] = Rule(id, severity, layer, title, message, after, check)
        return check

    return register


def all_rules() -> tuple[Rule, ...]:
    """Return every rule of the package, by layer from the ground up and then by id."""
    for module in pkgutil.iter_modules(envcheck.rules.__path__):
        importlib.import_module(f"envcheck.rules.{module.name}")
    return tuple(sorted(_rules.values(), key=lambda rule: (LAYERS.index(rule.layer), rule.id)))


@dataclass(frozen=True)
class _Found:
    """A finding, and the ids of what may explain it."""

    finding: Finding
    after: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    findings: tuple[Finding, ...]
    outcomes: tuple[RuleOutcome, ...]


def judge(facts: Facts, rules: Iterable[Rule] | None = None) -> Judgement:
    """Apply ``rules`` (default: all) to the facts; findings come with root causes first."""
    rules = all_rules() if rules is None else tuple(rules)
    document = msgspec.to_builtins(facts)
    results = [_apply(rule, facts, document) for rule in rules]
    findings = _explain([found for all_found, _ in results for found in all_found])
    outcomes = tuple(_blocked(outcome, findings) for _, outcome in results)
    return Judgement(tuple(sorted(findings, key=_order)), outcomes)


def _apply(rule: Rule, facts: Facts, document: Any) -> tuple[list[_Found], RuleOutcome]:
    found: list[_Found] = []
    try:
        for failure in rule.check(facts):
            found.append(_found(rule, failure, facts, document))
    except NotApplicable as reason:
        if not found:
            return [], RuleOutcome(id=rule.id, status="not-applicable", detail=str(reason))
    except Undecided as undecided:
        if not found:
            unknown = undecided.unknown
            return [], RuleOutcome(id=rule.id, status="unknown", detail=f"{unknown.reason}: {unknown.detail}")
    except Exception as error:
        crash = _Found(_crash(rule, error), ())
        return [*found, crash], RuleOutcome(id=rule.id, status="crashed", detail=repr(error))
    return found, RuleOutcome(id=rule.id, status="fail" if found else "pass", detail="")


def _found(rule: Rule, failure: Failure, facts: Facts, document: Any) -> _Found:
    after = rule.after if failure.after is None else failure.after
    return _Found(_finding(rule, failure, facts, document), after)


def _finding(rule: Rule, failure: Failure, facts: Facts, document: Any) -> Finding:
    return Finding(
        id=rule.id,
        severity=failure.severity or rule.severity,
        layer=rule.layer,
        subject=failure.subject,
        title=sentence(rule.title, failure.fields),
        message=sentence(rule.message, failure.fields),
        evidence=tuple(
            Evidence(fact=pointer, value=resolve_pointer(document, pointer)) for pointer in failure.evidence
        ),
        explained_by=None,
        fixes=windows.runnable(facts, failure.fixes),
    )


def _crash(rule: Rule, error: Exception) -> Finding:
    fields = {"rule": rule.id, "error": f"{type(error).__name__}: {error}"}
    return Finding(
        id="envcheck-rule-failed",
        severity="warning",
        layer="platform",
        subject=rule.id,
        title=sentence(CRASH_TITLE, fields),
        message=sentence(CRASH_MESSAGE, fields),
        evidence=(),
        explained_by=None,
        fixes=(),
    )


def _explain(found: list[_Found]) -> list[Finding]:
    """Link each finding to what explains it and is about the same thing: a root cause if there is one, the lowest "
    "first."""
    causes = [[other for other in found if _explains(other, symptom)] for symptom in found]
    is_symptom = {id(symptom): bool(of_it) for symptom, of_it in zip(found, causes, strict=True)}
    explained = []
    for symptom, of_it in zip(found, causes, strict=True):

        def order(cause: _Found, after: tuple[str, ...] = symptom.after) -> tuple[bool, int, int]:
            return is_symptom[id(cause)], LAYERS.index(cause.finding.layer), after.index(cause.finding.id)

        cause = min(of_it, key=order, default=None)
        explained.append(msgspec.structs.replace(symptom.finding, explained_by=cause.finding.id if cause else None))
    return explained


def _explains(cause: _Found, symptom: _Found) -> bool:
    return (
        cause.finding.id in symptom.after
        and cause.finding.severity != "info"
        and _same_subject(cause.finding.subject, symptom.finding.subject)
    )


def _same_subject(cause: str | None, symptom: str | None) -> bool:
    return cause is None or symptom is None or cause == symptom


def _order(finding: Finding) -> tuple[int, int, int, str, str]:
    if finding.severity == "info":
        rank = 2
    else:
        rank = 1 if finding.explained_by else 0
    layer, severity = LAYERS.index(finding.layer), SEVERITIES.index(finding.severity)
    return rank, layer, severity, finding.id, finding.subject or ""


def _blocked(outcome: RuleOutcome, findings: Iterable[Finding]) -> RuleOutcome:
    """Return the outcome of a rule, all of whose findings have a cause below them, as 'blocked'."""
    causes = [finding.explained_by for finding in findings if finding.id == outcome.id]
    named = sorted({cause for cause in causes if cause is not None})
    if outcome.status != "fail" or None in causes:
        return outcome
    return RuleOutcome(id=outcome.id, status="blocked", detail=", ".join(named))
