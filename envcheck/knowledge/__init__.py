"""What goes with what: data with sources, and its typed loader.

Every table is a JSON file of rows beside this one. Every row names its source and the day on which it was checked,
itself or through its table; a row without them does not load. A folder of the user's may add rows and replace some:
see :func:`use_overlay`.
"""

import functools
import json
from collections.abc import Callable
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import msgspec

#: Names the folder of the user's own rows. Read where envcheck is entered, by command line and library.
OVERLAY_VARIABLE = "ENVCHECK_KNOWLEDGE"


class KnowledgeError(Exception):
    """The folder of the user's own rows cannot be used; one line says which file and why."""


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fact of the knowledge base."""

    KEY: ClassVar[tuple[str, ...]]  #: the fields that tell rows of one table apart

    source: str
    checked: str  #: the day, as YYYY-MM-DD

    def __post_init__(self) -> None:
        if not self.source:
            raise ValueError("'source' is empty")
        date.fromisoformat(self.checked)


R = TypeVar("R", bound=Row)
F = TypeVar("F", bound=Callable[..., Any])

_caches: list[Callable[[], None]] = []
_folders: list[Path] = []


def cached(function: F) -> F:
    """Keep what a function read from the tables until another overlay is used."""
    kept = functools.cache(function)
    _caches.append(kept.cache_clear)
    return kept  # type: ignore[return-value]


def use_overlay(folder: str | None) -> None:
    """Let the tables in ``folder`` add rows and replace those with the same key; None takes them away again.

    Raises:
        KnowledgeError: if the folder or a table in it cannot be used.
    """
    wanted = [Path(folder)] if folder else []
    if wanted == _folders:
        return
    _set(wanted)
    if not folder:
        return
    from envcheck.knowledge.overlay import check  # it knows every table, and each knows this module

    try:
        check(Path(folder))
    except KnowledgeError:
        _set([])
        raise


def _set(folders: list[Path]) -> None:
    _folders[:] = folders
    for clear in _caches:
        clear()


def folders() -> tuple[Any, ...]:
    """Return where tables lie: those of envcheck first, then the user's."""
    return (resources.files("envcheck.knowledge"), *_folders)


@cached
def load(table: str, kind: type[R]) -> tuple[R, ...]:
    """Return the rows of ``TABLE.json``, with those of the overlay.

    Raises:
        msgspec.ValidationError: if a row is not of ``kind``; tests and the check of an overlay rule this out.
    """
    rows: dict[tuple[Any, ...], R] = {}
    for folder in folders():
        file = folder.joinpath(f"{table}.json")
        if file.is_file():
            rows.update({_key(row): row for row in _rows(json.loads(file.read_text("utf-8")), kind)})
    return tuple(rows.values())


def _rows(document: Any, kind: type[R]) -> tuple[R, ...]:
    """Return the rows; what the table says of all of them holds where a row says nothing else."""
    common = {name: document[name] for name in ("source", "checked") if name in document}
    return msgspec.convert([{**common, **row} for row in document["rows"]], tuple[kind, ...])  # type: ignore[valid-type]


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in row.KEY)
