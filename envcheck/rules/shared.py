"""What several rules ask of the facts."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from packaging.version import InvalidVersion, Version

from envcheck.knowledge import cuda
from envcheck.model.facts import Backend, Facts, NvidiaGpu, Package, SmokeRun
from envcheck.model.report import Severity
from envcheck.model.unknown import Undecided, Unknown, known, need
from envcheck.rules.engine import Failure, NotApplicable
from envcheck.words import title_of as title_of  # one of the things that rules ask

T = TypeVar("T")

DEFAULT_BACKEND = "tensorflow"
"""keras/src/backend/config.py of Keras 3."""
RESERVING = ("vfio-pci", "pci-stub", "xen-pciback")
"""Drivers that keep a device for a virtual machine (Documentation/driver-api/vfio.rst of Linux; Xen wiki)."""
NVIDIA_VENDOR_ID = "10de"
CUDA_OF_TODAY = Version("12")
"""The oldest CUDA with which current releases of TensorFlow, PyTorch and JAX are built (knowledge/builds.json)."""
DISPLAY_CLASS = "03"
"""The first two digits of the class code of a display controller (PCI Code and ID Assignment Specification 1.15)."""


def for_each(items: Iterable[T], check: Callable[[int, T], Iterable[Failure]]) -> Iterator[Failure]:
    """Yield the failures of every item. One that cannot be judged does not keep the others from being judged.

    Raises:
        Undecided: at the end, if an item could not be judged.
    """
    undecided = None
    for index, item in enumerate(items):
        try:
            yield from check(index, item)
        except Undecided as reason:
            undecided = undecided or reason
    if undecided is not None:
        raise undecided


def matching(items: Iterable[T], test: Callable[[T], bool]) -> list[tuple[int, T]]:
    """Return the items that pass a test, each with its place.

    Raises:
        Undecided: if none passes and one could not be tested.
    """
    found, undecided = [], None
    for index, item in enumerate(items):
        try:
            if test(item):
                found.append((index, item))
        except Undecided as reason:
            undecided = undecided or reason
    if undecided is not None and not found:
        raise undecided
    return found


def version_of(text: str | None) -> Version | None:
    """Return the version that a text names; None if it names none."""
    try:
        return Version(text) if text else None
    except InvalidVersion:
        return None


def minor_of(version: Version) -> str:
    """Return the first two numbers of a version."""
    return f"{version.major}.{version.minor}"


# --- frameworks ---------------------------------------------------------------------------------


def for_each_framework(facts: Facts, check: Callable[[int, Backend], Iterable[Failure]]) -> Iterator[Failure]:
    """Yield the failures of every framework that is installed, as :func:`for_each` does."""

    def check_if_installed(index: int, found: Backend) -> Iterable[Failure]:
        return check(index, found) if need(found.installed) else ()

    return for_each(need(facts.backends), check_if_installed)


def backend(facts: Facts, name: str) -> tuple[int, Backend] | None:
    """Return a framework if it is installed.

    Raises:
        Undecided: if that could not be seen.
    """
    for index, found in enumerate(need(facts.backends)):
        if found.name == name:
            return (index, found) if need(found.installed) else None
    return None


def package(facts: Facts, name: str) -> tuple[int, Package] | None:
    """Return an installed distribution by its normalised name."""
    return next(((i, found) for i, found in enumerate(need(facts.python.packages)) if found.name == name), None)


def distribution(found: Backend) -> str:
    """Return the distribution that a framework came in, such as ``tensorflow-cpu``."""
    names = known(found.distributions, ())
    return found.name if not names or found.name in names else names[0]


def in_use(facts: Facts, name: str) -> bool:
    """Say whether programs may use this framework: unless Keras was told to use another one, they may."""
    return not chosen_on_purpose(facts) or known(facts.keras.backend, None) in (None, name)


def chosen_on_purpose(facts: Facts) -> bool:
    """Say whether somebody chose Keras's backend. Keras itself writes its default, TensorFlow, into keras.json."""
    chosen_by = known(facts.keras.backend_chosen_by, None)
    return chosen_by == "KERAS_BACKEND" or (chosen_by == "keras.json" and facts.keras.backend != DEFAULT_BACKEND)


def is_first_choice(facts: Facts, name: str) -> bool:
    """Say whether this framework is the one that Keras takes, or the only one that it could take."""
    there = [found for found in known(facts.backends, ()) if found.keras_backend and known(found.installed, False)]
    return known(facts.keras.backend, None) in (None, name) or len(there) == 1


def runs_of(facts: Facts, name: str) -> list[tuple[int, SmokeRun]]:
    """Return the smoke tests of a framework that were made, each with its place."""
    runs = known(facts.smoke, ())
    return [(i, run) for i, run in enumerate(runs) if run.backend == name and run.status != "skipped"]


def proven(facts: Facts, name: str) -> bool:
    """Say whether the smoke test passed on every device through this framework."""
    runs = runs_of(facts, name)
    return bool(runs) and all(run.status == "passed" for _, run in runs)


def error_unless_proven(facts: Facts, name: str) -> Severity:
    """Return ``warning`` where the smoke test passed all the same, else ``error``."""
    return "warning" if proven(facts, name) else "error"


