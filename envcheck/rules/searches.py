"""What the rules about CUDA's libraries ask of the searches for them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from envcheck.fixes import gpu_builds
from envcheck.knowledge import cuda_libraries
from envcheck.model.facts import Backend, Facts, LibraryCandidate, LibrarySearch
from envcheck.model.report import Fix, Severity
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable
from envcheck.rules.shared import for_each_framework, in_use, meant_for_gpu, nvidia_gpus, runs_of


@dataclass(frozen=True)
class Found:
    """One search, its place, and the candidate that is loaded; None: it ends without one."""

    place: int
    search: LibrarySearch
    winner: LibraryCandidate | None

    @property
    def pointer(self) -> str:
        return f"/driver/libraries/{self.place}"

    @property
    def winner_pointer(self) -> str:
        return f"{self.pointer}/candidates/{self.search.winner}"

    @property
    def short_name(self) -> str:
        return cuda_libraries.short_name(self.search.soname)

    def others(self) -> Iterator[tuple[str, LibraryCandidate]]:
        """Yield the candidates that are not loaded, with their pointers; without those that nobody could load."""
        for number, candidate in enumerate(need(self.search.candidates)):
            if number != self.search.winner and need(candidate.problem) is None:
                yield f"{self.pointer}/candidates/{number}", candidate


def of_framework(facts: Facts, name: str) -> list[Found]:
    """Return the searches for a framework's CUDA libraries that it cannot do without.

    Raises:
        Undecided: if they were not made.
    """
    found = []
    for place, search in enumerate(need(facts.driver.libraries)):
        if search.framework == name and need(search.required) and not cuda_libraries.is_driver(search.soname):
            number = need(search.winner)
            winner = None if number is None else need(search.candidates)[number]
            found.append(Found(place, search, winner))
    return found


def for_each_search(facts: Facts, check: Callable[[int, Backend, list[Found]], Iterable[Failure]]) -> Iterator[Failure]:
    """Yield the failures of every framework that was built for CUDA and does not compute on a GPU here for certain.

    Raises:
        NotApplicable: on a machine without an NVIDIA GPU, where these libraries serve nobody.
    """
    if not nvidia_gpus(facts):
        raise NotApplicable("no NVIDIA GPU")

    def check_if_built(index: int, backend: Backend) -> Iterable[Failure]:
        if need(backend.built_for.cuda) is None or computes_on_gpu(facts, backend):
            return ()
        return check(index, backend, of_framework(facts, backend.name))

    return for_each_framework(facts, check_if_built)


def computes_on_gpu(facts: Facts, backend: Backend) -> bool:
    """Say whether the smoke test passed on every GPU: whatever the files look like, they serve."""
    runs = [run for _, run in runs_of(facts, backend.name) if run.device.startswith("gpu")]
    return bool(runs) and all(run.status == "passed" for run in runs)


def has_them(backend: Backend) -> bool:
    """Say whether the framework has shown that it finds its libraries, whatever the search says.

    TensorFlow and JAX list a GPU only after loading them; PyTorch is linked with them and not imported otherwise.
    """
    linked = backend.name == "torch" and known(backend.imported.status, None) == "ok"
    return linked or any(device.name.startswith("gpu") for device in known(backend.devices, ()))


def severity(facts: Facts, backend: Backend) -> Severity:
    return "error" if in_use(facts, backend.name) and meant_for_gpu(facts, backend) else "warning"


def bring(facts: Facts, backend: Backend) -> Fix:
    """Return the fix that installs a framework with the CUDA libraries that go with it."""
    version = known(backend.version, None)
    if backend.name == "tensorflow":
        return gpu_builds.tensorflow(facts, version=version)
    return gpu_builds.jax(facts, version=version) if backend.name == "jax" else gpu_builds.torch(facts)


def is_cudnn(found: Found) -> bool:
    """Say whether a search is for cuDNN or a part of it; cuDNN has rules of its own."""
    return found.short_name.startswith("cudnn")
