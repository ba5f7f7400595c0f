"""LD_PRELOAD: what it names, and whether a framework that does not start would start without it.

Source: ld.so(8). A library that cannot be preloaded is passed over with a message; one that can stands before every
other library of the process, and its functions replace theirs.
"""

import re
from dataclasses import replace

import msgspec

from envcheck.host import Host
from envcheck.model.facts import Backend, Preload, Python
from envcheck.model.unknown import Unknown
from envcheck.probes import elf, loader_cache, smoke_reading
from envcheck.probes.loader import system_host

VARIABLE = "LD_PRELOAD"
SEPARATORS = re.compile(r"[ :]+")
ENDED_BADLY = ("raised", "crashed", "exited")


def probe(host: Host) -> tuple[Preload, ...]:
    """Look at the files that LD_PRELOAD names."""
    return tuple(_preload(host, name) for name in SEPARATORS.split(host.environ.get(VARIABLE, "")) if name)


def try_without(host: Host, python: Python, backends: tuple[Backend, ...]) -> tuple[Backend, ...]:
    """Import each framework whose import ended badly once more, in an environment without LD_PRELOAD."""
    if not host.environ.get(VARIABLE) or not isinstance(python.executable, str):
        return tuple(msgspec.structs.replace(backend, import_without_preloads=None) for backend in backends)
    without = replace(host, environ={key: value for key, value in host.environ.items() if key != VARIABLE})
    return tuple(_tried(without, python.executable, python.isolated_only is True, backend) for backend in backends)


def _tried(host: Host, executable: str, isolated: bool, backend: Backend) -> Backend:
    if backend.imported.status not in ENDED_BADLY:
        return msgspec.structs.replace(backend, import_without_preloads=None)
    request = {"framework": backend.name}
    result = host.run_worker(executable, "import_framework", request, isolated=isolated)
    return msgspec.structs.replace(backend, import_without_preloads=smoke_reading.imported(result).status)


def _preload(host: Host, name: str) -> Preload:
    file = _file(host, name)
    if not isinstance(file, str):
        return Preload(name=name, file=file, machine=file)
    header = elf.read(system_host(host, file), file)
    if isinstance(header, elf.Elf):
        return Preload(name=name, file=file, machine=header.machine)
    return Preload(name=name, file=file, machine=header or Unknown("failed", "it is no library"))


def _file(host: Host, name: str) -> str | None | Unknown:
    if "$" in name:
        return Unknown("unsupported", "the loader fills in a part of the name")
    if "/" not in name:
        cache = loader_cache.read(host)
        listed = () if isinstance(cache, Unknown) else cache.get(name, ())
        return (
            listed[0] if listed else Unknown("unsupported", "its folder is not named, and the loader's list lacks it")
        )
    there = system_host(host, name).exists(name)
    if isinstance(there, Unknown):
        return there
    return name if there else None
