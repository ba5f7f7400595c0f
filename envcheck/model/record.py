"""The base of every fact record."""

import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from envcheck.model.unknown import Unknown


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A set of facts under fixed names. Immutable, serialisable, and without behaviour."""


R = TypeVar("R", bound=Record)


def all_unknown(record: type[R], unknown: Unknown, **known: Any) -> R:
    """Return a ``record`` whose every field but those ``known`` is ``unknown``; nested records are filled the same way.

    It stands for a probe that could not do its work.

    Raises:
        TypeError: if a field admits no ``Unknown`` and is no record; the model's tests rule this out.
    """
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(record):
        if field.name in known:
            values[field.name] = known[field.name]
        elif _admits_unknown(field.type):
            values[field.name] = unknown
        elif isinstance(field.type, type) and issubclass(field.type, Record):
            values[field.name] = all_unknown(field.type, unknown)
        elif field.required:
            raise TypeError(f"{record.__name__}.{field.name} admits no Unknown")
    return record(**values)


def _admits_unknown(annotation: Any) -> bool:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return Unknown in typing.get_args(annotation)
    return annotation is Unknown


def resolve_pointer(document: Any, pointer: str) -> Any:
    """Return what a JSON pointer (RFC 6901) names in plain data.

    Raises:
        LookupError: if it names nothing.
    """
    if pointer and not pointer.startswith("/"):
        raise LookupError(f"not a JSON pointer: {pointer}")
    value = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            if key not in value:
                raise LookupError(pointer)
            value = value[key]
        elif isinstance(value, list | tuple):
            if not key.isdecimal() or int(key) >= len(value):
                raise LookupError(pointer)
            value = value[int(key)]
        else:
            raise LookupError(pointer)
    return value
