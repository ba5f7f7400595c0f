"""From a package index to the tables of releases, and what changes in them."""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from envcheck.knowledge.index import File, Index, IndexFailure
from envcheck.knowledge.releases import Stored

AT_ONCE = 8  #: requests that run beside each other
LEGACY_TAGS = {
    "manylinux1_": "manylinux_2_5_",
    "manylinux2010_": "manylinux_2_12_",
    "manylinux2014_": "manylinux_2_17_",
}
"""PEP 600 gives the older names their place in its scheme."""
FIRST_CHOICE = ("manylinux_x86_64", "any", "manylinux_aarch64", "macosx", "win")
"""Whose metadata stands for the whole release: its wheel for Linux on x86-64, else the next of these."""


@dataclass(frozen=True)
class Wheel:
    file: File
    pythons: tuple[str, ...]  #: such as ``cp311-cp311``
    platforms: tuple[str, ...]


@dataclass(frozen=True)
class Rebuilt:
    """The releases of a distribution as the index has them; ``failures`` says what could not be read."""

    releases: tuple[Stored, ...]  #: newest first
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Changes:
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def rebuild(index: Index, distribution: str, since: str, tracked: Iterable[str]) -> Rebuilt:
    """Read the releases of a distribution from ``since`` on; requirements of what is not ``tracked`` are left out.

    A release whose metadata cannot be read is left out and named among the failures.

    Raises:
        IndexFailure: if the list of files cannot be had.
    """
    versions = _by_version(index.files(distribution), since)
    names = frozenset(tracked)
    releases, failures = [], []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = {version: pool.submit(_release, index, version, versions[version], names) for version in versions}
        for version in sorted(versions, reverse=True):
            try:
                releases.append(waiting[version].result())
            except IndexFailure as failure:
                failures.append(f"{distribution} {version}: {failure}")
    return Rebuilt(tuple(releases), tuple(failures))


def changes(old: Iterable[Stored], new: Iterable[Stored]) -> Changes:
    """Say which releases differ between two tables."""
    before, after = ({release.version: release for release in table} for table in (old, new))
    return Changes(
        added=tuple(version for version in after if version not in before),
        removed=tuple(version for version in before if version not in after),
        changed=tuple(version for version in after if version in before and before[version] != after[version]),
    )


def _by_version(files: Iterable[File], since: str) -> dict[Version, list[File]]:
    found: dict[Version, list[File]] = {}
    for file in files:
        version = _version(file.name)
        if version is None or version.is_prerelease or file.yanked or (since and version < Version(since)):
            continue
        found.setdefault(version, []).append(file)
    return found


def _version(name: str) -> Version | None:
    """Return the version that a file is of; None if it is neither a wheel nor a source distribution."""
    try:
        return parse_wheel_filename(name)[1] if name.endswith(".whl") else parse_sdist_filename(name)[1]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def _release(index: Index, version: Version, files: list[File], tracked: frozenset[str]) -> Stored:
    wheels = sorted(filter(None, map(_wheel, files)), key=_preference)
    sdists = [file for file in files if not file.name.endswith(".whl")]
    chosen = wheels[0].file if wheels else next(iter(sdists), files[0])
    required = index.metadata(chosen).get_all("Requires-Dist") or []
    return Stored(
        version=str(version),
        requires_python=_specifier(chosen.requires_python),
        requires=tuple(filter(None, (_requirement(line, tracked) for line in required))),
        wheels=_grouped(wheels),
        sdist=bool(sdists),
    )


def _wheel(file: File) -> Wheel | None:
    """Return a wheel for CPython, None for any other file."""
    if not file.name.endswith(".whl"):
        return None
    python, abi, platform = file.name.removesuffix(".whl").split("-")[-3:]
    pythons = tuple(
        f"{one}-{other}" for one in python.split(".") for other in abi.split(".") if re.match(r"cp\d|py\d", one)
    )
    platforms = tuple(dict.fromkeys(map(_modern, platform.split("."))))
    return Wheel(file, pythons, platforms) if pythons else None


def _modern(platform: str) -> str:
    return next((new + platform[len(old) :] for old, new in LEGACY_TAGS.items() if platform.startswith(old)), platform)


def _preference(wheel: Wheel) -> tuple[int, int, str]:
    """Put first whose metadata stands for the release: the first choice of platform, then the newest Python."""
    platform = re.sub(r"^(manylinux|linux)_(?:\d+_\d+_)?", "manylinux_", wheel.platforms[0])
    rank = next((place for place, name in enumerate(FIRST_CHOICE) if platform.startswith(name)), len(FIRST_CHOICE))
    minor = max((int(found) for found in re.findall(r"cp3(\d+)-", " ".join(wheel.pythons))), default=0)
    return rank, -minor, wheel.file.name


def _grouped(wheels: Iterable[Wheel]) -> dict[str, str]:
    """Name the Pythons of each set of platforms: wheels of one release mostly come in the same sets."""
    platforms: dict[str, set[str]] = {}
    for wheel in wheels:
        for python in wheel.pythons:
            platforms.setdefault(python, set()).update(wheel.platforms)
    pythons: dict[str, list[str]] = {}
    for python, names in platforms.items():
        pythons.setdefault(" ".join(sorted(names)), []).append(python)
    return {names: " ".join(sorted(pythons[names], key=_by_number)) for names in sorted(pythons)}


def _by_number(python: str) -> tuple[int, str]:
    digits = re.match(r"[a-z]+(\d)(\d*)", python)
    return (int(digits[1]) * 100 + int(digits[2] or 0), python) if digits else (0, python)


def _specifier(text: str) -> str:
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier:
        return ""  # of the days before the index refused it: installers ignore it as well


def _requirement(line: str, tracked: frozenset[str]) -> str | None:
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return None
    return str(requirement) if canonicalize_name(requirement.name) in tracked else None
