"""The metadata of one distribution, in the formats of wheels and of old."""

import os
import re
from dataclasses import dataclass

from packaging.metadata import RawMetadata, parse_email

from envcheck.host import Host
from envcheck.knowledge import egg_info
from envcheck.model.unknown import Unknown

HEADERS_BYTES = 256 * 1024  #: the description that follows can be long, the headers are not


@dataclass(frozen=True)
class Metadata:
    name: str | None
    version: str | None | Unknown
    requires: tuple[str, ...] | Unknown
    requires_python: str | None | Unknown
    wheel_tags: tuple[str, ...] | Unknown


def read_wheel_metadata(files: Host, folder: str) -> Metadata:
    """Read a ``.dist-info`` folder (PEP 376, PEP 427)."""
    raw = _headers(files, os.path.join(folder, "METADATA"))
    tags = _wheel_tags(files, folder)
    if isinstance(raw, Unknown):
        return Metadata(None, raw, raw, raw, tags)
    return Metadata(
        raw.get("name"), raw.get("version"), tuple(raw.get("requires_dist", ())), raw.get("requires_python"), tags
    )


def read_egg_info(files: Host, path: str) -> Metadata:
    """Read an ``.egg-info`` folder or file, or the ``EGG-INFO`` folder of an egg (setuptools, distutils)."""
    is_folder = files.is_dir(path)
    raw = _headers(files, os.path.join(path, "PKG-INFO") if is_folder else path)
    if isinstance(raw, Unknown):
        return Metadata(None, raw, raw, raw, ())
    requires = tuple(raw.get("requires_dist", ()))
    if is_folder and not requires:
        text = files.read_text(os.path.join(path, "requires.txt"))
        requires = egg_info.requirements(text) if isinstance(text, str) else ()
    return Metadata(raw.get("name"), raw.get("version"), requires, raw.get("requires_python"), ())


def _headers(files: Host, path: str) -> RawMetadata | Unknown:
    data = files.read_bytes(path, HEADERS_BYTES)
    if not isinstance(data, bytes):
        return data if isinstance(data, Unknown) else Unknown("failed", f"{os.path.basename(path)} is missing")
    head = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0]
    try:
        raw, _ = parse_email(head + b"\n\n")
    except Exception as error:  # the parser of the standard library stumbles over some damaged headers
        return Unknown("failed", f"{os.path.basename(path)}: {error}")
    if not raw.get("name") or not raw.get("version"):
        return Unknown("failed", f"{os.path.basename(path)} names no distribution")
    return raw


def _wheel_tags(files: Host, folder: str) -> tuple[str, ...] | Unknown:
    text = files.read_text(os.path.join(folder, "WHEEL"), 64 * 1024)
    if not isinstance(text, str):
        return text if isinstance(text, Unknown) else ()
    return tuple(line.partition(":")[2].strip() for line in text.splitlines() if line.lower().startswith("tag:"))
