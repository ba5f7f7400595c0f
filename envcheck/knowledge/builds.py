"""What the files of a release are built for: CUDA, GPUs, instructions, NumPy's binary interface.

None in a row means that nothing is known; what a build is known to do without is the empty string or tuple. A release
that no row covers is unknown too.
"""

from typing import ClassVar

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envcheck import knowledge


class Build(knowledge.Row, frozen=True, kw_only=True):
    """One build of a range of releases of a distribution."""

    KEY: ClassVar = ("distribution", "variant", "platforms", "versions")

    distribution: str
    versions: str  #: specifier of the releases that were read: never beyond the newest of them
    variant: str | None = None  #: None is what the package index has, else such as ``cu126``, ``cpu``, ``rocm6.4``
    index: str | None = None  #: the index that has the variant; None is the package index
    platforms: tuple[str, ...] = ()  #: such as ``linux-x86_64``; empty where it is the same on all
    cuda: str | None = None  #: built with this release; empty if built without CUDA
    cudnn: str | None = None  #: built or tested with this release
    rocm: str | None = None
    compute_capabilities: tuple[str, ...] | None = None  #: ``sm_80`` is machine code, ``compute_90`` PTX, ``gfx1100``
    instructions: tuple[str, ...] | None = None  #: of the processor, without which the release does not start
    numpy_abi: int | None = None  #: 1 works with NumPy 1 alone; 2 with both

    def __post_init__(self) -> None:
        super().__post_init__()
        SpecifierSet(self.versions)

    @property
    def last(self) -> Version:
        """The newest release that the row was read from."""
        return max(Version(part.version) for part in SpecifierSet(self.versions))


def builds(distribution: str, version: str | Version, platform: str | None = None) -> tuple[Build, ...]:
    """Return what is known of the builds of a release, that of the package index first.

    Args:
        distribution: its normalised name.
        version: the release; what stands behind a ``+`` does not count.
        platform: such as ``linux-x86_64``, ``linux-aarch64``, ``windows-x86_64``, ``macos-arm64``; None is any.
    """
    release = Version(str(version).partition("+")[0])
    found = [
        row
        for row, specifier in _rows().get(distribution, ())
        if specifier.contains(release, prereleases=True)
        and (platform is None or not row.platforms or platform in row.platforms)
    ]
    return tuple(sorted(found, key=lambda row: row.variant is not None))


def newest_with_cuda(distribution: str, cuda_major: int, platform: str) -> Build | None:
    """Return the newest build with a CUDA major version: that of the package index, else that of the oldest CUDA."""
    found = [
        row
        for row, _ in _rows().get(distribution, ())
        if platform in row.platforms and row.cuda and Version(row.cuda).major == cuda_major
    ]
    newest = [row for row in found if row.last == max(other.last for other in found)]
    return min(newest, key=lambda row: (row.index is not None, Version(row.cuda or "0")), default=None)


@knowledge.cached
def _rows() -> dict[str, list[tuple[Build, SpecifierSet]]]:
    found: dict[str, list[tuple[Build, SpecifierSet]]] = {}
    for row in knowledge.load("builds", Build):
        found.setdefault(row.distribution, []).append((row, SpecifierSet(row.versions)))
    return found
