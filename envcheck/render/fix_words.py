"""What the renderers say of one fix: what must be known before it is carried out, and what it changes."""

from envcheck.model.report import Fix
from envcheck.render.clean import line, shorten
from envcheck.render.values import TITLE_LIMIT
from envcheck.words import sentence, template

DETAIL_LIMIT = 700

NEEDS_ROOT = template("needs root")
RESTART = {
    "none": "",
    "kernel": template("restart the notebook kernel afterwards"),
    "shell": template("open a new shell afterwards"),
    "machine": template("restart the machine afterwards"),
}
RISK = {
    "safe": "",
    "environment": template("changes the environment"),
    "system": template("changes the system"),
}
EFFECT = {
    "lasting": "",
    "shell": template("counts for this shell only"),
    "look": template("changes nothing, only shows more"),
}
VERIFICATION = {
    "verified": template("Tried in a scratch environment: verified. {detail}"),
    "does not resolve": template("Tried in a scratch environment: does not resolve. {detail}"),
    "still fails": template("Tried in a scratch environment: still fails. {detail}"),
    "not verifiable": template("Not tried in a scratch environment: not verifiable. {detail}"),
}
REMOVES = template("Removes packages: {names}")
INSTALLS = template("Installs: {names}")
WRITES_AGAIN = template("Writes the files of these packages again: {names}")
MAKES = template("Makes an environment: {place}")
FROM_INDEX = template("From the package index: {index}")
TOUCHES = template("Writes, moves or deletes: {names}")


def conditions(fix: Fix) -> list[str]:
    """Return what a person must know before carrying out a fix."""
    told = [sentence(NEEDS_ROOT)] if fix.needs_root else []
    more = (RISK[fix.risk] if fix.effect == "lasting" else "", EFFECT[fix.effect], RESTART[fix.restart])
    return told + [sentence(text) for text in more if text]


def changes(fix: Fix) -> list[str]:
    """Return what carrying out a fix changes, a sentence for each kind of thing."""
    told = []
    if fix.changes is not None:
        made, packages = fix.changes.environment, fix.changes
        told += [sentence(MAKES, place=_shown(made))] if made else []
        told += [sentence(REMOVES, names=_listed(packages.remove))] if packages.remove else []
        if packages.add:
            told.append(sentence(WRITES_AGAIN if packages.reinstall else INSTALLS, names=_listed(packages.add)))
        told += [sentence(FROM_INDEX, index=_shown(packages.index))] if packages.index else []
    if fix.files and not (fix.changes and fix.changes.environment):
        told.append(sentence(TOUCHES, names=_listed(fix.files)))
    return told


def verification(fix: Fix) -> str:
    """Return how a fix did in a scratch environment; nothing if it was not tried."""
    tried = fix.verification
    return (
        sentence(VERIFICATION[tried.status], detail=shorten(line(tried.detail), DETAIL_LIMIT)).strip() if tried else ""
    )


def _listed(names: tuple[str, ...]) -> str:
    return _shown(", ".join(names))


def _shown(text: str) -> str:
    return shorten(line(text), TITLE_LIMIT)
