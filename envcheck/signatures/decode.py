"""Any bytes as blocks of whole lines in one encoding."""

import codecs
from collections.abc import Iterable, Iterator

BLOCK = 1 << 20  #: bytes that are looked at together
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks again, cut at line ends and as UTF-8 if they were UTF-16 or UTF-32.

    A line longer than :data:`BLOCK` is cut there, so that memory stays bounded.
    """
    rest = b""
    for chunk in _as_utf8(chunks):
        rest += chunk
        end = rest.rfind(b"\n") + 1
        if end == 0 and len(rest) >= BLOCK:
            end = len(rest)
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest


def text_of(line: bytes) -> str:
    """Return a line as text: UTF-8 if it is that, else Latin-1, which admits everything."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def blocks_of(lines: Iterable[str | bytes]) -> Iterator[bytes]:
    """Gather single lines into blocks."""
    gathered: list[bytes] = []
    size = 0
    for line in lines:
        data = line.encode("utf-8", "replace") if isinstance(line, str) else line
        gathered.append(data if data.endswith(b"\n") else data + b"\n")
        size += len(data)
        if size >= BLOCK:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)


def _as_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    iterator = iter(chunks)
    head = b""
    for chunk in iterator:
        head += chunk
        if len(head) >= 4:
            break
    encoding, skip = _encoding(head)
    if encoding == "utf-8":
        yield head[skip:]
        yield from iterator
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    yield decoder.decode(head[skip:]).encode("utf-8", "replace")
    for chunk in iterator:
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _encoding(head: bytes) -> tuple[str, int]:
    """Return the encoding of a text that starts with ``head``, and the length of its byte order mark."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    sample = head[:2000]
    if len(sample) >= 4 and sample[1::2].count(0) > 0.8 * len(sample[1::2]) and 0 not in sample[0:2:2]:
        return "utf-16-le", 0
    if len(sample) >= 4 and sample[0::2].count(0) > 0.8 * len(sample[0::2]) and 0 not in sample[1:2]:
        return "utf-16-be", 0
    return "utf-8", 0
