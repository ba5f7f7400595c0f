"""Changes of the operating system; its commands in the words of the distribution, from the knowledge base."""

from envcheck.knowledge.system_packages import SystemPackage, system_package
from envcheck.model.facts import Facts
from envcheck.model.report import Fix, Restart
from envcheck.model.unknown import known
from envcheck.words import sentence


def packaged(facts: Facts, purpose: str) -> SystemPackage | None:
    """Return how this system serves a purpose; None if that is not known."""
    platform = facts.platform
    return system_package(
        purpose,
        known(platform.os_id, None) or "",
        known(platform.os_version, None) or "",
        known(platform.machine, None) or "",
    )


def commands(facts: Facts, purpose: str, **fields: object) -> tuple[str, ...]:
    """Return the commands of this system for a purpose, their places filled in; none if they are not known."""
    row = packaged(facts, purpose)
    if row is None:
        return ()
    places = {
        "major": (known(facts.platform.os_version, None) or "").partition(".")[0],
        "architecture": row.architectures.get(known(facts.platform.machine, None) or "", ""),
        **fields,
    }
    return tuple(command.format_map(places) for command in row.commands)


def by_system(
    title: str,
    commands: tuple[str, ...],
    source: str,
    *,
    verify: str,
    restart: Restart = "machine",
    **fields: object,
) -> Fix:
    """Return a fix that changes the operating system; ``verify`` is the command that shows whether it helped."""
    return Fix(
        title=sentence(title, fields),
        commands=commands,
        needs_root=True,
        restart=restart,
        risk="system",
        source=source,
        verify=verify,
    )
