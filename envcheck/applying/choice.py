"""Which fixes envcheck carries out itself, and why not the others."""

from envcheck.model.report import Fix
from envcheck.render import clean
from envcheck.words import sentence, template

BY_HAND = template("this step is done by hand")
SYSTEM = template("it changes the operating system, which envcheck leaves to you")
SHELL = template("it acts on the shell that it is typed into, and no program can do that for your shell")
LOOK = template("it mends nothing, it only shows more")
UNSEEN = template("its commands hold characters that cannot be shown")
TRIED = template("it was tried in a scratch environment and did not help ({status})")


def why_not(fix: Fix) -> str | None:
    """Return why this fix is only printed, as the rest of a sentence; None: it can be carried out."""
    if not fix.commands:
        return sentence(BY_HAND)
    if fix.needs_root or fix.risk == "system":
        return sentence(SYSTEM)
    if fix.effect == "shell":
        return sentence(SHELL)
    if fix.effect == "look":
        return sentence(LOOK)
    if any(clean.command(command) != command for command in fix.commands):
        return sentence(UNSEEN)
    if fix.verification is not None and fix.verification.status in ("does not resolve", "still fails"):
        return sentence(TRIED, status=fix.verification.status)
    return None
