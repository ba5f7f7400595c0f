"""From a wish to one set of packages that goes together and runs on this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import Version

from envcheck.fixes.solver.candidates import Candidate, Shelf
from envcheck.fixes.solver.environment import (
    CUDA_EXTRAS,
    FOLLOWERS,
    Installed,
    Need,
    Wish,
    active_extras,
    needs,
    parsed,
)
from envcheck.fixes.solver.machine import Machine
from envcheck.fixes.solver.provider import JAX_ON_GPU, ORDER, Provider
from envcheck.knowledge.releases import releases, tracked

MOST_ROUNDS = 250
"""Far more than any set in the tests takes; what takes longer is given up."""

FRAMEWORKS = frozenset(
    {"tensorflow", "tensorflow-cpu", "torch", "torchvision", "torchaudio", "jax", "keras", "tf-keras"}
)
"""What programs are written for stays as it is, if that is possible at all; the libraries below move before."""
OLDEST_PYTHON = Version("3.8")
"""The oldest that uv makes environments with (docs.astral.sh/uv/reference/policies/python, 2026-11-23)."""


@dataclass(frozen=True)
class Solution:
    """A consistent set: every tracked distribution of the environment, by name."""

    chosen: Mapping[str, Candidate]
    extras: Mapping[str, tuple[str, ...]]  #: the extras that were asked for, by name
    parts: tuple[Candidate, ...]  #: the same distributions, and each of their extras that is in the set
    broken: tuple[str, ...] = ()  #: installed packages outside the tables that the set does not suit


@dataclass(frozen=True)
class Answer:
    """What the solver found. ``solution`` is None if no set meets the wish on this machine."""

    shelf: Shelf
    provider: Provider
    solution: Solution | None
    causes: tuple[Need, ...]  #: what contradicted each other at last, where there is no set
    roots: tuple[Need, ...]  #: what was asked of the set from outside: by the wish, and by packages outside the tables


def solve(machine: Machine, installed: Sequence[Installed], wish: Wish) -> Answer | None:
    """Return the set that meets a wish, keeps what is installed where it can, and is the newest otherwise.

    None means that the tables do not tell enough: a wished distribution has no table.
    """
    names = [str(canonicalize_name(found.name)) for text in wish.requirements if (found := parsed(text))]
    if not all(name in tracked() for name in names):
        return None
    there = {found.name: found for found in installed}
    shelf = Shelf(machine, there, wish)
    environment = machine.environment()
    wanted = list(needs(wish.requirements, environment))
    if "jax" in wish.on_gpu:
        wanted.append(Need(JAX_ON_GPU, ""))
    kept = list(_kept(shelf, environment))
    provider = Provider(shelf, _first(wanted, kept))
    guests = _guests(shelf, environment)
    held = [need for need in guests if need.name in there and need.allows(there[need.name].version)]
    frozen = [
        Need(name, f"=={there[name].version}")
        for name in (need.name for need in kept)
        if name in FRAMEWORKS and name not in names
    ]
    for constraints in dict.fromkeys(map(tuple, ([*guests, *frozen], guests, held, []))):
        chosen, causes = _resolve(provider, [*wanted, *kept, *constraints])
        if chosen is not None:
            break
    solution = _solution(chosen, guests) if chosen is not None else None
    return Answer(shelf, provider, solution, causes, (*wanted, *kept, *constraints))


def elsewhere(machine: Machine, wish: Wish) -> tuple[str, Answer] | None:
    """Return the newest Python with which a new environment can meet a wish, and the set for it."""
    fresh = Wish(wish.requirements, wish.on_gpu)
    for minor in _pythons(wish):
        if minor == machine.python_minor or Version(minor) < OLDEST_PYTHON:
            continue
        answer = solve(machine.with_python(minor), (), fresh)
        if answer and answer.solution:
            return minor, answer
    return None


def _pythons(wish: Wish) -> list[str]:
    """Return the Python versions that the wished distributions have wheels for, newest first."""
    minors = set()
    for text in wish.requirements:
        found = parsed(text)
        for release in releases(found.name) if found else ():
            for wheel in release.wheels:
                number = wheel.partition("-")[0].removeprefix("cp3")
                if number.isdecimal():
                    minors.add(int(number))
    return [f"3.{minor}" for minor in sorted(minors, reverse=True)]


def _first(wanted: Sequence[Need], kept: Sequence[Need]) -> list[str]:
    """Return the names in the order to choose for them: what is told, what is there, and then what is free."""
    told = {need.name for need in wanted if need.specifier}
    there = {need.name for need in kept} - told
    free = {need.name for need in wanted} - told - there
    names = [name for group in (told, there, free) for name in sorted(group, key=_order)]
    return [name for name in names if not name.startswith(FOLLOWERS)]


def _order(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def _kept(shelf: Shelf, environment: Mapping[str, str]) -> list[Need]:
    """Return what has to stay in the environment: the installed distributions, in whatever release."""
    found = []
    for name, package in shelf.installed.items():
        if name not in tracked() or name.startswith(FOLLOWERS):
            continue
        found.append(Need(name, ""))
        for extra in active_extras(package, shelf.installed, environment):
            if name not in shelf.wish.on_gpu:
                found.append(Need(name, "", extra))
    return found


def _guests(shelf: Shelf, environment: Mapping[str, str]) -> list[Need]:
    """Return what installed packages outside the tables ask of those that are in them."""
    return [
        need
        for name, package in shelf.installed.items()
        if name not in tracked()
        for need in needs(package.requires, environment, origin=f"{package.name} {package.version}")
        if need.name in shelf.installed and not need.extra
    ]


def _resolve(provider: Provider, roots: Sequence[Need]) -> tuple[dict[str, Candidate] | None, tuple[Need, ...]]:
    from resolvelib import BaseReporter, ResolutionImpossible, ResolutionTooDeep, Resolver

    try:
        result = Resolver(provider, BaseReporter()).resolve(roots, max_rounds=MOST_ROUNDS)
    except ResolutionImpossible as found:
        return None, tuple(cause.requirement for cause in found.causes)
    except ResolutionTooDeep:
        return None, ()
    return dict(result.mapping), ()


def _solution(mapping: Mapping[str, Candidate], guests: Sequence[Need]) -> Solution:
    chosen = {found.name: found for found in mapping.values() if not found.extra and found.name in tracked()}
    extras: dict[str, tuple[str, ...]] = {}
    parts = tuple(found for found in mapping.values() if found.name in tracked())
    for found in parts:
        if found.extra in CUDA_EXTRAS.get(found.name, ()):
            extras[found.name] = (found.extra,)
    broken = (need.origin for need in guests if need.name in chosen and not need.allows(chosen[need.name].version))
    return Solution(chosen, extras, parts, tuple(dict.fromkeys(broken)))
