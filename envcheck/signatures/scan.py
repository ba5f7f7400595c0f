"""Read a log of any size once, and say which phrases stand where.

Most lines of a log are of no interest, and most are alike but for numbers. So lines are compared
without their digits: only a form of line that was not met before and that holds a key word of some
phrase is looked at closely. Memory does not grow with the log.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from envcheck.signatures.catalogue import index
from envcheck.signatures.clean import MAX_LINE, clean, without_prefix
from envcheck.signatures.decode import text_of
from envcheck.signatures.phrase import Phrase, words

#: Lines that look like trouble to a person, shown when nothing known matched.
SUSPICIOUS = re.compile(
    r"\b(?:\w*error|\w*exception|fatal|failed|failure|cannot|can't|could not|couldn't|unable to|traceback|aborted"
    r"|segmentation fault|core dumped|killed|panic|denied|not found|undefined symbol|mismatch|unsupported|corrupt)\b",
    re.IGNORECASE,
)
_SUSPICIOUS_WORDS = frozenset(
    b"error exception fatal failed failure cannot traceback abort aborted fault dumped killed panic denied undefined"
    b" mismatch unsupported corrupt unable couldn".split()
)
MOST_SUSPICIOUS = 20
MOST_HITS = 40  #: places that are kept of one phrase: the first ones
MOST_FORMS = 200_000  #: forms of lines that are remembered
ENOUGH_OF_A_FORM = 60  #: occurrences of one form of line that are read closely
WRAPPED_UNTIL = 1 << 19  #: bytes from the start in which broken lines are put together: pastes are short
_BORDER = 240  #: characters on both sides of a line break that are read together
_SHORTEST_BROKEN = 38  #: narrower terminals break no lines

_LETTERS = bytes(range(97, 123))
_TABLE = bytes(byte if byte in _LETTERS or byte == 10 else byte + 32 if 65 <= byte <= 90 else 32 for byte in range(256))
_DIGITS = b"0123456789"
_ANSI = re.compile(rb"(?:\x1b|\\u001b|\\x1b)\[[0-9;:?]{0,40}[ -/]?[@-~]")
_WRITTEN_BREAK = re.compile(rb"(?<!\\)\\n(?=[A-Z])")  # of JSON and Python literals; ``C:\\nvidia`` keeps its word


@dataclass(frozen=True)
class Hit:
    """A phrase in a line: the line's number (from 1), its text, and the values that were named."""

    line: int
    text: str
    values: dict[str, str]


@dataclass
class Scan:
    """What one reading of a log found."""

    hits: dict[str, list[Hit]] = field(default_factory=dict)  #: by the phrase's text
    suspicious: list[tuple[int, str]] = field(default_factory=list)
    lines: int = 0


def scan(blocks: Iterable[bytes]) -> Scan:
    """Read blocks of whole lines (see :func:`envcheck.signatures.decode.whole_lines`)."""
    found = Scan()
    reader = _Reader(found)
    for block in blocks:
        reader.read(block)
    return found


class _Reader:
    def __init__(self, found: Scan) -> None:
        self.found = found
        self.keys = frozenset(key.encode() for key in index()) | _SUSPICIOUS_WORDS
        self.cold: set[bytes] = set()  # forms of lines without any key word
        self.often: dict[bytes, int] = {}  # how often a form of line was read closely
        self.bytes_read = 0
        self.previous = ""

    def read(self, block: bytes) -> None:
        plain = _ANSI.sub(b"", block) if b"\x1b" in block or b"1b[" in block else block
        if b"\\n" in plain:
            plain = _WRITTEN_BREAK.sub(b" ", plain)
        forms = plain.translate(_TABLE, _DIGITS).split(b"\n")
        wanted = self._wanted(forms)
        raw_lines = block.split(b"\n")
        last = len(raw_lines) - (not raw_lines[-1])
        start = self.found.lines
        self.found.lines += last
        if self.bytes_read < WRAPPED_UNTIL:
            self._read_all(raw_lines[:last], forms, wanted, start)
        elif wanted:
            for number in [number for number, form in enumerate(forms[:last]) if form in wanted]:
                self._read_line(start + number + 1, raw_lines[number], forms[number])
        self.bytes_read += len(block)

    def _wanted(self, forms: list[bytes]) -> set[bytes]:
        distinct = set(forms)
        distinct -= self.cold
        if self.keys.isdisjoint(b" ".join(distinct).split()):
            self.cold |= distinct
            return set()
        wanted = {form for form in distinct if not self.keys.isdisjoint(form.split())}
        if len(self.cold) > MOST_FORMS:
            self.cold.clear()
        if len(self.often) > MOST_FORMS:
            self.often.clear()
        self.cold |= distinct - wanted
        return {form for form in wanted if self.often.get(form, 0) < ENOUGH_OF_A_FORM}

    def _read_all(self, raw_lines: list[bytes], forms: list[bytes], wanted: set[bytes], start: int) -> None:
        """Read every line, also across line breaks that a terminal put in."""
        for number, raw in enumerate(raw_lines):
            texts = self._read_line(start + number + 1, raw, forms[number]) if forms[number] in wanted else None
            if len(raw) > MAX_LINE:
                self.previous = ""
                continue
            parts = texts if texts is not None else clean(text_of(raw))
            current = parts[0] if parts else ""
            goes_on = current != "" and without_prefix(current) == current  # a time stamp starts a line of its own
            if goes_on and len(self.previous) >= _SHORTEST_BROKEN:
                self._read_border(start + number, self.previous[-_BORDER:], current[:_BORDER])
            self.previous = parts[-1] if parts else ""

    def _read_line(self, number: int, raw: bytes, form: bytes) -> list[str]:
        texts = clean(text_of(raw))
        new = False
        for text in texts:
            lowered = text.lower()
            for phrase, match in _phrases_in(text, lowered):
                new |= self._keep(phrase, Hit(number, text[:500], match.groupdict()))
            if len(self.found.suspicious) < MOST_SUSPICIOUS and SUSPICIOUS.search(text):
                self.found.suspicious.append((number, text[:500]))
        if not new:
            self.often[form] = self.often.get(form, 0) + 1
        return texts

    def _read_border(self, number: int, before: str, after: str) -> None:
        for glue in ("", " "):
            text = before + glue + after
            for phrase, match in _phrases_in(text, text.lower()):
                if match.start() < len(before) and match.end() > len(before) + len(glue):
                    self._keep(phrase, Hit(number, text, match.groupdict()))

    def _keep(self, phrase: Phrase, hit: Hit) -> bool:
        """Keep a hit and say whether it was worth it."""
        hits = self.found.hits.setdefault(phrase.text, [])
        if len(hits) < MOST_HITS:
            hits.append(hit)
            return True
        if all(hit.values != known.values for known in hits):
            hits[-1] = hit
            return True
        return False


def _phrases_in(text: str, lowered: str) -> Iterator[tuple[Phrase, re.Match[str]]]:
    by_key = index()
    for word in dict.fromkeys(words(lowered)):
        for phrase in by_key.get(word, ()):
            match = phrase.search(text, lowered)
            if match is not None:
                yield phrase, match
