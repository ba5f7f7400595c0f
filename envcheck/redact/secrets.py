"""Passwords, tokens and keys: known by their own shape, or by the name that stands before them."""

import itertools
import re
from collections.abc import Callable

from envcheck.redact.aliases import is_alias

Hide = Callable[[str], str]

#: Shapes that the issuers document (docs.github.com/authentication/keeping-your-account-and-data-secure/
#: about-authentication-to-github, docs.gitlab.com/security/tokens, huggingface.co/docs/hub/security-tokens,
#: docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html, api.slack.com/authentication/token-types,
#: RFC 7519 for JWT; the others as their services print them).
TOKENS = re.compile(
    r"""
    (?<![A-Za-z0-9])(?:
        gh[opsur]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,}
      | gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas)-[A-Za-z0-9_.-]{16,}
      | (?:hf|api_org)_[A-Za-z0-9]{20,}
      | sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}
      | (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}
      | xox[abeoprs]-[A-Za-z0-9-]{10,} | xapp-[A-Za-z0-9-]{10,}
      | AIza[A-Za-z0-9_-]{30,} | ya29\.[A-Za-z0-9_.-]{20,}
      | npm_[A-Za-z0-9]{30,} | pypi-AgE[A-Za-z0-9_-]{20,} | dckr_pat_[A-Za-z0-9_-]{20,}
      | nvapi-[A-Za-z0-9_-]{20,} | gsk_[A-Za-z0-9]{20,} | r8_[A-Za-z0-9]{20,} | lsv2_[A-Za-z0-9_]{20,}
      | SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,} | (?:rk|pk|sk)_(?:live|test)_[A-Za-z0-9]{16,}
      | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*
      | AGE-SECRET-KEY-1[A-Z0-9]{20,}
    )(?![A-Za-z0-9])
    """,
    re.VERBOSE,
)
PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
#: One line of a PEM block that was torn from its block, as evidence is (RFC 7468: 64 characters).
PEM_LINE = re.compile(r"(?m)^(?=[^\n]*[a-z])(?=[^\n]*[A-Z])(?=[^\n]*[0-9])[ \t]*([A-Za-z0-9+/]{64})[ \t]*$")
SSH_KEY = re.compile(r"\b((?:sk-)?(?:ssh-[a-z0-9]+|ecdsa-sha2-[a-z0-9-]+)(?:@openssh\.com)?) (AAAA[A-Za-z0-9+/=]{20,})")

