"""The files of one distribution, compared with the list that its installer wrote (RECORD, PEP 376)."""

import csv
import os
import time
from dataclasses import dataclass, field

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import elf

RECORD_BYTES = 32 * 1024 * 1024
LISTED = 10  #: so many missing or truncated files are named
CODE = (".py", ".so", ".pyd", ".dll", ".dylib")


@dataclass(frozen=True)
class Inventory:
    """``missing`` and ``truncated`` are relative to the folder that the distribution is installed in."""

    top_level: tuple[str, ...] | Unknown  #: names that can be imported
    missing: tuple[str, ...] | Unknown
    truncated: tuple[str, ...] | Unknown
    denied: tuple[str, ...] | Unknown  #: folders that this user may not list


@dataclass
class _Recorded:
    """What RECORD names: code by folder, and the sizes of shared libraries."""

    folders: dict[str, list[str]] = field(default_factory=dict)
    libraries: list[tuple[str, int]] = field(default_factory=list)
    top_level: dict[str, None] = field(default_factory=dict)


def inspect(files: Host, folder: str, record: str | None | Unknown, deadline: float) -> Inventory:
    """Compare the distribution whose RECORD has the text ``record`` with what lies in ``folder``.

    Only code is looked for: some tools drop headers, tests and documentation to save room. A library counts as
    truncated when it is both shorter than recorded and shorter than its own header says, so that one from which the
    symbols were stripped does not. After ``deadline`` (of the monotonic clock) nothing more is looked at.
    """
    if not isinstance(record, str):
        reason = record if isinstance(record, Unknown) else Unknown("unsupported", "the installer left no RECORD")
        return Inventory(reason, reason, reason, reason)
    recorded = _parse(record)
    top_level = tuple(recorded.top_level)
    if time.monotonic() > deadline:
        late = Unknown("timed-out", "this file system is slow, so its files were not compared with RECORD")
        return Inventory(top_level, late, late, late)
    missing, truncated = _missing(files, folder, recorded), _truncated(files, folder, recorded)
    return Inventory(top_level, missing, truncated, _denied(files, folder, recorded))


def _parse(record: str) -> _Recorded:
    recorded = _Recorded()
    for line in record.splitlines():
        path, _, rest = line.partition(",")
        if line.startswith('"'):
            row = next(csv.reader([line]), [""])
            path, rest = row[0], ",".join(row[1:])
        if path.startswith(("../", "/")) or not _is_code(path):
            continue
        parent, _, name = path.rpartition("/")
        recorded.folders.setdefault(parent, []).append(name)
        if not name.endswith(".py"):
            size = rest.rpartition(",")[2]
            if size.isdecimal():
                recorded.libraries.append((path, int(size)))
        first = path.partition("/")[0]
        module = first if parent else name.split(".")[0]
        # Folders of bundled libraries (numpy.libs) and metadata have a dot or a dash, which no import name has.
        if module.isidentifier():
            recorded.top_level.setdefault(module)
    return recorded


def _is_code(path: str) -> bool:
    return path.endswith(CODE) or ".so." in path


def _missing(files: Host, folder: str, recorded: _Recorded) -> tuple[str, ...]:
    missing: list[str] = []
    for parent, names in recorded.folders.items():
        present = files.list_dir(os.path.join(folder, parent))
        if isinstance(present, Unknown):
            continue  # what must not be listed is not missing
        there = frozenset(present or ())
        for name in names:
            # Looked up once more by itself: some file systems spell names in another way than they were written.
            if name not in there and files.exists(os.path.join(folder, parent, name)) is False:
                missing.append(f"{parent}/{name}" if parent else name)
                if len(missing) == LISTED:
                    return tuple(missing)
    return tuple(missing)


def _denied(files: Host, folder: str, recorded: _Recorded) -> tuple[str, ...]:
    tops = dict.fromkeys(parent.partition("/")[0] for parent in recorded.folders if parent)
    listings = {top: files.list_dir(os.path.join(folder, top)) for top in tops}
    return tuple(top for top, found in listings.items() if isinstance(found, Unknown) and found.reason == "denied")


def _truncated(files: Host, folder: str, recorded: _Recorded) -> tuple[str, ...]:
    truncated = []
    for path, size in recorded.libraries:
        state = files.stat(os.path.join(folder, path))
        if not isinstance(state, os.stat_result) or state.st_size >= size:
            continue
        header = elf.read(files, os.path.join(folder, path))
        if isinstance(header, elf.Elf) and not header.truncated:
            continue
        truncated.append(path)
    return tuple(truncated[:LISTED])
