"""Stand-ins for what identifies somebody: the same value gets the same one."""

import re
from collections.abc import Iterable

KINDS = ("user", "host", "ip", "mac", "gpu", "mig", "uuid", "serial", "email", "secret")
_ALIAS = re.compile(rf"\b(?:{'|'.join(KINDS)})-[0-9]+\b")


def aliases_in(text: str) -> list[str]:
    """Return the stand-ins that a text holds already, as one that was redacted before does."""
    return _ALIAS.findall(text)


def is_alias(text: str) -> bool:
    """Say whether a text is nothing but a stand-in."""
    return _ALIAS.fullmatch(text) is not None


class Aliases:
    """The stand-ins of one report, numbered by kind in the order of first sight; those ``taken`` are passed over."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._given: dict[tuple[str, str], str] = {}

    def of(self, kind: str, value: str) -> str:
        """Return the stand-in for a value. What is a stand-in already stays."""
        if is_alias(value):
            return value
        if (kind, value) not in self._given:
            self._given[kind, value] = self._next(kind)
        return self._given[kind, value]

    def same(self, kind: str, value: str, alias: str) -> None:
        """Let another value of the same person or machine have the stand-in ``alias``."""
        self._given.setdefault((kind, value), alias)

    def beginning(self, kind: str, start: str) -> str:
        """Return the stand-in of the first known value that begins with ``start``."""
        known = (value for given, value in self._given if given == kind and value.startswith(start))
        return self.of(kind, next(known, start))

    def _next(self, kind: str) -> str:
        number = 1
        while f"{kind}-{number}" in self._taken:
            number += 1
        self._taken.add(f"{kind}-{number}")
        return f"{kind}-{number}"
