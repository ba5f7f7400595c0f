"""What the package index tells of the releases of a distribution: one table for each, kept up by ``refresh``.

A distribution without a table, and a release that is not in its table, are unknown, never incompatible: yanked and
pre-releases are left out, and so are wheels for interpreters other than CPython.
"""

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import Version

from envcheck import knowledge

FOLDER = "releases"


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """One release of a distribution."""

    version: str
    requires_python: str  #: a specifier; empty if every Python will do
    requires: tuple[str, ...]  #: requirements (PEP 508) of distributions that have a table of their own
    wheels: tuple[str, ...]  #: tags such as ``cp311-cp311-manylinux_2_17_x86_64``, for CPython
    sdist: bool  #: whether there is a source distribution


class Stored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A release as its table holds it; ``wheels`` names the Pythons of each set of platforms."""

    version: str
    requires_python: str = ""
    requires: tuple[str, ...] = ()
    wheels: dict[str, str] = {}
    sdist: bool = False


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file ``releases/DISTRIBUTION.json``."""

    source: str
    checked: str  #: the day, as YYYY-MM-DD
    since: str  #: older releases are left out; empty if none are
    releases: tuple[Stored, ...]


@knowledge.cached
def tracked() -> frozenset[str]:
    """Return the normalised names of the distributions that have a table."""
    folders = [folder.joinpath(FOLDER) for folder in knowledge.folders()]
    files = [file for folder in folders if folder.is_dir() for file in folder.iterdir()]
    return frozenset(file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))


@knowledge.cached
def releases(distribution: str) -> tuple[Release, ...]:
    """Return the releases of a distribution, newest first; empty if it has no table."""
    name = str(canonicalize_name(distribution))
    if name not in tracked():
        return ()
    found = {}
    for folder in knowledge.folders():
        file = folder.joinpath(FOLDER).joinpath(f"{name}.json")
        if file.is_file():
            table = msgspec.json.decode(file.read_bytes(), type=Table)
            found.update({release.version: _release(release) for release in table.releases})
    return tuple(sorted(found.values(), key=lambda release: Version(release.version), reverse=True))


def _release(stored: Stored) -> Release:
    tags = (
        f"{python}-{platform}"
        for platforms, pythons in stored.wheels.items()
        for python in pythons.split()
        for platform in platforms.split()
    )
    return Release(
        version=stored.version,
        requires_python=stored.requires_python,
        requires=stored.requires,
        wheels=tuple(tags),
        sdist=stored.sdist,
    )
