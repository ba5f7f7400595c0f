"""The value that stands for 'could not be seen'."""

from typing import Literal, NoReturn, TypeVar

import msgspec

Reason = Literal["unsupported", "denied", "failed", "timed-out", "crashed", "skipped"]

T = TypeVar("T")


class Unknown(msgspec.Struct, frozen=True):
    """A fact that could not be had, and why.

    ``None``, ``()`` and ``False`` mean that envcheck looked and found none; ``Unknown`` means
    that it could not look. It has no truth value and no order, so that no rule mistakes it for
    an answer.

    - ``unsupported``: this platform, driver or version does not offer the fact
    - ``denied``: this user may not read it
    - ``failed``: reading it ended with an error, told in ``detail``
    - ``timed-out``: no answer within the time limit
    - ``crashed``: the process that looked died
    - ``skipped``: envcheck did not look, because it was told so or because it made no sense
    """

    reason: Reason = msgspec.field(name="unknown")
    detail: str = ""

    def __bool__(self) -> NoReturn:
        raise TypeError(f"{self!r} has no truth value; compare its type instead")

    def _no_order(self, other: object) -> NoReturn:
        raise TypeError(f"{self!r} has no order")

    __lt__ = __le__ = __gt__ = __ge__ = _no_order


class Undecided(Exception):
    """Raised by :func:`need` when a rule meets an ``Unknown``; the engine turns it into the outcome 'unknown'."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(unknown)
        self.unknown = unknown


def need(value: T | Unknown) -> T:
    """Return ``value`` if it is known.

    Raises:
        Undecided: if it is ``Unknown``.
    """
    if isinstance(value, Unknown):
        raise Undecided(value)
    return value


def known(value: T | Unknown, otherwise: T) -> T:
    """Return ``value`` if it is known, else ``otherwise``. For words and hints, never to decide a finding."""
    return otherwise if isinstance(value, Unknown) else value
