"""Foreign text made safe to print: no terminal codes, nothing invisible, nothing that reorders the line.

Paths, error messages and package names come from the machine and can hold anything. What a person
could not see, or what would act on the terminal, is written as an escape such as ``\\x07``.
"""

import re

# ECMA-48 control sequences (colours, cursor moves) and terminated operating-system commands (titles, links).
_TERMINAL_CODES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|\x1b[()][0-9A-B]")

# Controls (C0 but newline, DEL, C1), soft hyphen, zero-width and bidirectional marks, line and paragraph
# separators, invisible operators, tags, lone surrogates, and the two non-characters that XML forbids.
_UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)

_ASCII_FOR = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
        "\u2022": "*",
        "\u00b7": "-",
        "\u00d7": "x",
        "\u2265": ">=",
        "\u2264": "<=",
        "\u2192": "->",
        "\u00a0": " ",
    }
)


def block(text: str) -> str:
    """Return ``text`` safe to print on several lines: newlines stay, tabs become spaces, colours vanish."""
    text = _TERMINAL_CODES.sub("", text).replace("\r\n", "\n").replace("\t", "    ")
    return _UNSEEN.sub(_escape, text)


def line(text: str) -> str:
    """Return ``text`` safe to print on one line: every run of white space is one space."""
    return " ".join(block(text).split())


def command(text: str) -> str:
    """Return a command as it can be printed on one line; it differs from ``text`` where that cannot be copied."""
    return _UNSEEN.sub(_escape, text).replace("\n", "\\n")


def ascii_only(text: str) -> str:
    """Return ``text`` for a terminal that knows nothing but ASCII; other characters become escapes."""
    return text.translate(_ASCII_FOR).encode("ascii", "backslashreplace").decode("ascii")


def shorten(text: str, limit: int) -> str:
    """Return ``text`` in at most about ``limit`` characters, saying how many were left out."""
    left_out = len(text) - limit
    return text if left_out <= 0 else f"{text[:limit].rstrip()} … (+{left_out:,})"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
