"""Values of facts, as a person reads them."""

from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True)
class Row:
    """One line of the outline of all facts. ``value`` is empty for a heading."""

    depth: int
    label: str
    value: str


def outline(facts: Facts) -> Iterator[Row]:
    """Yield every fact, floor by floor, the unknown ones with their reason."""
    document = msgspec.to_builtins(facts)
    for floor, record in document.items():
        yield from _rows(0, floor, record)


def _rows(depth: int, key: str, value: Any) -> Iterator[Row]:
    label = key.replace("_", " ")
    if isinstance(value, Mapping) and as_unknown(value) is None:
        if _is_flat(value) and "name" in value:
            yield Row(depth, str(value["name"]), _flat({name: item for name, item in value.items() if name != "name"}))
            return
        yield Row(depth, label, "")
        for name, item in value.items():
            yield from _rows(depth + 1, name, item)
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        yield Row(depth, label, "")
        for index, item in enumerate(value):
            yield from _rows(depth + 1, str(index), item)
    else:
        yield Row(depth, label, clean.shorten(clean.block(plain(value, key)).strip(), FACT_LIMIT))


def _is_flat(record: Mapping[str, Any]) -> bool:
    return not any(isinstance(item, Mapping) and as_unknown(item) is None for item in record.values())


def _flat(record: Mapping[str, Any]) -> str:
    told = {name: item for name, item in record.items() if item not in (None, [], ())}
    if set(told) == {"value"}:
        return clean.shorten(clean.block(plain(told["value"])).strip(), FACT_LIMIT)
    pairs = [f"{name.replace('_', ' ')} {plain(item, name)}" for name, item in told.items()]
    return clean.shorten(clean.line("; ".join(pairs)), FACT_LIMIT)
