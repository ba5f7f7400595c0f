"""What each distribution calls the packages and commands of system-level fixes."""

from typing import ClassVar

import msgspec

from envcheck import knowledge


class SystemPackage(knowledge.Row, frozen=True, kw_only=True):
    """How one purpose is served on some systems. Commands may hold places such as ``{branch}``."""

    KEY: ClassVar = ("purpose", "systems", "releases")

    purpose: str  #: such as ``driver`` or ``container-toolkit``
    systems: tuple[str, ...]  #: ID of /etc/os-release
    releases: tuple[str, ...] = ()  #: VERSION_ID up to its first dot; empty: every release
    architectures: dict[str, str] = msgspec.field(default_factory=dict)
    """Machine to its name in ``{architecture}``; empty: every machine."""
    commands: tuple[str, ...]
    open_only: bool = False  #: brings NVIDIA's open kernel modules alone, which drive no GPU before Turing


def system_package(purpose: str, system: str, release: str = "", machine: str = "") -> SystemPackage | None:
    """Return the row for a system; None if none is known.

    Args:
        purpose: what is wanted, as the table calls it.
        system: ID of /etc/os-release.
        release: VERSION_ID of /etc/os-release.
        machine: such as ``x86_64``.
    """
    major = release.partition(".")[0]
    for row in knowledge.load("system_packages", SystemPackage):
        if (
            row.purpose == purpose
            and system in row.systems
            and (not row.releases or major in row.releases)
            and (not row.architectures or machine in row.architectures)
        ):
            return row
    return None
