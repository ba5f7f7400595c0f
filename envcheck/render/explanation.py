"""What ``envcheck explain`` found in a log, as text, Markdown or JSON.

``suspicious`` are the lines that look like errors, with their numbers; they are shown when nothing
known matched.
"""

from collections.abc import Sequence

from envcheck.model.report import Explanation
from envcheck.render import clean, json as render_json, words
from envcheck.render.finding_text import add_findings
from envcheck.render.markdown import cause_markdown, note_markdown
from envcheck.render.markdown_text import bullets, fence, heading, paragraph
from envcheck.render.page import Page
from envcheck.render.structure import Cause, grouped
from envcheck.render.style import Style
from envcheck.render.values import EVIDENCE_LIMIT, TITLE_LIMIT
from envcheck.words import sentence

Suspicious = tuple[tuple[int, str], ...]

SUSPICIOUS_SHOWN = 20


def text(explanation: Explanation, style: Style, suspicious: Suspicious = ()) -> str:
    """Return the explanation as text for a terminal."""
    page = Page(style)
    if not explanation.findings:
        _add_nothing_matched(page, explanation, suspicious)
        return page.text()
    groups = grouped(explanation.findings)
    mark, verdict = _verdict(groups.causes)
    page.marked(mark, (verdict, "bold"))
    add_findings(page, groups)
    return page.text()


def markdown(explanation: Explanation, suspicious: Suspicious = ()) -> str:
    """Return the explanation as Markdown, fit for an issue."""
    if not explanation.findings:
        return _issue(explanation, suspicious)
    groups = grouped(explanation.findings)
    parts = [heading(2, _verdict(groups.causes)[1]), *(cause_markdown(cause) for cause in groups.causes)]
    if groups.notes:
        parts += [heading(3, sentence(words.NOTES)), bullets(note_markdown(note) for note in groups.notes)]
    return "\n".join(parts)


def json(explanation: Explanation) -> str:
    """Return the explanation as JSON, exactly the contract's shape."""
    return render_json.encode(explanation)


def _verdict(causes: Sequence[Cause]) -> tuple[str, str]:
    if not causes:
        return "ok", sentence(words.ONLY_HARMLESS)
    title = clean.shorten(clean.line(causes[0].finding.title), TITLE_LIMIT)
    return causes[0].finding.severity, words.counted(
        len(causes), words.EXPLAINED_ONE, words.EXPLAINED_MANY, title=title
    )


def _add_nothing_matched(page: Page, explanation: Explanation, suspicious: Suspicious) -> None:
    page.marked("unknown", (sentence(words.NOTHING_MATCHED), "bold"))
    if not suspicious:
        page.paragraph(sentence(words.NO_SUSPICIOUS_LINES), indent=2)
        return
    page.paragraph(sentence(words.LOOKS_LIKE_ERROR), indent=2)
    for number, line in suspicious[:SUSPICIOUS_SHOWN]:
        page.paragraph(_suspect(number, line), indent=4)
    page.blank()
    page.paragraph(sentence(words.REPORT_IT))
    page.blank()
    for line in _issue(explanation, suspicious).splitlines():
        page.command(line, indent=0)


def _suspect(number: int, line: str) -> str:
    return f"{sentence(words.LINE, number=number)}: {clean.shorten(clean.line(line), EVIDENCE_LIMIT)}"


def _issue(explanation: Explanation, suspicious: Suspicious) -> str:
    parts = [heading(3, sentence(words.ISSUE_TITLE))]
    if suspicious:
        parts.append(paragraph(sentence(words.LOOKS_LIKE_ERROR)))
        parts.append(fence((_suspect(number, line) for number, line in suspicious[:SUSPICIOUS_SHOWN]), "text"))
    else:
        parts.append(paragraph(sentence(words.NO_SUSPICIOUS_LINES)))
    parts.append(paragraph(f"envcheck {explanation.envcheck}"))
    return "\n".join(parts)
