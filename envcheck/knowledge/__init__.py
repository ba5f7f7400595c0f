"""What goes with what: data with sources, and its typed loader.

Every table is a JSON file of rows beside this one. Every row names its source and the day on which
it was checked; a row without them does not load.
"""

import functools
import json
from importlib import resources
from typing import Any, TypeVar

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fact of the knowledge base."""

    source: str
    checked: str  #: the day, as YYYY-MM-DD


R = TypeVar("R", bound=Row)


def load(table: str, kind: type[R]) -> tuple[R, ...]:
    """Return the rows of ``knowledge/TABLE.json``.

    Raises:
        msgspec.ValidationError: if a row is not of ``kind``; the tests rule this out.
    """
    return msgspec.convert(_rows(table), tuple[kind, ...])  # type: ignore[valid-type]


@functools.cache
def _rows(table: str) -> Any:
    text = resources.files("envcheck.knowledge").joinpath(f"{table}.json").read_text("utf-8")
    return json.loads(text)["rows"]
