"""Commands that put files out of the way."""

from envcheck.fixes import shell
from envcheck.model.facts import Facts
from envcheck.model.report import Fix, Risk
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


def in_shell(
    title: str, *commands: str, source: str, verify: str | None = None, risk: Risk = "safe", **fields: object
) -> Fix:
    """Return a fix that the user carries out in a shell without further rights."""
    return Fix(
        title=sentence(title, fields),
        commands=commands,
        needs_root=False,
        restart="kernel",
        risk=risk,
        source=source,
        verify=verify,
    )
