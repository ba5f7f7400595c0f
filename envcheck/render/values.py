"""Values of facts, as a person reads them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from envcheck.model.facts import Facts
from envcheck.model.unknown import Unknown
from envcheck.render import clean, words
from envcheck.words import sentence

EVIDENCE_LIMIT = 200  #: characters of one evidence value; the JSON report has it all
MESSAGE_LIMIT = 3000
TITLE_LIMIT = 300
FACT_LIMIT = 400


def size(count: int) -> str:
    """Return a number of bytes in binary units."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(amount) < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.1f}".removesuffix(".0") + f" {unit}"


def duration(seconds: float) -> str:
    """Return a time in the unit that leaves few digits."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.2g} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def number(value: float) -> str:
    """Return a number without needless digits."""
    return str(value) if isinstance(value, int) else f"{value:g}"


def rounded(value: float) -> str:
    """Return a measured number, such as a deviation, in three digits."""
    return f"{value:.3g}"


def plain(value: Any, key: str = "") -> str:
    """Return plain data (as in the JSON report) in words; ``key`` tells the unit of a number."""
    if value is None:
        return sentence(words.NONE)
    if isinstance(value, bool):
        return sentence(words.YES if value else words.NO)
    if isinstance(value, int | float):
        if key.endswith("_bytes") and isinstance(value, int):
            return size(value)
        if key.startswith("seconds"):
            return duration(value)
        return number(value)
    if isinstance(value, str):
        return value
    unknown = as_unknown(value)
    if unknown is not None:
        return words.why(unknown)
    if isinstance(value, list | tuple):
        return words.listed([plain(item, key) for item in value]) or sentence(words.NONE)
    if isinstance(value, Mapping):
        return words.listed([f"{name}: {plain(item, name)}" for name, item in value.items()])
    return str(value)


def as_unknown(value: Any) -> Unknown | None:
    """Return the ``Unknown`` that a piece of plain data stands for, if it does."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Mapping) and "unknown" in value and set(value) <= {"unknown", "detail"}:
        reason = value["unknown"]
        return Unknown(reason, str(value.get("detail", ""))) if reason in tuple(words.REASONS) else None
    return None


def evidence(value: Any) -> str:
    """Return an evidence value, shortened."""
    return clean.shorten(clean.block(plain(value)).strip(), EVIDENCE_LIMIT)


def seen_where(fact: str) -> str:
    """Return where a piece of evidence stands: a pointer into the facts as it is, a line of a log in words."""
    place, _, number = fact.partition(":")
    return sentence(words.LINE, number=number) if place == "log" else fact


@dataclass(frozen=True)
class Row:
    """One line of the outline of all facts; ``value`` is None for a heading."""

    depth: int
    label: str
    value: str | None


#: Of these, one line each with the fields that identify it; the JSON report has the rest.
_BRIEF = {"packages": ("version",)}

#: Every renderer shows these in a table of their own.
_SHOWN_ELSEWHERE = ("stages", "parity", "pairs")


def outline(facts: Facts) -> Iterator[Row]:
    """Yield every fact, floor by floor, the unknown ones with their reason."""
    for floor, record in msgspec.to_builtins(facts).items():
        if floor not in _SHOWN_ELSEWHERE:
            yield from _rows(0, floor, floor, record)


def _rows(depth: int, label: str, key: str, value: Any) -> Iterator[Row]:
    if isinstance(value, Mapping) and _holds_records(value):
        yield Row(depth, label, None)
        for name, item in value.items():
            if name not in _SHOWN_ELSEWHERE:
                yield from _rows(depth + 1, name.replace("_", " "), name, item)
    elif _holds_records(value):
        yield Row(depth, label, None)
        for item in value:
            yield from _item(depth + 1, key, item)
    else:
        yield Row(depth, label, _fact(value, key))


def _item(depth: int, key: str, item: Any) -> Iterator[Row]:
    """Yield one record of a list: on one line if it holds no other records, under the name that comes first in it."""
    if not isinstance(item, Mapping):
        yield Row(depth, key, _fact(item, key))
        return
    (_, name), *rest = item.items()
    if key in _BRIEF:
        rest = [(field, inner) for field, inner in rest if field in _BRIEF[key]]
    if any(_holds_records(inner) for _, inner in rest):
        yield from _rows(depth, plain(name), key, dict(rest))
    else:
        yield Row(depth, plain(name), _one_line(rest))


def _holds_records(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping) and as_unknown(value) is None


def _one_line(fields: Sequence[tuple[str, Any]]) -> str:
    if len(fields) == 1:
        return _fact(fields[0][1], fields[0][0])
    told = [(name, value) for name, value in fields if value is not None and not _not_offered(value)]
    pairs = [f"{name.replace('_', ' ')} {plain(value, name)}" for name, value in told]
    return clean.shorten(clean.line("; ".join(pairs)), FACT_LIMIT) or sentence(words.NONE)


def _not_offered(value: Any) -> bool:
    unknown = as_unknown(value)
    return unknown is not None and unknown.reason == "unsupported"


def _fact(value: Any, key: str) -> str:
    return clean.shorten(clean.block(plain(value, key)).strip(), FACT_LIMIT) or sentence(words.EMPTY)
