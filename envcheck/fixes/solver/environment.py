"""What is installed in the target, and what is wanted of it."""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envcheck.knowledge.releases import tracked
from envcheck.model.facts import Facts
from envcheck.model.unknown import known

CUDA_EXTRAS = {"tensorflow": ("and-cuda",), "jax": ("cuda12", "cuda13")}
"""The extras that bring CUDA. No metadata tell which extras were asked for: what they bring is there, so they were."""
EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
FOLLOWERS = ("nvidia-", "jax-cuda", "cuda-", "triton")
"""Beginnings of the names of packages that are there for a framework only, and go where it goes."""


@dataclass(frozen=True)
class Installed:
    """A distribution in the target."""

    name: str
    version: Version
    requires: tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """What is wanted of an environment.

    ``requirements`` (PEP 508) have to be met; ``on_gpu`` names frameworks that have to begin to work on the NVIDIA GPU,
    ``still_on_gpu`` those that must not stop; ``remove`` takes distributions away. ``channels`` names the distributions
    that conda installs, and the channel of each, if it is known.
    """

    requirements: tuple[str, ...]
    on_gpu: frozenset[str] = frozenset()
    still_on_gpu: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()
    channels: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Need:
    """A requirement, and who has it."""

    name: str
    specifier: str = ""
    extra: str = ""
    origin: str = field(default="", compare=False)  #: who has it, for people; empty: the wish itself

    @property
    def identifier(self) -> str:
        return f"{self.name}[{self.extra}]" if self.extra else self.name

    def allows(self, version: Version) -> bool:
        return _specifiers(self.specifier).contains(version, prereleases=True)


@functools.lru_cache(maxsize=20000)
def _specifiers(text: str) -> SpecifierSet:
    return SpecifierSet(text)


def installed_of(facts: Facts) -> tuple[Installed, ...]:
    """Return the packages of the target; of two of one name the first, which Python sees."""
    found: dict[str, Installed] = {}
    for package in known(facts.python.packages, ()):
        try:
            version = Version(known(package.version, None) or "")
        except InvalidVersion:
            continue
        found.setdefault(package.name, Installed(package.name, version, tuple(known(package.requires, ()))))
    return tuple(found.values())


@functools.lru_cache(maxsize=2000)
def parsed(text: str) -> Requirement | None:
    """Return a requirement; None if it is none, as in metadata of old packages."""
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def needs(requires: Iterable[str], environment: Mapping[str, str], extra: str = "", origin: str = "") -> Iterator[Need]:
    """Yield what a list of requirements asks of distributions that are in the tables; with ``extra``, that extra's."""
    for text in requires:
        if bool(EXTRA.search(text)) != bool(extra):
            continue
        found = _read(text)
        if found is None or found.name not in tracked():
            continue
        marker = found.marker
        if marker is None or marker.evaluate({**environment, "extra": extra}):
            yield Need(found.name, found.specifier, "", origin)
            for each in found.extras:
                yield Need(found.name, found.specifier, each, origin)


@dataclass(frozen=True)
class _Read:
    name: str
    specifier: str
    extras: tuple[str, ...]
    marker: Marker | None


@functools.lru_cache(maxsize=20000)
def _read(text: str) -> _Read | None:
    found = parsed(text)
    if found is None:
        return None
    name = str(canonicalize_name(found.name))
    return _Read(name, str(found.specifier), tuple(sorted(found.extras)), found.marker)


def extras_of(requires: Iterable[str]) -> frozenset[str]:
    """Return the extras that requirements are listed under."""
    return frozenset(name for text in requires for name in EXTRA.findall(text))


def active_extras(package: Installed, installed: Mapping[str, Installed], environment: Mapping[str, str]) -> list[str]:
    """Return those extras for CUDA whose packages are all installed."""
    found = []
    for extra in CUDA_EXTRAS.get(package.name, ()):
        names = [need.name for need in needs(package.requires, environment, extra)]
        plugins = [name for name in names if name.startswith(FOLLOWERS)]
        if plugins and all(name in installed for name in plugins):
            found.append(extra)
    return found
