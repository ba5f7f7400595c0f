"""Fixes whose versions are computed: one set for all that share the environment, and why no newer one."""

from collections.abc import Mapping

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envcheck.fixes import environments, packages
from envcheck.fixes.solver.environment import Wish, installed_of, parsed
from envcheck.fixes.solver.machine import Machine, machine_of
from envcheck.fixes.solver.pins import pins
from envcheck.fixes.solver.reasons import apart, notes, other_python
from envcheck.fixes.solver.solve import Answer, elsewhere, solve
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import Unknown, known


def change(
    facts: Facts,
    title: str,
    fields: Mapping[str, object] | None = None,
    *,
    remove: tuple[str, ...] = (),
    add: tuple[str, ...],
    on_gpu: tuple[str, ...] = (),
    source: str = packages.PIP,
    verify: str | None = None,
) -> Fix:
    """Return the fix that brings ``add`` in the releases that go with all that is installed, and run on this machine.

    ``on_gpu`` names the frameworks that have to work on the NVIDIA GPU. Where the tables do not tell enough, ``add`` is
    left to the installer as it is.
    """
    wish = Wish(tuple(add), frozenset(on_gpu), frozenset(str(canonicalize_name(name)) for name in remove))
    machine = machine_of(facts)
    if not _computable(facts, add):
        return packages.change(facts, title, fields, remove=remove, add=add, source=source, verify=verify)
    fresh = packages.system_managed(facts)
    answer = solve(machine, () if fresh else installed_of(facts), wish)
    if answer is None or (answer.solution and not pins(answer)):
        return packages.change(facts, title, fields, remove=remove, add=add, source=source, verify=verify)
    if answer.solution is None:
        return _elsewhere(facts, machine, wish, answer) or _with_notes(
            packages.change(facts, title, fields, remove=remove, add=add, source=source, verify=verify), answer
        )
    fix = packages.change(
        facts, title, fields, remove=remove, add=pins(answer), index=index(answer), source=source, verify=verify
    )
    return _with_notes(fix, answer)


def new_environment(facts: Facts, *requirements: str) -> Fix:
    """Return the fix that makes an environment with the newest Python that suits the requirements."""
    wish = Wish(requirements)
    found = elsewhere(machine_of(facts), wish)
    if found is None:
        return environments.with_python(facts, "3.12", *requirements)
    minor, answer = found
    return _with_notes(environments.with_python(facts, minor, *pins(answer), index=index(answer)), answer)


def index(answer: Answer) -> str | None:
    """Return the package index that a build of the set comes from, if it is not the usual one."""
    if answer.solution is None:
        return None
    return next((each.index for each in answer.solution.chosen.values() if each.index), None)


def _computable(facts: Facts, add: tuple[str, ...]) -> bool:
    """Say whether the tables are about what would be installed: conda has packages of its own, and so has a project."""
    if isinstance(facts.python.packages, Unknown) or isinstance(facts.python.version, Unknown):
        return False
    if known(facts.python.implementation, None) not in (None, "CPython", "cpython"):
        return False
    installers = {package.name: known(package.installer, None) for package in facts.python.packages}
    return known(facts.python.installer, None) != "conda" or not any(
        installers.get(str(canonicalize_name(Requirement(text).name))) == "conda" for text in add
    )


def _elsewhere(facts: Facts, machine: Machine, wish: Wish, answer: Answer) -> Fix | None:
    """Return the fix that makes an environment of its own: with this Python, or else with the newest that suits."""
    alone = solve(machine, (), Wish(wish.requirements, wish.on_gpu))
    if alone and alone.solution and machine.python_minor:
        told = (apart(wish), *notes(alone, _names(wish)))
        fix = environments.with_python(facts, machine.python_minor, *pins(alone), index=index(alone))
        return msgspec.structs.replace(fix, notes=told)
    found = elsewhere(machine, wish)
    if found is None:
        return None
    minor, there = found
    told = (other_python(machine, minor), *notes(answer, _names(wish)))
    fix = environments.with_python(facts, minor, *pins(there), index=index(there))
    return msgspec.structs.replace(fix, notes=told)


def _with_notes(fix: Fix, answer: Answer) -> Fix:
    return msgspec.structs.replace(fix, notes=notes(answer, _names(answer.shelf.wish)))


def _names(wish: Wish) -> list[str]:
    return [str(canonicalize_name(found.name)) for text in wish.requirements if (found := parsed(text))]
