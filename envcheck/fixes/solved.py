"""Fixes whose versions are computed: one set for all that share the environment, and why no newer one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec
from packaging.utils import canonicalize_name

from envcheck.fixes import conda, environments, packages, projects
from envcheck.fixes.files import by_hand
from envcheck.fixes.solver.environment import FOLLOWERS, Installed, Wish, installed_of, parsed
from envcheck.fixes.solver.machine import Machine, machine_of
from envcheck.fixes.solver.notes import apart, notes, other_python
from envcheck.fixes.solver.pins import pins
from envcheck.fixes.solver.solve import FRAMEWORKS, Answer, elsewhere, solve
from envcheck.knowledge.releases import tracked
from envcheck.model.facts import Backend, Facts, Package
from envcheck.model.report import Fix
from envcheck.model.unknown import Unknown, known
from envcheck.words import sentence, template, title_of

CONDA_CHOOSES = template("No set of releases could be computed from what envcheck knows, so conda's own solver chooses")
NO_RELEASE = template("No release of {packages} is known that runs here and goes with what is installed")
VERSIONS = "https://packaging.python.org/en/latest/specifications/version-specifiers/"


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

    Where no set of them is known, the fix has no commands and says why. Where the tables do not tell enough, ``add`` is
    left to the installer as it is.
    """
    answer = _answer(facts, _wish(facts, remove, add))
    if answer is None:
        fix = packages.change(facts, title, fields, remove=remove, add=add, source=source, verify=verify)
        chosen = any(conda.manages(facts, text) for text in add)
        return msgspec.structs.replace(fix, notes=(sentence(CONDA_CHOOSES),)) if chosen else fix
    return _told(facts, answer, title, fields, remove, add, source, verify) or _no_release(answer, add)


def anew(
    facts: Facts,
    title: str,
    fields: Mapping[str, object] | None = None,
    *,
    remove: tuple[str, ...],
    add: Sequence[Package],
    source: str = packages.PIP,
    verify: str | None = None,
) -> Fix:
    """Return the fix that removes distributions and installs ``add`` again, which are among them.

    They keep their releases where these can be installed here and go with the rest, and get the newest that do if not.
    """
    same = computed(
        facts,
        title,
        fields,
        remove=remove,
        add=tuple(map(packages.as_installed, add)),
        only_here=True,
        source=source,
        verify=verify,
    )
    names = tuple(package.name for package in add)
    return same or change(facts, title, fields, remove=remove, add=names, source=source, verify=verify)


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
    return _told(facts, answer, title, fields, remove, add, source, verify)


def _told(
    facts: Facts,
    answer: Answer,
    title: str,
    fields: Mapping[str, object] | None,
    remove: tuple[str, ...],
    add: tuple[str, ...],
    source: str,
    verify: str | None,
) -> Fix | None:
    """Return the fix that brings about what the solver found; None if it found no set."""
    if answer.solution is None:
        return _elsewhere(facts, answer)
    wanted = pins(answer)
    # What has no table is left to the installer, which has to mind what stays.
    others = tuple(text for text in add if not _has_table(text))
    kept = _there(answer) if others or not wanted else ()
    fix = packages.change(
        facts,
        title,
        fields,
        remove=remove,
        add=(*others, *wanted, *(pin for pin in kept if pin not in wanted)),
        reinstall=not wanted and not others,
        index=index(answer) or _index_of_torch(answer, wanted),
        source=source,
        verify=verify,
    )
    return _with_notes(fix, answer) if wanted else fix


def _there(answer: Answer) -> tuple[str, ...]:
    """Return those of the wished distributions that stay in their releases.

    Where nothing has to change by what is said of them, and yet something is wrong, then it is with their files.
    """
    chosen = answer.solution.chosen if answer.solution else {}
    there = (chosen[name] for name in _names(answer.shelf.wish) if name in chosen)
    return tuple(f"{each.name}=={each.version.public}" for each in there if each.installed)


def _no_release(answer: Answer | None, wanted: Iterable[str]) -> Fix:
    names = (found.name for text in wanted if (found := parsed(text)))
    fix = by_hand(NO_RELEASE, VERSIONS, packages=", ".join(map(title_of, names)))
    return _with_notes(fix, answer) if answer else fix


def _wish(facts: Facts, remove: tuple[str, ...], add: tuple[str, ...], on_gpu: tuple[str, ...] = ()) -> Wish:
    others = _names_of(found.name for text in add if not _has_table(text) and (found := parsed(text)))
    gone = _names_of(remove) | others  # what has no table gets another release, and asks for other things then
    return Wish(tuple(filter(_has_table, add)), frozenset(on_gpu), _on_gpu_now(facts), gone)


