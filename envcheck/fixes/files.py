"""Commands that put files out of the way, and commands that a user types without further rights."""

from envcheck.fixes import shell
from envcheck.model.facts import Facts
from envcheck.model.report import Effect, Fix, Risk
from envcheck.words import sentence


def move_aside(facts: Facts, title: str, path: str, *, source: str, verify: str | None = None) -> Fix:
    """Return the fix that renames a file or folder to ``PATH.old``; the title may name ``{path}``."""
    return Fix(
        title=sentence(title, path=path),
        commands=(shell.move(facts, path, path + ".old"),),
        needs_root=False,
        restart="kernel",
        risk="safe",
        source=source,
        verify=verify,
        files=(path, path + ".old"),
        gone=(path,),
    )


def by_hand(title: str, source: str, **fields: object) -> Fix:
    """Return a manual step."""
    return Fix(title=sentence(title, fields), commands=(), needs_root=False, restart="none", risk="safe", source=source)


def in_shell(
    title: str,
    *commands: str,
    source: str,
    verify: str | None = None,
    risk: Risk = "safe",
    files: tuple[str, ...] = (),
    **fields: object,
) -> Fix:
    """Return a fix that the user carries out in a shell.

    ``files`` are those that the commands write, move or delete.
    """
    as_root = any("sudo " in command for command in commands)
    effect: Effect = "shell" if any(map(shell.acts_on_shell, commands)) else "lasting"
    return Fix(
        title=sentence(title, fields),
        commands=commands,
        needs_root=as_root,
        restart="kernel",
        risk="system" if as_root else risk,
        source=source,
        verify=verify,
        effect=effect,
        files=files,
    )


def look(title: str, *commands: str, source: str, **fields: object) -> Fix:
    """Return a step whose commands change nothing, and show more."""
    return Fix(
        title=sentence(title, fields),
        commands=commands,
        needs_root=any("sudo " in command for command in commands),
        restart="none",
        risk="safe",
        source=source,
        effect="look",
    )
