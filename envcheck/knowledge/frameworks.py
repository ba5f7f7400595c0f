"""Which framework releases exist for a Python, and which go with a Keras."""

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envcheck import knowledge

FIRST_TENSORFLOW_WITH_KERAS_3 = Version("2.16")
"""From this release on tf.keras is Keras 3 (Requires-Dist of tensorflow 2.15.1 and 2.16.1 on PyPI, 2026-11-22)."""
FIRST_TENSORFLOW_WITH_SEPARATE_KERAS = Version("2.6")
"""From this release on tf.keras lives in the package keras (Requires-Dist of tensorflow 2.5.3 and 2.6.0 on PyPI)."""
FIRST_TENSORFLOW_WITH_CUDA_EXTRA = Version("2.14")
"""From this release on there is ``tensorflow[and-cuda]`` (Provides-Extra on PyPI, 2026-11-22)."""


class PythonSupport(knowledge.Row, frozen=True, kw_only=True):
    framework: str
    python: str
    newest: str


class KerasBackend(knowledge.Row, frozen=True, kw_only=True):
    keras: str
    backend: str
    minimum: str


class InstructionSets(knowledge.Row, frozen=True, kw_only=True):
    framework: str
    version: str
    needs: tuple[str, ...]


class Unmaintained(knowledge.Row, frozen=True, kw_only=True):
    distribution: str
    name: str
    last: str


def pythons(framework: str) -> tuple[str, ...]:
    """Return the Python versions that the framework has a wheel for, oldest first; empty if nothing is known of it."""
    return tuple(row.python for row in load_support() if row.framework == framework)


def newest(framework: str, python: str) -> str | None:
    """Return the newest release for a Python such as ``3.11``, or None if there is none that envcheck knows."""
    return next((row.newest for row in load_support() if (row.framework, row.python) == (framework, python)), None)


def load_support() -> tuple[PythonSupport, ...]:
    return knowledge.load("python_support", PythonSupport)


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
    """Return the row of a backend that gets no releases any more."""
    rows = knowledge.load("unmaintained", Unmaintained)
    return next((row for row in rows if row.distribution == distribution), None)
