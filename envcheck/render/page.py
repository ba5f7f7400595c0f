"""A page of plain text: paragraphs with hanging indents, and commands that are never broken."""

import io
import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from envcheck.render import clean
from envcheck.render.style import SMALLEST_WIDTH, Style, look_of_mark

Part = str | tuple[str, str]  #: text, or text and its look


class Page:
    """Collects lines for one terminal.

    All text goes through :mod:`envcheck.render.clean` here, so that no caller can forget it.
    """

    def __init__(self, style: Style) -> None:
        self.style = style
        self.width = max(style.width, SMALLEST_WIDTH)
        self._file = io.StringIO()
        self._console = Console(
            file=self._file,
            width=self.width,
            force_terminal=style.colour,
            force_jupyter=False,
            color_system="standard" if style.colour else None,
            no_color=not style.colour,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            _environ={},
        )

    def paragraph(self, *parts: Part, first: Part = "", indent: int = 0) -> None:
        """Add text that wraps. ``first`` stands before its first line; all lines are indented behind it."""
        head = self._text(first)
        margin = min(max(indent, cell_len(head.plain)), self.width // 2)
        body = Text("").join([self._text(part) for part in parts])
        for line in _wrapped(body, self.width - margin):
            padding = " " * (margin - cell_len(head.plain))
            self._emit(Text("").join([head, Text(padding), line]))
            head = Text("")

    def marked(self, mark: str, *parts: Part, indent: int = 0) -> None:
        """Add a paragraph behind a mark (see :meth:`Style.mark`)."""
        before = " " * indent + self.style.mark(mark) + " "
        self.paragraph(*parts, first=(before, look_of_mark(mark)))

    def barred(self, mark: Part, first: str, rest: str, text: str) -> None:
        """Add one storey of the stack: ``first`` before its first line, ``rest`` before those that follow."""
        head = self._text(mark)
        margin = cell_len(head.plain) + 1 + cell_len(first)
        for index, line in enumerate(
            self._text(text).wrap(self._console, max(self.width - margin, 8), overflow="fold")
        ):
            start = head if index == 0 else Text(" " * cell_len(head.plain))
            self._emit(Text("").join([start, Text(" "), self._text(rest if index else first), line]))

    def command(self, text: str, *, indent: int = 4) -> bool:
        """Add a command on a line of its own, whatever its length.

        Returns False if it holds characters that had to be escaped, so that it cannot be copied from here.
        """
        shown = self.printable_command(text)
        self._emit(Text(" " * indent + shown, style="bold" if self.style.colour else ""))
        return shown == text

    def printable_command(self, text: str) -> str:
        """Return a command as this page shows it."""
        shown = clean.command(text)
        return shown if self.style.unicode else clean.ascii_only(shown)

    def row(self, *parts: Part) -> None:
        """Add one line that the caller has made to fit."""
        self._emit(Text("").join([self._text(part) for part in parts]))

    def blank(self) -> None:
        self._emit(Text(""))

    def measure(self, text: str) -> int:
        """Return how many columns a text takes on this page."""
        return cell_len(self._text(text).plain)

    def text(self) -> str:
        """Return the page; it ends with a newline."""
        return self._file.getvalue()

    def _text(self, part: Part) -> Text:
        text, look = part if isinstance(part, tuple) else (part, "")
        text = clean.block(text)
        return Text(text if self.style.unicode else clean.ascii_only(text), style=look)

    def _emit(self, line: Text) -> None:
        line.rstrip()
        self._console.print(line, soft_wrap=True)


def _wrapped(body: Text, width: int) -> Iterator[Text]:
    """Yield lines of at most ``width`` columns; a word that is longer, such as a path, stays whole."""
    for paragraph in body.split("\n", allow_blank=True):
        offsets, used = [], 0
        for word in re.finditer(r" *[^ ]+", paragraph.plain):
            columns = cell_len(word[0])
            if used and used + columns > width:
                offsets.append(word.end() - len(word[0].lstrip()))
                columns, used = cell_len(word[0].lstrip()), 0
            used += columns
        yield from paragraph.divide(offsets)
