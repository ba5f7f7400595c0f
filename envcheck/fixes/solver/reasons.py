"""Why newer releases are not in a set: what each of them lacks, or what it does not go with."""

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from envcheck.fixes.solver.candidates import Candidate
from envcheck.fixes.solver.environment import Need, parsed
from envcheck.fixes.solver.fitness import Misfit
from envcheck.fixes.solver.provider import CUDA_MAJORS, CUDNN_FOLDER
from envcheck.fixes.solver.solve import Answer
from envcheck.words import sentence, template, title_of

OR_NEWER = template("{version} or newer")
BETWEEN = template("{first} to {last}")


@dataclass(frozen=True)
class Reason:
    """Why one release is not in the set; ``kind`` is a misfit's, or says what it does not go with."""

    kind: str
    value: str = ""
    other: str = ""


def rejections(answer: Answer, name: str) -> Iterator[tuple[Version, Reason]]:
    """Yield the releases newer than the chosen one that the wish would have allowed, newest first, and why not.

    Where there is no set although some of them run here, others are to blame, and nothing is yielded.
    """
    chosen = answer.solution.chosen.get(name) if answer.solution else None
    options = answer.shelf.options(name)
    found: dict[Version, Misfit | Candidate] = dict(options.rejected)
    fitting = [each for each in options.candidates if _is_allowed(answer, name, each.version)]
    if chosen is None and fitting:
        yield from _without_plugin(answer, name)
        return
    found |= {each.version: each for each in fitting if not each.installed}
    told = None
    for version in sorted(found, reverse=True):
        if chosen and (version <= chosen.version or version.public == chosen.version.public):
            return
        if not version.is_postrelease and version.public != told and _is_allowed(answer, name, version):
            told, what = version.public, found[version]
            yield version, _of_misfit(answer, what) if isinstance(what, Misfit) else _conflict(answer, what)


def _is_allowed(answer: Answer, name: str, version: Version) -> bool:
    wanted = [found for text in answer.shelf.wish.requirements if (found := parsed(text))]
    return all(Need(name, str(each.specifier)).allows(version) for each in wanted if each.name == name)


# --- what a release lacks -------------------------------------------------------------------------


def lack(answer: Answer, need: Need) -> tuple[Version, Reason] | None:
    """Return what the newest release that somebody needs lacks here; None if one of them can be had."""
    options = answer.shelf.options(need.name)
    if any(need.allows(each.version) for each in options.candidates):
        return None
    found = ((version, _of_misfit(answer, misfit)) for version, misfit in options.rejected if need.allows(version))
    return next(found, None)


def _of_misfit(answer: Answer, misfit: Misfit) -> Reason:
    if misfit.kind == "python":
        return Reason("python", _pythons(misfit.value, answer.shelf.machine.python))
    return Reason(misfit.kind, misfit.value.upper() if misfit.kind == "instructions" else misfit.value)


def _pythons(value: str, python: Version | None) -> str:
    """Return the Pythons that a release is for; for an older Python only the oldest of them matters."""
    first, _, last = value.partition(" - ")
    oldest = Version(first) if last else _oldest(value)
    if oldest and python and python < oldest:
        return sentence(OR_NEWER, version=f"{oldest.major}.{oldest.minor}")
    if last:
        return first if first == last else sentence(BETWEEN, first=first, last=last)
    return value


def _oldest(requires_python: str) -> Version | None:
    try:
        bounds = [Version(each.version) for each in SpecifierSet(requires_python) if each.operator == ">="]
    except InvalidSpecifier:
        return None
    return max(bounds, default=None)


def _without_plugin(answer: Answer, name: str) -> Iterator[tuple[Version, Reason]]:
    """Yield why JAX finds no plug-in for the GPU: it runs here itself."""
    if name != "jax" or name not in answer.shelf.wish.on_gpu:
        return
    options = [answer.shelf.options(f"jax-cuda{major}-plugin") for major in CUDA_MAJORS[:2]]
    if not any(each.candidates for each in options):
        for version, misfit in options[-1].rejected:
            yield version, _of_plugin(answer, misfit)


def _of_plugin(answer: Answer, misfit: Misfit) -> Reason:
    return Reason("no-gpu-build") if misfit.kind == "platform" else _of_misfit(answer, misfit)


# --- what a release does not go with --------------------------------------------------------------


def _conflict(answer: Answer, candidate: Candidate) -> Reason:
    """Return what keeps a release that would run here out of the set."""
    return (
        _refused(answer, candidate)
        or _by_its_needs(answer, candidate)
        or _by_its_plugin(answer, candidate)
        or Reason("untold" if answer.shelf.is_untold(candidate) else "together")
    )


def _refused(answer: Answer, candidate: Candidate) -> Reason | None:
    assert answer.solution is not None
    for each in answer.solution.chosen.values():
        for need in answer.provider.get_dependencies(each):
            if need.name == candidate.name and not need.allows(candidate.version):
                return Reason("refused", _spelled(need), f"{title_of(each.name)} {each.version}")
    return None


def _by_its_needs(answer: Answer, candidate: Candidate) -> Reason | None:
    assert answer.solution is not None
    chosen = answer.solution.chosen
    for need in answer.provider.get_dependencies(candidate):
        if need.name == CUDNN_FOLDER:
            for each in chosen.values():
                theirs = [one for one in _all_needs(answer, each) if one.name == CUDNN_FOLDER]
                if each.name != candidate.name and any(one.specifier != need.specifier for one in theirs):
                    return Reason("cuda", need.specifier.removeprefix("=="), f"{title_of(each.name)} {each.version}")
        there = chosen.get(need.name)
        if there and not need.allows(there.version):
            reason = _held(answer, candidate, need, there)
            if reason:
                return reason
    return None


def _all_needs(answer: Answer, candidate: Candidate) -> list[Need]:
    """Return what a chosen release needs, with that of its extras in the set."""
    assert answer.solution is not None
    parts = [part for part in answer.solution.parts if part.name == candidate.name]
    return [need for part in parts for need in answer.provider.get_dependencies(part)]


def _held(answer: Answer, rejected: Candidate, wanted: Need, there: Candidate) -> Reason | None:
    """Return what keeps a distribution from the release that somebody needs; None if nothing else does."""
    assert answer.solution is not None
    spelled = _spelled(wanted)
    options = [each for each in answer.shelf.options(wanted.name).candidates if wanted.allows(each.version)]
    if not any(_is_allowed(answer, wanted.name, each.version) for each in options):
        found = map(parsed, answer.shelf.wish.requirements)
        told = [str(wish) for wish in found if wish and wish.name == wanted.name]
        return Reason("wanted", spelled, ", ".join(told)) if told else Reason("nowhere", spelled)
    for each in answer.solution.chosen.values():
        if each.name != rejected.name:
            for need in answer.provider.get_dependencies(each):
                if need.name == wanted.name and not any(need.allows(option.version) for option in options):
                    return Reason("needs", spelled, f"{title_of(each.name)} {each.version}")
    return Reason("stays", spelled, f"{title_of(there.name)} {there.version}") if there.installed else None


def _by_its_plugin(answer: Answer, candidate: Candidate) -> Reason | None:
    """Return why JAX's plug-in of the same release does not run here."""
    assert answer.solution is not None
    for name in answer.solution.chosen:
        if candidate.name == "jax" and name.startswith("jax-cuda") and name.endswith("-plugin"):
            misfits = dict(answer.shelf.options(name).rejected)
            if candidate.version in misfits:
                return _of_plugin(answer, misfits[candidate.version])
    return None


def _spelled(need: Need) -> str:
    return f"{need.name}{need.specifier}"
