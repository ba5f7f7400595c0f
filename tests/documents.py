"""Reports that have something in every field, built from the types of the model, whatever it grows to."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import inspect

Text = Callable[[str], str]


def complete(kind: Any, text: Text, *, unknown: bool = False) -> Any:
    """Return plain data of the type ``kind`` with a value in every field and one element in every array.

    ``text`` gives each string; it is called with the field's place, such as ``/facts/python/path/0``. Where a field
    can be ``Unknown``, it is if ``unknown`` is true, with a text in its detail. What is a Literal has its first value.
    """
    return _value(inspect.type_info(kind), "", text, unknown)


def _value(kind: inspect.Type, place: str, text: Text, unknown: bool) -> Any:
    match kind:
        case inspect.UnionType(types=types):
            return _value(_choose(types, unknown), place, text, unknown)
        case inspect.StructType(fields=fields):
            return {
                field.encode_name: _value(field.type, f"{place}/{field.encode_name}", text, unknown) for field in fields
            }
        case inspect.VarTupleType(item_type=item):
            return [_value(item, f"{place}/0", text, unknown)]
        case inspect.TupleType(item_types=items):
            return [_value(item, f"{place}/{index}", text, unknown) for index, item in enumerate(items)]
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.AnyType():
            return {"name": [text(f"{place}/name/0"), 7, None, {"deep": text(f"{place}/name/3/deep")}]}
        case inspect.StrType():
            return text(place)
        case inspect.BoolType():
            return True
        case inspect.IntType():
            return 5
        case inspect.FloatType():
            return 0.5
    raise TypeError(f"{place}: {kind}")


def _choose(types: tuple[inspect.Type, ...], unknown: bool) -> inspect.Type:
    def is_unknown(kind: inspect.Type) -> bool:
        return isinstance(kind, inspect.StructType) and kind.cls.__name__ == "Unknown"

    wanted = [kind for kind in types if is_unknown(kind) == unknown and not isinstance(kind, inspect.NoneType)]
    return wanted[0] if wanted else types[0]


def texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string of plain data or of a record, with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, msgspec.Struct):
        yield from texts(msgspec.to_builtins(value), place)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, f"{place}/{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from texts(item, f"{place}/{index}")
