"""What the dynamic section of an ELF file tells the loader: what it needs, and where to look for it.

Source of the layout: the ELF specification, as in /usr/include/elf.h.
"""

import struct
from dataclasses import dataclass

from envcheck.host import Host
from envcheck.probes import elf

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NULL, DT_NEEDED, DT_STRTAB, DT_SONAME, DT_RPATH, DT_RUNPATH = 0, 1, 5, 14, 15, 29
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


def read(host: Host, path: str) -> Dynamic | None:
    """Return what the dynamic section tells; None if the file has none that can be read."""
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
    if texts is None:
        return None
    wanted = {tag: [_text(host, path, texts + value) for seen, value in entries if seen == tag] for tag in TEXT_TAGS}
    sonames = wanted[DT_SONAME]
    return Dynamic(
        needed=tuple(text for text in wanted[DT_NEEDED] if text),
        soname=sonames[0] if sonames else None,
        rpath=_folders(wanted[DT_RPATH]),
        runpath=_folders(wanted[DT_RUNPATH]),
    )


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
