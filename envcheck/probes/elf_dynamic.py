"""What the dynamic section of an ELF file tells the loader: what it needs, and where to look for it.

Source of the layout: the ELF specification, as in /usr/include/elf.h.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from envcheck.host import Host
from envcheck.probes import elf

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NULL, DT_NEEDED, DT_STRTAB, DT_SONAME, DT_RPATH, DT_RUNPATH = 0, 1, 5, 14, 15, 29
DT_VERNEED, DT_VERNEEDNUM, DT_VERDEF, DT_VERDEFNUM = 0x6FFFFFFE, 0x6FFFFFFF, 0x6FFFFFFC, 0x6FFFFFFD
SECTION_LIMIT_BYTES = 64 * 1024
TEXT_LIMIT_BYTES = 256 * 1024  #: the run path of TensorFlow 2.21 has some 30 KB
PIECE_BYTES = 4096


@dataclass(frozen=True)
class Dynamic:
    """``rpath`` and ``runpath`` are as written, without repetitions; the loader ignores the first beside the second."""

    needed: tuple[str, ...] = ()
    soname: str | None = None
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Section:
    """The dynamic section: its entries, and where in the file the texts begin that they name by offset."""

    header: elf.Header
    segments: list[elf.Segment]
    entries: list[tuple[int, int]]
    texts: int

    def first(self, tag: int) -> int | None:
        return next((value for seen, value in self.entries if seen == tag), None)


def read(host: Host, path: str) -> Dynamic | None:
    """Return what the dynamic section tells; None if the file has none that can be read."""
    section = _section(host, path)
    if section is None:
        return None
    wanted = {
        tag: [_text(host, path, section.texts + value) for seen, value in section.entries if seen == tag]
        for tag in TEXT_TAGS
    }
    sonames = wanted[DT_SONAME]
    return Dynamic(
        needed=tuple(text for text in wanted[DT_NEEDED] if text),
        soname=sonames[0] if sonames else None,
        rpath=_folders(wanted[DT_RPATH]),
        runpath=_folders(wanted[DT_RUNPATH]),
    )


def versions_needed(host: Host, path: str) -> tuple[str, ...] | None:
    """Return the versions of symbols that a file needs of others, such as ``GLIBC_2.17``; None if it can't be read.

    The chain of Elf64_Verneed with its Elf64_Vernaux, which have the same layout in 32-bit files.
    """
    section = _section(host, path)
    if section is None:
        return None
    found: list[int] = []
    for at, data in _chain(host, path, section, DT_VERNEED, DT_VERNEEDNUM, next_at=12):
        count, first = struct.unpack_from(section.header.order + "H", data, at + 2)[0], at
        first += struct.unpack_from(section.header.order + "I", data, at + 8)[0]
        for _ in range(count):
            if first + 16 > len(data):
                break
            name, step = struct.unpack_from(section.header.order + "II", data, first + 8)
            found.append(name)
            first += step
    return tuple(dict.fromkeys(_text(host, path, section.texts + name) for name in found))


def versions_offered(host: Host, path: str) -> tuple[str, ...] | None:
    """Return the versions of symbols that a library has, such as ``GLIBCXX_3.4.30``; None if it can't be read."""
    section = _section(host, path)
    if section is None:
        return None
    found = []
    for at, data in _chain(host, path, section, DT_VERDEF, DT_VERDEFNUM, next_at=16):
        names = at + struct.unpack_from(section.header.order + "I", data, at + 12)[0]
        if names + 4 <= len(data):
            found.append(struct.unpack_from(section.header.order + "I", data, names)[0])
    return tuple(_text(host, path, section.texts + name) for name in found)


def _chain(
    host: Host, path: str, section: _Section, tag: int, count_tag: int, next_at: int
) -> Iterator[tuple[int, bytes]]:
    """Yield each record of a chain in which the number at ``next_at`` leads to the next, with the bytes it lies in."""
    address, count = section.first(tag), section.first(count_tag)
    offset = _in_file(section.segments, address) if address is not None else None
    data = host.read_bytes(path, SECTION_LIMIT_BYTES, offset) if offset is not None else None
    at = 0
    for _ in range(count or 0):
        if not isinstance(data, bytes) or at + 20 > len(data):
            return
        yield at, data
        at += struct.unpack_from(section.header.order + "I", data, at + next_at)[0]


def _section(host: Host, path: str) -> _Section | None:
    found = elf.segments(host, path)
    if found is None:
        return None
    header, segments = found
    dynamic = next((segment for segment in segments if segment.kind == PT_DYNAMIC), None)
    if dynamic is None:
        return None
    data = host.read_bytes(path, min(dynamic.size, SECTION_LIMIT_BYTES), dynamic.offset)
    entries = _entries(header, data) if isinstance(data, bytes) else []
    address = next((value for tag, value in entries if tag == DT_STRTAB), None)
    texts = None if address is None else _in_file(segments, address)
    return _Section(header, segments, entries, texts) if texts is not None else None


TEXT_TAGS = (DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH)


def _entries(header: elf.Header, data: bytes) -> list[tuple[int, int]]:
    layout = struct.Struct(header.order + ("QQ" if header.wide else "II"))
    entries = []
    for at in range(0, len(data) - layout.size + 1, layout.size):
        tag, value = layout.unpack_from(data, at)
        if tag == DT_NULL:
            break
        entries.append((tag, value))
    return entries


def _in_file(segments: list[elf.Segment], address: int) -> int | None:
    """Return where in the file an address in memory comes from."""
    for segment in segments:
        if segment.kind == PT_LOAD and segment.address <= address < segment.address + segment.size:
            return segment.offset + address - segment.address
    return None


def _text(host: Host, path: str, offset: int) -> str:
    text = b""
    while b"\0" not in text and len(text) < TEXT_LIMIT_BYTES:
        piece = host.read_bytes(path, PIECE_BYTES, offset + len(text))
        if not isinstance(piece, bytes) or not piece:
            break
        text += piece
    return text.split(b"\0", 1)[0].decode("utf-8", "replace")


def _folders(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(folder for text in texts for folder in text.split(":") if folder))
