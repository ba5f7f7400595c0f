"""Fixes whose versions are computed: one set for all that share the environment, and why no newer one."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envcheck.fixes import environments, packages
from envcheck.fixes.solver.environment import FOLLOWERS, Installed, Wish, installed_of, parsed
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
    source: str = packages.PIP,
    verify: str | None = None,
) -> Fix:
    """Return the fix that brings ``add`` in the releases that go with all that is installed, and run on this machine.

    Where the tables do not tell enough, or know of no set, ``add`` is left to the installer as it is.
    """
    answer = _answer(facts, _wish(facts, remove, add))
    fix = _told(facts, answer, title, fields, remove, source, verify) if answer else None
    if fix is not None:
        return fix
    fix = packages.change(facts, title, fields, remove=remove, add=add, source=source, verify=verify)
    return _with_notes(fix, answer) if answer and answer.solution is None else fix


def computed(
    facts: Facts,
    title: str,
    fields: Mapping[str, object] | None = None,
    *,
    remove: tuple[str, ...] = (),
    add: tuple[str, ...],
    on_gpu: tuple[str, ...] = (),
    only_here: bool = False,
    source: str = packages.PIP,
    verify: str | None = None,
) -> Fix | None:
    """Return the same fix as :func:`change`, or None where it cannot be computed.

    ``on_gpu`` names the frameworks that have to work on the NVIDIA GPU. If no set can be had in the target, one is
    looked for with another Python or in an environment of its own, unless ``only_here`` says not to.
    """
    answer = _answer(facts, _wish(facts, remove, add, on_gpu))
    if answer is None or (answer.solution is None and only_here):
        return None
    return _told(facts, answer, title, fields, remove, source, verify)


def _told(
    facts: Facts,
    answer: Answer,
    title: str,
    fields: Mapping[str, object] | None,
    remove: tuple[str, ...],
    source: str,
    verify: str | None,
) -> Fix | None:
    """Return the fix that brings about what the solver found; None if it found nothing to tell an installer."""
    if answer.solution is None:
        return _elsewhere(facts, answer)
    wanted = pins(answer)
    if not wanted:
        return None
    fix = packages.change(
        facts,
        title,
        fields,
        remove=remove,
        add=wanted,
        index=index(answer) or _index_of_torch(answer, wanted),
        source=source,
        verify=verify,
    )
    return _with_notes(fix, answer)


def _wish(facts: Facts, remove: tuple[str, ...], add: tuple[str, ...], on_gpu: tuple[str, ...] = ()) -> Wish:
    return Wish(tuple(add), frozenset(on_gpu), _on_gpu_now(facts), _names_of(remove))


def _answer(facts: Facts, wish: Wish) -> Answer | None:
    if not _computable(facts, wish.requirements):
        return None
    machine = machine_of(facts)
    if known(facts.python.installer, None) in packages.PROJECT_OPTIONS:
        machine = replace(machine, without_gpu=False)  # the project's file would have to name PyTorch's index
    return _solve(machine, () if packages.system_managed(facts) else installed_of(facts), wish)


def _names_of(names: Iterable[str]) -> frozenset[str]:
    return frozenset(str(canonicalize_name(name)) for name in names)


def _index_of_torch(answer: Answer, wanted: Iterable[str]) -> str | None:
    """Return the index of the PyTorch that stays, where something is to come that has to be of the same build."""
    torch = answer.solution.chosen.get("torch") if answer.solution else None
    companions = any(wish.startswith(packages.TORCH_PACKAGES[1:]) for wish in wanted)
    build = torch.version.local if torch and torch.installed and companions else None
    return packages.TORCH_INDEX.format(build=build) if build else None


def _solve(machine: Machine, installed: tuple[Installed, ...], wish: Wish) -> Answer | None:
    """Return the answer for all GPUs; if no build serves all of them, for the newest alone."""
    answer = solve(machine, installed, wish)
    if answer and answer.solution is None and machine.gpus and len(machine.gpus) > 1:
        return solve(replace(machine, gpus=machine.gpus[:1]), installed, wish)
    return answer


def _on_gpu_now(facts: Facts) -> frozenset[str]:
    """Return the frameworks that were built for NVIDIA GPUs, where there is one."""
    if not machine_of(facts).gpus:
        return frozenset()
    return frozenset(found.name for found in known(facts.backends, ()) if known(found.built_for.cuda, None))


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


def _elsewhere(facts: Facts, answer: Answer) -> Fix | None:
    """Return the fix that makes an environment of its own: with this Python, or else with the newest that suits."""
    machine, wish = answer.shelf.machine, answer.shelf.wish
    if all(name.startswith(FOLLOWERS) for name in _names(wish)):
        return None
    alone = _solve(machine, (), Wish(wish.requirements, wish.on_gpu))
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
