"""The report as JUnit XML, for the test views of CI services.

One test case for each check, in a class named for its layer where a finding tells it, and one for each
run of the test model. What another finding explains is skipped, so that one root cause is one failure.
"""

from xml.etree import ElementTree

from envcheck.model.facts import SmokeRun
from envcheck.model.report import Finding, Report, RuleOutcome
from envcheck.model.unknown import Unknown
from envcheck.render import clean, words
from envcheck.render.structure import grouped, why_undecided
from envcheck.render.values import MESSAGE_LIMIT, TITLE_LIMIT, evidence, seen_where
from envcheck.words import sentence

_NOT_DECIDED = {
    "unknown": words.JUNIT_UNKNOWN,
    "blocked": words.JUNIT_BLOCKED,
    "not-applicable": words.JUNIT_NOT_APPLICABLE,
}


def render(report: Report) -> str:
    """Return the report as XML; it ends with a newline."""
    suite = ElementTree.Element("testsuite", name="envcheck")
    by_id: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_id.setdefault(finding.id, []).append(finding)
    roots = [cause.finding for cause in grouped(report.findings).causes]
    for outcome in report.outcomes:
        _add_check(suite, outcome, by_id.pop(outcome.id, []), roots)
    for id, findings in by_id.items():
        _add_check(suite, RuleOutcome(id=id, status="fail", detail=""), findings, roots)
    if not isinstance(report.facts.smoke, Unknown):
        for run in report.facts.smoke:
            _add_run(suite, run)
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite)))
    suite.set("timestamp", _line(report.created))
    suites = ElementTree.Element("testsuites", name=f"envcheck {_line(report.envcheck)}")
    suites.append(suite)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _add_check(suite: ElementTree.Element, outcome: RuleOutcome, findings: list[Finding], roots: list[Finding]) -> None:
    layer = findings[0].layer if findings else "check"
    case = ElementTree.SubElement(suite, "testcase", classname=f"envcheck.{layer}", name=_line(outcome.id))
    serious = [finding for finding in findings if finding.severity != "info"]
    causes = [finding for finding in serious if finding in roots]
    if outcome.status == "crashed":
        _add(case, "error", "crashed", outcome.detail)
    elif causes:
        worst = "error" if any(finding.severity == "error" for finding in causes) else "warning"
        title = "; ".join(finding.title for finding in causes)
        _add(case, "failure", worst, title, "\n\n".join(_told(finding) for finding in causes))
    elif serious:
        cause = sentence(words.JUNIT_BLOCKED, detail=serious[0].explained_by or "")
        _add(case, "skipped", "blocked", cause, "\n\n".join(_told(finding) for finding in serious))
    elif outcome.status in _NOT_DECIDED:
        _add(case, "skipped", outcome.status, sentence(_NOT_DECIDED[outcome.status], detail=why_undecided(outcome)))
    elif findings:
        notes = "\n\n".join(_told(finding) for finding in findings)
        ElementTree.SubElement(case, "system-out").text = clean.block(notes)


def _told(finding: Finding) -> str:
    """Return all of a finding as plain text."""
    lines = [finding.title, clean.shorten(finding.message, MESSAGE_LIMIT)]
    lines += [f"{seen_where(seen.fact)}: {evidence(seen.value)}" for seen in finding.evidence]
    for index, fix in enumerate(finding.fixes):
        lines.append(f"{sentence(words.OR if index else words.TO_DO)} {fix.title}")
        lines += [f"    {clean.command(command)}" for command in fix.commands]
    return "\n".join(lines)


def _add_run(suite: ElementTree.Element, run: SmokeRun) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", classname=f"envcheck.smoke.{_line(run.backend)}", name=_line(run.device)
    )
    if not isinstance(run.stages, Unknown):
        seconds = sum(stage.seconds for stage in run.stages if isinstance(stage.seconds, float | int))
        case.set("time", f"{seconds:.3f}")
    told = run.reason if isinstance(run.reason, str) else ""
    message = f"{run.failed_stage}: {told}" if isinstance(run.failed_stage, str) else told
    if run.status != "passed":
        tag = {"failed": "failure", "skipped": "skipped"}.get(run.status, "error")
        _add(case, tag, run.status, message or run.status)
    if isinstance(run.stderr_tail, str) and run.stderr_tail:
        ElementTree.SubElement(case, "system-err").text = clean.block(run.stderr_tail)


def _add(case: ElementTree.Element, tag: str, kind: str, message: str, text: str = "") -> None:
    element = ElementTree.SubElement(case, tag, message=_line(message))
    if tag != "skipped":
        element.set("type", kind)
    if text:
        element.text = clean.block(text)


def _line(text: str) -> str:
    return clean.shorten(clean.line(text), TITLE_LIMIT)
