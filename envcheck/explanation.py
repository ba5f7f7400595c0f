"""From a log to an explanation: findings with the lines that they rest on, and what a snapshot says to them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

import envcheck
from envcheck.fixes.shell import acts_on_shell
from envcheck.model.facts import Facts
from envcheck.model.report import EXPLANATION_SCHEMA, Evidence, Explanation, Finding, Fix, RuleOutcome
from envcheck.signatures import Match, Scan, judge, scan_bytes
from envcheck.signatures.told import told
from envcheck.words import sentence, template

PROBABLY = template("This is probable, not certain: the text alone fits other causes too.")
CONFIRMED = template("The snapshot of the machine shows the same fault.")
REFUTED = template(
    "The snapshot of the machine does not show this fault: it was mended since, or the log has another cause."
)

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Log:
    """One log: its name, empty if there is only one, and its bytes in chunks."""

    name: str
    chunks: Iterable[bytes]


@dataclass(frozen=True)
class Explained:
    """An explanation, and the lines that look like errors for the case that nothing matched."""

    explanation: Explanation
    suspicious: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Machine:
    """What the rules found on the machine that a log comes from."""

    findings: tuple[Finding, ...]
    outcomes: tuple[RuleOutcome, ...]
    facts: Facts | None = None


def explain_text(text: str) -> Explanation:
    """Name the causes of an error message or log, the most likely root cause first."""
    return explain_logs([Log("", [text.encode("utf-8", "replace")])]).explanation


def explain_logs(logs: Sequence[Log], machine: Machine | None = None) -> Explained:
    """Name the causes that logs of one machine speak for.

    The logs are read once, in any encoding; memory does not grow with their size.
    """
    starts: list[tuple[int, str]] = []
    found = scan_bytes(_joined(logs, starts))
    findings = _computed(_findings(judge(found), starts), found, machine)
    if machine is not None:
        findings = _with_machine(findings, machine)
    explanation = Explanation(schema=EXPLANATION_SCHEMA, envcheck=envcheck.__version__, findings=tuple(findings))
    return Explained(explanation, tuple(found.suspicious))


def _joined(logs: Sequence[Log], starts: list[tuple[int, str]]) -> Iterator[bytes]:
    """Yield all logs as one, and note the line before which each one starts."""
    line = 0
    for log in logs:
        starts.append((line, log.name))
        last = b"\n"
        for chunk in log.chunks:
            if chunk:
                line += chunk.count(b"\n")
                last = chunk[-1:]
                yield chunk
        if last != b"\n" and len(logs) > 1:
            line += 1
            yield b"\n"


def _computed(findings: list[Finding], found: Scan, machine: Machine | None) -> list[Finding]:
    """Put the fixes whose releases can be computed before those that every log with this cause gets."""
    from envcheck.log_fixes import fixes, for_system  # few logs need it

    told_of = told(found)
    snapshot = machine.facts if machine else None
    return [
        finding
        if finding.severity == "info"
        else msgspec.structs.replace(
            finding, fixes=(*fixes(finding.id, told_of, snapshot), *for_system(finding.fixes, told_of))
        )
        for finding in findings
    ]


def _findings(matches: Sequence[Match], starts: Sequence[tuple[int, str]]) -> list[Finding]:
    ids = {match.id for match in matches}
    return [_finding(match, ids, starts) for match in matches]


def _finding(match: Match, ids: set[str], starts: Sequence[tuple[int, str]]) -> Finding:
    message = sentence(match.cause.message, match.values)
    if not match.harmless and not match.certain:
        message += " " + sentence(PROBABLY)
    severity = match.cause.severity
    return Finding(
        id=match.id,
        severity="info" if severity == "harmless" else severity,
        layer=match.cause.layer,
        subject=None,
        title=sentence(match.cause.title, match.values),
        message=message,
        evidence=tuple(Evidence(fact=_place(number, starts), value=text) for number, text in match.lines),
        explained_by=match.explained_by if match.explained_by in ids else None,
        fixes=tuple(
            Fix(
                title=sentence(fix.title),
                commands=tuple(_filled(command, match.values) for command in fix.commands),
                needs_root=fix.needs_root,
                restart=fix.restart,
                risk=fix.risk,
                source=fix.source,
                effect="shell" if any(map(acts_on_shell, fix.commands)) else "lasting",
            )
            for fix in match.cause.fixes
        ),
    )


def _filled(command: str, values: Mapping[str, str]) -> str:
    """Put numbers that the log names into a command; other words of a log have no place in a shell."""
    for name, value in values.items():
        if re.fullmatch(r"\d+(?:\.\d+)*", value):
            command = command.replace("{" + name + "}", value)
    return command


def _place(number: int, starts: Sequence[tuple[int, str]]) -> str:
    before, name = max((start for start in starts if start[0] < number), default=(0, ""))
    return f"log:{name}:{number - before}" if name else f"log:{number - before}"


def _with_machine(findings: Sequence[Finding], machine: Machine) -> list[Finding]:
    """Join the findings of a log with those of the machine: what it confirms comes first, what it refutes last."""
    seen = {finding.id: finding for finding in machine.findings}
    passed = {outcome.id for outcome in machine.outcomes if outcome.status == "pass"}
    joined = []
    for finding in findings:
        if finding.id in seen:
            joined.append((0, _confirmed(finding, seen[finding.id])))
        elif finding.id in passed and finding.severity != "info":
            joined.append((2, _said(finding, REFUTED)))
        else:
            joined.append((1, finding))
    notes = [(rank + 3 if finding.severity == "info" else rank, finding) for rank, finding in joined]
    return [finding for _, finding in sorted(notes, key=lambda item: item[0])]


def _confirmed(finding: Finding, on_machine: Finding) -> Finding:
    """Return the finding with the facts of the machine, and with the fixes that are exact for it."""
    return msgspec.structs.replace(
        _said(finding, CONFIRMED),
        evidence=finding.evidence + on_machine.evidence,
        fixes=on_machine.fixes or finding.fixes,
    )


def _said(finding: Finding, words: str) -> Finding:
    message = finding.message.removesuffix(" " + sentence(PROBABLY)) + " " + sentence(words)
    return msgspec.structs.replace(finding, message=message)