def last_words(facts: Facts, index: int, found: Backend) -> Iterator[tuple[str, str]]:
    """Yield what a framework said in an import or a smoke test that did not end well, each with its fact.

    Raises:
        Undecided: if it could not be seen whether the framework can be imported.
    """
    status = need(found.imported.status)
    texts: list[tuple[str, str | None | Unknown]] = []
    if status != "ok":
        texts += [
            (f"/backends/{index}/import/error", found.imported.error),
            (f"/backends/{index}/import/stderr_tail", found.imported.stderr_tail),
        ]
    for place, run in runs_of(facts, found.name):
        if run.status != "passed":
            texts += [(f"/smoke/{place}/reason", run.reason), (f"/smoke/{place}/stderr_tail", run.stderr_tail)]
    for pointer, text in texts:
        if isinstance(text, str) and text:
            yield pointer, text


# --- GPUs -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """An NVIDIA GPU that was seen, and the fact that shows it."""

    pointer: str
    name: str


def nvidia_on_bus(facts: Facts) -> list[tuple[int, str]]:
    """Return the NVIDIA display devices on the PCI bus: their places and addresses."""
    return [
        (index, device.address)
        for index, device in enumerate(need(facts.hardware.pci))
        if device.vendor_id == NVIDIA_VENDOR_ID and device.class_code.startswith(DISPLAY_CLASS)
    ]


def nvidia_gpus(facts: Facts) -> list[Seen]:
    """Return the NVIDIA GPUs of this machine, as the driver names them or else as the bus shows them.

    What is set aside for a virtual machine does not count, nor what only draws the screen because it is too old.

    Raises:
        Undecided: if neither could be seen.
    """
    told = facts.driver.nvidia.gpus
    if not isinstance(told, Unknown) and told:
        return [
            Seen(f"/driver/nvidia/gpus/{place}/name", known(gpu.name, "NVIDIA GPU"))
            for place, gpu in enumerate(told)
            if not outdated(facts, gpu.compute_capability)
        ]
    if isinstance(facts.hardware.pci, Unknown):
        need(told)
        return []
    return [
        Seen(f"/hardware/pci/{place}/vendor_id", f"the NVIDIA device {address}")
        for place, address in nvidia_on_bus(facts)
        if known(facts.hardware.pci[place].kernel_driver, None) not in RESERVING
        and not outdated(facts, facts.hardware.pci[place].compute_capability)
    ]


def outdated(facts: Facts, compute_capability: str | None | Unknown) -> bool:
    """Say whether a GPU is known to be older than any CUDA compiles for with which something here is built.

    Where nothing is built with CUDA, what frameworks are released with today counts.
    """
    able = cuda.capability(known(compute_capability, None) or "")
    builds = [found.built_for.cuda for found in known(facts.backends, ()) if known(found.installed, False)]
    if able is None or any(isinstance(built, Unknown) for built in builds):
        return False
    releases = [release for built in builds if (release := cuda.release(known(built, None)))]
    oldest = [cuda.oldest_gpu(release) for release in releases or [CUDA_OF_TODAY]]
    return all(limit is not None and able < limit for limit in oldest)


def usable_gpus(facts: Facts) -> list[tuple[int, NvidiaGpu]]:
    """Return the GPUs that a working driver tells of.

    Raises:
        Undecided: if the driver could not be asked.
    """
    if need(facts.driver.nvidia.nvml.status) != "ok":
        return []
    return list(enumerate(need(facts.driver.nvidia.gpus)))


def nvml_error(facts: Facts) -> str:
    """Return NVML's words in lower case.

    Raises:
        NotApplicable: if NVML works or is not there.
        Undecided: if it could not be asked.
    """
    nvml = facts.driver.nvidia.nvml
    if need(nvml.status) != "error":
        raise NotApplicable("NVML reports no error")
    return (need(nvml.error) or "").lower()


def has_gpu_build(facts: Facts) -> bool:
    """Say whether an installed framework was built for NVIDIA GPUs and meant for one."""
    backends = [found for found in known(facts.backends, ()) if known(found.installed, False)]
    return any(known(found.built_for.cuda, None) and meant_for_gpu(facts, found) for found in backends)


def meant_for_gpu(facts: Facts, found: Backend) -> bool:
    """Say whether somebody brought CUDA libraries: TensorFlow's usual build has CUDA in it whether wanted or not."""
    if found.name != "tensorflow" or any(p.name.startswith("nvidia-") for p in known(facts.python.packages, ())):
        return True
    searches = [search for search in known(facts.driver.libraries, ()) if search.framework == found.name]
    return any(known(search.winner, None) is not None for search in searches)


def gpu_severity(facts: Facts) -> Severity:
    """Return how bad it is that no program can use the GPU: ``warning`` where no installed framework would."""
    return "error" if has_gpu_build(facts) else "warning"


def in_container(facts: Facts) -> bool:
    return known(facts.platform.container, None) is not None


def is_wsl(facts: Facts) -> bool:
    return known(facts.platform.wsl, None) is not None


def variable(facts: Facts, name: str) -> tuple[int, str] | None:
    """Return an environment variable of the user and its place.

    Raises:
        Undecided: if the variables could not be seen.
    """
    for index, found in enumerate(need(facts.platform.environment)):
        if found.name == name:
            return index, found.value
    return None


def listed(names: Iterable[str], limit: int = 6) -> str:
    """Join names for a sentence; of many only the first."""
    names = list(names)
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")
