"""Makes sure that the tables in the user's own folder can be used, before anything is judged by them."""

from pathlib import Path

import msgspec
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envcheck.knowledge import OVERLAY_VARIABLE, KnowledgeError, load
from envcheck.knowledge.releases import FOLDER, Table
from envcheck.knowledge.tables import TABLES


def check(folder: Path) -> None:
    """Read every table of the folder.

    Raises:
        KnowledgeError: if one is broken, or is called as no table of envcheck is.
    """
    if not folder.is_dir():
        raise KnowledgeError(f"{OVERLAY_VARIABLE} names {folder}, which is no folder")
    for file in sorted(folder.glob("*.json")):
        if file.stem not in TABLES:
            raise KnowledgeError(f"{file}: there is no table of that name; there are {', '.join(sorted(TABLES))}")
        try:
            load(file.stem, TABLES[file.stem])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KnowledgeError(f"{file}: {_reason(error)}") from None
    for file in sorted((folder / FOLDER).glob("*.json")):
        try:
            _check_releases(msgspec.json.decode(file.read_bytes(), type=Table))
        except (OSError, ValueError) as error:
            raise KnowledgeError(f"{file}: {_reason(error)}") from None


def _check_releases(table: Table) -> None:
    for release in table.releases:
        Version(release.version)
        SpecifierSet(release.requires_python)
        for line in release.requires:
            Requirement(line)


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return " ".join(str(error).split()) or type(error).__name__
