"""The releases and builds that may be chosen for each distribution, and why the others may not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from packaging.version import Version

from envcheck.fixes.solver.environment import FOLLOWERS, Installed, Wish
from envcheck.fixes.solver.fitness import Misfit, conda_misfit, gpu_misfit, instructions_misfit, wheel_misfit
from envcheck.fixes.solver.machine import Machine
from envcheck.knowledge import builds
from envcheck.knowledge.builds import Build
from envcheck.knowledge.releases import Release, releases
from envcheck.knowledge.unstated import FIRST_CUDNN_FROM_TURING

WHEELS_OF_CUDNN: Final = "nvidia-cudnn-cu"
"""Beginning of the names of the wheels that put cuDNN for different CUDA versions into one and the same folder."""

BUILT_WITH_CONDA = ("protobuf",)
"""What conda's packages are compiled with in conda's own release, so that the bounds of the wheels do not hold:
libprotobuf among the host requirements of conda-forge/tensorflow-feedstock, recipe/meta.yaml (2026-11-23)."""

PROCESSOR = "cpu"
"""The variant of a build that needs no GPU and brings no libraries of one."""
OF_PYTHON = ("python", "free-threaded")
TURING = (7, 5)
CUDNN_FROM_TURING = Version(FIRST_CUDNN_FROM_TURING)


@dataclass(frozen=True)
class Candidate:
    """One release of a distribution in one build."""

    name: str
    version: Version  #: with the local part of its build, such as ``2.9.1+cu126``, where that has one
    requires: tuple[str, ...]
    installed: bool = False
    build: Build | None = None  #: None: nothing is known of how it was built
    extra: str = ""  #: stands for the requirements of this extra alone

    @property
    def identifier(self) -> str:
        return f"{self.name}[{self.extra}]" if self.extra else self.name

    @property
    def index(self) -> str | None:
        """Return the package index that it comes from; None: the usual one."""
        return None if self.installed or self.build is None else self.build.index


@dataclass(frozen=True)
class Options:
    """What may be chosen of a distribution, the best first, and what may not."""

    candidates: tuple[Candidate, ...]
    rejected: tuple[tuple[Version, Misfit], ...]  #: newest first
    installable: tuple[Version, ...]  #: what an installer would take here, which looks at wheels alone; newest first


class Shelf:
    """The options of every distribution for one machine and one wish."""

    def __init__(self, machine: Machine, installed: Mapping[str, Installed], wish: Wish) -> None:
        self.machine = machine
        self.before = installed  #: with what is to be removed
        self.installed = {name: found for name, found in installed.items() if name not in wish.remove}
        self.wish = wish
        self.on_gpu = wish.on_gpu | wish.still_on_gpu
        self._options: dict[str, Options] = {}

    def options(self, name: str) -> Options:
        """Return the options of a distribution: what is installed, then the newest first."""
        if name not in self._options:
            self._options[name] = self._find(name)
        return self._options[name]

    def _find(self, name: str) -> Options:
        candidates: list[Candidate] = []
        rejected: list[tuple[Version, Misfit]] = []
        installable: list[Version] = []
        kept = self._kept(name)
        for release in releases(name):
            version = Version(release.version)
            misfit = self._release_misfit(name, release)
            found, lack = self._fitting(name, version, release)
            if misfit is None:
                installable.append(version)
                candidates += found
            # What another Python would not change says more than that it takes one.
            if misfit is None or (lack and misfit.kind in OF_PYTHON):
                misfit = lack
            if misfit and (kept is None or kept.version.public != version.public):
                rejected.append((version, misfit))
        candidates.sort(key=self.is_untold)
        if kept:
            candidates = [kept, *(each for each in candidates if each.version != kept.version)]
        return Options(tuple(candidates), tuple(rejected), tuple(installable))

    def _kept(self, name: str) -> Candidate | None:
        """Return what is installed, unless it is known not to do what is wanted."""
        found = self.installed.get(name)
        if found is None:
            return None
        build = self._build_of(name, found.version)
        leader = "jax" if name.startswith("jax-cuda") else name
        if leader in self.wish.on_gpu and (
            found.version.local == PROCESSOR or (build and gpu_misfit(build, self.machine, self.machine.gpus or ()))
        ):
            return None
        return Candidate(name, found.version, found.requires, installed=True, build=build)

    def _build_of(self, name: str, version: Version) -> Build | None:
        """Return the build of an installed release: by its local version, or else the one of the package index."""
        there = self._builds(name, version)
        return next((build for build in there if build.variant == version.local), None)

    def _release_misfit(self, name: str, release: Release) -> Misfit | None:
        if name in self.wish.channels:
            return conda_misfit(name, release, self.wish.channels[name], self.machine)
        return wheel_misfit(release, self.machine)

    def _builds(self, name: str, version: Version) -> tuple[Build, ...]:
        if name in self.wish.channels:
            return ()  # the table is about the wheels of the package index
        return builds.builds(name, version, self.machine.platform)

    def _fitting(self, name: str, version: Version, release: Release) -> tuple[list[Candidate], Misfit | None]:
        """Return the builds of a release that run here; if there are none, why."""
        found: list[Candidate] = []
        misfits: list[Misfit] = []
        for build in self._offered(name, version):
            misfit = self._misfit(name, version, build)
            if misfit is None:
                found.append(_candidate(name, version, release, build, name in self.wish.channels))
            else:
                misfits.append(misfit)
        # A driver can be changed: where one build takes no more than that, it leads further.
        return found, None if found else min(misfits, key=lambda each: each.kind != "driver", default=None)

    def _offered(self, name: str, version: Version) -> Iterator[Build | None]:
        """Yield the builds of a release: that of the package index first, and others only where they are asked for."""
        there = self._builds(name, version)
        usual = [build for build in there if build.variant is None]
        if self._needs_no_gpu(name) and any(build.cuda for build in usual):
            yield from (build for build in there if build.variant == PROCESSOR)
        yield from usual or ((None,) if not there else ())
        if name in self.on_gpu:
            yield from sorted(
                (build for build in there if build.variant is not None and build.cuda),
                key=lambda build: Version(build.cuda or "0"),
                reverse=True,
            )

    def _needs_no_gpu(self, name: str) -> bool:
        """Say whether a build for the processor is enough: gigabytes of CUDA's libraries serve nobody without a GPU."""
        there = self.installed.get(name)
        processor = self.machine.without_gpu if there is None else there.version.local == PROCESSOR
        return processor and name not in self.on_gpu

    def _misfit(self, name: str, version: Version, build: Build | None) -> Misfit | None:
        gpus = self.machine.gpus or ()
        if name.startswith(WHEELS_OF_CUDNN) and gpus and gpus[0] < TURING and version >= CUDNN_FROM_TURING:
            return Misfit("old-gpu", f"{TURING[0]}.{TURING[1]}")
        if build is None:
            return None
        misfit = instructions_misfit(build, self.machine)
        if misfit is None and (name in self.on_gpu or name.startswith(FOLLOWERS)):
            misfit = gpu_misfit(build, self.machine, gpus)
        return misfit

    def is_untold(self, candidate: Candidate) -> bool:
        """Say whether it is not known which GPUs a build supports that has to work on one: others come first."""
        build = candidate.build
        return (
            candidate.name in self.on_gpu
            and self.machine.gpus is not None
            and build is not None
            and build.compute_capabilities is None
        )


def _candidate(name: str, version: Version, release: Release, build: Build | None, by_conda: bool) -> Candidate:
    others = tuple(text for text in release.requires if not text.startswith(("nvidia-", "cuda-", "triton")))
    if by_conda:  # CUDA's libraries come as conda's packages
        return Candidate(name, version, tuple(text for text in others if not text.startswith(BUILT_WITH_CONDA)))
    if build is None or build.variant is None:
        return Candidate(name, version, release.requires, build=build)
    return Candidate(name, Version(f"{version}+{build.variant}"), others, build=build)
