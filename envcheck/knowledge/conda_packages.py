"""Which releases the channels of conda have: they build their own packages, and not of every release.

Between the oldest and the newest release of a row the channel has those of the row and no others. What lies outside,
and what has no row, is unknown.
"""

from typing import ClassVar

from packaging.version import Version

from envcheck import knowledge


class ChannelPackage(knowledge.Row, frozen=True, kw_only=True):
    """A package of a channel."""

    KEY: ClassVar = ("channel", "package")

    channel: str  #: ``conda-forge`` or ``pkgs/main``
    package: str
    distribution: str  #: its name on the package index
    versions: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not [Version(version) for version in self.versions]:
            raise ValueError("'versions' is empty")


def has(distribution: str, channel: str | None, version: Version) -> bool | None:
    """Say whether a channel has a release of a distribution; None if that is not known."""
    versions = _rows().get((distribution, channel))
    if versions is None or not min(versions) <= version <= max(versions):
        return None
    return version in versions


@knowledge.cached
def _rows() -> dict[tuple[str, str | None], frozenset[Version]]:
    rows = knowledge.load("conda_packages", ChannelPackage)
    return {(row.distribution, row.channel): frozenset(map(Version, row.versions)) for row in rows}
