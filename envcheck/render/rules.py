"""The findings that envcheck can make: the list, and the page of one."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from envcheck.render import clean, json as render_json, words
from envcheck.render.markdown_text import code, escape, heading, paragraph, table
from envcheck.render.page import Page
from envcheck.render.style import Style
from envcheck.words import sentence

_FIELD = re.compile(r"\{(\w+)[^{}]*\}")


@dataclass(frozen=True)
class RuleRow:
    """What there is to tell about one rule; ``title`` is a template whose fields are shown as ``<field>``."""

    id: str
    layer: str
    severity: str
    title: str
    documentation: str
    after: tuple[str, ...]  #: ids of findings that would explain this one


def listing(rows: Sequence[RuleRow], style: Style) -> str:
    """Return all rules as text, by layer in the order of the rows."""
    page = Page(style)
    layer = None
    for row in rows:
        if row.layer != layer:
            layer = row.layer
            page.paragraph((clean.line(layer), "bold"))
        page.marked(row.severity, clean.line(row.id), (f": {_title(row)}", "dim"), indent=2)
    page.blank()
    page.paragraph(sentence(words.RULE_COUNT, count=len(rows)))
    return page.text()


def page(row: RuleRow, style: Style) -> str:
    """Return the page of one rule as text."""
    text = Page(style)
    text.marked(row.severity, (clean.line(row.id), "bold"))
    text.paragraph(_title(row), indent=2)
    text.paragraph(sentence(words.LAYER_AND_SEVERITY, layer=row.layer, severity=row.severity), indent=2)
    if row.documentation:
        text.blank()
        text.paragraph(_flowing(row.documentation), indent=2)
    if row.after:
        text.blank()
        text.paragraph(sentence(words.CAN_BE_EXPLAINED_BY, causes=words.listed(row.after)), indent=2)
    return text.text()


def listing_markdown(rows: Sequence[RuleRow]) -> str:
    """Return all rules as a Markdown table."""
    cells = [(code(row.id), escape(row.layer), escape(row.severity), escape(_title(row))) for row in rows]
    return table([sentence(head) for head in words.RULE_TABLE], cells)


def page_markdown(row: RuleRow) -> str:
    """Return the page of one rule as Markdown."""
    parts = [heading(2, row.id), paragraph(_title(row))]
    parts.append(paragraph(sentence(words.LAYER_AND_SEVERITY, layer=row.layer, severity=row.severity)))
    if row.documentation:
        parts.append(f"{row.documentation.strip()}\n")  # our own text, Markdown already
    if row.after:
        parts.append(paragraph(sentence(words.CAN_BE_EXPLAINED_BY, causes=words.listed(row.after))))
    return "\n".join(parts)


def json(rows: Sequence[RuleRow]) -> str:
    """Return rules as a JSON array."""
    return render_json.encode([asdict(row) for row in rows])


def _title(row: RuleRow) -> str:
    return clean.line(_FIELD.sub(r"<\1>", row.title))


def _flowing(documentation: str) -> str:
    """Join the lines of each paragraph, for the source breaks them at its own width; lists and code keep theirs."""
    parts = re.split(r"\n\s*\n", documentation.strip())
    return "\n\n".join(part if re.search(r"^(\s|[-*] )", part, re.MULTILINE) else clean.line(part) for part in parts)
