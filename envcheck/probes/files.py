"""Small ways to read the kernel's text files, each keeping 'there is none' apart from 'could not tell'."""

from typing import TypeVar

from envcheck.host import Host
from envcheck.model.unknown import Unknown

T = TypeVar("T")


def line(host: Host, path: str) -> str | None | Unknown:
    """Return a one-line file without its line end (and without the NUL of a device tree), or None if it is absent."""
    text = host.read_text(path, 64 * 1024)
    return text.strip("\0\n\t ") if isinstance(text, str) else text


def integer(host: Host, path: str, base: int = 10) -> int | None | Unknown:
    """Return the number in a file, or None if the file is absent.

    ``base`` 0 reads ``0x10de`` as well as decimal numbers.
    """
    text = line(host, path)
    if not isinstance(text, str):
        return text
    try:
        return int(text, base)
    except ValueError:
        return Unknown("failed", f"{path} holds no number: {text[:40]!r}")


def required(value: T | None | Unknown, path: str) -> T | Unknown:
    """Return ``value``; a missing file becomes ``Unknown``, for files that every running system has."""
    return Unknown("failed", f"{path} is missing") if value is None else value


def number_list(text: str) -> frozenset[int]:
    """Return the numbers of a kernel list such as ``0-3,8``.

    Raises:
        ValueError: if the text is no such list.
    """
    numbers: set[int] = set()
    for part in text.strip().split(","):
        if not part:
            continue
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


def table(text: str, separator: str = ":") -> dict[str, str]:
    """Return lines of ``key: value``; the first of equal keys wins."""
    values: dict[str, str] = {}
    for entry in text.splitlines():
        key, found, value = entry.partition(separator)
        if found:
            values.setdefault(key.strip(), value.strip())
    return values
