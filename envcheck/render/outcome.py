"""What carrying out fixes has mended, and what is left."""

from envcheck.model.report import Finding, Report
from envcheck.render.clean import line, shorten
from envcheck.render.page import Page
from envcheck.render.structure import grouped
from envcheck.render.style import Style
from envcheck.render.values import TITLE_LIMIT
from envcheck.words import sentence, template

HEALED = template("Healed: {title}")
LEFT = template("Left: {title}")
NEW = template("New: {title}")
ALL_WELL = template("Nothing is left to do.")
NEXT = template("What is left to do: envcheck fix-suggestions")


def text(before: Report, after: Report, style: Style) -> str:
    """Return what was found before and is gone, what is still found, and what is found for the first time."""
    page = Page(style)
    old, new = _serious(before), _serious(after)
    for key, finding in old.items():
        if key not in new:
            page.marked("ok", sentence(HEALED, title=_title(finding)))
    for key, finding in new.items():
        page.marked(finding.severity, sentence(LEFT if key in old else NEW, title=_title(finding)))
    page.paragraph(sentence(NEXT if new else ALL_WELL))
    return page.text()


def _serious(report: Report) -> dict[tuple[str, str | None], Finding]:
    """Return the root causes by what they are and what they are about."""
    return {(cause.finding.id, cause.finding.subject): cause.finding for cause in grouped(report.findings).causes}


def _title(finding: Finding) -> str:
    return f"{shorten(line(finding.title), TITLE_LIMIT)} [{finding.id}]"
