"""What a worker says on its private line, and what is kept of the rest that it prints."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MARKER = b"@envcheck@"
FACTS_BYTES = 16 * 1024 * 1024  #: of all facts together; the smoke test of one backend reports some 100 KiB
LINE_BYTES = 4 * 1024 * 1024

StageListener = Callable[[str], None]


@dataclass
class Kept:
    """The beginning and the end of a stream of any length, at most ``limit`` bytes together."""

    limit: int
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    lost: bool = False

    def take(self, data: bytes) -> None:
        half = self.limit // 2
        room = max(half - len(self.head), 0)
        self.head += data[:room]
        self.tail += data[room:]
        if len(self.tail) > half:
            self.lost = True
        if len(self.tail) > self.limit:
            del self.tail[:-half]

    def text(self) -> str:
        middle = b"\n[... output left out ...]\n" if self.lost else b""
        tail = self.tail[-(self.limit // 2) :]
        return (bytes(self.head) + middle + bytes(tail)).decode("utf-8", "replace")


class Channel:
    """The worker's private line.

    Lines that do not begin with the marker and this run's nonce are none of the worker's and are left out, and so
    are lines of no known shape.
    """

    def __init__(self, nonce: str, listener: StageListener | None = None) -> None:
        self._prefix = MARKER + nonce.encode()
        self._listener = listener
        self._pending = bytearray()
        self._facts_bytes = 0
        self.facts: list[tuple[str, Any]] = []
        self.stage: str | None = None
        self.version: str | None = None
        self.error: Mapping[str, str] | None = None
        self.done = False
        self.too_old = False
        self.lost = False

    def take(self, data: bytes) -> None:
        self._pending += data
        if b"\n" in data:
            *lines, self._pending = self._pending.split(b"\n")
            for line in lines:
                self._line(bytes(line))
        if len(self._pending) > LINE_BYTES:
            self.lost = True
            self._pending.clear()

    def _line(self, line: bytes) -> None:
        if not line.startswith(self._prefix):
            return
        try:
            kind, content = json.loads(line[len(self._prefix) :])
            self._message(kind, content, len(line))
        except (ValueError, TypeError, RecursionError):
            self.lost = True

    def _message(self, kind: str, content: Any, size: int) -> None:
        if kind == "hello":
            self.version = str(content)
        elif kind == "too-old":
            self.version, self.too_old = str(content), True
        elif kind == "stage":
            self.stage = _encodable(str(content))
            self._announce(self.stage)
        elif kind == "fact":
            self._fact(content, size)
        elif kind == "raised":
            self.error = {str(key): _encodable(str(value)) for key, value in dict(content).items()}
        elif kind == "done":
            self.done = True

    def _fact(self, content: Any, size: int) -> None:
        key, value = content
        self._facts_bytes += size
        if self._facts_bytes > FACTS_BYTES:
            self.lost = True  # but stages and the end are still heard
        else:
            self.facts.append((str(key), _encodable(value)))

    def _announce(self, stage: str) -> None:
        if self._listener is None:
            return
        try:
            self._listener(stage)
        except Exception:
            self._listener = None  # a display that fails must not cost us what the worker says


def _encodable(value: Any) -> Any:
    """Return plain data whose texts UTF-8 can hold: file names may hold bytes that are no text (PEP 383)."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return value
