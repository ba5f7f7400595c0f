"""What is installed in the target: from the metadata on every folder of its path, without importing anything."""

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from packaging.utils import canonicalize_name

from envcheck.host import Host
from envcheck.model.facts import CondaPackage, Package
from envcheck.model.unknown import Unknown
from envcheck.probes import package_files
from envcheck.probes.package_metadata import Metadata, read_egg_info, read_wheel_metadata

SECONDS_FOR_FILES = 5.0  #: after that, on a slow file system, files are no longer compared with RECORD
CONDA_RECORD_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Installed:
    packages: tuple[Package, ...] | Unknown  #: in the order of the path
    leftovers: tuple[str, ...] | Unknown  #: folders whose name pip began with ``~`` to delete them
    conda_packages: tuple[CondaPackage, ...] | Unknown


def find(host: Host, path: Sequence[str], prefix: str | None) -> Installed:
    """Return what is installed in the folders ``path`` and, for a conda environment, in ``prefix``."""
    files = host.unrooted()
    deadline = time.monotonic() + SECONDS_FOR_FILES
    packages: list[Package] = []
    leftovers: list[str] = []
    denied: Unknown | None = None
    for folder in _folders(path):
        names = files.list_dir(folder)
        if isinstance(names, Unknown):
            # Archives on the path are no folders; only what must not be read hides packages from us.
            denied = names if names.reason == "denied" else denied
            continue
        for name in names or ():
            if name.startswith("~"):
                leftovers.append(os.path.join(folder, name))
            elif _KIND.search(name):
                packages += _read(files, folder, name, deadline)
    conda = _conda_packages(files, prefix) if prefix else ()
    found = _without_guesses(_with_conda(packages, conda))
    if denied is not None and not found:
        return Installed(denied, denied, conda)
    return Installed(tuple(found), tuple(leftovers), conda)


_KIND = re.compile(r"\.(dist-info|egg-info|egg|egg-link)$")


