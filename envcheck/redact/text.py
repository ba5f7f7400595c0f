"""One text without what identifies somebody."""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import partial

from envcheck.redact import names
from envcheck.redact.addresses import hide_addresses
from envcheck.redact.aliases import Aliases, is_alias
from envcheck.redact.identity import NO_HOMES, Identity
from envcheck.redact.secrets import HARMLESS_LOGINS, hide_secrets

_HEX = "[0-9A-Fa-f]"
GPU_UUID = re.compile(rf"(?<![A-Za-z0-9])(GPU|MIG)-({_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}})(?![A-Za-z0-9])")
#: CUDA_VISIBLE_DEVICES takes the beginning of a UUID too (CUDA C++ Programming Guide, "CUDA Environment Variables").
GPU_UUID_BEGINNING = re.compile(rf"(?<![A-Za-z0-9])(GPU|MIG)-({_HEX}{{8}}(?:-{_HEX}{{1,12}}){{0,4}})(?![A-Za-z0-9-])")
UUID = re.compile(rf"(?<![A-Za-z0-9]){_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}(?![A-Za-z0-9])")
#: Of no machine: the nil UUID, and vendors of EFI variables (UEFI 2.10, 3.3 and 32.3.1).
COMMON_UUIDS = frozenset(
    (
        "00000000-0000-0000-0000-000000000000",
        "8be4df61-93ca-11d2-aa0d-00e098032b8c",
        "d719b2cb-3d3a-4596-a3bc-dad00e67656f",
    )
)
SERIAL = re.compile(
    r"""(?ix)
    (?<![a-z])(
        (?: serial(?:[\s_-]?(?:number|num|no|nr)\.?)? | s/n | sn
          | (?:asset|service)[\s_-]?tag | (?:machine|unique)[\s_-]?id )
        ["']? [ \t]* [:=\#>] [ \t]* ["']?
      | serial[ ](?:number|no\.?)[ ]
    )
    ((?=[a-z_-]*[0-9])[a-z0-9][a-z0-9_-]{4,})(?![\w:.]*[:.][0-9])"""
)
EMAIL = re.compile(
    r"(?<![\w.%+-])([\w.%+-]{1,64})@((?:[A-Za-z0-9-]{1,63}\.){1,8}(?!(?:so|dll|dylib|py)\b)[A-Za-z]{2,24})(?![\w-]|\.\w)"
)
LOGIN = re.compile(r"(?<![\w.@-])([a-z_][a-z0-9_-]{0,31})@([a-z][a-z0-9.-]{0,63})(?=:[~/])")
_NAME = r"[^\s/\\:'\"`,;()\[\]{}<>|&$*?=]"
HOME = re.compile(rf"(/(?:home|homes|Users|users)/(?:[a-z]/)?)({_NAME}+)")
WINDOWS_HOME = re.compile(
    rf"(?i)(\b[A-Z]:[\\/]+(?:Users|Documents[ ]and[ ]Settings)[\\/]+)({_NAME}+(?:[ ]{_NAME}+){{0,3}}(?=[\\/])|{_NAME}+)"
)
TILDE = re.compile(r"(?<![\w./~])~([a-z_][a-z0-9_-]{1,31})(?=/)")
WEB = re.compile(r"\b(?:https?|ftp|s3|gs)://\S*$")

#: Where a user or a host is named; only there are names looked for that are words as well.
_USER_PLACES = (
    r"(?<=[/\\])({name})(?=[/\\]|$|[\s'\":;,)\]])",
    r"(?<![\w.-])({name})(?=@)",
    r"(?i:(?<![a-z])(?:user(?:[ _]?name)?|login|logname|owner|account)[\"']?\s?[=:]?\s?[\"']?)({name})(?![\w-])",
    r"\buid=[0-9]+\(({name})(?=\))",
)
_HOST_PLACES = (
    r"(?<=@)({name})(?![\w-])",
    r"(?<=://)({name})(?![\w-])",
    r"(?i:(?<![a-z])(?:host(?:[ _]?name)?|node(?:[ _]?name)?|machine|server)[\"']?\s?[=:]?\s?[\"']?)({name})(?![\w-])",
    r"\bLinux ({name})(?= [0-9])",
)
SECOND_LEVEL = 3  #: longest label of a country's own second level: ``co.uk``, ``edu.au``


