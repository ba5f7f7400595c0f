"""What resolvelib asks: which candidates there are, in which order, and what each of them needs."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from packaging.version import Version
from resolvelib import AbstractProvider

from envcheck.fixes.solver.candidates import BUILT_WITH_CONDA, WHEELS_OF_CUDNN, Candidate, Shelf
from envcheck.fixes.solver.environment import FOLLOWERS, Need, extras_of, needs
from envcheck.knowledge.frameworks import minimum_backend
from envcheck.knowledge.unstated import bounds, cuda_extra_installs, is_in_tensorflow_macos

CUDNN_FOLDER = "nvidia/cudnn"
"""Stands for the folder that the wheels of cuDNN share: they are for one CUDA version, whichever it is."""
JAX_ON_GPU = "jax/gpu"
"""Stands for JAX with one of its CUDA plug-ins, of which there is one for each CUDA version."""
CUDA_MAJORS = (13, 12, 11)
ORDER = ("tensorflow", "torch", "jax", "keras", "numpy")
"""What others depend on is chosen first."""


class Provider(AbstractProvider[Need, Candidate, str]):
    """The tables as resolvelib sees them."""

    def __init__(self, shelf: Shelf, first: Sequence[str]) -> None:
        self._shelf = shelf
        self._first = {name: place for place, name in enumerate(first)}
        self._environment = shelf.machine.environment()
        self._versions: dict[str, dict[Version, int]] = {}
        self._fitting: dict[tuple[str, str], frozenset[int]] = {}
        self._lists: dict[tuple[str, str], tuple[Candidate | None, ...]] = {}
        self._needs: dict[tuple[str, Version], tuple[Need, ...]] = {}

    def identify(self, requirement_or_candidate: Need | Candidate) -> str:
        return requirement_or_candidate.identifier

    def get_preference(
        self,
        identifier: str,
        resolutions: Mapping[str, Candidate],
        candidates: Mapping[str, Iterator[Candidate]],
        information: Mapping[str, Iterator[Any]],
        backtrack_causes: Sequence[Any],
    ) -> tuple[int, int, str]:
        name = identifier.partition("[")[0]
        leader = "jax" if name.startswith(("jax-cuda", JAX_ON_GPU)) else name
        return self._first.get(leader, len(self._first)), name.startswith(FOLLOWERS), identifier

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Need]],
        incompatibilities: Mapping[str, Iterator[Candidate]],
    ) -> list[Candidate]:
        name, _, extra = identifier.rstrip("]").partition("[")
        wanted = list(requirements[identifier])
        if extra and name in requirements:
            wanted += requirements[name]
        places = self._places(name)
        fitting = frozenset.intersection(*(self._allowed(name, need.specifier) for need in wanted))
        fitting -= {places[candidate.version] for candidate in incompatibilities[identifier]}
        options = self._options(name, extra)
        return [found for place in sorted(fitting) if (found := options[place])]

    def is_satisfied_by(self, requirement: Need, candidate: Candidate) -> bool:
        name = candidate.name
        return self._places(name)[candidate.version] in self._allowed(name, requirement.specifier)

    def _allowed(self, name: str, specifier: str) -> frozenset[int]:
        """Return the places of the candidates that a specifier allows."""
        key = (name, specifier)
        if key not in self._fitting:
            need = Need(name, specifier)
            places = self._places(name)
            self._fitting[key] = frozenset(place for version, place in places.items() if need.allows(version))
        return self._fitting[key]

    def _places(self, name: str) -> dict[Version, int]:
        if name not in self._versions:
            options = self._options(name, "")
            self._versions[name] = {each.version: place for place, each in enumerate(options) if each}
        return self._versions[name]

    def get_dependencies(self, candidate: Candidate) -> Iterable[Need]:
        key = (candidate.identifier, candidate.version)
        if key not in self._needs:
            self._needs[key] = tuple(self._dependencies(candidate))
        return self._needs[key]

    def _options(self, name: str, extra: str) -> tuple[Candidate | None, ...]:
        """Return the candidates, the best first; None stands for one without the extra."""
        key = (name, extra)
        if key not in self._lists:
            self._lists[key] = tuple(self._found(name, extra))
        return self._lists[key]

    def _found(self, name: str, extra: str) -> Iterable[Candidate | None]:
        if name == CUDNN_FOLDER:
            return [Candidate(name, Version(str(major)), ()) for major in CUDA_MAJORS]
        if name == JAX_ON_GPU:
            there = [major for major in CUDA_MAJORS if f"jax-cuda{major}-plugin" in self._shelf.before]
            majors = dict.fromkeys((*there, *CUDA_MAJORS[:2]))
            return [Candidate(name, Version(str(major)), ()) for major in majors]
        options = self._shelf.options(name).candidates
        if not extra:
            return options
        return [
            Candidate(name, each.version, each.requires, each.installed, each.build, extra)
            if extra in extras_of(each.requires)
            else None
            for each in options
        ]

    def _dependencies(self, candidate: Candidate) -> Iterator[Need]:
        origin = f"{candidate.name} {candidate.version}"
        if candidate.name == CUDNN_FOLDER:
            return
        if candidate.name == JAX_ON_GPU:
            yield Need("jax", "", f"cuda{candidate.version.major}", origin)
            yield Need(CUDNN_FOLDER, f"=={candidate.version}", "", origin)
            return
        if candidate.extra:
            yield Need(candidate.name, f"=={candidate.version}", "", origin)
        for need in needs(candidate.requires, self._environment, candidate.extra, origin):
            yield need
            if need.name.startswith(WHEELS_OF_CUDNN) and self._minds_folder(candidate):
                yield Need(CUDNN_FOLDER, f"=={need.name.removeprefix(WHEELS_OF_CUDNN)}", "", origin)
        if not candidate.extra:
            yield from self._unstated(candidate, origin)

    def _minds_folder(self, candidate: Candidate) -> bool:
        """Say whether a release has cuDNN's folder for its CUDA alone; where they are mixed already, it need not."""
        return not (candidate.installed and self._mixed and candidate.name not in self._shelf.wish.on_gpu)

    @functools.cached_property
    def _mixed(self) -> bool:
        """Whether what is installed has, or asks for, cuDNN for several CUDA versions."""
        installed = self._shelf.installed
        asked = {need.name for package in installed.values() for need in needs(package.requires, self._environment)}
        return sum(name.startswith(WHEELS_OF_CUDNN) for name in asked | installed.keys()) > 1

    def _unstated(self, candidate: Candidate, origin: str) -> Iterator[Need]:
        """Yield what a release needs and its metadata do not tell."""
        name, build = candidate.name, candidate.build
        if build and build.numpy_abi == 1:
            yield Need("numpy", "<2", "", origin)
        for other, specifier in bounds(name, candidate.version):
            if other not in BUILT_WITH_CONDA or name not in self._shelf.wish.channels:
                yield Need(other, specifier, "", origin)
        on_mac = name == "tensorflow" and self._shelf.machine.platform == "macos-arm64"
        if on_mac and is_in_tensorflow_macos(candidate.version):
            yield Need("tensorflow-macos", f"=={candidate.version.public}", "", origin)
        if name == "keras" and candidate.version.major >= 3:
            yield from self._backends_of(candidate, origin)
        if name == "tensorflow" and name in self._shelf.wish.on_gpu and self._brings_cuda(candidate):
            yield Need(name, f"=={candidate.version}", "and-cuda", origin)
        if build and build.variant and build.cuda and not candidate.installed and self._shelf.machine.system == "Linux":
            major = Version(build.cuda).major
            yield Need(CUDNN_FOLDER, f"=={major}", "", origin)
            if build.cudnn and len(Version(build.cudnn).release) == 4:
                yield Need(f"{WHEELS_OF_CUDNN}{major}", f"=={build.cudnn}", "", origin)

    def _brings_cuda(self, tensorflow: Candidate) -> bool:
        there = "and-cuda" in extras_of(tensorflow.requires)
        return there and cuda_extra_installs(tensorflow.version, self._shelf.machine.python)

    def _backends_of(self, keras: Candidate, origin: str) -> Iterator[Need]:
        for name in ("tensorflow", "torch", "jax", "openvino"):
            row = minimum_backend(keras.version, name)
            if row and (name in self._first or name in self._shelf.installed):
                yield Need(name, f">={row.minimum}", "", origin)
