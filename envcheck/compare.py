"""What differs between two snapshots: stable facts and findings, nothing that changes from minute to minute."""

from collections.abc import Iterator, Mapping
from typing import Any

from envcheck.model.facts import stable_facts
from envcheck.model.record import Record
from envcheck.model.report import Report

#: What tells the items of a list apart, whatever their order: the first of these that every item has.
_KEYS = ("uuid", "address", "name", "id", "backend", "source", "purpose", "module", "soname", "path")
#: About envcheck itself and about where the snapshot was taken, not about the machine.
_LEFT_OUT = ("/platform/tool",)


class Difference(Record, frozen=True, kw_only=True):
    """One value that is not the same; ``before`` or ``after`` is None where there is none."""

    where: str  #: like a JSON pointer, with list items under their name
    before: Any
    after: Any


class Comparison(Record, frozen=True, kw_only=True):
    facts: tuple[Difference, ...]
    findings_gone: tuple[str, ...]
    findings_new: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not (self.facts or self.findings_gone or self.findings_new)


def compare(before: Report, after: Report) -> Comparison:
    """Return what changed from one report to the other."""
    facts = _differences("", stable_facts(before.facts), stable_facts(after.facts))
    ids_before, ids_after = ([_label(finding) for finding in report.findings] for report in (before, after))
    return Comparison(
        facts=tuple(difference for difference in facts if not difference.where.startswith(_LEFT_OUT)),
        findings_gone=tuple(label for label in ids_before if label not in ids_after),
        findings_new=tuple(label for label in ids_after if label not in ids_before),
    )


def _label(finding: Any) -> str:
    return f"{finding.id} ({finding.subject})" if finding.subject else str(finding.id)


def _differences(where: str, before: Any, after: Any) -> Iterator[Difference]:
    before, after = _keyed(before), _keyed(after)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from _differences(f"{where}/{key}", before.get(key), after.get(key))
    elif before != after:
        yield Difference(where=where, before=before, after=after)


def _keyed(value: Any) -> Any:
    """Turn a list of records into a mapping by what names them, and a list of plain values into a sorted list."""
    if not isinstance(value, list):
        return value
    if value and all(isinstance(item, Mapping) for item in value):
        for key in _KEYS:
            names = [str(item[key]) for item in value if isinstance(item.get(key), str)]
            if len(names) == len(value):
                return _numbered(names, value)
    return value


def _numbered(names: list[str], items: list[Any]) -> dict[str, Any]:
    """Pair names and items; the second of one name becomes ``name#2``."""
    keyed: dict[str, Any] = {}
    for name, item in zip(names, items, strict=True):
        label, count = name, 1
        while label in keyed:
            count += 1
            label = f"{name}#{count}"
        keyed[label] = item
    return keyed
