"""The report as one HTML page that needs nothing else, and as a fragment for notebooks."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from envcheck.model.facts import SmokeRun
from envcheck.model.report import Finding, Fix, Report
from envcheck.model.unknown import Unknown
from envcheck.render import clean, fix_words, smoke, smoke_tables, words
from envcheck.render.evidence import in_words
from envcheck.render.floors import floors
from envcheck.render.structure import grouped, undecided, verdict, why_undecided
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
    """Return the report as a whole page; it ends with a newline."""
    return _template("page.html").render(_view(report)) + "\n"


def fragment(report: Report) -> str:
    """Return the report as a part of a page, with its own style, for a notebook's output cell."""
    return _template("report.html").render(_view(report)) + "\n"


def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("envcheck.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        line=_line,
        block=lambda text: clean.block(clean.shorten(text, MESSAGE_LIMIT)).strip(),
        value=lambda value: evidence(value),
        where=lambda fact: _line(seen_where(fact)),
        command=clean.command,
        mark=_STYLE.mark,
        word=sentence,
        severity=lambda name: sentence(words.SEVERITIES[name]),
    )
    environment.tests["uncopyable"] = _uncopyable
    return environment.get_template(name)


def _line(text: str) -> str:
    return clean.shorten(clean.line(text), FACT_LIMIT)


def _uncopyable(fix: Fix) -> bool:
    return any(clean.command(command) != command for command in (*fix.commands, fix.verify or ""))


def _view(report: Report) -> dict[str, Any]:
    """Return what the template shows, in plain text; the template escapes it."""
    mark, text = verdict(report)
    groups = grouped(in_words(report).findings)
    runs = report.facts.smoke
    return {
        "words": words,
        "report": report,
        "mark": mark,
        "verdict": clean.shorten(clean.line(text), TITLE_LIMIT),
        "floors": floors(report),
        "smoke": None if isinstance(runs, Unknown) else _matrix(runs),
        "smoke_missing": smoke.why_not(runs) if isinstance(runs, Unknown) else None,
        "causes": groups.causes,
        "notes": groups.notes,
        "undecided": [(outcome.id, why_undecided(outcome)) for outcome in undecided(report)],
        "stages": () if isinstance(runs, Unknown) else [row for run in runs for row in smoke.stage_cells(run)],
        "summary": smoke_tables.summary(report.facts),
        "tables": smoke_tables.tables(report.facts),
        "facts": outline(report.facts),
        "conditions": fix_words.conditions,
        "name": _name,
    }


def _name(finding: Finding) -> str:
    return f"{finding.id}: {finding.subject}" if finding.subject else finding.id


def _matrix(runs: tuple[SmokeRun, ...]) -> dict[str, Any]:
    columns = smoke.backends(runs)
    by_place = {(run.device, run.backend): smoke.cell(run) for run in runs}
    return {
        "timed": smoke.timed(runs),
        "columns": [title_of(name) for name in columns],
        "rows": [(device, [by_place.get((device, name)) for name in columns]) for device in smoke.devices(runs)],
        "reasons": [
            sentence(words.RUN_REASON, backend=title_of(run.backend), device=run.device, reason=reason)
            for run, reason in smoke.reasons(runs)
        ],
    }
