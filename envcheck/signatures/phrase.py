"""The language of signatures: phrases that match a line in linear time, because nothing in them can repeat.

A phrase is the text that a program prints, without regard to case, with these marks:

- ``~``        up to 80 characters of anything, between whole words
- ``#``        a number or version, such as ``12`` or ``11.8.0``
- ``{#name}``  the same, kept under that name
- ``{name}``   a word or path, kept under that name
- ``<a|b|>``   one of these texts (here: or nothing)
- ``{name:a|b}``  the same, kept under that name
- ``^`` at the start, ``$`` at the end: the line begins or ends there
- ``*`` at the start or end: the word may go on there; else a phrase begins and ends with whole words
- ``\\``       before a mark: the character itself
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from envcheck.signatures.clean import plain_quotes

GAP = r".{0,80}?"
NUMBER = r"[0-9][0-9.]{0,20}"
NUMBER_ENDS = r"(?![A-Za-z0-9])"
WORD = r"[\w.+/\\:@=-]{1,160}"

#: Words too frequent in logs to find a line by; a phrase that has nothing else is found by its longest one.
COMMON = frozenset(
    """a all an and any api are argument array as at available be been but by call can cannot class code command
    compiled could data debug default def device devices directory does entry epoch error executable exception
    existing failed file files following for format found from function gpu has have home host id if import in
    info int is it its kernel lib library line list load loaded loss memory message model module name needs new
    no node none not object of on open operation or out output package path permission please process program
    python read requested required resource return run runtime script self server shape site so some start step
    such support system task that the this time to tensor tensors train training true type unable unknown up use
    used user using usr value values version warning was when which will with write you your""".split()  # noqa: SIM905
)

_MARK = re.compile(
    r"\\(?P<plain>.)|(?P<gap>~)|(?P<number>\#)|\{\#(?P<numbered>\w+)\}|\{(?P<name>\w+)\}"
    r"|\{(?P<chosen>\w+):(?P<choices>[^{}]*)\}|<(?P<choice>[^<>]*)>",
    re.DOTALL,
)
_DIGITS = str.maketrans("", "", "0123456789")


@dataclass(frozen=True)
class Phrase:
    text: str
    pieces: tuple[str, ...]  #: literal parts in lower case: a line without all of them can't match
    key: str  #: a whole word that every matching line holds, see :func:`words`

    @cached_property
    def pattern(self) -> str:
        """The phrase as a regular expression; most phrases of a run never need theirs."""
        body, starts, ends = _edges(plain_quotes(self.text))
        return starts + _pattern(_parts(body)) + ends

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE)

    def search(self, line: str, lowered: str) -> re.Match[str] | None:
        for piece in self.pieces:
            if piece not in lowered:
                return None
        return self._compiled.search(line)


def parse(text: str) -> Phrase:
    """Compile a phrase.

    Raises:
        ValueError: if it holds no whole word to find it by.
    """
    body, starts, ends = _edges(plain_quotes(text))
    parts = _parts(body)
    literals = [part.lower() for part in parts if isinstance(part, str)]
    key = _rarest(_whole_words(parts, open_start=starts == "", open_end=ends == ""))
    if key is None:
        raise ValueError(f"no whole word to find this phrase by: {text!r}")
    return Phrase(text, tuple(literal for literal in literals if literal.strip()), key)


def words(text: str) -> list[str]:
    """Return the words of lower-case ``text`` as the scanner sees them: letters alone, digits dropped."""
    return re.findall(r"[a-z]+", text.translate(_DIGITS))


def _edges(text: str) -> tuple[str, str, str]:
    """Return the phrase without its edge marks, and the patterns for its start and end."""
    starts = r"(?<![^\W_])"
    if text.startswith("^"):
        text, starts = text[1:], "^"
    elif text.startswith("*"):
        text, starts = text[1:], ""
    ends = r"(?!\w)"
    if text.endswith("$") and not text.endswith("\\$"):
        text, ends = text[:-1], "$"
    elif text.endswith("*") and not text.endswith("\\*"):
        text, ends = text[:-1], ""
    if starts.startswith("(") and not text[:1].isalnum():
        starts = ""
    if ends.startswith("(") and not (text[-1:].isalnum() or text.endswith(">")):
        ends = ""
    return text, starts, ends


@dataclass(frozen=True)
class _Mark:
    kind: str  #: ``gap``, ``number``, ``word`` or ``choice``
    pattern: str
    choices: tuple[str, ...] = ()


def _parts(body: str) -> list[str | _Mark]:
    """Split the body of a phrase into literal texts and marks."""
    parts: list[str | _Mark] = []
    literal, position = "", 0
    for found in _MARK.finditer(body):
        literal += body[position : found.start()]
        position = found.end()
        if found["plain"] is not None:
            literal += found["plain"]
            continue
        if literal:
            parts.append(literal)
        literal = ""
        parts.append(_mark(found))
    literal += body[position:]
    return [*parts, literal] if literal else parts


def _mark(found: re.Match[str]) -> _Mark:
    if found["gap"]:
        return _Mark("gap", GAP)
    if found["number"]:
        return _Mark("number", NUMBER)
    if found["numbered"]:
        return _Mark("number", f"(?P<{found['numbered']}>{NUMBER})")
    if found["name"]:
        return _Mark("word", f"(?P<{found['name']}>{WORD})")
    name, choice = ("?:", found["choice"]) if found["chosen"] is None else (f"?P<{found['chosen']}>", found["choices"])
    choices = tuple(choice.split("|"))
    return _Mark("choice", f"({name}" + "|".join(re.escape(choice) for choice in choices) + ")", choices)


def _pattern(parts: list[str | _Mark]) -> str:
    pattern = ""
    for before, part, after in zip([None, *parts], parts, [*parts[1:], None], strict=False):
        if isinstance(part, str):
            pattern += re.escape(part)
        elif part.kind == "gap":
            pattern += r"(?!\w)" if isinstance(before, str) and before[-1].isalnum() else ""
            pattern += part.pattern
            pattern += r"(?<![^\W_])" if isinstance(after, str) and after[0].isalnum() else ""
        elif part.kind == "number":
            pattern += part.pattern + ("" if isinstance(after, str) and after[0].isalpha() else NUMBER_ENDS)
        else:
            pattern += part.pattern
    return pattern


def _whole_words(parts: list[str | _Mark], *, open_start: bool, open_end: bool) -> list[str]:
    """Return the words of the literals that no character of a matching line can lengthen."""
    whole: list[str] = []
    for index, part in enumerate(parts):
        if not isinstance(part, str):
            continue
        bare = part.lower().translate(_DIGITS)
        before = parts[index - 1] if index else None
        after = parts[index + 1] if index + 1 < len(parts) else None
        for word in re.finditer(r"[a-z]+", bare):
            if word.start() == 0 and not _ends_word(before, open_start, last=True):
                continue
            if word.end() == len(bare) and not _ends_word(after, open_end, last=False):
                continue
            whole.append(word.group())
    return whole


def _ends_word(neighbour: str | _Mark | None, is_open: bool, *, last: bool) -> bool:
    """Say whether a word surely ends at this neighbour: at the edge of the phrase, a gap, a number, or a choice."""
    if neighbour is None:
        return not is_open
    if isinstance(neighbour, str) or neighbour.kind == "word":
        return False
    if neighbour.kind == "number":
        return not last
    if neighbour.kind == "choice":
        edges = [choice[-1:] if last else choice[:1] for choice in neighbour.choices]
        return all(edge and not edge.isalnum() for edge in edges)
    return True


def _rarest(candidates: Iterable[str]) -> str | None:
    return max(candidates, key=lambda word: (word not in COMMON, len(word)), default=None)
