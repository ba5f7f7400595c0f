"""Commands that put files out of the way."""

from envcheck.fixes import shell
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.words import sentence


def move_aside(facts: Facts, title: str, path: str, *, source: str, verify: str | None = None) -> Fix:
    """Return the fix that renames a file or folder to ``PATH.old``; the title may name ``{path}``."""
    return Fix(
        title=sentence(title, path=path),
        commands=(f"mv {shell.path(facts, path)} {shell.path(facts, path + '.old')}",),
        needs_root=False,
        restart="kernel",
        risk="safe",
        source=source,
        verify=verify,
    )


def by_hand(title: str, source: str, **fields: object) -> Fix:
    """Return a manual step."""
    return Fix(title=sentence(title, fields), commands=(), needs_root=False, restart="none", risk="safe", source=source)


def in_shell(title: str, *commands: str, source: str, verify: str | None = None, **fields: object) -> Fix:
    """Return the fix that sets or unsets variables in the user's shell."""
    return Fix(
        title=sentence(title, fields),
        commands=commands,
        needs_root=False,
        restart="kernel",
        risk="safe",
        source=source,
        verify=verify,
    )
