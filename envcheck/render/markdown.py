"""The report as Markdown, fit for an issue tracker."""

from envcheck.model.facts import SmokeRun
from envcheck.model.report import Finding, Report
from envcheck.model.unknown import Unknown
from envcheck.render import clean, smoke, smoke_tables, words
from envcheck.render.evidence import in_words
from envcheck.render.fixes import fix_markdown
from envcheck.render.floors import floors
from envcheck.render.markdown_text import (
    bullets,
    code,
    details,
    escape,
    fence,
    heading,
    line,
    paragraph,
    paragraphs,
    table,
)
from envcheck.render.structure import Cause, grouped, undecided, verdict, why_undecided
from envcheck.render.style import Style
from envcheck.render.values import (
    FACT_LIMIT,
    MESSAGE_LIMIT,
    TITLE_LIMIT,
    evidence,
    outline,
    seen_where,
)
from envcheck.words import sentence, title_of

_STYLE = Style()


def render(report: Report) -> str:
    """Return the report as Markdown; it ends with a newline."""
    mark, text = verdict(report)
    groups = grouped(in_words(report).findings)
    parts = [heading(2, f"{_STYLE.mark(mark)} {_short(text)}"), _stack(report), *_smoke(report.facts.smoke)]
    parts += [paragraph(_short(text)) for text in smoke_tables.summary(report.facts)]
    parts += [cause_markdown(cause) for cause in groups.causes]
    if groups.notes:
        parts.append(heading(3, sentence(words.NOTES)))
        parts.append(bullets(note_markdown(note) for note in groups.notes))
    parts += [*_undecided(report), *_stages(report.facts.smoke)]
    parts += [_table(found) for found in smoke_tables.tables(report.facts)]
    parts.append(_facts(report))
    parts.append(paragraph(sentence(words.MADE_BY, version=report.envcheck, created=report.created)))
    return "\n".join(parts)


def _short(text: str) -> str:
    return clean.shorten(clean.line(text), TITLE_LIMIT)


def note_markdown(finding: Finding) -> str:
    """Return a finding in one line."""
    name = f"{finding.id}: {finding.subject}" if finding.subject else finding.id
    return f"{line(_short(finding.title))} ({code(_short(name))})"


def _stack(report: Report) -> str:
    rows = [
        (
            escape(floor.label),
            _STYLE.mark(floor.mark),
            "<br>".join(escape(clean.shorten(clean.line(line), FACT_LIMIT)) for line in floor.lines),
        )
        for floor in floors(report)
    ]
    return table((sentence(words.FLOOR), "", sentence(words.WHAT_IS_THERE)), rows)


def _smoke(runs: tuple[SmokeRun, ...] | Unknown) -> list[str]:
    if isinstance(runs, Unknown):
        return [paragraph(sentence(words.SMOKE_SKIPPED, why=_short(smoke.why_not(runs))))]
    if not runs:
        return [paragraph(sentence(words.SMOKE_NOTHING))]
    title = heading(3, sentence(words.SMOKE_TITLE if smoke.timed(runs) else words.SMOKE_TITLE_PLAIN))
    columns = smoke.backends(runs)
    by_place = {(run.device, run.backend): run for run in runs}
    rows = [
        [escape(_short(device)), *(_cell(by_place.get((device, backend))) for backend in columns)]
        for device in smoke.devices(runs)
    ]
    head = [sentence(words.DEVICE), *(escape(_short(title_of(name))) for name in columns)]
    reasons = bullets(line(_short(_reason(run, reason))) for run, reason in smoke.reasons(runs))
    return [title, table(head, rows), *([reasons] if reasons else [])]


def _cell(run: SmokeRun | None) -> str:
    if run is None:
        return ""
    ended = smoke.cell(run)
    return escape(_short(f"{_STYLE.mark(ended.mark)} {ended.text}"))


def _reason(run: SmokeRun, reason: str) -> str:
    fields = {"backend": title_of(run.backend), "device": run.device}
    return sentence(words.RUN_REASON, fields, reason=reason)


def cause_markdown(cause: Cause) -> str:
    """Return a root cause with its evidence, its fixes, and what it explains."""
    finding = cause.finding
    parts = [heading(3, f"{_STYLE.mark(finding.severity)} {_short(finding.title)}")]
    parts.append(f"{code(_short(finding.id))}{' ' + code(_short(finding.subject)) if finding.subject else ''}\n")
    if finding.message:
        parts.append(paragraphs(clean.shorten(finding.message, MESSAGE_LIMIT)))
    if finding.evidence:
        rows = [(line(_short(seen_where(seen.fact))), code(evidence(seen.value))) for seen in finding.evidence]
        parts.append(table((sentence(words.WHERE), sentence(words.WHAT_WAS_SEEN)), rows))
    for index, fix in enumerate(finding.fixes):
        parts.append(fix_markdown(fix, sentence(words.OR if index else words.TO_DO)))
    if cause.consequences:
        parts.append(paragraph(sentence(words.ALSO_EXPLAINS)))
        parts.append(bullets(note_markdown(consequence) for consequence in cause.consequences))
    return "\n".join(parts)


def _undecided(report: Report) -> list[str]:
    outcomes = undecided(report)
    if not outcomes:
        return []
    rows = [
        (code(_short(outcome.id)), escape(clean.shorten(why_undecided(outcome), FACT_LIMIT))) for outcome in outcomes
    ]
    head = (sentence(words.CHECK), sentence(words.REASON))
    return [details(f"{sentence(words.UNDECIDED_CHECKS)} ({len(outcomes)})", table(head, rows))]


def _stages(runs: tuple[SmokeRun, ...] | Unknown) -> list[str]:
    if isinstance(runs, Unknown):
        return []
    rows = [[escape(_short(text)) for text in row] for run in runs for row in smoke.stage_cells(run)]
    head = [sentence(word) for word in words.STAGE_TABLE]
    return [details(sentence(words.ALL_STAGES), table(head, rows))] if rows else []


def _table(found: smoke_tables.Table) -> str:
    rows = [[escape(clean.shorten(clean.line(text), FACT_LIMIT)) for text in row] for row in found.rows]
    return details(found.title, table(found.head, rows))


def _facts(report: Report) -> str:
    lines = []
    for row in outline(report.facts):
        label = "  " * row.depth + clean.line(row.label)
        lines.append(label if row.value is None else clean.shorten(f"{label}: {clean.line(row.value)}", FACT_LIMIT))
    return details(sentence(words.ALL_FACTS), fence(lines, "text"))
