"""The report as text for a terminal: the verdict, the stack, the test model, the findings."""

from collections.abc import Sequence

from envcheck.model.facts import SmokeRun, Stage
from envcheck.model.report import Finding, Report
from envcheck.model.unknown import Unknown
from envcheck.render import clean, smoke, smoke_tables, words
from envcheck.render.evidence import in_words
from envcheck.render.finding_text import add_findings
from envcheck.render.floors import floors
from envcheck.render.page import Page, Part
from envcheck.render.structure import grouped, undecided, verdict, was_skipped, why_undecided
from envcheck.render.style import Style, look_of_mark
from envcheck.render.values import FACT_LIMIT, TITLE_LIMIT, duration, outline, rounded
from envcheck.words import sentence, title_of

REASON_LIMIT = 160  #: characters of a run's own words; --verbose shows more
GAP = "  "


def render(report: Report, style: Style) -> str:
    """Return the report as text; it ends with a newline."""
    page = Page(style)
    report = in_words(report)
    mark, text = verdict(report)
    page.marked(mark, (clean.shorten(clean.line(text), TITLE_LIMIT), "bold"))
    if style.quiet:
        _titles(page, report)
        return page.text()
    page.blank()
    _stack(page, report)
    page.blank()
    _smoke(page, report.facts.smoke)
    for line in smoke_tables.summary(report.facts):
        page.paragraph(clean.shorten(clean.line(line), TITLE_LIMIT), indent=2)
    _findings(page, report)
    _undecided(page, report)
    if style.verbose:
        _every_stage(page, report.facts.smoke)
        for table in smoke_tables.tables(report.facts):
            _table(page, table)
        _every_fact(page, report)
    return page.text()


def _titles(page: Page, report: Report) -> None:
    groups = grouped(report.findings)
    for cause in groups.causes:
        _title(page, cause.finding, indent=2)
        for consequence in cause.consequences:
            _title(page, consequence, indent=4)
    for note in groups.notes:
        _title(page, note, indent=2)


def _title(page: Page, finding: Finding, indent: int) -> None:
    page.marked(finding.severity, clean.shorten(clean.line(finding.title), TITLE_LIMIT), indent=indent)


def _stack(page: Page, report: Report) -> None:
    storeys = floors(report)
    widest = max(page.measure(storey.label) for storey in storeys)
    bar = "│" if page.style.unicode else "|"
    for storey in storeys:
        mark = page.style.mark(storey.mark).ljust(page.style.mark_width)
        label = storey.label.ljust(widest)
        for text in storey.lines:
            shown = clean.shorten(clean.line(text), FACT_LIMIT)
            page.barred((mark, look_of_mark(storey.mark)), f"{label} {bar} ", f"{' ' * widest} {bar} ", shown)
            mark, label = " " * page.style.mark_width, " " * widest


def _smoke(page: Page, runs: tuple[SmokeRun, ...] | Unknown) -> None:
    if isinstance(runs, Unknown):
        page.paragraph(sentence(words.SMOKE_SKIPPED, why=smoke.why_not(runs)))
        return
    if not runs:
        page.paragraph(sentence(words.SMOKE_NOTHING))
        return
    page.paragraph((sentence(words.SMOKE_TITLE if smoke.timed(runs) else words.SMOKE_TITLE_PLAIN), "bold"))
    rows = _matrix(page, runs)
    widths = [max(page.measure(text) for text, _ in column) for column in zip(*rows, strict=True)]
    if sum(widths) + len(GAP) * len(widths) <= page.width:
        for row in rows:
            page.row(GAP, *_padded(page, row, widths))
    else:
        for run in runs:
            ended = smoke.cell(run)
            where = sentence(words.RUN_TITLE, backend=title_of(run.backend), device=run.device)
            page.marked(ended.mark, clean.line(f"{where}: {ended.text}"), indent=2)
    for run, reason in smoke.reasons(runs):
        fields = {"backend": title_of(run.backend), "device": run.device}
        text = sentence(words.RUN_REASON, fields, reason=clean.shorten(clean.line(reason), REASON_LIMIT))
        page.paragraph(clean.line(text), indent=2)


def _matrix(page: Page, runs: Sequence[SmokeRun]) -> list[list[tuple[str, str]]]:
    columns = smoke.backends(runs)
    rows = [[(sentence(words.DEVICE), "dim"), *((clean.line(title_of(name)), "dim") for name in columns)]]
    by_place = {(run.device, run.backend): run for run in runs}
    for device in smoke.devices(runs):
        row = [(clean.line(device), "")]
        for backend in columns:
            run = by_place.get((device, backend))
            row.append(_cell(page.style, run) if run else ("", ""))
        rows.append(row)
    return rows


