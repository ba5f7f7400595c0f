"""What the package index tells of the releases of a distribution: one table for each, kept up by ``refresh``.

A distribution without a table, and a release that is not in its table, are unknown, never incompatible: yanked and
pre-releases are left out, and so are wheels for interpreters other than CPython.
"""

import functools
from importlib import resources

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import Version

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


@functools.cache
def tracked() -> frozenset[str]:
    """Return the normalised names of the distributions that have a table."""
    folders = (resources.files("envcheck.knowledge").joinpath(FOLDER),)
    return frozenset(file.name[:-5] for folder in folders for file in folder.iterdir() if file.name.endswith(".json"))


@functools.cache
def releases(distribution: str) -> tuple[Release, ...]:
    """Return the releases of a distribution, newest first; empty if it has no table."""
    name = str(canonicalize_name(distribution))
    if name not in tracked():
        return ()
    found = (_release(stored) for stored in table(name).releases)
    return tuple(sorted(found, key=lambda release: Version(release.version), reverse=True))


def table(name: str) -> Table:
    """Return the table of a tracked distribution, by its normalised name."""
    file = resources.files("envcheck.knowledge").joinpath(FOLDER).joinpath(f"{name}.json")
    return msgspec.json.decode(file.read_bytes(), type=Table)


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
