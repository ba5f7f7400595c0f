"""What the frameworks said when they failed, and which installed package the traceback is about."""

import re
from collections.abc import Iterator

from envcheck.model.facts import Facts, Package
from envcheck.model.unknown import Undecided, known, need
from envcheck.rules.shared import last_words

FRAME = re.compile(r"(?:site|dist)-packages[/\\\\](\w+)[^\n]*, in [^\n]*\n(?: +(?:from|import) (\w+))?")
"""A line of Python's traceback, and the import in the line of source below it."""


def said(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield the last words of every framework that is installed and failed, each with its fact.

    Raises:
        Undecided: at the end, if it could not be seen of one whether it failed.
    """
    undecided = None
    for index, found in enumerate(need(facts.backends)):
        try:
            if need(found.installed):
                yield from last_words(facts, index, found)
        except Undecided as reason:
            undecided = undecided or reason
    if undecided is not None:
        raise undecided


def package_that_raised(facts: Facts, words: str) -> tuple[int, Package] | None:
    """Return the package whose code ran last; None if the traceback does not tell, or it is of no package."""
    frames = FRAME.findall(words)
    return _that_brings(facts, frames[-1][0]) if frames else None


def package_that_was_read(facts: Facts, words: str) -> tuple[int, Package] | None:
    """Return the package whose file could not be read: what the last line imported, if that says where it lies."""
    frames = FRAME.findall(words)
    return _that_brings(facts, frames[-1][1] or frames[-1][0]) if frames else None


def _that_brings(facts: Facts, module: str) -> tuple[int, Package] | None:
    packages = enumerate(need(facts.python.packages))
    return next(((place, found) for place, found in packages if module in known(found.top_level, ())), None)
