"""A file on a server, read in parts: the table of contents of a wheel of 600 MB and one small member of it."""

import errno
import io
from collections.abc import Callable
from typing import Any

END_BYTES = 100_000
"""What is read from the end at once: most wheels have their table of contents and METADATA there."""
LEAST_BYTES = 50_000
"""What is read at least where a part is missing."""

Fetch = Callable[[int, int], tuple[int, bytes]]
"""Returns the size of the file and its bytes from the first to the last position; a negative first means the end."""


class RemoteFile(io.RawIOBase):
    """A file to read and seek in, as ``zipfile`` wants it."""

    def __init__(self, fetch: Fetch) -> None:
        super().__init__()
        self._fetch = fetch
        self._position = 0
        self._size, end = fetch(-END_BYTES, 0)
        self._parts = [(self._size - len(end), end)]

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if position < 0:
            raise OSError(errno.EINVAL, "there is nothing before the beginning")  # as a file on disk does
        self._position = position
        return position

    def readinto(self, buffer: Any) -> int:
        count = max(min(len(buffer), self._size - self._position), 0)
        buffer[:count] = self._bytes(self._position, count)
        self._position += count
        return count

    def _bytes(self, start: int, count: int) -> bytes:
        for first, data in self._parts:
            if first <= start and start + count <= first + len(data):
                return data[start - first : start - first + count]
        last = min(start + max(count, LEAST_BYTES), self._size) - 1
        _, data = self._fetch(start, last)
        if len(data) < count:
            raise EOFError(f"the server sent {len(data)} of {count} bytes")
        self._parts.append((start, data))
        return data[:count]
