"""What is installed in the target, and what is wanted of it."""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

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

    ``requirements`` (PEP 508) have to be met; ``on_gpu`` names frameworks that have to work on the NVIDIA GPU;
    ``remove`` takes distributions away.
    """

    requirements: tuple[str, ...]
    on_gpu: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Need:
    """A requirement, and who has it."""

    name: str
    specifier: SpecifierSet
    extra: str = ""
    origin: str = field(default="", compare=False)  #: who has it, for people; empty: the wish itself

    @property
    def identifier(self) -> str:
        return f"{self.name}[{self.extra}]" if self.extra else self.name

    def allows(self, version: Version) -> bool:
        return self.specifier.contains(version, prereleases=True)


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


@functools.lru_cache(maxsize=20000)
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
        requirement = parsed(text)
        if requirement is None or not _applies(text, environment, extra):
            continue
        name = str(canonicalize_name(requirement.name))
        if name in tracked():
            yield Need(name, requirement.specifier, "", origin)
            for each in sorted(requirement.extras):
                yield Need(name, requirement.specifier, each, origin)


def _applies(text: str, environment: Mapping[str, str], extra: str) -> bool:
    requirement = parsed(text)
    if requirement is None or requirement.marker is None:
        return requirement is not None
    return requirement.marker.evaluate({**environment, "extra": extra})


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