def _folders(path: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    folders = []
    for entry in path:
        real = os.path.realpath(entry)
        if os.path.isabs(entry) and real not in seen:
            seen.add(real)
            folders.append(entry)
    return folders


def _read(files: Host, folder: str, name: str, deadline: float) -> list[Package]:
    where = os.path.join(folder, name)
    if name.endswith(".dist-info"):
        return [_package(files, folder, where, read_wheel_metadata(files, where), deadline)]
    if name.endswith(".egg-link"):  # 'setup.py develop' of old: its first line is the folder of the source
        text = files.read_text(where)
        source = text.splitlines()[0].strip() if isinstance(text, str) and text.strip() else None
        names = files.list_dir(source) if source else None
        infos = [entry for entry in names if entry.endswith(".egg-info")] if isinstance(names, tuple) else []
        found = [(where, read_egg_info(files, os.path.join(source or "", info))) for info in infos]
        return [_package(files, folder, where, metadata, deadline, editable=True) for where, metadata in found]
    if name.endswith(".egg"):
        where = os.path.join(where, "EGG-INFO")
        if not files.is_dir(where):
            return []
    return [_package(files, folder, where, read_egg_info(files, where), deadline)]


def _package(
    files: Host, folder: str, where: str, metadata: Metadata, deadline: float, editable: bool | None = None
) -> Package:
    origin = _direct_url(files, where)
    is_editable = origin.editable if editable is None else editable
    record = files.read_text(os.path.join(where, "RECORD"), package_files.RECORD_BYTES)
    inventory = package_files.inspect(files, folder, record, deadline)
    # What an editable install puts into site-packages says nothing about what it provides.
    elsewhere = Unknown("unsupported", "an editable install, whose files lie elsewhere")
    return Package(
        name=canonicalize_name(metadata.name or _name_of(where)),
        version=metadata.version,
        location=folder,
        metadata=where,
        installer=_installer(files, where),
        requested=files.is_file(os.path.join(where, "REQUESTED")),
        editable=is_editable,
        wheel_tags=metadata.wheel_tags,
        requires=metadata.requires,
        requires_python=metadata.requires_python,
        top_level=_top_level(files, where, elsewhere if is_editable is True else inventory.top_level),
        files_missing=inventory.missing,
        files_truncated=inventory.truncated,
        folders_denied=inventory.denied,
        source_url=origin.url,
    )


def _name_of(where: str) -> str:
    """Return the name in a folder such as ``numpy-2.1.0.dist-info`` or ``six.egg-info``."""
    base = os.path.basename(os.path.dirname(where) if where.endswith("EGG-INFO") else where)
    return _KIND.sub("", base).split("-")[0]


def _installer(files: Host, where: str) -> str | None | Unknown:
    text = files.read_text(os.path.join(where, "INSTALLER"), 4096)
    if not isinstance(text, str):
        return text
    words = text.split()
    return words[0].lower() if words else None  # Poetry adds its version


def _top_level(files: Host, where: str, provided: tuple[str, ...] | Unknown) -> tuple[str, ...] | Unknown:
    if isinstance(provided, tuple):
        return provided
    text = files.read_text(os.path.join(where, "top_level.txt"), 64 * 1024)
    return tuple(text.split()) if isinstance(text, str) else provided


class _DirInfo(msgspec.Struct):
    editable: bool = False


class _DirectUrl(msgspec.Struct):
    url: str = ""
    dir_info: _DirInfo = msgspec.field(default_factory=_DirInfo)


@dataclass(frozen=True)
class _Origin:
    url: str | None | Unknown
    editable: bool | Unknown


def _direct_url(files: Host, where: str) -> _Origin:
    data = files.read_bytes(os.path.join(where, "direct_url.json"), 64 * 1024)
    if data is None:
        return _Origin(None, False)
    if isinstance(data, Unknown):
        return _Origin(data, data)
    try:
        content = msgspec.json.decode(data, type=_DirectUrl)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        broken = Unknown("failed", f"direct_url.json: {error}")
        return _Origin(broken, broken)
    return _Origin(content.url or None, content.dir_info.editable)


# --- conda --------------------------------------------------------------------------------------


class _CondaRecord(msgspec.Struct):
    name: str
    version: str | None = None
    build: str | None = None
    channel: str | None = None


def _conda_packages(files: Host, prefix: str) -> tuple[CondaPackage, ...] | Unknown:
    folder = os.path.join(prefix, "conda-meta")
    names = files.list_dir(folder)
    if not isinstance(names, tuple):
        return names if isinstance(names, Unknown) else ()
    found = []
    for name in names:
        data = files.read_bytes(os.path.join(folder, name), CONDA_RECORD_BYTES) if name.endswith(".json") else None
        if isinstance(data, bytes):
            try:
                record = msgspec.json.decode(data, type=_CondaRecord)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # not a package's record, or a damaged one, whose package Python may still find
            found.append(
                CondaPackage(name=record.name, version=record.version, build=record.build, channel=record.channel)
            )
    return tuple(found)


def _with_conda(packages: list[Package], conda: tuple[CondaPackage, ...] | Unknown) -> list[Package]:
    """Name conda as the installer of what it lists and nothing else claims."""
    if isinstance(conda, Unknown):
        return packages
    listed = {(canonicalize_name(record.name), record.version) for record in conda}
    return [
        msgspec.structs.replace(package, installer="conda")
        if package.installer is None and (package.name, package.version) in listed
        else package
        for package in packages
    ]


def _without_guesses(packages: list[Package]) -> list[Package]:
    """Take the missing REQUESTED of all packages for what it is: an installer that does not note it."""
    if any(package.requested is True for package in packages):
        return packages
    unnoted = Unknown("unsupported", "no installer noted what was asked for by name")
    return [msgspec.structs.replace(package, requested=unnoted) for package in packages]
