"""What to do, as text, Markdown or JSON: the fixes of root causes in order.

Several fixes of one finding are ways to do the same thing, the best first; the commands of one fix
are run in order.
"""

from envcheck.model import report as model
from envcheck.model.report import Finding, Fix, Report
from envcheck.render import clean, fix_words, json as render_json, words
from envcheck.render.finding_text import add_commands, add_fix, add_notes
from envcheck.render.markdown_text import bullets, fence, heading, line, paragraph
from envcheck.render.page import Page
from envcheck.render.steps import Step, steps
from envcheck.render.structure import undecided, was_skipped
from envcheck.render.style import Style
from envcheck.render.values import TITLE_LIMIT
from envcheck.words import sentence


def text(report: Report, style: Style) -> str:
    """Return the steps as text for a terminal."""
    page = Page(style)
    todo = steps(report.findings)
    if not todo:
        page.marked("ok", nothing_to_do(report))
        return page.text()
    page.paragraph((words.counted(len(todo), words.ONE_STEP, words.STEPS), "bold"))
    for number, step in enumerate(todo, start=1):
        page.blank()
        add_step(page, number, step)
    return page.text()


def nothing_to_do(report: Report) -> str:
    """Return the sentence for a report without errors and warnings."""
    count = sum(not was_skipped(outcome) for outcome in undecided(report))
    return sentence(words.NOTHING_TO_DO_BUT_UNDECIDED, count=count) if count else sentence(words.NOTHING_TO_DO)


def add_step(page: Page, number: int, step: Step) -> None:
    """Add a step: what to do, why, the commands, and the other ways to do it."""
    fixes = step.fixes
    title = short(fixes[0].title) if fixes else sentence(words.NO_FIX_KNOWN)
    told = fix_words.conditions(fixes[0]) if fixes else []
    page.paragraph((title, "bold"), f" ({words.listed(told)})" if told else "", first=f"{number}. ")
    for reason in reasons(step):
        page.paragraph(reason, indent=3)
    if fixes:
        add_commands(page, fixes[0].commands, indent=3)
        add_notes(page, fixes[0], indent=3)
        if fixes[0].verify:
            page.paragraph(sentence(words.TO_CHECK), indent=3)
            add_commands(page, (fixes[0].verify,), indent=3)
        _add_verification(page, fixes[0])
    for fix in fixes[1:]:
        add_fix(page, sentence(words.OR), fix, indent=3)
        _add_verification(page, fix)


def _add_verification(page: Page, fix: Fix) -> None:
    if fix.verification:
        page.paragraph(fix_words.verification(fix), indent=3)


def reasons(step: Step) -> list[str]:
    """Return why a step has to be done: the findings that it mends."""
    return [f"{sentence(words.BECAUSE, title=short(finding.title))} [{finding.id}]" for finding in step.findings]


def short(title: str) -> str:
    """Return a title on one line, cut if it is endless."""
    return clean.shorten(clean.line(title), TITLE_LIMIT)


# --- JSON and Markdown ------------------------------------------------------------------------


def json(report: Report) -> str:
    """Return the steps as JSON under the schema ``envcheck.fixes/1``."""
    return render_json.encode(
        model.Steps(
            schema=model.FIXES_SCHEMA,
            envcheck=report.envcheck,
            created=report.created,
            verdict=report.verdict,
            steps=tuple(
                model.Step(findings=tuple(_mended(finding) for finding in step.findings), fixes=step.fixes)
                for step in steps(report.findings)
            ),
        )
    )


def _mended(finding: Finding) -> model.Mended:
    return model.Mended(
        id=finding.id,
        subject=finding.subject,
        severity=finding.severity,
        layer=finding.layer,
        title=finding.title,
    )


def markdown(report: Report) -> str:
    """Return the steps as Markdown."""
    todo = steps(report.findings)
    if not todo:
        return paragraph(nothing_to_do(report))
    parts = [heading(2, words.counted(len(todo), words.ONE_STEP, words.STEPS).rstrip(":"))]
    for number, step in enumerate(todo, start=1):
        title = short(step.fixes[0].title) if step.fixes else sentence(words.NO_FIX_KNOWN)
        parts.append(heading(3, f"{number}. {title}"))
        parts.extend(paragraph(reason) for reason in reasons(step))
        for index, fix in enumerate(step.fixes):
            parts.append(fix_markdown(fix, "" if index == 0 else sentence(words.OR), titled=index > 0))
    return "\n".join(parts)


def fix_markdown(fix: Fix, first: str, *, titled: bool = True) -> str:
    """Return one way to mend a finding as Markdown, its commands in a fence."""
    told = fix_words.conditions(fix)
    lead = " ".join(
        part for part in (first, short(fix.title) if titled else "", f"({words.listed(told)})" if told else "") if part
    )
    parts = [paragraph(lead)] if lead else []
    parts += [fence(clean.command(command) for command in fix.commands)] if fix.commands else []
    parts += [bullets(line(clean.line(note)) for note in fix.notes)] if fix.notes else []
    if fix.verify:
        parts += [paragraph(sentence(words.TO_CHECK)), fence([clean.command(fix.verify)])]
    if any(clean.command(command) != command for command in (*fix.commands, fix.verify or "")):
        parts.append(paragraph(sentence(words.NOT_COPYABLE)))
    parts += [paragraph(fix_words.verification(fix))] if fix.verification else []
    return "\n".join(parts)
