"""The packages of the target, and the requirements that bring back the same ones."""

import os
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec

from envcheck.fixes.packages import TORCH_INDEX, TORCH_PACKAGES
from envcheck.host import Host
from envcheck.model.facts import Facts, Package
from envcheck.model.unknown import known


class _Vcs(msgspec.Struct):
    vcs: str
    commit_id: str


class _Folder(msgspec.Struct):
    editable: bool = False


class _Origin(msgspec.Struct):
    """direct_url.json (packaging.python.org/specifications/direct-url-data-structure)."""

    url: str
    vcs_info: _Vcs | None = None
    dir_info: _Folder | None = None
    subdirectory: str | None = None


def own_packages(facts: Facts) -> tuple[Package, ...]:
    """Return the packages inside the target's own prefix that conda did not install; of two of one name the first."""
    prefix = known(facts.python.prefix, None)
    inside = {
        package.name: package
        for package in reversed(known(facts.python.packages, ()))
        if prefix is None or package.location.startswith(prefix + os.sep)
    }
    return tuple(inside[name] for name in sorted(inside) if known(inside[name].installer, None) != "conda")


def table(host: Host, packages: tuple[Package, ...]) -> tuple[str, ...]:
    """Return a line for each package: its version, the requirement that brings it back, and the index of that.

    The three stand between tabs, the version as ``name==version``; the index is empty if it is the usual one.
    """
    return tuple(line for line in (_line(host, package) for package in packages) if line)


def _line(host: Host, package: Package) -> str | None:
    version = known(package.version, None)
    if version is None:
        return None
    pinned, direct = f"{package.name}=={version}", _direct(host, package)
    build = version.partition("+")[2] if package.name in TORCH_PACKAGES and not direct else ""
    return "\t".join((pinned, direct or pinned, TORCH_INDEX.format(build=build) if build else ""))


def _direct(host: Host, package: Package) -> str | None:
    """Return the requirement of a package that did not come from an index, if what it came from is still there."""
    data = host.unrooted().read_bytes(os.path.join(package.metadata, "direct_url.json"))
    if not isinstance(data, bytes):
        return None
    try:
        origin = msgspec.json.decode(data, type=_Origin)
    except msgspec.DecodeError:
        return None
    parts = urlsplit(origin.url)
    path = url2pathname(parts.path) if parts.scheme == "file" else None
    if path is not None and not os.path.exists(path):
        return None
    if path is not None and origin.dir_info is not None and origin.dir_info.editable:
        return f"-e {path}"
    url = f"{origin.vcs_info.vcs}+{origin.url}@{origin.vcs_info.commit_id}" if origin.vcs_info else origin.url
    part = f"#subdirectory={origin.subdirectory}" if origin.subdirectory else ""
    return f"{package.name} @ {url}{part}"