class TextRedactor:
    """Replaces what identifies somebody. Redacting twice gives what redacting once gives."""

    def __init__(self, identity: Identity, aliases: Aliases, versions: Collection[str] = ()) -> None:
        self._aliases = aliases
        self._versions = versions
        self._secrets = sorted((secret for secret in identity.secrets if not is_alias(secret)), key=len, reverse=True)
        self._homes = [_home(home) for home in sorted(identity.homes, key=len, reverse=True) if is_home(home)]
        self._users = list(self._known("user", identity.users, _USER_PLACES))
        self._hosts = list(self._known("host", identity.hosts, _HOST_PLACES))
        self._domains = [_below(domain) for domain in dict.fromkeys(_domains(identity.hosts))]

    def learn(self, text: str) -> None:
        """Give stand-ins to the GPUs that a text names, so that their UUIDs are known where they are cut or bare."""
        for kind, uuid in GPU_UUID.findall(text):
            self._gpu(kind, uuid)

    def redact(self, text: str, *, is_version: bool = False) -> str:
        """Return ``text`` without what identifies somebody; ``is_version`` says that it is a version."""
        text = self.redact_shapes(text, is_version=is_version)
        for domain in self._domains:
            text = domain.sub(lambda match: self._aliases.of("host", match[0].lower()), text)
        for pattern, alias in (*self._hosts, *self._users):
            text = pattern.sub(partial(_instead, alias), text)
        return text

    def redact_shapes(self, text: str, *, is_version: bool = False) -> str:
        """Return ``text`` without what has a shape of its own; names of users and hosts stay."""
        for secret in self._secrets:
            if secret not in text:
                continue
            text = text.replace(secret, self._aliases.of("secret", secret))
        text = hide_secrets(text, lambda secret: self._aliases.of("secret", secret))
        text = self._identifiers(text)
        for home in self._homes:
            text = home.sub("~", text)
        text = WINDOWS_HOME.sub(lambda match: match[1] + self._owner(match[2]), text)
        text = HOME.sub(lambda match: match[0] if _is_web(match) else match[1] + self._owner(match[2]), text)
        text = TILDE.sub(lambda match: "~" + self._owner(match[1]), text)
        return hide_addresses(text, self._aliases.of, self._versions, is_version=is_version)

    def _identifiers(self, text: str) -> str:
        text = GPU_UUID.sub(lambda match: self._gpu(match[1], match[2]), text)
        text = GPU_UUID_BEGINNING.sub(lambda match: self._aliases.beginning(match[1].lower(), match[2].lower()), text)
        text = UUID.sub(lambda match: self._uuid(match[0]), text)
        text = SERIAL.sub(lambda match: match[1] + self._aliases.of("serial", match[2]), text)
        text = EMAIL.sub(lambda match: match[0] if _is_no_email(match) else self._aliases.of("email", match[0]), text)
        return LOGIN.sub(lambda match: f"{self._owner(match[1])}@{self._host(match[2])}", text)

    def _gpu(self, kind: str, uuid: str) -> str:
        alias = self._aliases.of(kind.lower(), uuid.lower())
        self._aliases.same("uuid", uuid.lower(), alias)
        return alias

    def _uuid(self, uuid: str) -> str:
        return uuid if uuid.lower() in COMMON_UUIDS else self._aliases.of("uuid", uuid.lower())

    def _owner(self, name: str) -> str:
        stripped = name.rstrip(".")
        kept = not stripped or names.is_generic(stripped)
        return name if kept else self._aliases.of("user", stripped) + name[len(stripped) :]

    def _host(self, name: str) -> str:
        return name if names.is_generic(name) else self._aliases.of("host", name)

    def _known(
        self, kind: str, known: Iterable[str], places: tuple[str, ...]
    ) -> Iterator[tuple["re.Pattern[str]", str]]:
        """Yield patterns for known names, each with its stand-in; a host's short name has that of its long one."""
        for name in sorted(known, key=len, reverse=True):
            if is_alias(name) or names.is_generic(name):
                continue
            alias = self._aliases.of(kind, name)
            self._aliases.same(kind, name.partition(".")[0] if kind == "host" else name, alias)
            if names.is_common_word(name):
                for place in places:
                    yield re.compile(place.replace("{name}", re.escape(name))), alias
            else:
                flags = re.IGNORECASE if kind == "host" else 0  # RFC 4343: the case of a host's name means nothing
                yield re.compile(rf"(?<![^\W_])({re.escape(name)})(?![^\W_])", flags), alias


def _instead(alias: str, match: "re.Match[str]") -> str:
    """Put a stand-in for the group of a match; what stands around it stays."""
    start, end = match.start(1) - match.start(), match.end(1) - match.start()
    return match[0][:start] + alias + match[0][end:]


def is_home(path: str) -> bool:
    """Say whether a path is somebody's own folder, and not one that all share."""
    return not path.startswith("~") and path.rstrip("/\\").replace("\\", "/") not in NO_HOMES


def _home(path: str) -> "re.Pattern[str]":
    parts = re.split(r"[/\\]+", path.rstrip("/\\"))
    is_windows = re.match("[A-Za-z]:", path) is not None
    middle = (r"[/\\]+" if is_windows else "/+").join(re.escape(part) for part in parts)
    return re.compile(rf"(?<![\w.~-]){middle}(?![\w-]|\.\w)", re.IGNORECASE if is_windows else 0)


def _domains(hosts: Iterable[str]) -> Iterator[str]:
    """Yield the domains above hosts, up to the one that an organisation has."""
    for host in hosts:
        labels = host.lower().rstrip(".").split(".")[1:]
        while len(labels) > 1 and not labels[-1].isdigit() and ".".join(labels) not in names.DOMAINS_OF_MANY:
            if len(labels) == 2 and len(labels[0]) <= SECOND_LEVEL:
                break
            yield ".".join(labels)
            labels = labels[1:]


def _below(domain: str) -> "re.Pattern[str]":
    """Return a pattern for any host in a domain."""
    return re.compile(rf"(?i)(?<![\w.-])(?:[\w-]+\.)+{re.escape(domain)}(?![\w-]|\.\w)")


def _is_no_email(match: "re.Match[str]") -> bool:
    return match[1] in HARMLESS_LOGINS or is_alias(match[1]) or match[2].startswith("self.")


def _is_web(match: "re.Match[str]") -> bool:
    """Say whether a path is part of an address in the web."""
    return WEB.search(match.string[max(0, match.start() - 200) : match.start()]) is not None
