"""The data: what each cause says in logs, and the words and fixes for it."""

import functools
import re
from importlib import resources
from typing import Any, Literal

import msgspec

from envcheck.model.report import Layer, Restart, Risk
from envcheck.signatures.phrase import Phrase, parse

#: ``@name`` (a context of contexts.json), ``?name>=1.2`` (a version in the log), or a phrase
_VERSION_CONDITION = re.compile(r"\?(?P<name>[a-z0-9_.-]+)(?P<operator><=|>=|<|>|==|!=)(?P<version>[0-9.]+)$")


class Sign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way in which a cause shows itself."""

    text: str  #: a phrase
    score: int = 80  #: 0 to 100: how far this text alone proves the cause
    beside: tuple[str, ...] = msgspec.field(name="with", default=())  #: conditions that must hold
    without: tuple[str, ...] = ()  #: conditions that must not hold
    absent: tuple[str, ...] = ()  #: texts that must not be in the same line


class FixData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    commands: tuple[str, ...] = ()
    needs_root: bool = False
    restart: Restart = "none"
    risk: Risk = "safe"
    source: str = ""


class Cause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    severity: Literal["error", "warning", "info", "harmless"]
    layer: Layer
    title: str
    message: str
    signs: tuple[Sign, ...]
    after: tuple[str, ...] = ()  #: ids of causes that explain this one
    fields: dict[str, str] = {}
    fixes: tuple[FixData, ...] = ()
    source: str = ""


class Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a log comes from, or what it is about: holds if one of the phrases is found."""

    name: str
    phrases: tuple[str, ...]


class VersionRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How versions of a thing appear in logs: phrases with ``{version}``."""

    name: str
    phrases: tuple[str, ...]


class VersionCondition(msgspec.Struct, frozen=True):
    name: str
    operator: str
    version: tuple[int, ...]


class Unsigned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cause that says nothing: only the machine tells."""

    id: str
    reason: str


class Catalogue(msgspec.Struct, frozen=True):
    causes: tuple[Cause, ...]
    contexts: tuple[Context, ...]
    versions: tuple[VersionRule, ...]
    unsigned: tuple[Unsigned, ...]

    def phrases(self) -> set[str]:
        """Return every phrase that has to be looked for."""
        found = {phrase for context in self.contexts for phrase in context.phrases}
        found |= {phrase for rule in self.versions for phrase in rule.phrases}
        for cause in self.causes:
            for sign in cause.signs:
                found.add(sign.text)
                found |= {text for text in (*sign.beside, *sign.without) if not text.startswith(("@", "?"))}
        return found


def version_condition(text: str) -> VersionCondition:
    """Read ``?name>=1.2``.

    Raises:
        ValueError: if it is not of that form.
    """
    found = _VERSION_CONDITION.match(text)
    if found is None:
        raise ValueError(f"not a condition on a version: {text}")
    return VersionCondition(found["name"], found["operator"], version_numbers(found["version"]))


def version_numbers(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: ``2.10.0rc1`` is 2, 10, 0."""
    found = re.match(r"v?(\d{1,6}(?:\.\d{1,6}){0,4})", text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


@functools.cache
def catalogue() -> Catalogue:
    """Load the data of the package."""
    causes: list[Cause] = []
    folder = resources.files("envcheck.signatures") / "data"
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if file.name.endswith(".json") and not file.name.startswith("_"):
            causes += msgspec.json.decode(file.read_bytes(), type=list[Cause])
    return Catalogue(
        causes=tuple(causes),
        contexts=_load("_contexts.json", tuple[Context, ...]),
        versions=_load("_versions.json", tuple[VersionRule, ...]),
        unsigned=_load("_unsigned.json", tuple[Unsigned, ...]),
    )


def _load(name: str, form: Any) -> Any:
    return msgspec.json.decode((resources.files("envcheck.signatures") / "data" / name).read_bytes(), type=form)


@functools.cache
def index() -> dict[str, tuple[Phrase, ...]]:
    """Return all phrases by the word that finds them."""
    by_key: dict[str, list[Phrase]] = {}
    for text in sorted(catalogue().phrases()):
        phrase = parse(text)
        by_key.setdefault(phrase.key, []).append(phrase)
    return {key: tuple(phrases) for key, phrases in by_key.items()}
