"""The cache of glibc's dynamic loader, /etc/ld.so.cache: names of libraries and the files that have them.

Source of the layout: sysdeps/generic/dl-cache.h of glibc (struct cache_file_new), since 2.32 the only one written.
"""

import struct
from collections.abc import Mapping

from envcheck.host import Host
from envcheck.model.unknown import Unknown

PATH = "/etc/ld.so.cache"
MAGIC = b"glibc-ld.so.cache1.1"
HEADER_BYTES = 48
ENTRY = "iIIIQ"


def read(host: Host) -> Mapping[str, tuple[str, ...]] | Unknown:
    """Return the files of each name in the cache's order; empty where there is no cache."""
    data = host.read_bytes(PATH)
    if data is None:
        return {}
    if isinstance(data, Unknown):
        return data
    start = data.find(MAGIC)  # before glibc 2.32 a cache in the older layout may stand in front
    if start < 0 or len(data) < start + HEADER_BYTES:
        return Unknown("failed", f"{PATH} has a layout that envcheck does not know")
    data = data[start:]
    order = ">" if data[28] & 3 == 3 else "<"
    (count,) = struct.unpack_from(order + "I", data, len(MAGIC))
    found: dict[str, list[str]] = {}
    size = struct.calcsize(order + ENTRY)
    for index in range(min(count, (len(data) - HEADER_BYTES) // size)):
        _, key, value, _, _ = struct.unpack_from(order + ENTRY, data, HEADER_BYTES + index * size)
        found.setdefault(_text(data, key), []).append(_text(data, value))
    return {name: tuple(paths) for name, paths in found.items()}


def _text(data: bytes, offset: int) -> str:
    end = data.find(b"\0", offset)
    return data[offset : end if end >= 0 else len(data)].decode("utf-8", "replace")
