"""Text made safe for Markdown as issue trackers read it: no foreign text becomes markup, a table, or HTML."""

import re
from collections.abc import Iterable, Sequence

from envcheck.render import clean

_MEANT_AS_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&$])")
# What begins a list, a rule or a heading at the start of a line; the rest is escaped anywhere.
_STARTS_A_BLOCK = re.compile(r"^(\d{0,9})([-+.)](?=[\s-]|$)|=+\s*$)")


def escape(text: str) -> str:
    """Return one line of text for within a line, such as a table's cell; line breaks become spaces."""
    return _MEANT_AS_MARKUP.sub(r"\\\1", clean.line(text))


def line(text: str) -> str:
    """Return one line of text that stands at the start of a line, or alone."""
    return _STARTS_A_BLOCK.sub(r"\1\\\2", escape(text))


def paragraph(text: str) -> str:
    """Return one line of text as a paragraph."""
    return line(text) + "\n"


def paragraphs(text: str) -> str:
    """Return text of several paragraphs; line breaks within a paragraph stay."""
    return "".join(f"{line(part)}\n" for part in clean.block(text).split("\n"))


def bullets(items: Iterable[str]) -> str:
    """Return a list of items that are Markdown already."""
    return "".join(f"- {item}\n" for item in items)


def heading(level: int, text: str) -> str:
    return f"{'#' * level} {escape(text)}\n"


def code(text: str) -> str:
    """Return a code span for a value; text that would break it, or a table around it, is escaped instead."""
    shown = clean.line(text)
    return f"`{shown}`" if shown and "`" not in shown and "|" not in shown else escape(shown)


def fence(lines: Iterable[str], language: str = "sh") -> str:
    """Return lines in a fence that none of them can close."""
    body = "\n".join(lines)
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{body}\n{ticks}\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def details(summary: str, body: str) -> str:
    """Return a part that is folded until a reader opens it; ``summary`` is our own text."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n</details>\n"
