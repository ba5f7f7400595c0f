"""What envcheck judges and prints: findings, fixes, and the report that holds them."""

from typing import Any, Final, Literal

from envcheck.model.facts import Facts
from envcheck.model.record import Record

REPORT_SCHEMA: Final = "envcheck.report/1"
EXPLANATION_SCHEMA: Final = "envcheck.explanation/1"
FIXES_SCHEMA: Final = "envcheck.fixes/1"

Severity = Literal["error", "warning", "info"]
Layer = Literal["hardware", "driver", "backend", "keras", "python", "notebook", "platform"]
Verdict = Literal["ok", "warning", "error"]
Restart = Literal["none", "kernel", "shell", "machine"]
Risk = Literal["safe", "environment", "system"]
Effect = Literal["lasting", "shell", "look"]
VerificationStatus = Literal["verified", "does not resolve", "still fails", "not verifiable"]
OutcomeStatus = Literal["pass", "fail", "unknown", "blocked", "not-applicable", "crashed"]

#: From the ground up; findings are ordered by it.
LAYERS: tuple[Layer, ...] = ("platform", "hardware", "driver", "python", "backend", "keras", "notebook")
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class Evidence(Record, frozen=True, kw_only=True):
    """One fact that a finding rests on."""

    fact: str  #: JSON pointer into the facts, or ``log:LINE`` in an explanation
    value: Any


class PackageChanges(Record, frozen=True, kw_only=True):
    """What a fix does to packages, as data: ``remove`` goes first, then ``add`` is installed."""

    remove: tuple[str, ...] = ()  #: names of distributions
    add: tuple[str, ...] = ()  #: requirements (PEP 508)
    reinstall: bool = False  #: the files of ``add`` are written again, and what they need is left alone
    index: str | None = None  #: the package index that ``add`` comes from; None: the one that is configured
    environment: str | None = None  #: the new environment that gets ``add``; None: the target
    python: str | None = None  #: the Python version of that new environment; None: the target's


class Verification(Record, frozen=True, kw_only=True):
    """How a fix did when it was tried in a scratch environment, and why."""

    status: VerificationStatus
    detail: str


class Fix(Record, frozen=True, kw_only=True):
    """What mends a finding: commands to run in order, or a manual step if there are none."""

    title: str
    commands: tuple[str, ...]
    needs_root: bool
    restart: Restart
    risk: Risk
    source: str
    verify: str | None = None  #: a command that shows whether it helped
    effect: Effect = "lasting"  #: ``shell``: only on the shell that it is typed into; ``look``: it only shows more
    changes: PackageChanges | None = None  #: None: no packages
    files: tuple[str, ...] = ()  #: files and folders that it writes, moves or deletes, packages apart
    gone: tuple[str, ...] = ()  #: those that it takes from their place: where none is left, there is nothing to do
    verification: Verification | None = None  #: with ``--verify``
    notes: tuple[str, ...] = ()  #: why no newer releases were chosen, and what to change to go further


class Finding(Record, frozen=True, kw_only=True):
    id: str
    severity: Severity
    layer: Layer
    subject: str | None  #: what it is about where one id can come twice: ``tensorflow``, ``gpu:0``, ...
    title: str
    message: str
    evidence: tuple[Evidence, ...]
    explained_by: str | None  #: the id of the finding that causes this one
    fixes: tuple[Fix, ...]


class RuleOutcome(Record, frozen=True, kw_only=True):
    """How one rule ended."""

    id: str
    status: OutcomeStatus
    detail: str  #: for ``unknown``, ``blocked`` and ``crashed``: why


class Report(Record, frozen=True, kw_only=True):
    schema: Literal["envcheck.report/1"]
    envcheck: str
    created: str
    verdict: Verdict
    facts: Facts
    findings: tuple[Finding, ...]
    outcomes: tuple[RuleOutcome, ...]


class Explanation(Record, frozen=True, kw_only=True):
    schema: Literal["envcheck.explanation/1"]
    envcheck: str
    findings: tuple[Finding, ...]


class Mended(Record, frozen=True, kw_only=True):
    """A finding, as far as it says why there is something to do."""

    id: str
    subject: str | None
    severity: Severity
    layer: Layer
    title: str


class Step(Record, frozen=True, kw_only=True):
    """One thing to do; ``fixes`` are ways to do it, the best first."""

    findings: tuple[Mended, ...]
    fixes: tuple[Fix, ...]


class Steps(Record, frozen=True, kw_only=True):
    """What to do, in the order to do it."""

    schema: Literal["envcheck.fixes/1"]
    envcheck: str
    created: str
    verdict: Verdict
    steps: tuple[Step, ...]


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """Return the worst severity among the findings; notes of severity ``info`` leave the verdict at ``ok``."""
    severities = {finding.severity for finding in findings}
    if "error" in severities:
        return "error"
    return "warning" if "warning" in severities else "ok"
