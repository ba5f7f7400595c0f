"""Whether one release, in one of its builds, runs on a machine, and if not, why."""

import functools
from dataclasses import dataclass, replace
from typing import Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from envcheck.fixes.solver.machine import LEGACY_MANYLINUX, Capability, Machine, interpreters, native_name, platforms
from envcheck.knowledge import conda_packages, cuda
from envcheck.knowledge.builds import Build
from envcheck.knowledge.releases import Release

Kind = Literal[
    "python",
    "free-threaded",
    "platform",
    "glibc",
    "musl",
    "macos",
    "no-gpu-build",
    "driver",
    "old-gpu",
    "new-gpu",
    "instructions",
    "channel",
]


@dataclass(frozen=True)
class Misfit:
    """Why a build does not run on a machine; ``value`` is what it would take."""

    kind: Kind
    value: str = ""


@functools.lru_cache(maxsize=20000)
def wheel_misfit(release: Release, machine: Machine) -> Misfit | None:
    """Say why no wheel of a release can be installed; None if one can, or if that is not known."""
    if machine.python and not _allows(release.requires_python, machine.python):
        return Misfit("python", release.requires_python)
    if not release.wheels:
        return None  # installed from its sources, which the tables do not judge
    platform_tags, python_tags = platforms(machine), interpreters(machine)
    wheels = [_split(wheel) for wheel in release.wheels]
    here = [python for python, platform in wheels if platform_tags is None or platform in platform_tags]
    if not here:
        return _platform_misfit([platform for _, platform in wheels], machine)
    if python_tags is None or any(python in python_tags for python in here):
        return None
    if machine.free_threaded:
        return Misfit("free-threaded")
    pythons = sorted({minor for tag in here if (minor := _minor(tag))})
    return Misfit("python", f"{_dotted(pythons[0])} - {_dotted(pythons[-1])}" if pythons else "")


def conda_misfit(name: str, release: Release, channel: str | None, machine: Machine) -> Misfit | None:
    """Say why conda cannot install a release; None if it can, or if that is not known.

    A channel builds for the Pythons that the release itself is for. What its builds need of system, C library and
    driver conda's own solver sees.
    """
    misfit = wheel_misfit(release, replace(machine, system=None, architecture=None))
    if misfit is None and conda_packages.has(name, channel, Version(release.version)) is False:
        return Misfit("channel", channel or "")
    return misfit


@functools.lru_cache(maxsize=2000)
def _allows(requires_python: str, python: Version) -> bool:
    try:
        return SpecifierSet(requires_python).contains(python, prereleases=True)
    except InvalidSpecifier:
        return True


def _split(wheel: str) -> tuple[str, str]:
    interpreter, abi, platform = wheel.split("-")
    return f"{interpreter}-{abi}", platform


def _minor(tag: str) -> int | None:
    """Return the minor version of the Python that a tag such as ``cp311-cp311`` is for."""
    number = tag.partition("-")[0].removeprefix("cp3")
    return int(number) if number.isdecimal() and not tag.endswith("t") else None


def _dotted(minor: int) -> str:
    return f"3.{minor}"


def _platform_misfit(tags: list[str], machine: Machine) -> Misfit:
    if machine.system == "Darwin":
        return _macos_misfit(tags, machine)
    ours = [tag for tag in tags if tag.endswith(f"_{machine.architecture}")]
    if machine.system != "Linux" or not any(tag.startswith("manylinux") for tag in ours):
        return Misfit("platform")
    if machine.libc == "musl":
        return Misfit("musl")
    needed = min((glibc for tag in ours if (glibc := _glibc(tag))), default=None)
    return Misfit("glibc", f"{needed[0]}.{needed[1]}" if needed else "")


def _macos_misfit(tags: list[str], machine: Machine) -> Misfit:
    name = native_name(machine.system, machine.architecture or "")
    parts = [tag.split("_") for tag in tags if tag.startswith("macosx_") and tag.endswith((f"_{name}", "_universal2"))]
    needed = min(((int(part[1]), int(part[2])) for part in parts), default=None)
    return Misfit("macos", f"{needed[0]}.{needed[1]}") if needed else Misfit("platform")


def _glibc(tag: str) -> tuple[int, int] | None:
    if not tag.startswith("manylinux_"):
        return next((glibc for glibc, name in LEGACY_MANYLINUX.items() if name == tag.partition("_")[0]), None)
    major, minor = tag.split("_")[1:3]
    return int(major), int(minor)


# --- builds ---------------------------------------------------------------------------------------


def instructions_misfit(build: Build, machine: Machine) -> Misfit | None:
    """Say which instructions of the processor a build needs that are not there."""
    if machine.instructions is None or build.instructions is None or machine.architecture != "x86_64":
        return None
    missing = [name for name in build.instructions if name not in machine.instructions]
    return Misfit("instructions", " ".join(missing)) if missing else None


def gpu_misfit(build: Build, machine: Machine, gpus: tuple[Capability, ...]) -> Misfit | None:
    """Say why a build does not work on NVIDIA GPUs of these compute capabilities with this driver."""
    if build.cuda is None:
        return None
    if not build.cuda:
        return Misfit("no-gpu-build")
    built_with = Version(build.cuda)
    for gpu in gpus:
        misfit = _capability_misfit(build.compute_capabilities or (), built_with, gpu)
        if misfit:
            return misfit
    return driver_misfit(built_with, machine)


def _capability_misfit(codes: tuple[str, ...], built_with: Version, gpu: Capability) -> Misfit | None:
    oldest = cuda.oldest_gpu(built_with)
    if oldest and gpu < oldest:
        return Misfit("old-gpu", f"{oldest[0]}.{oldest[1]}")
    if not codes or any(cuda.code_runs_on(code, gpu) for code in codes):
        return None
    targets = sorted(target for code in codes if (target := cuda.built_for(code)))
    if targets and gpu < targets[0]:
        return Misfit("old-gpu", f"{targets[0][0]}.{targets[0][1]}")
    return Misfit("new-gpu", f"{gpu[0]}.{gpu[1]}")


def driver_misfit(built_with: Version, machine: Machine) -> Misfit | None:
    """Say which driver a CUDA release needs, if the one that is there cannot run it."""
    if machine.cuda is not None and machine.cuda >= built_with:
        return None
    row = cuda.minimum_driver(built_with)
    if row is None:
        return None
    needed = row.windows if machine.system == "Windows" else row.linux
    if machine.driver is not None:
        return None if machine.driver >= Version(needed) else Misfit("driver", needed)
    if machine.cuda is None or (built_with.major >= 11 and machine.cuda.major >= built_with.major):
        return None
    return Misfit("driver", needed)
