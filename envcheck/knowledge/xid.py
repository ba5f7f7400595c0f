"""What the Xid numbers in the kernel log mean, with which NVIDIA's driver reports errors of a GPU."""

from dataclasses import dataclass
from typing import ClassVar

from envcheck import knowledge


class XidRow(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("code",)

    code: int
    meaning: str
    severity: str
    category: str | None
    action: str | None


class Action(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("action",)

    action: str
    words: str


@dataclass(frozen=True)
class Xid:
    """One number of NVIDIA's catalogue."""

    code: int
    meaning: str
    severity: str  #: ``critical``, ``error``, ``warning``, ``info`` or ``unknown``
    category: str | None  #: such as ``application``, ``memory``, ``bus_power``, ``nvlink``, ``gsp``
    action: str | None  #: what NVIDIA's catalogue tells to do first, in words


def xid(code: int) -> Xid | None:
    """Return what is known of an Xid number, or None."""
    row = next((row for row in knowledge.load("xid", XidRow) if row.code == code), None)
    if row is None:
        return None
    words = next((found.words for found in knowledge.load("xid_actions", Action) if found.action == row.action), None)
    return Xid(code, row.meaning, row.severity, row.category, words)
