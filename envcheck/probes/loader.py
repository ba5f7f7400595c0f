"""Where glibc's dynamic loader looks for a library that another file asks for, in its order.

Source: ld.so(8), section 'Description', and dlopen(3). Nothing is loaded here.
"""

import os
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from envcheck.host import Host
from envcheck.model.unknown import Unknown, known
from envcheck.probes import loader_cache
from envcheck.probes.elf_dynamic import Dynamic

MULTIARCH = {"x86_64": "x86_64-linux-gnu", "aarch64": "aarch64-linux-gnu", "ppc64le": "powerpc64le-linux-gnu"}
"""The folders of Debian's libraries (wiki.debian.org/Multiarch/Tuples)."""
OF_THE_SYSTEM = ("/usr/", "/lib/", "/lib64/", "/opt/", "/run/")
"""Below these, absolute paths mean the machine that is looked at; any other is taken as it is."""

RPATH, VARIABLE, RUNPATH = "RPATH", "LD_LIBRARY_PATH", "RUNPATH"
CACHE, SYSTEM = "loader cache", "system folder"


@dataclass(frozen=True)
class Asker:
    """A file that asks for libraries. ``parent`` is the one that had it loaded: its RPATH counts as well."""

    path: str
    host: Host
    dynamic: Dynamic
    parent: "Asker | None" = None


@dataclass(frozen=True)
class Place:
    """A folder to look in, or a file that the cache names."""

    path: str
    via: str
    host: Host


def system_host(host: Host, path: str) -> Host:
    """Return the host that reads an absolute path: the system's lie below the root, a user's own as they are."""
    return host if (path + "/").startswith(OF_THE_SYSTEM) else host.unrooted()


class Loader:
    """The loader of one machine and one program, whose own RPATH is ``program``'s."""

    def __init__(self, host: Host, machine: str, program: Asker | None) -> None:
        self._host = host
        self._program = program
        self._cache: Mapping[str, tuple[str, ...]] = known(loader_cache.read(host), {})
        self._names: dict[tuple[str, str], frozenset[str]] = {}
        multiarch = MULTIARCH.get(machine)
        debian = [f"/lib/{multiarch}", f"/usr/lib/{multiarch}"] if multiarch else []
        self._system = (*debian, "/lib64", "/usr/lib64", "/lib", "/usr/lib")

    def files(self, asker: Asker, soname: str) -> Iterator[Place]:
        """Yield every file or link called ``soname`` where the loader looks on behalf of ``asker``."""
        for place in self._order(asker):
            yield from self.in_folder(place, soname)
        for path in self._cache.get(soname, ()):
            yield Place(path, CACHE, self._host)
        for folder in self._system:
            yield from self.in_folder(Place(folder, SYSTEM, self._host), soname)

    def in_folder(self, place: Place, soname: str) -> Iterator[Place]:
        if soname in self.names(place):
            yield Place(posixpath.join(place.path, soname), place.via, place.host)

    def names(self, place: Place) -> frozenset[str]:
        """Return the names in a folder; none where it can't be read."""
        key = place.host.root, place.path
        if key not in self._names:
            names = place.host.list_dir(place.path)
            self._names[key] = frozenset(names) if isinstance(names, tuple) else frozenset()
        return self._names[key]

    def folders(self, asker: Asker) -> list[Place]:
        """Return the folders that the loader looks in on behalf of ``asker``."""
        return [*self._order(asker), *(Place(folder, SYSTEM, self._host) for folder in self._system)]

    def in_cache(self) -> Iterator[str]:
        """Yield every path that the cache names."""
        for paths in self._cache.values():
            yield from paths

    def _order(self, asker: Asker) -> list[Place]:
        places: list[Place] = []
        if not asker.dynamic.runpath:
            holder: Asker | None = asker
            while holder is not None:
                places += self._own(holder, holder.dynamic.rpath, RPATH)
                holder = holder.parent
            if self._program is not None:
                places += self._own(self._program, self._program.dynamic.rpath, RPATH)
        for folder in self._host.environ.get(VARIABLE, "").replace(";", ":").split(":"):
            if folder:
                folder = folder.rstrip("/") or "/"
                places.append(Place(folder, VARIABLE, system_host(self._host, folder)))
        return places + self._own(asker, asker.dynamic.runpath, RUNPATH)

    def _own(self, holder: Asker, folders: tuple[str, ...], via: str) -> list[Place]:
        """Return the folders of a run path; those relative to the file that has it are read as that file is."""
        if via == RPATH and holder.dynamic.runpath:
            return []
        origin = posixpath.dirname(resolved(holder.host, holder.path))
        places = []
        for folder in folders:
            path = folder.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", origin)
            host = holder.host if path != folder else system_host(self._host, path)
            places.append(Place(posixpath.normpath(path), via, host))
        return places


def resolved(host: Host, path: str) -> str:
    """Return the path that links lead to, as the machine names it."""
    if not host.root:
        return os.path.realpath(path)
    try:
        return host.real(path).removeprefix(host.root)
    except OSError:
        return path


def exists(host: Host, path: str) -> bool | Unknown:
    """Say whether a path leads to something; links in a circle lead to nothing."""
    try:
        return host.exists(path)
    except OSError:
        return False
