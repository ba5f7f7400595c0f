"""How each framework gets its CUDA libraries: every candidate in the loader's order, and the one that is taken.

The search is walked through on paper: headers are read, nothing is loaded. A library that is loaded serves every later
request for its name, so what asks first decides; that is why the requests are followed in the framework's own order.
"""

import os
import posixpath
import re
from collections.abc import Iterator

from envcheck.host import Host
from envcheck.knowledge import cuda_libraries
from envcheck.model.facts import Backend, LibraryCandidate, LibrarySearch, Python
from envcheck.model.unknown import Unknown, known
from envcheck.probes import driver_libraries, elf, elf_dynamic, framework_libraries
from envcheck.probes.framework_libraries import Request, Requests
from envcheck.probes.library_owners import Owners
from envcheck.probes.loader import Asker, Loader, Place, resolved, system_host
from envcheck.probes.system import machine as machine_of, system

SKIPPED_BY_LOADER = ("broken-link", "wrong-architecture")
"""Such files are passed over; a damaged one ends the search with an error (open_verify in elf/dl-load.c of glibc)."""
TOOLKIT_FOLDERS = ("lib64", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib")
PRELOADED, WHEEL, CONDA, TOOLKIT, COMPAT, DRIVER = "preloaded", "wheel", "conda", "toolkit", "compat", "driver folder"


def probe(host: Host, python: Python, backends: tuple[Backend, ...] | Unknown) -> tuple[LibrarySearch, ...] | Unknown:
    """Search for the libraries of every framework that was built for CUDA; nothing where there is none."""
    if isinstance(backends, Unknown):
        return backends
    path = [folder for folder in known(python.path, known(python.site_packages, ())) if folder]
    searched = (framework_libraries.of(host.unrooted(), backend, path) for backend in backends)
    built = [found for found in searched if found is not None]
    if not built:
        return ()
    if system(host) != "Linux":
        return Unknown("unsupported", "how libraries are found is read on Linux only")
    machine = python.machine if isinstance(python.machine, str) else machine_of(host)
    if isinstance(machine, Unknown):
        return machine
    executable = known(python.executable, None)
    program = framework_libraries.asker(host.unrooted(), os.path.realpath(executable)) if executable else None
    loader, owners = Loader(host, machine, program), Owners(host, python)
    elsewhere = _elsewhere(host, python)
    return tuple(search for requests in built for search in _Walk(loader, owners, machine, elsewhere).all_of(requests))


def _elsewhere(host: Host, python: Python) -> list[Place]:
    """Return where libraries of CUDA lie without the loader looking there."""
    files = host.unrooted()
    places = []
    for folder in known(python.site_packages, ()):
        names = files.list_dir(f"{folder}/nvidia")
        parts = sorted(names, key=lambda name: (name.startswith("cu1"), name)) if isinstance(names, tuple) else []
        places += [Place(f"{folder}/nvidia/{name}/lib", WHEEL, files) for name in parts]
    prefix = known(python.prefix, None)
    if prefix is not None and files.is_dir(f"{prefix}/conda-meta"):
        places.append(Place(f"{prefix}/lib", CONDA, files))
    home = host.environ.get("CUDA_HOME") or host.environ.get("CUDA_PATH")
    names = host.list_dir("/usr/local")
    roots = [home] if home else []
    roots += [f"/usr/local/{name}" for name in names if name.startswith("cuda")] if isinstance(names, tuple) else []
    for root in (*roots, "/opt/cuda"):
        places += [Place(f"{root}/{name}", TOOLKIT, system_host(host, root)) for name in TOOLKIT_FOLDERS]
        places.append(Place(f"{root}/compat", COMPAT, system_host(host, root)))
    return places + [Place(folder, DRIVER, host) for folder in driver_libraries.FOLDERS]


class _Walk:
    """The searches of one framework, in the order in which its process would make them."""

    def __init__(self, loader: Loader, owners: Owners, machine: str, elsewhere: list[Place]) -> None:
        self._loader = loader
        self._owners = owners
        self._machine = machine
        self._elsewhere = elsewhere
        self._found: dict[str, LibrarySearch] = {}

    def all_of(self, requests: Requests) -> tuple[LibrarySearch, ...]:
        for request in requests.requests:
            if request.opens is None or self._has_runtime():
                self._load(requests, request)
        return tuple(self._found.values())

    def _has_runtime(self) -> bool:
        runtimes = (found for found in self._found.values() if cuda_libraries.short_name(found.soname) == "cudart")
        return any(found.winner is not None for found in runtimes)

    def _load(self, requests: Requests, request: Request) -> None:
        """Search for a library and then, breadth first, for what it needs in turn."""
        todo = [request]
        while todo:
            current = todo.pop(0)
            if current.soname in self._found or not cuda_libraries.NAME.fullmatch(current.soname):
                continue
            places = list(self._places(requests, current, own=current is request))
            search, winner = self._search(requests.framework, current, places)
            self._found[current.soname] = search
            dynamic = elf_dynamic.read(winner.host, winner.path) if winner is not None else None
            if winner is not None and dynamic is not None:
                asker = Asker(winner.path, winner.host, dynamic, current.asker)
                names = (*dynamic.needed, *_parts(current.soname))
                todo += [Request(name, asker, current.required) for name in names]

    def _places(self, requests: Requests, request: Request, own: bool) -> Iterator[tuple[Place, bool]]:
        """Yield the files that have the name, and whether they count in the search."""
        if request.opens is not None:
            yield Place(request.opens, PRELOADED, request.asker.host), True
        wheels = [place for place in self._elsewhere if place.via == WHEEL]
        if own and requests.wheels == "first":
            yield from ((Place(at.path, PRELOADED, at.host), True) for at in self._in(wheels, request.soname))
        yield from ((place, True) for place in self._loader.files(request.asker, request.soname))
        if requests.wheels == "last":
            yield from ((Place(at.path, PRELOADED, at.host), True) for at in self._in(wheels, request.soname))
        for place in self._in(self._elsewhere, request.soname):
            driver = cuda_libraries.short_name(request.soname) == "cuda"
            if driver or place.via not in (COMPAT, DRIVER):
                yield place, False

    def _in(self, places: list[Place], soname: str) -> Iterator[Place]:
        for place in places:
            yield from self._loader.in_folder(place, soname)

    def _search(
        self, framework: str, request: Request, places: list[tuple[Place, bool]]
    ) -> tuple[LibrarySearch, Place | None]:
        candidates: list[LibraryCandidate] = []
        winner: Place | None = None
        number: int | None = None
        seen: set[str] = set()
        for place, reachable in places:
            real = resolved(place.host, place.path)
            if real in seen:
                continue
            seen.add(real)
            candidate = self._candidate(request.soname, place, real, reachable)
            if winner is None and reachable and candidate.problem not in SKIPPED_BY_LOADER:
                winner, number = place, len(candidates)
            candidates.append(candidate)
        search = LibrarySearch(
            framework=framework,
            soname=request.soname,
            required=request.required,
            asked_by=request.asker.path,
            candidates=tuple(candidates),
            winner=number,
            other_versions=self._other_versions(request) if winner is None else (),
        )
        return search, winner

    def _candidate(self, soname: str, place: Place, real: str, reachable: bool) -> LibraryCandidate:
        state = place.host.stat(real)
        size = state.st_size if isinstance(state, os.stat_result) else -1
        problem = self._problem(place, real, size)
        broken = problem == "broken-link"
        owner = None if broken else self._owners.owner(real, soname, size)
        version = None if broken else _version_of_name(real)
        how = "file name" if version else None
        if version is None and isinstance(owner, Unknown):
            version_told: str | None | Unknown = owner
        else:
            version_told = version or (owner.version if owner is not None and not isinstance(owner, Unknown) else None)
            how = how or ("package" if version_told else None)
        dynamic = None if problem is not None else elf_dynamic.read(place.host, real)
        return LibraryCandidate(
            path=place.path,
            found_via=place.via,
            reachable=reachable,
            file=None if broken else real,
            problem=problem,
            version=version_told,
            version_how=how,
            package=owner if owner is None or isinstance(owner, Unknown) else owner.name,
            package_cuda=owner if owner is None or isinstance(owner, Unknown) else owner.cuda,
            needs=tuple(name for name in dynamic.needed if cuda_libraries.NAME.fullmatch(name)) if dynamic else (),
        )

    def _problem(self, place: Place, real: str, size: int) -> str | None | Unknown:
        if size < 0:
            return "broken-link"
        header = elf.read(place.host, real)
        if header is None or (isinstance(header, Unknown) and header.reason == "failed"):
            return "no-library"
        if isinstance(header, Unknown):
            return header
        if header.machine != self._machine:
            return "wrong-architecture"
        return "truncated" if header.truncated else None

    def _other_versions(self, request: Request) -> tuple[str, ...]:
        """Return the files of the same library under another number, wherever envcheck looks."""
        prefix = request.soname.partition(".so")[0] + ".so."
        found = []
        for place in (*self._loader.folders(request.asker), *self._elsewhere):
            names = sorted(name for name in self._loader.names(place) if name.startswith(prefix))
            found += [resolved(place.host, f"{place.path}/{name}") for name in names if name != request.soname]
        found += [path for path in self._loader.in_cache() if posixpath.basename(path).startswith(prefix)]
        return tuple(dict.fromkeys(found))


def _parts(soname: str) -> tuple[str, ...]:
    """Return the parts that cuDNN opens."""
    match = re.fullmatch(r"libcudnn\.so\.(\d+)", soname)
    parts = cuda_libraries.CUDNN_PARTS.get(int(match[1]), ()) if match else ()
    return tuple(f"libcudnn_{part}.so.{match[1]}" for part in parts) if match else ()


def _version_of_name(path: str) -> str | None:
    """Return ``12.4.127`` of ``libcudart.so.12.4.127``; names with fewer numbers tell the interface alone."""
    match = re.search(r"\.so\.(\d+(?:\.\d+){2,})$", path)
    return match[1] if match else None
