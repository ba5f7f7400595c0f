"""Which framework releases exist for a Python, and which go with a Keras."""

import re
from typing import ClassVar

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envcheck import knowledge
from envcheck.knowledge.releases import releases

FIRST_TENSORFLOW_WITH_KERAS_3 = Version("2.16")
"""From this release on tf.keras is Keras 3 (Requires-Dist of tensorflow 2.15.1 and 2.16.1 on PyPI, 2026-11-22)."""
FIRST_TENSORFLOW_WITH_SEPARATE_KERAS = Version("2.6")
"""From this release on tf.keras lives in the package keras (Requires-Dist of tensorflow 2.5.3 and 2.6.0 on PyPI)."""
FIRST_TENSORFLOW_WITH_CUDA_EXTRA = Version("2.14")
"""From this release on there is ``tensorflow[and-cuda]`` (Provides-Extra on PyPI, 2026-11-22)."""

COMPILED_PART = {"jax": "jaxlib"}
"""The distribution that tells for which Python a framework is made: its own wheels are for every Python 3."""
CPYTHON = re.compile(r"cp3(\d+)-")


class KerasBackend(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("keras", "backend")

    keras: str
    backend: str
    minimum: str

    def __post_init__(self) -> None:
        super().__post_init__()
        SpecifierSet(self.keras)
        Version(self.minimum)


class InstructionSets(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("framework", "version")

    framework: str
    version: str
    needs: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        SpecifierSet(self.version)


class Unmaintained(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("distribution",)

    distribution: str  #: or the name of the framework, where no distribution of Python provides it
    name: str
    last: str
    replaced_by: str = ""


def pythons(framework: str) -> tuple[str, ...]:
    """Return the Python versions that the framework has a wheel for, oldest first; empty if nothing is known of it."""
    return tuple(_newest_by_python(framework))


def newest(framework: str, python: str) -> str | None:
    """Return the newest release for a Python such as ``3.11``, or None if there is none that envcheck knows."""
    return _newest_by_python(framework).get(python)


@knowledge.cached
def _newest_by_python(framework: str) -> dict[str, str]:
    """Return the newest release with a wheel for each CPython 3, whatever the platform."""
    found: dict[int, str] = {}
    for release in releases(COMPILED_PART.get(framework, framework)):
        for minor in {int(tag[1]) for tag in map(CPYTHON.match, release.wheels) if tag}:
            found.setdefault(minor, release.version)
    return {f"3.{minor}": found[minor] for minor in sorted(found)}


def minimum_backend(keras: Version, backend: str) -> KerasBackend | None:
    """Return what is known of the oldest ``backend`` that this Keras works with."""
    for row in knowledge.load("keras_backends", KerasBackend):
        if row.backend == backend and SpecifierSet(row.keras).contains(keras, prereleases=True):
            return row
    return None


def hidden_instruction_sets(framework: str, version: Version) -> InstructionSets | None:
    """Return the instructions that a release needs although its build does not tell."""
    for row in knowledge.load("instruction_sets", InstructionSets):
        if row.framework == framework and SpecifierSet(row.version).contains(version, prereleases=True):
            return row
    return None


def unmaintained(distribution: str) -> Unmaintained | None:
    """Return the row of a framework that gets no releases any more, by its distribution or its own name."""
    rows = knowledge.load("unmaintained", Unmaintained)
    return next((row for row in rows if row.distribution == distribution), None)
