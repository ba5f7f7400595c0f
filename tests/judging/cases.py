"""The cases of the rules: what lies below tests/cases/, one folder for each finding.

A case says in which machine of :mod:`judging.machines` what is different (``set``, ``remove``), and what is expected.
Its file name says what kind it is: ``fires`` (the finding is made), ``silent`` (it is not, although little is missing)
or ``unknown`` (it cannot be decided), with a word behind a dash where there are several. A report of envcheck in JSON,
as it comes with a bug report, is a case too: ``fires-NAME.report.json`` or ``silent-NAME.report.json``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from envcheck.model.facts import Facts
from judging import machines

FOLDER = Path(__file__).parent.parent / "cases"
KINDS = ("fires", "silent", "unknown")


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a finding must be. Evidence is named as in :func:`judging.machines.place_of`."""

    severity: str
    evidence: tuple[str, ...]
    subject: str | None = None
    explained_by: str | None = None
    commands: tuple[tuple[str, ...], ...] = ()  #: of each fix that has any
    also: tuple[str, ...] = ()  #: all other findings: ``ID SUBJECT <- CAUSE``, without what is not there


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    about: str
    machine: str
    set: dict[str, Any] = {}
    remove: tuple[str, ...] = ()
    expect: Expected | None = None

    def data(self) -> machines.Data:
        data = machines.MACHINES[self.machine]()
        for pointer, value in self.set.items():
            machines.change(data, pointer, value)
        for pointer in self.remove:
            machines.remove(data, pointer)
        return data


@dataclass(frozen=True)
class Found:
    """A case and where it was found."""

    rule: str
    kind: str
    path: Path

    @property
    def name(self) -> str:
        return f"{self.rule}/{self.path.name}"

    def case(self) -> Case:
        return msgspec.json.decode(self.path.read_bytes(), type=Case)

    def facts(self) -> Facts:
        if self.path.name.endswith(".report.json"):
            return msgspec.convert(msgspec.json.decode(self.path.read_bytes())["facts"], Facts)
        return machines.facts(self.case().data())


def find() -> list[Found]:
    """Return every case."""
    return [
        Found(rule=path.parent.name, kind=path.name.split(".")[0].split("-")[0], path=path)
        for path in sorted(FOLDER.glob("*/*.json"))
    ]