URL_LOGIN = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{0,30}://)([^\s/'\"<>`]{1,1000})@")
CHANNEL_TOKEN = re.compile(r"(://[^\s/]{0,100}conda[^\s/]{0,100}/t/)([^\s/]{1,200})(?=/)")  # anaconda.com/docs, tokens
HARMLESS_LOGINS = ("git", "hg", "svn", "anonymous")
HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|digest|negotiate|token)\s+)([^\s\"',]+)"
)
BEARER = re.compile(r"(?i)\b(bearer\s+)((?=[A-Za-z_.~+/-]*[0-9])[A-Za-z0-9._~+/=-]{8,})")
COOKIE = re.compile(r"(?im)\b((?:set-)?cookie:[ \t]*)(\S[^\n]*)$")
LOGIN_PASSWORD = re.compile(r"\b(login\s+\S{1,100}\s+password\s+)(\S+)")  # .netrc

_WORDS = r"(?:passw|passphrase|pwd|pass|secret|token|key|credential|auth|cookie|signature|sig|session|pat)"
_VALUE = r"(\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|\S+)"
NAMED = re.compile(rf"(?i)(?<![\w.-])([\w.-]{{0,60}}?{_WORDS}[\w.-]{{0,60}})([\"']?[ \t]*[=:][ \t]*){_VALUE}")
OPTION = re.compile(rf"(?i)(?<!\S)(--?(?:[\w-]{{1,30}}-)?{_WORDS}[\w-]{{0,30}})([ \t]+){_VALUE}")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STRONG = _words("password passwd passphrase pwd secret apikey")
WEAK = _words("token secrets pat auth authorization credential credentials cookie signature sig sessionid")
KINDS_OF_KEYS = _words("api access secret private encryption signing account license ssh master shared auth")
#: A 'token' of a language model is no secret.
LANGUAGE_MODEL = _words(
    """
    pad eos bos unk cls sep mask special max min num n new next per id ids type types count limit length size vocab
    start end prefix suffix image decoder encoder forced budget
    """
)
NO_VALUES = _words("none null nil true false yes no unset set empty not required")


def is_secret_name(name: str) -> bool:
    """Say whether a variable, option or field of this name holds a secret."""
    return _strength(name) > 0


def hide_secrets(text: str, hide: Hide) -> str:
    """Replace every secret in a text by what ``hide`` makes of it."""
    text = PEM.sub(lambda match: hide(match[0]), text)
    text = PEM_LINE.sub(lambda match: match[0].replace(match[1], hide(match[1])), text)
    text = SSH_KEY.sub(lambda match: f"{match[1]} {hide(match[2])}", text)
    text = URL_LOGIN.sub(
        lambda match: match[0] if match[2] in HARMLESS_LOGINS else f"{match[1]}{hide(match[2])}@", text
    )
    text = CHANNEL_TOKEN.sub(lambda match: match[0] if is_alias(match[2]) else match[1] + hide(match[2]), text)
    for pattern in (COOKIE, HEADER, BEARER, LOGIN_PASSWORD):
        text = pattern.sub(lambda match: match[1] + hide(match[2]), text)
    text = TOKENS.sub(lambda match: hide(match[0]), text)
    return _hide_named(OPTION, _hide_named(NAMED, text, hide), hide)


def _hide_named(pattern: "re.Pattern[str]", text: str, hide: Hide) -> str:
    pieces, done = [], 0
    match = pattern.search(text)
    while match is not None:
        start, end = _bounds(match)
        value = text[start:end]
        if _is_secret(match[1], value, is_option=_is_option(match)):
            pieces += [text[done:start], hide(value)]
            done = end
        elif is_alias(value):
            pieces += [text[done:end]]
            done = end
        # A value that is no secret may itself begin with a name and a secret.
        match = pattern.search(text, max(done, match.start(3)))
    return "".join([*pieces, text[done:]])


def _bounds(match: "re.Match[str]") -> tuple[int, int]:
    """Return where a value begins and ends without its quotes, or what closes the text around it."""
    start, end = match.span(3)
    text = match.string
    if text[start] in "\"'" and end - start > 1 and text[end - 1] == text[start]:
        return start + 1, end - 1
    if text[match.start() - 1 : match.start()] in ("?", "&", ";"):
        end = start + len(re.split("[&;#]", text[start:end])[0])  # the next field of a URL
    while end > start and text[end - 1] in "\"'`),;]}>":
        end -= 1
    return start, end


def _is_option(match: "re.Match[str]") -> bool:
    """Say whether the name is an option of a command or a field of a URL; its value is one word, never prose."""
    return match[1].startswith("-") or match.string[match.start() - 1 : match.start()] in ("?", "&")


def _is_secret(name: str, value: str, *, is_option: bool) -> bool:
    strength = _strength(name)
    if strength == 0 or not value or is_alias(value) or value.lower().strip(".,;:)*") in NO_VALUES:
        return False
    if value[:1] in "$<[{%(" or not any(character.isalnum() for character in value):
        return False  # a variable, a placeholder, stars
    if strength == 2 or is_option:
        return True
    return len(value) >= 16 or (len(value) >= 8 and any(character.isdigit() for character in value))


def _strength(name: str) -> int:
    """Return 2 if whatever follows the name is a secret, 1 if it must also look like one, 0 if it is none."""
    if name in ("PWD", "OLDPWD"):
        return 0
    parts = [part for part in re.split(r"[_.\-]+|(?<=[a-z])(?=[A-Z])", name) if part]
    words = {part.lower() for part in parts}
    joined = name.lower()
    if words & STRONG or joined.endswith(("password", "passwd", "passphrase", "secret", "apikey")):
        return 2
    if words & LANGUAGE_MODEL:
        return 0
    is_key = any(
        after.lower() == "key" and before.lower() in KINDS_OF_KEYS for before, after in itertools.pairwise(parts)
    )
    if name.isupper() and (words & WEAK or is_key or name.endswith(("_KEY", "PASS"))):
        return 2
    return 1 if words & WEAK or is_key or joined.endswith("token") else 0
