"""What the header of an ELF file (a program or shared library of Linux) tells.

Source of the layout: the ELF specification, as in /usr/include/elf.h.
"""

import struct
from dataclasses import dataclass
from typing import NamedTuple

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes.system import ELF_MACHINES

MAGIC = b"\x7fELF"
HEAD_BYTES = 64
PROGRAM_HEADERS_LIMIT = 1000  #: real files have some ten; a damaged count must not make us read on
SECTION_LIMIT_BYTES = 64 * 1024 * 1024
PT_INTERP = 3

_SECTION_LAYOUT = {True: "IIQQQQ", False: "IIIIII"}  #: by word size, as far as the file's size


@dataclass(frozen=True)
class Elf:
    """``machine`` is in the kernel's words; ``loader`` the dynamic loader that a program asks for, if any."""

    path: str
    machine: str
    bits: int
    loader: str | None
    size: int
    size_expected: int  #: bytes that the file has at least, by its own header

    @property
    def truncated(self) -> bool:
        return self.size < self.size_expected


class Segment(NamedTuple):
    """A program header: ``address`` is where the part of the file lies in memory."""

    kind: int
    offset: int
    size: int
    address: int


@dataclass(frozen=True)
class Header:
    """The numbers of an ELF header that tell where the rest lies."""

    wide: bool
    order: str
    machine: int
    program_offset: int
    section_offset: int
    program_size: int
    program_count: int
    section_size: int
    section_count: int
    names_index: int


def read(host: Host, path: str) -> Elf | None | Unknown:
    """Return what the header of ``path`` tells; None if there is no such file or it is no ELF file."""
    head = host.read_bytes(path, HEAD_BYTES)
    state = host.stat(path)
    if not isinstance(head, bytes) or isinstance(state, Unknown) or state is None:
        return head if isinstance(head, Unknown) else None
    if not head.startswith(MAGIC):
        return None
    header = _header(head)
    if header is None:
        return Unknown("failed", f"{path} has a damaged ELF header")
    segments = _segments(host, path, header)
    ends = [segment.offset + segment.size for segment in segments]
    ends.append(header.section_offset + header.section_size * header.section_count)
    return Elf(
        path=path,
        machine=ELF_MACHINES.get(header.machine, f"ELF machine {header.machine}"),
        bits=64 if header.wide else 32,
        loader=_loader(host, path, segments),
        size=state.st_size,
        size_expected=max(ends),
    )


def segments(host: Host, path: str) -> tuple[Header, list[Segment]] | None:
    """Return the header of a file and its program headers; None if it is no ELF file or can't be read."""
    head = host.read_bytes(path, HEAD_BYTES)
    header = _header(head) if isinstance(head, bytes) and head.startswith(MAGIC) else None
    return (header, _segments(host, path, header)) if header is not None else None


def section(host: Host, path: str, name: str) -> bytes | None:
    """Return the bytes of a section such as ``.rodata``; None if it can't be had."""
    head = host.read_bytes(path, HEAD_BYTES)
    header = _header(head) if isinstance(head, bytes) and head.startswith(MAGIC) else None
    if header is None or header.section_size < struct.calcsize(_SECTION_LAYOUT[header.wide]):
        return None
    table = host.read_bytes(path, header.section_size * header.section_count, header.section_offset)
    if not isinstance(table, bytes) or len(table) < header.section_size * header.section_count:
        return None
    rows = [_section_row(header, table, index) for index in range(header.section_count)]
    if header.names_index >= len(rows):
        return None
    _, names_offset, names_size = rows[header.names_index]
    names = host.read_bytes(path, min(names_size, SECTION_LIMIT_BYTES), names_offset)
    if not isinstance(names, bytes):
        return None
    for name_at, offset, size in rows:
        if names[name_at:].split(b"\0", 1)[0] == name.encode() and size <= SECTION_LIMIT_BYTES:
            data = host.read_bytes(path, size, offset)
            return data if isinstance(data, bytes) else None
    return None


def _header(head: bytes) -> Header | None:
    if len(head) < 52 or head[4] not in (1, 2) or head[5] not in (1, 2):
        return None
    wide = head[4] == 2
    order = "<" if head[5] == 1 else ">"
    layout = order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")
    if len(head) < 16 + struct.calcsize(layout):
        return None
    fields = struct.unpack_from(layout, head, 16)
    return Header(wide, order, fields[1], fields[4], fields[5], *fields[8:13])


def _segments(host: Host, path: str, header: Header) -> list[Segment]:
    """Return each program header that can be read."""
    layout = header.order + ("IIQQQQ" if header.wide else "IIIII")
    if header.program_size < struct.calcsize(layout) or header.program_count > PROGRAM_HEADERS_LIMIT:
        return []
    table = host.read_bytes(path, header.program_size * header.program_count, header.program_offset)
    if not isinstance(table, bytes):
        return []
    found = []
    for index in range(len(table) // header.program_size):
        fields = struct.unpack_from(layout, table, index * header.program_size)
        if header.wide:
            found.append(Segment(fields[0], fields[2], fields[5], fields[3]))
        else:
            found.append(Segment(fields[0], fields[1], fields[4], fields[2]))
    return found


def _section_row(header: Header, table: bytes, index: int) -> tuple[int, int, int]:
    """Return name, offset and size of one section."""
    fields = struct.unpack_from(header.order + _SECTION_LAYOUT[header.wide], table, index * header.section_size)
    return fields[0], fields[4], fields[5]


def _loader(host: Host, path: str, segments: list[Segment]) -> str | None:
    for segment in segments:
        if segment.kind == PT_INTERP:
            data = host.read_bytes(path, min(segment.size, 4096), segment.offset)
            return data.rstrip(b"\0").decode("utf-8", "replace") if isinstance(data, bytes) else None
    return None
