"""How a text for a terminal shall look."""

from dataclasses import dataclass

SMALLEST_WIDTH = 20  #: a narrower terminal gets lines of this width

_UNICODE = {"ok": "✓", "error": "✗", "warning": "!", "info": "i", "unknown": "?", "none": "-"}
_ASCII = {"ok": "ok", "error": "FAIL", "warning": "warn", "info": "note", "unknown": "?", "none": "-"}
_LOOKS = {"ok": "green", "error": "bold red", "warning": "yellow", "info": "cyan", "unknown": "magenta", "none": "dim"}


@dataclass(frozen=True)
class Style:
    """``width`` is in columns; without ``unicode`` the text is pure ASCII, without ``colour`` it has no terminal codes.

    ``verbose`` adds every fact, every stage and every undecided check; ``quiet`` leaves the verdict and titles.
    """

    width: int = 80
    colour: bool = False
    unicode: bool = True
    verbose: bool = False
    quiet: bool = False

    def mark(self, name: str) -> str:
        """Return the mark for a severity or for ``ok``, ``unknown`` and ``none``."""
        return (_UNICODE if self.unicode else _ASCII)[name]

    @property
    def mark_width(self) -> int:
        """The width of the widest mark, in columns."""
        return max(len(mark) for mark in (_UNICODE if self.unicode else _ASCII).values())


def look_of_mark(name: str) -> str:
    """Return the colour of a mark, as rich names it."""
    return _LOOKS[name]
