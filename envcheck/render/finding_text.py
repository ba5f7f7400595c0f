"""Findings on a page of plain text."""

from envcheck.model.report import Finding, Fix
from envcheck.render import clean, fix_words, words
from envcheck.render.page import Page
from envcheck.render.structure import Cause, Grouped
from envcheck.render.values import MESSAGE_LIMIT, TITLE_LIMIT, evidence, seen_where
from envcheck.words import sentence

INDENT = 2


def add_findings(page: Page, groups: Grouped) -> None:
    """Add the root causes, then the notes."""
    for cause in groups.causes:
        page.blank()
        _add_cause(page, cause)
    if groups.notes:
        page.blank()
        for note in groups.notes:
            _add_note(page, note)


def _add_cause(page: Page, cause: Cause) -> None:
    """Add a root cause: what is wrong, how it was seen, what to do, and what else it explains."""
    add_heading(page, cause.finding)
    add_message(page, cause.finding)
    add_evidence(page, cause.finding)
    for index, fix in enumerate(cause.finding.fixes):
        add_fix(page, sentence(words.OR if index else words.TO_DO), fix)
    if cause.consequences:
        page.paragraph(sentence(words.ALSO_EXPLAINS), indent=INDENT)
        for consequence in cause.consequences:
            page.marked(consequence.severity, *_title(consequence), indent=INDENT + 2)


def _add_note(page: Page, finding: Finding) -> None:
    """Add a finding of severity ``info``: its title, and the rest for those who asked for everything."""
    add_heading(page, finding)
    if page.style.verbose:
        add_message(page, finding)
        add_evidence(page, finding)
        for index, fix in enumerate(finding.fixes):
            add_fix(page, sentence(words.OR if index else words.TO_DO), fix)


def add_heading(page: Page, finding: Finding) -> None:
    page.marked(finding.severity, *_title(finding, look="bold" if finding.severity != "info" else ""))


def _title(finding: Finding, look: str = "") -> tuple[tuple[str, str], tuple[str, str]]:
    name = f"{finding.id}: {finding.subject}" if finding.subject else finding.id
    return (clean.shorten(clean.line(finding.title), TITLE_LIMIT), look), (
        f" [{clean.shorten(clean.line(name), TITLE_LIMIT)}]",
        "dim",
    )


def add_message(page: Page, finding: Finding) -> None:
    if finding.message:
        page.paragraph(clean.shorten(clean.block(finding.message), MESSAGE_LIMIT), indent=INDENT)


def add_evidence(page: Page, finding: Finding) -> None:
    if not finding.evidence:
        return
    page.paragraph(sentence(words.SEEN), indent=INDENT)
    for seen in finding.evidence:
        pointer = clean.shorten(clean.line(seen_where(seen.fact)), TITLE_LIMIT)
        page.paragraph(f"{pointer}: {evidence(seen.value)}", indent=INDENT + 2)


def add_fix(page: Page, first: str, fix: Fix, indent: int = INDENT) -> None:
    """Add one way to mend a finding; its commands stand on lines of their own."""
    title = clean.shorten(clean.line(fix.title), TITLE_LIMIT)
    page.paragraph(f"{first} {title}{_conditions(fix)}", indent=indent)
    add_commands(page, fix.commands, indent)
    add_notes(page, fix, indent)
    if fix.verify:
        page.paragraph(sentence(words.TO_CHECK), indent=indent)
        add_commands(page, (fix.verify,), indent)
    if page.style.verbose and fix.source:
        page.paragraph(sentence(words.SOURCE, source=clean.line(fix.source)), indent=indent)


def _conditions(fix: Fix) -> str:
    told = fix_words.conditions(fix)
    return f" ({words.listed(told)})" if told else ""


def add_notes(page: Page, fix: Fix, indent: int = INDENT) -> None:
    for note in fix.notes:
        page.paragraph(clean.shorten(clean.line(note), TITLE_LIMIT), first=" " * (indent + 2) + "- ")


def add_commands(page: Page, commands: tuple[str, ...], indent: int = INDENT) -> None:
    copyable = [page.command(command, indent=indent + 2) for command in commands]
    if not all(copyable):
        page.paragraph(sentence(words.NOT_COPYABLE), indent=indent + 2)