def _has_table(requirement: str) -> bool:
    found = parsed(requirement)
    return found is not None and str(canonicalize_name(found.name)) in tracked()


def _answer(facts: Facts, wish: Wish) -> Answer | None:
    if not wish.requirements or not _computable(facts):
        return None
    machine = machine_of(facts)
    if projects.tool(facts):
        machine = replace(machine, without_gpu=False)  # the project's file would have to name PyTorch's index
    channels = conda.channels(facts, wish.requirements)
    if channels:
        return _with_conda(machine, installed_of(facts), replace(wish, channels=channels))
    return _solve(machine, () if packages.system_managed(facts) else installed_of(facts), wish)


def _with_conda(machine: Machine, installed: tuple[Installed, ...], wish: Wish) -> Answer | None:
    """Return the answer where conda manages packages; None where its own solver has to choose, which knows more."""
    if not wish.on_gpu.isdisjoint(wish.channels):
        return None  # the tables do not tell which of conda's builds serve which GPU
    answer = _solve(machine, installed, wish)
    if answer and answer.solution is None and not wish.channels.keys().isdisjoint(_names(wish)):
        answer = _solve(machine, installed, replace(wish, channels=dict.fromkeys(wish.channels)))
        return answer if answer and answer.solution else None
    return answer


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


def new_environment(facts: Facts, *requirements: str, python: str | None = None) -> Fix:
    """Return the fix that makes an environment with the newest Python that suits the requirements.

    ``python`` is a version to take instead, where it suits them, too.
    """
    machine, wish = machine_of(facts), Wish(requirements)
    same = _solve(machine.with_python(python), (), wish) if python else None
    found = (python, same) if python and same and same.solution else elsewhere(machine, wish)
    if found is None:
        return _no_release(solve(machine, (), wish), requirements)
    minor, answer = found
    return _with_notes(environments.with_python(facts, minor, *pins(answer), index=index(answer)), answer)


def index(answer: Answer) -> str | None:
    """Return the package index that a build of the set comes from, if it is not the usual one."""
    if answer.solution is None:
        return None
    return next((each.index for each in answer.solution.chosen.values() if each.index), None)


def _computable(facts: Facts) -> bool:
    """Say whether it is known what is installed, and for a Python that the tables are about."""
    if isinstance(facts.python.packages, Unknown) or isinstance(facts.python.version, Unknown):
        return False
    return known(facts.python.implementation, None) in (None, "CPython", "cpython")


def _elsewhere(facts: Facts, answer: Answer) -> Fix | None:
    """Return the fix that makes an environment of its own: with this Python, or else with the newest that suits."""
    machine, wish = answer.shelf.machine, _for_itself(facts, answer)
    if wish is None:
        return None
    alone = _solve(machine, (), wish)
    if alone and alone.solution and machine.python_minor:
        told = (apart(wish), *notes(alone, _names(wish)))
        fix = environments.with_python(facts, machine.python_minor, *pins(alone), index=index(alone))
        return msgspec.structs.replace(fix, notes=told)
    found = elsewhere(machine, wish)
    if found is None:
        return None
    minor, there = found
    names = _names(wish)
    said = dict.fromkeys((*notes(answer, names), other_python(machine, minor), *notes(there, names)))
    fix = environments.with_python(facts, minor, *pins(there), index=index(there))
    return msgspec.structs.replace(fix, notes=tuple(said))


def _for_itself(facts: Facts, answer: Answer) -> Wish | None:
    """Return the wish for an environment of its own, with the frameworks that it is for; None if that makes no sense.

    A library alone serves nobody, and the wheels of CUDA go where their framework goes.
    """
    wish = answer.shelf.wish
    names = _names(wish)
    if all(name.startswith(FOLLOWERS) for name in names):
        return None
    frameworks = FRAMEWORKS | _names_of(name for found in known(facts.backends, ()) for name in _distributions(found))
    if not frameworks.isdisjoint(names):
        return Wish(wish.requirements, wish.on_gpu)
    there = [found for name, found in answer.shelf.installed.items() if name in frameworks and name in tracked()]
    beside = (f"{found.name}=={found.version.public}" for found in there)
    return Wish((*wish.requirements, *beside), wish.on_gpu) if there else None


def _distributions(backend: Backend) -> tuple[str, ...]:
    return (backend.name, *known(backend.distributions, ()))


def _with_notes(fix: Fix, answer: Answer) -> Fix:
    return msgspec.structs.replace(fix, notes=(*fix.notes, *notes(answer, _names(answer.shelf.wish))))


def _names(wish: Wish) -> list[str]:
    return [str(canonicalize_name(found.name)) for text in wish.requirements if (found := parsed(text))]
