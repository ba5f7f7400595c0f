"""Reads and writes the tables of releases as files: one release a line, so that a difference can be read."""

import json
from pathlib import Path

import msgspec

from envcheck.knowledge.releases import Table


def read(file: Path) -> Table | None:
    """Return a table; None if there is no such file.

    Raises:
        ValueError: if it is no table.
    """
    if not file.exists():
        return None
    return msgspec.json.decode(file.read_bytes(), type=Table)


def write(file: Path, table: Table) -> None:
    """Write a table.

    Raises:
        OSError: if it cannot be written.
    """
    head = {"source": table.source, "checked": table.checked, "since": table.since}
    lines = ",\n".join("    " + msgspec.json.encode(release).decode() for release in table.releases)
    text = json.dumps(head, indent=2).removesuffix("\n}") + f',\n  "releases": [\n{lines}\n  ]\n}}\n'
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
