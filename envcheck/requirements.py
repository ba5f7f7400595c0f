"""What somebody requires of a machine, and which of it is not there."""

import re
from collections.abc import Iterator

import msgspec
from packaging.version import InvalidVersion, Version

from envcheck.model.facts import Backend, Facts
from envcheck.model.record import resolve_pointer
from envcheck.model.report import Evidence, Finding, Layer
from envcheck.model.unknown import Unknown
from envcheck.words import sentence, template

TITLE = template("Required: {requirement}")
NOT_MET = template("{requirement} is required here. Found: {found}.")
NOT_SEEN = template("{requirement} is required here, and envcheck could not see whether it is there: {found}.")


class RequirementsError(Exception):
    """A requirements file that cannot be understood, in one sentence."""


class Requirements(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of a requirements file (TOML) and the arguments of :func:`envcheck.require`."""

    backends: tuple[str, ...] = ()  #: installed and, with the smoke test, passing it
    gpu: bool = False  #: at least one GPU
    min_gpus: int = 0
    min_gpu_memory_gib: float = 0.0
    min_driver: str = ""  #: NVIDIA driver, such as ``550``
    min_cuda: str = ""  #: CUDA that the driver supports, such as ``12.3``
    min_memory_gib: float = 0.0


def parse(text: str, name: str) -> Requirements:
    """Read a requirements file.

    Raises:
        RequirementsError: if it is no TOML or holds an unknown key or a wrong value.
    """
    try:
        requirements = msgspec.toml.decode(text.encode(), type=Requirements)
    except (msgspec.DecodeError, ValueError) as error:
        raise RequirementsError(f"{name}: {error}") from None
    for version in (requirements.min_driver, requirements.min_cuda):
        _version(version or "0", name)
    return requirements


def _version(text: str, name: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise RequirementsError(f"{name}: {text!r} is no version number") from None


def unmet(facts: Facts, requirements: Requirements) -> tuple[Finding, ...]:
    """Return one finding of severity error for each requirement that the facts do not show to be met."""
    return tuple(_unmet(facts, requirements))


def _unmet(facts: Facts, wanted: Requirements) -> Iterator[Finding]:
    for name in wanted.backends:
        yield from _backend(facts, name)
    gpus = max(wanted.min_gpus, int(wanted.gpu))
    if gpus:
        yield from _gpus(facts, gpus, wanted.min_gpu_memory_gib)
    nvidia = facts.driver.nvidia
    if wanted.min_driver:
        label = sentence(template("NVIDIA driver {version} or newer"), version=wanted.min_driver)
        yield from _at_least(facts, label, "/driver/nvidia/version", nvidia.version, wanted.min_driver)
    if wanted.min_cuda:
        label = sentence(template("a driver for CUDA {version} or newer"), version=wanted.min_cuda)
        pointer = "/driver/nvidia/cuda_driver_api_version"
        yield from _at_least(facts, label, pointer, nvidia.cuda_driver_api_version, wanted.min_cuda)
    if wanted.min_memory_gib:
        yield from _memory(facts, wanted.min_memory_gib)


def _backend(facts: Facts, name: str) -> Iterator[Finding]:
    label = sentence(template("the backend {name}"), name=name)
    if isinstance(facts.backends, Unknown):
        yield _finding(facts, "backend", name, label, ("/backends",), facts.backends)
        return
    index, backend = next(((i, b) for i, b in enumerate(facts.backends) if b.name == name), (None, None))
    if index is None or backend is None:
        yield _finding(facts, "backend", name, label, (), sentence(template("envcheck knows no backend of this name")))
    elif isinstance(backend.installed, Unknown) or not backend.installed:
        found = backend.installed or sentence(template("it is not installed"))
        yield _finding(facts, "backend", name, label, (f"/backends/{index}/installed",), found)
    else:
        yield from _smoke(facts, backend, label)


def _smoke(facts: Facts, backend: Backend, label: str) -> Iterator[Finding]:
    if isinstance(facts.smoke, Unknown):
        return
    for index, run in enumerate(facts.smoke):
        if run.backend == backend.name and run.status not in ("passed", "skipped"):
            found = sentence(template("the smoke test on {device}: {status}"), device=run.device, status=run.status)
            yield _finding(facts, "backend", backend.name, label, (f"/smoke/{index}/status",), found)


def _gpus(facts: Facts, count: int, memory_gib: float) -> Iterator[Finding]:
    if memory_gib:
        label = sentence(template("{count} GPU with at least {memory:g} GiB"), count=count, memory=memory_gib)
    else:
        label = sentence(template("{count} GPU"), count=count)
    seen = _gpus_seen(facts, memory_gib)
    if isinstance(seen, Unknown) or seen < count:
        found = seen if isinstance(seen, Unknown) else sentence(template("{count} such GPU"), count=seen)
        yield _finding(facts, "hardware", "gpu", label, ("/driver/nvidia/gpus",), found)


def _gpus_seen(facts: Facts, memory_gib: float) -> int | Unknown:
    """Count the GPUs that the NVIDIA driver tells; without one, those that a backend lists (AMD, Intel, Apple)."""
    gpus = facts.driver.nvidia.gpus
    if isinstance(gpus, Unknown) or not gpus:
        listed = _gpus_listed(facts)
        return listed if listed and not memory_gib else (gpus if isinstance(gpus, Unknown) else 0)
    total = 0
    for gpu in gpus:
        if not memory_gib:
            total += 1
        elif isinstance(gpu.memory_total_bytes, Unknown):
            return gpu.memory_total_bytes
        else:
            total += gpu.memory_total_bytes >= memory_gib * 2**30
    return total


def _gpus_listed(facts: Facts) -> int:
    backends = () if isinstance(facts.backends, Unknown) else facts.backends
    devices = [() if isinstance(backend.devices, Unknown) else backend.devices for backend in backends]
    return max((sum(device.name.startswith("gpu") for device in found) for found in devices), default=0)


def _at_least(facts: Facts, label: str, pointer: str, found: str | None | Unknown, wanted: str) -> Iterator[Finding]:
    if isinstance(found, str) and re.match(r"\d", found) and _version(found, pointer) >= Version(wanted):
        return
    yield _finding(facts, "driver", "driver", label, (pointer,), sentence(template("none")) if found is None else found)


def _memory(facts: Facts, wanted_gib: float) -> Iterator[Finding]:
    memory = facts.hardware.memory
    label = sentence(template("{memory:g} GiB of main memory"), memory=wanted_gib)
    pointer = "/hardware/memory/total_bytes"
    usable = memory.total_bytes
    if isinstance(usable, int) and isinstance(memory.limit_bytes, int) and memory.limit_bytes < usable:
        usable, pointer = memory.limit_bytes, "/hardware/memory/limit_bytes"
    if isinstance(usable, int) and usable >= wanted_gib * 2**30:
        return
    if isinstance(usable, int):
        found: object = sentence(template("{memory:.1f} GiB"), memory=usable / 2**30)
    else:
        found = Unknown("unsupported") if usable is None else usable
    yield _finding(facts, "hardware", "memory", label, (pointer,), found)


def _finding(facts: Facts, layer: Layer, subject: str, label: str, pointers: tuple[str, ...], found: object) -> Finding:
    words = f"{found.reason}: {found.detail}" if isinstance(found, Unknown) else str(found)
    message = NOT_SEEN if isinstance(found, Unknown) else NOT_MET
    document = msgspec.to_builtins(facts)
    return Finding(
        id="requirement-not-met",
        severity="error",
        layer=layer,
        subject=subject,
        title=sentence(TITLE, requirement=label),
        message=sentence(message, requirement=label, found=words),
        evidence=tuple(Evidence(fact=pointer, value=resolve_pointer(document, pointer)) for pointer in pointers),
        explained_by=None,
        fixes=(),
    )
