"""What releases need of others and do not say in their metadata."""

from collections.abc import Iterator
from typing import ClassVar

from packaging.requirements import Requirement
from packaging.version import Version

from envcheck import knowledge

FIRST_CUDNN_FROM_TURING = "9.11"
"""From this release on cuDNN leaves out GPUs before Turing (compute capability 7.5): headers of the machine code in
libcudnn_cnn.so.9 of the wheels nvidia-cudnn-cu12 9.10.2.21 and 9.11.0.98 (2026-11-23)."""

CUDA_EXTRA_WITH_TENSORRT = (Version("2.14"), Version("2.15"))
LAST_PYTHON_OF_TENSORRT = Version("3.10")
"""tensorflow[and-cuda] 2.14 asks for tensorrt 8.5.3.1, which has no wheels for later Pythons (Requires-Dist of
tensorflow 2.14.1 and the files of tensorrt 8.5.3.1 on PyPI, 2026-11-23)."""


TENSORFLOW_IN_TENSORFLOW_MACOS = (Version("2.13"), Version("2.15.1"))
"""From the first of these releases on, and before the second, the wheel of tensorflow for Apple's processors is empty
and asks for tensorflow-macos of the same release, which PyPI does not tell (METADATA of the wheels macosx_12_0_arm64 of
tensorflow 2.13.0, 2.13.1, 2.14.0, 2.15.0 and 2.15.1, 2026-11-23)."""


class Unstated(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("distribution", "before", "requires")

    distribution: str
    before: str
    requires: str

    def __post_init__(self) -> None:
        super().__post_init__()
        Version(self.before)
        Requirement(self.requires)


def bounds(name: str, version: Version) -> Iterator[tuple[str, str]]:
    """Yield the other distributions and specifiers that a release needs beyond its metadata."""
    for distribution, before, required in _rows():
        if name == distribution and version < before:
            yield required.name, str(required.specifier)


def is_in_tensorflow_macos(tensorflow: Version) -> bool:
    """Say whether a release of TensorFlow for Macs with Apple's processors lies in tensorflow-macos."""
    first, after = TENSORFLOW_IN_TENSORFLOW_MACOS
    return first <= tensorflow < after


def cuda_extra_installs(tensorflow: Version, python: Version | None) -> bool:
    """Say whether ``tensorflow[and-cuda]`` can be installed where TensorFlow itself can."""
    first, after = CUDA_EXTRA_WITH_TENSORRT
    return not first <= tensorflow < after or python is None or python.release[:2] <= LAST_PYTHON_OF_TENSORRT.release


def first_without(distribution: str, requirement: str) -> str | None:
    """Return the first release that does not need ``requirement`` any more, such as ``numpy<2``; None if unknown."""
    rows = knowledge.load("unstated", Unstated)
    return next((row.before for row in rows if (row.distribution, row.requires) == (distribution, requirement)), None)


@knowledge.cached
def _rows() -> list[tuple[str, Version, Requirement]]:
    rows = knowledge.load("unstated", Unstated)
    return [(row.distribution, Version(row.before), Requirement(row.requires)) for row in rows]