def _cell(style: Style, run: SmokeRun) -> tuple[str, str]:
    ended = smoke.cell(run)
    return clean.line(f"{style.mark(ended.mark)} {ended.text}"), look_of_mark(ended.mark)


def _padded(page: Page, row: Sequence[tuple[str, str]], widths: Sequence[int]) -> list[Part]:
    parts: list[Part] = []
    for (text, look), width in zip(row, widths, strict=True):
        parts.extend([(text, look), " " * (width - page.measure(text)) + GAP])
    return parts


def _findings(page: Page, report: Report) -> None:
    groups = grouped(report.findings)
    add_findings(page, groups)
    if sum(bool(cause.finding.fixes) for cause in groups.causes) > 1:
        page.blank()
        page.paragraph(sentence(words.NEXT))


def _undecided(page: Page, report: Report) -> None:
    outcomes = undecided(report)
    if not outcomes:
        return
    page.blank()
    if not page.style.verbose:
        skipped = sum(was_skipped(outcome) for outcome in outcomes)
        if len(outcomes) > skipped:
            page.paragraph(words.counted(len(outcomes) - skipped, words.ONE_UNDECIDED, words.SOME_UNDECIDED))
        if skipped:
            page.paragraph(words.counted(skipped, words.ONE_SKIPPED, words.SOME_SKIPPED))
        return
    page.paragraph((sentence(words.UNDECIDED_CHECKS), "bold"))
    for outcome in outcomes:
        why = clean.shorten(clean.line(why_undecided(outcome)), FACT_LIMIT)
        page.marked("unknown", f"{clean.line(outcome.id)}: {why}", indent=2)


def _every_stage(page: Page, runs: tuple[SmokeRun, ...] | Unknown) -> None:
    if isinstance(runs, Unknown) or not runs:
        return
    page.blank()
    page.paragraph((sentence(words.ALL_STAGES), "bold"))
    for run in runs:
        where = sentence(words.RUN_TITLE, backend=title_of(run.backend), device=run.device)
        ended = smoke.cell(run)
        page.marked(ended.mark, clean.line(f"{where}: {ended.text}"), indent=2)
        if isinstance(run.stages, Unknown):
            page.paragraph(words.why(run.stages), indent=6)
            continue
        for stage in run.stages:
            page.marked(smoke.MARKS.get(stage.status, "unknown"), clean.line(_stage(stage)), indent=4)


def _table(page: Page, table: smoke_tables.Table) -> None:
    page.blank()
    page.paragraph((table.title, "bold"))
    rows = [[(word, "dim") for word in table.head]]
    rows += [[(clean.shorten(clean.line(text), FACT_LIMIT), "") for text in row] for row in table.rows]
    widths = [max(page.measure(text) for text, _ in column) for column in zip(*rows, strict=True)]
    if sum(widths) + len(GAP) * len(widths) <= page.width:
        for row in rows:
            page.row(GAP, *_padded(page, row, widths))
        return
    for (first, _), *rest in rows[1:]:
        labels = [f"{head} " for head in table.head[1:]] if len(rest) > 1 else [""]
        cells = [f"{label}{text}" for label, (text, _) in zip(labels, rest, strict=True) if text]
        page.paragraph(f"{first}: {words.listed(cells)}", indent=2)


def _stage(stage: Stage) -> str:
    gflops = stage.volatile.gflops
    parts = [sentence(words.STAGE, name=stage.name, status=sentence(words.STATUS.get(stage.status, stage.status)))]
    if isinstance(stage.seconds, float | int):
        parts.append(duration(stage.seconds))
    if isinstance(stage.volatile.deviation, float | int):
        parts.append(sentence(words.DEVIATION, value=rounded(stage.volatile.deviation)))
        if isinstance(stage.tolerance, float | int):
            parts.append(sentence(words.TOLERANCE, value=rounded(stage.tolerance)))
    if isinstance(gflops, float | int):
        parts.append(sentence(words.SPEED, value=rounded(gflops)))
    if stage.detail:
        parts.append(clean.shorten(stage.detail, FACT_LIMIT))
    return words.listed(parts)


def _every_fact(page: Page, report: Report) -> None:
    page.blank()
    page.paragraph((sentence(words.ALL_FACTS), "bold"))
    for row in outline(report.facts):
        indent = 2 + 2 * row.depth
        label = clean.shorten(clean.line(row.label), TITLE_LIMIT)
        if row.value is not None:
            page.paragraph((f"{label}: ", "dim"), row.value, indent=indent)
        else:
            page.paragraph((label, "bold"), indent=indent)
