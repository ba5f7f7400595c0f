"""Reports without what identifies a person or a machine, and without secrets.

Users, hosts, addresses, hardware identifiers, e-mail addresses and secrets get stand-ins such as
``user-1`` or ``secret-2``; within one report the same value gets the same one. The user's home folder
becomes ``~``. Versions, sonames, PCI addresses, times and hashes stay. Redacting twice gives what
redacting once gives.
"""

import dataclasses
import functools
import re
import typing
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from envcheck.model.facts import EnvironmentVariable
from envcheck.model.record import resolve_pointer
from envcheck.model.report import Evidence, Explanation, Finding, Fix, Report, RuleOutcome
from envcheck.redact.addresses import version_of
from envcheck.redact.aliases import Aliases, aliases_in, is_alias
from envcheck.redact.commands import shorten_home
from envcheck.redact.identity import SHORTEST_SECRET, Identity, identity_from
from envcheck.redact.text import TextRedactor, is_home
from envcheck.redact.variables import is_harmless

__all__ = ["Identity", "identity_from", "redact", "redact_explanation", "redact_text"]

S = TypeVar("S", bound=msgspec.Struct)

#: Words of the code, not of the machine: no name of a user or a host is looked for in them.
_CODE_WORDS = (
    (Evidence, frozenset({"fact"})),
    (Finding, frozenset({"id", "explained_by"})),
    (RuleOutcome, frozenset({"id"})),
    ((Report, Explanation), frozenset({"envcheck", "created"})),
)
_VERSION_FIELD = re.compile(r"(?:.*_)?(?:versions?|release|cuda|cudnn|rocm|nccl)")
_IDENTIFIERS = {"uuid": "gpu", "serial": "serial", "serial_number": "serial", "unique_id": "serial"}
_PATH = re.compile(r"/\S+|[A-Za-z]:[\\/].+")
_OWN_HOME = re.compile(r".*/(?:home|homes|users)/(?:[a-z]/)?([^/]+)/?", re.IGNORECASE)


def redact(report: Report, identity: Identity) -> Report:
    """Return the report without what identifies a person or a machine; it stays of its own class.

    ``identity`` is that of the user who runs envcheck. What a report of another machine tells of its own
    user's home is hidden too.
    """
    identity = _with_home(identity, report.facts.platform.home)
    return _Redactor(report, identity, msgspec.to_builtins(report.facts)).struct(report)


def redact_explanation(explanation: Explanation, identity: Identity) -> Explanation:
    """Return the explanation without what identifies a person or a machine."""
    return _Redactor(explanation, identity, {}).struct(explanation)


def redact_text(text: str, identity: Identity) -> str:
    """Return a text, such as a line of a log, without what identifies a person or a machine."""
    redactor = TextRedactor(identity, Aliases(aliases_in(text)))
    redactor.learn(text)
    return redactor.redact(text)


def _with_home(identity: Identity, home: object) -> Identity:
    if not isinstance(home, str) or _PATH.fullmatch(home) is None or not is_home(home) or home in identity.homes:
        return identity
    owner = _OWN_HOME.fullmatch(home)
    users = (*identity.users, owner[1]) if owner else identity.users
    return dataclasses.replace(identity, homes=(*identity.homes, home), users=users)


class _Redactor:
    """Walks one document of records."""

    def __init__(self, document: msgspec.Struct, identity: Identity, facts: Any) -> None:
        strings = list(_strings(document, ""))
        hidden = {
            item.value
            for item in _variables(document)
            if not is_harmless(item.name) and len(item.value) >= SHORTEST_SECRET
        }
        identity = dataclasses.replace(identity, secrets=(*identity.secrets, *sorted(hidden)))
        self._aliases = Aliases(alias for _, text in strings for alias in aliases_in(text))
        versions = {found for name, text in strings if _VERSION_FIELD.fullmatch(name) for found in version_of(text)}
        self._text = TextRedactor(identity, self._aliases, versions)
        for _, text in strings:
            self._text.learn(text)
        self._homes = [home for home in identity.homes if is_home(home) and home.startswith("/")]
        self._facts = facts

    def struct(self, record: S) -> S:
        """Return a record with every text redacted."""
        kept = next((names for kinds, names in _CODE_WORDS if isinstance(record, kinds)), frozenset[str]())
        changes: dict[str, Any] = {}
        for name, encoded in _open_fields(type(record)):
            value = getattr(record, name)
            if name in kept:
                changes[name] = self._text.redact_shapes(value) if isinstance(value, str) else value
            elif isinstance(record, EnvironmentVariable) and name == "value":
                changes[name] = self._variable(record.name, value)
            elif isinstance(record, Evidence) and name == "value":
                changes[name] = self._evidence(record.fact, value)
            elif isinstance(record, Fix) and name in ("commands", "verify"):
                changes[name] = self._commands(value)
            else:
                changes[name] = self._value(value, encoded)
        return msgspec.structs.replace(record, **changes)

    def _value(self, value: Any, name: str) -> Any:
        if isinstance(value, str):
            return self._string(value, name)
        if isinstance(value, msgspec.Struct):
            return self.struct(value)
        if isinstance(value, list | tuple):
            return type(value)(self._value(item, name) for item in value)
        if isinstance(value, dict):
            if value.keys() == {"name", "value"} and isinstance(value["value"], str):
                return {"name": value["name"], "value": self._variable(str(value["name"]), value["value"])}
            return {key: self._value(item, str(key)) for key, item in value.items()}
        return value

    def _string(self, text: str, name: str) -> str:
        redacted = self._text.redact(text, is_version=_VERSION_FIELD.fullmatch(name) is not None)
        if text and name in _IDENTIFIERS and not is_alias(redacted):
            return self._aliases.of(_IDENTIFIERS[name], text)
        return redacted

    def _variable(self, name: str, value: str) -> str:
        if value and not is_harmless(name):
            return self._aliases.of("secret", value)
        return self._text.redact(value)

    def _evidence(self, pointer: str, value: Any) -> Any:
        parent, _, name = pointer.rpartition("/")
        if name == "value" and isinstance(value, str):
            try:
                return self._variable(resolve_pointer(self._facts, parent)["name"], value)
            except (LookupError, TypeError):
                pass  # not a variable of these facts
        return self._value(value, name)

    def _commands(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(self._commands(item) for item in value)
        if not isinstance(value, str):
            return value
        for home in self._homes:
            value = shorten_home(value, home)
        return self._text.redact(value)


@functools.cache
def _open_fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """Return the fields that hold what was seen, and no word of a closed list, each with its name in JSON."""
    fields = (field for field in msgspec.structs.fields(kind) if typing.get_origin(field.type) is not typing.Literal)
    return tuple((field.name, field.encode_name) for field in fields)


def _strings(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield every text in a document with the name of its field."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, msgspec.Struct):
        for field, encoded in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            yield from _strings(getattr(value, field), encoded)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item, name)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, str(key))


def _variables(value: Any) -> Iterator[EnvironmentVariable]:
    if isinstance(value, EnvironmentVariable):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _variables(getattr(value, name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _variables(item)
