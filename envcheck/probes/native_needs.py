"""What the main library of a framework needs of the system, and what of that the loader would not find.

The files are read, nothing is loaded. Followed are the library and the parts of the framework that it is linked with;
the libraries of the system are taken to be whole.
"""

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.version import Version

from envcheck.host import Host
from envcheck.model.facts import OptionalText, Python, Texts
from envcheck.model.unknown import Unknown, known
from envcheck.probes import elf, elf_dynamic
from envcheck.probes.loader import CACHE, SYSTEM, Asker, Loader, Place, exists, resolved
from envcheck.probes.system import machine as machine_of, unless_linux

C_LIBRARY, CXX_LIBRARY = "libc.so.6", "libstdc++.so.6"
OF_THE_INTERPRETER = re.compile(r"libpython\d|ld-linux|linux-vdso")
"""The program brings these with it, whatever the loader would find."""


@dataclass(frozen=True)
class Needs:
    missing: Texts
    glibc: OptionalText
    libstdcxx: OptionalText
    libstdcxx_found: OptionalText


class Reader:
    """Looks up libraries as the loader would for the target's interpreter; made once for all frameworks."""

    def __init__(self, host: Host, python: Python) -> None:
        self._files = host.unrooted()
        self._why_not = _why_not(host, python)
        machine = python.machine if isinstance(python.machine, str) else machine_of(host)
        self._machine = known(machine, "") or ""
        executable = known(python.executable, None)
        program = self._asker(os.path.realpath(executable), None) if executable else None
        self._loader = Loader(host, self._machine, program)
        self._sites = tuple(os.path.realpath(folder) for folder in known(python.site_packages, ()))

    def needs(self, path: str | None) -> Needs:
        """Return what the library ``path`` needs; None: it is no single library, and nothing is missing."""
        if self._why_not is not None:
            return Needs(self._why_not, self._why_not, self._why_not, self._why_not)
        if path is None:
            return Needs((), None, None, None)
        asker = self._asker(path, None)
        versions = elf_dynamic.versions_needed(self._files, path)
        if asker is None or versions is None:
            unread = Unknown("failed", "its dynamic section cannot be read")
            return Needs(unread, unread, unread, unread)
        return Needs(
            missing=self._missing(asker),
            glibc=newest(versions, "GLIBC_"),
            libstdcxx=newest(versions, "GLIBCXX_"),
            libstdcxx_found=self._libstdcxx(asker),
        )

    def _missing(self, first: Asker) -> Texts:
        if self._taken(first, C_LIBRARY) is None:
            return Unknown("unsupported", "the loader of this system finds its libraries in ways of its own")
        seen, missing, waiting = {""}, [], [first]
        while waiting:
            asker = waiting.pop(0)
            for soname in asker.dynamic.needed:
                if soname in seen or OF_THE_INTERPRETER.match(soname):
                    continue
                seen.add(soname)
                place = self._taken(asker, soname)
                if place is not None:
                    waiting += self._own_part(place, asker)
                elif not self._preloaded(asker, soname):
                    missing.append(soname)
        return tuple(missing)

    def _taken(self, asker: Asker, soname: str) -> Place | None:
        """Return the first file of the name that is made for this processor."""
        if soname.startswith("/"):
            return Place(soname, SYSTEM, asker.host) if exists(asker.host, soname) else None
        for place in self._loader.files(asker, soname):
            header = elf.read(place.host, place.path) if exists(place.host, place.path) is True else None
            if isinstance(header, elf.Elf) and header.machine == self._machine:
                return place
            if isinstance(header, Unknown):
                return place  # it is there, and what it holds must not be read or can't be
        return None

    def _own_part(self, place: Place, parent: Asker) -> Iterator[Asker]:
        """Yield the file to follow on, if it belongs to the target's packages."""
        real = resolved(place.host, place.path)
        if place.via not in (CACHE, SYSTEM) and real.startswith(tuple(f"{folder}/" for folder in self._sites)):
            found = self._asker(real, parent)
            if found is not None:
                yield found

    def _preloaded(self, asker: Asker, soname: str) -> bool:
        """Say whether a package of the target holds the library: its Python code may load it first."""
        return any(self._holds(folder, soname) for folder in self._package_folders(asker))

    def _package_folders(self, asker: Asker) -> Sequence[str]:
        site = next((folder for folder in self._sites if asker.path.startswith(f"{folder}/")), None)
        if site is None:
            return ()
        top = asker.path[len(site) + 1 :].split("/")[0]
        folders = [f"{site}/{top}", f"{site}/{top}/lib", f"{site}/{top}/libs", f"{site}/{top}.libs"]
        wheels = self._files.list_dir(f"{site}/nvidia")
        return [*folders, *(f"{site}/nvidia/{name}/lib" for name in (wheels if isinstance(wheels, tuple) else ()))]

    def _holds(self, folder: str, soname: str) -> bool:
        return self._files.is_file(posixpath.join(folder, soname))

    def _libstdcxx(self, asker: Asker) -> OptionalText:
        place = self._taken(asker, CXX_LIBRARY)
        offered = elf_dynamic.versions_offered(place.host, place.path) if place else ()
        return newest(offered or (), "GLIBCXX_")

    def _asker(self, path: str, parent: Asker | None) -> Asker | None:
        dynamic = elf_dynamic.read(self._files, path)
        return Asker(path, self._files, dynamic, parent) if dynamic is not None else None


def newest(versions: Sequence[str], prefix: str) -> str | None:
    """Return the newest of those that begin with ``prefix`` and go on with numbers: ``2.28`` of ``GLIBC_2.28``."""
    numbers = [name[len(prefix) :] for name in versions if re.fullmatch(re.escape(prefix) + r"\d+(\.\d+)+", name)]
    return max(numbers, key=Version, default=None)


def _why_not(host: Host, python: Python) -> Unknown | None:
    elsewhere = unless_linux(host, "read on Linux only")
    if elsewhere is not None:
        return elsewhere
    if isinstance(python.machine, Unknown) and isinstance(machine_of(host), Unknown):
        return python.machine
    return None
