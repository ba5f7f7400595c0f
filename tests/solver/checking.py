"""Whether a set is right, checked without the solver: by packaging, the tables, and rules written a second time."""

import re

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envcheck.fixes import conda
from envcheck.fixes.solver.environment import Wish, installed_of
from envcheck.fixes.solver.machine import Machine, machine_of
from envcheck.fixes.solver.pins import pins
from envcheck.fixes.solver.solve import Answer, solve
from envcheck.knowledge.builds import builds
from envcheck.knowledge.releases import Release, releases, tracked
from envcheck.model.facts import Facts
from envcheck.model.report import Fix

DRIVERS = {11: "450.80.02", 12: "525.60.13", 13: "580.65.06"}
"""The oldest Linux driver for each CUDA major version (docs.nvidia.com/deploy/cuda-compatibility, 2026-11-22)."""


def wrong(machine: Machine, answer: Answer, on_gpu: frozenset[str] = frozenset()) -> list[str]:
    """Return what is wrong with the set of an answer."""
    assert answer.solution is not None
    versions = {name: each.version for name, each in answer.solution.chosen.items()}
    extras: dict[str, set[str]] = {}
    for part in answer.solution.parts:
        extras.setdefault(part.name, set()).add(part.extra)
    found = []
    for name, version in versions.items():
        release = next((each for each in releases(name) if each.version == version.public), None)
        if name in answer.shelf.installed and answer.shelf.installed[name].version == version:
            continue
        assert release is not None, name
        found += _uninstallable(machine, name, release)
        found += _unmet(machine, name, version, release, extras[name], versions)
        if name in on_gpu and name != "jax":
            found += _not_on_gpu(machine, name, version)
    if "jax" in on_gpu:
        plugins = [name for name in versions if re.fullmatch(r"jax-cuda\d+-plugin", name)]
        found += [] if len(plugins) == 1 else [f"plug-ins: {plugins}"]
        for name in plugins:
            found += _not_on_gpu(machine, name, versions[name])
    return found


def _uninstallable(machine: Machine, name: str, release: Release) -> list[str]:
    assert machine.python is not None
    if not SpecifierSet(release.requires_python).contains(machine.python, prereleases=True):
        return [f"{name} {release.version} needs Python {release.requires_python}"]
    if release.wheels and not any(_fits(wheel, machine) for wheel in release.wheels):
        return [f"{name} {release.version} has no wheel"]
    return []


def _fits(wheel: str, machine: Machine) -> bool:
    python, abi, platform = wheel.split("-")
    assert machine.python is not None
    minor = machine.python.minor
    numbers = re.fullmatch(r"(?:cp|py)(\d)(\d*)", python)
    if not numbers or numbers[1] != "3":
        return False
    wanted = int(numbers[2]) if numbers[2] else None
    if abi in ("none", "abi3"):
        if wanted is not None and wanted > minor:
            return False
        if abi == "none" and python.startswith("cp") and wanted not in (None, minor):
            return False
    elif abi not in (f"cp3{minor}", f"cp3{minor}m") or wanted != minor:
        return False
    return platform == "any" or _fits_platform(platform, machine)


def _fits_platform(platform: str, machine: Machine) -> bool:
    if machine.system == "Windows":
        return platform == {"x86_64": "win_amd64", "aarch64": "win_arm64"}[machine.architecture or ""]
    if machine.system == "Darwin":
        names = {"aarch64": ("arm64", "universal2"), "x86_64": ("x86_64", "universal2", "intel", "universal")}
        found = re.fullmatch(r"macosx_(\d+)_(\d+)_(\w+)", platform)
        assert machine.macos is not None
        return bool(
            found
            and found[3] in names[machine.architecture or ""]
            and Version(f"{found[1]}.{found[2]}") <= machine.macos
        )
    legacy = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}
    found = re.fullmatch(r"(?:manylinux_(\d+)_(\d+)|(manylinux1|manylinux2010|manylinux2014))_(\w+)", platform)
    if not found or found[4] != machine.architecture:
        return False
    assert machine.libc_version is not None
    return Version(legacy[found[3]] if found[3] else f"{found[1]}.{found[2]}") <= machine.libc_version


def _unmet(
    machine: Machine, name: str, version: Version, release: Release, extras: set[str], versions: dict[str, Version]
) -> list[str]:
    found = []
    for text in release.requires:
        requirement = Requirement(text)
        other = str(canonicalize_name(requirement.name))
        if other not in tracked() or (version.local and other.startswith(("nvidia-", "cuda-", "triton"))):
            continue
        environment = dict(machine.environment())
        if requirement.marker and not any(
            requirement.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)
        ):
            continue
        if other not in versions or not requirement.specifier.contains(versions[other], prereleases=True):
            found.append(f"{name} {version} needs {text}, there is {versions.get(other)}")
    return found


def _not_on_gpu(machine: Machine, name: str, version: Version) -> list[str]:
    rows = [row for row in builds(name, version, machine.platform) if row.variant == version.local]
    for row in rows:
        if row.cuda == "":
            return [f"{name} {version} is a build for the processor"]
        if row.cuda is None:
            continue
        needed = DRIVERS.get(Version(row.cuda).major)
        if needed and machine.driver and machine.driver < Version(needed):
            return [f"{name} {version} is built with CUDA {row.cuda}, the driver is {machine.driver}"]
        for gpu in machine.gpus or ():
            if row.compute_capabilities is not None and not any(_runs(code, gpu) for code in row.compute_capabilities):
                return [f"{name} {version} has no code for {gpu}"]
    return []


def _runs(code: str, gpu: tuple[int, int]) -> bool:
    kind, digits = code.split("_")
    digits = digits.rstrip("af")
    built = (int(digits[:-1]), int(digits[-1]))
    return built <= gpu and (kind == "compute" or built[0] == gpu[0])


def unconfirmed(facts: Facts, fix: Fix) -> list[str]:
    """Return what a fix names of releases that the solver would not: not one set, not complete, or not exact."""
    changes = fix.changes
    wanted = [Requirement(text) for text in changes.add] if changes else []
    wanted = [each for each in wanted if canonicalize_name(each.name) in tracked()]
    if changes is None or not wanted or _chosen_by_conda(facts, wanted):
        return []
    machine = machine_of(facts).with_python(changes.python) if changes.python else machine_of(facts)
    installed = () if changes.environment else installed_of(facts)
    if changes.reinstall:
        there = {package.name: package.version for package in installed}
        return [str(each) for each in wanted if not each.specifier.contains(there[each.name], prereleases=True)]
    loose = [str(each) for each in wanted if not re.fullmatch(r"==[^,]+", str(each.specifier))]
    on_gpu = frozenset(each.name for each in wanted if each.extras or "+cu" in str(each.specifier))
    wish = Wish(tuple(map(str, wanted)), on_gpu, remove=frozenset(changes.remove))
    answer = solve(machine, installed, wish)
    if answer is None or answer.solution is None:
        return [*loose, "no set"]
    missing = {Requirement(pin).name for pin in pins(answer)} - {each.name for each in wanted}
    return [*loose, *(f"without {name}" for name in sorted(missing))]


def _chosen_by_conda(facts: Facts, wanted: list[Requirement]) -> bool:
    return any(conda.manages(facts, str(each)) for each in wanted)
