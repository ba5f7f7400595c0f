"""Why newer releases are not in a set, and what it would take to go further, in words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from packaging.version import Version

from envcheck.fixes.solver.candidates import PROCESSOR, Candidate
from envcheck.fixes.solver.environment import Need, Wish, parsed
from envcheck.fixes.solver.fitness import Misfit
from envcheck.fixes.solver.machine import Machine
from envcheck.fixes.solver.provider import CUDNN_FOLDER
from envcheck.fixes.solver.solve import Answer
from envcheck.words import sentence, template, title_of

MOST_REASONS = 4
"""For one distribution; older releases than these tell nothing new."""

REJECTED = template("{name} {versions}: {reason}")
RANGE = template("{first} to {last}")
GO_FURTHER = template("For a newer {name} it takes {step}")
BROKEN = template("{packages} asks for other releases of these packages, and has to be updated or removed")
OWN_CUDA = template("{name} does not bring CUDA's libraries: CUDA {cuda} and cuDNN {cudnn} have to be installed")
FOR_PROCESSOR = template("{name} {version} is the build for the processor, because no GPU was found here")
APART = template("{names} cannot share this environment with what is installed in it, and gets one of its own")
OTHER_PYTHON = template("For Python {python} there is none that fits, so the new environment has Python {other}")

WHY = {
    "python": template("needs Python {value}"),
    "free-threaded": template("has no package for the Python without the global lock"),
    "platform": template("has no package for this operating system and processor"),
    "glibc": template("needs the C library glibc {value} or newer"),
    "musl": template("has no package for the C library musl"),
    "no-gpu-build": template("has no build for NVIDIA GPUs on this system"),
    "driver": template("needs the NVIDIA driver {value} or newer"),
    "old-gpu": template("supports GPUs from compute capability {value} on"),
    "new-gpu": template("has no code for GPUs of compute capability {value}"),
    "instructions": template("needs the processor instructions {value}"),
    "channel": template("is not in conda's channel {value}"),
    "needs": template("needs {need}, and {other} does not go with that"),
    "stays": template("needs {need}, and {other} stays"),
    "refused": template("{other} needs {need}"),
    "cuda": template("is built for CUDA {value}, and {other} is not; both keep their libraries in the same folder"),
    "together": template("does not go with the rest of the set"),
}
STEPS = {
    "python": template("Python {value}"),
    "free-threaded": template("a usual build of Python"),
    "platform": template("another operating system or processor"),
    "glibc": template("a system or container with glibc {value} or newer"),
    "musl": template("a system or container with the C library glibc"),
    "driver": template("the NVIDIA driver {value} or newer"),
    "old-gpu": template("a GPU of compute capability {value} or higher"),
    "instructions": template("a processor with {value}"),
}
OR_NEWER = template("{version} or newer")
BETWEEN = template("{first} to {last}")


@dataclass(frozen=True)
class Reason:
    """Why one release is not in the set."""

    kind: str
    value: str = ""
    other: str = ""

    def words(self) -> str:
        return sentence(WHY[self.kind], value=self.value, need=self.value, other=self.other)

    def step(self) -> str | None:
        return sentence(STEPS[self.kind], value=self.value) if self.kind in STEPS else None


def notes(answer: Answer, names: Iterable[str]) -> tuple[str, ...]:
    """Return why no newer releases of these distributions were chosen, and what to change for one."""
    found: list[str] = []
    for name in dict.fromkeys(names):
        rejected = _rejected(answer, name)
        grouped = _grouped(rejected)
        if all(reason.kind == "python" for _, reason in rejected) and answer.solution is None:
            grouped = grouped[:1]
        found += [
            sentence(REJECTED, name=title_of(name), versions=_versions(versions), reason=reason.words())
            for reason, versions in grouped[:MOST_REASONS]
        ]
        step = rejected[0][1].step() if rejected else None
        if step and (answer.solution or len(grouped) == 1):
            found.append(sentence(GO_FURTHER, name=title_of(name), step=step))
    found += [*_without_cuda(answer), *_for_processor(answer)]
    if answer.solution and answer.solution.broken:
        found.append(sentence(BROKEN, packages=", ".join(answer.solution.broken)))
    return tuple(found)


def _without_cuda(answer: Answer) -> list[str]:
    """Say which CUDA TensorFlow looks for on the system, where none comes with it."""
    chosen = answer.solution.chosen.get("tensorflow") if answer.solution else None
    build = chosen.build if chosen else None
    if answer.solution is None or chosen is None or build is None or not build.cuda or not build.cudnn:
        return []
    if "tensorflow" not in answer.shelf.wish.on_gpu or "tensorflow" in answer.solution.extras:
        return []
    return [sentence(OWN_CUDA, name=f"TensorFlow {chosen.version}", cuda=build.cuda, cudnn=build.cudnn)]


def _for_processor(answer: Answer) -> list[str]:
    chosen = answer.solution.chosen.values() if answer.solution and answer.shelf.machine.without_gpu else ()
    return [
        sentence(FOR_PROCESSOR, name=title_of(each.name), version=each.version.public)
        for each in chosen
        if each.build and each.build.variant == PROCESSOR and not each.installed
    ]


def apart(wish: Wish) -> str:
    """Say that a wish needs an environment of its own."""
    names = [title_of(found.name) for text in wish.requirements if (found := parsed(text))]
    return sentence(APART, names=", ".join(names))


def other_python(machine: Machine, minor: str) -> str:
    """Say why a new environment has another Python."""
    return sentence(OTHER_PYTHON, python=machine.python_minor, other=minor)


def _rejected(answer: Answer, name: str) -> list[tuple[Version, Reason]]:
    """Return the releases newer than the chosen one that the wish would have allowed, newest first."""
    chosen = answer.solution.chosen.get(name) if answer.solution else None
    options = answer.shelf.options(name)
    allowed = _allowed(answer, name)
    found = [(version, _of_misfit(misfit)) for version, misfit in options.rejected]
    for candidate in options.candidates:
        if chosen and not candidate.installed and candidate.version.public != chosen.version.public:
            found.append((candidate.version, _conflict(answer, candidate)))
    return sorted(
        (
            (version, reason)
            for version, reason in found
            if not version.is_postrelease
            and (chosen is None or version > chosen.version)
            and all(need.allows(version) for need in allowed)
        ),
        key=lambda item: item[0],
        reverse=True,
    )


def _allowed(answer: Answer, name: str) -> list[Need]:
    wanted = [found for text in answer.shelf.wish.requirements if (found := parsed(text))]
    return [Need(name, str(each.specifier)) for each in wanted if each.name == name]


def _of_misfit(misfit: Misfit) -> Reason:
    if misfit.kind == "python":
        return Reason("python", _pythons(misfit.value))
    return Reason(misfit.kind, misfit.value.upper() if misfit.kind == "instructions" else misfit.value)


def _pythons(value: str) -> str:
    first, _, last = value.partition(" - ")
    if last:
        return first if first == last else sentence(BETWEEN, first=first, last=last)
    if value.startswith(">=") and "," not in value:
        return sentence(OR_NEWER, version=value.removeprefix(">="))
    return value


def _conflict(answer: Answer, candidate: Candidate) -> Reason:
    """Return what keeps a release that would run here out of the set."""
    assert answer.solution is not None
    chosen = answer.solution.chosen
    for each in chosen.values():
        for need in answer.provider.get_dependencies(each):
            if need.name == candidate.name and not need.allows(candidate.version):
                return Reason("refused", _spelled(need), f"{title_of(each.name)} {each.version}")
    for need in answer.provider.get_dependencies(candidate):
        if need.name == CUDNN_FOLDER:
            for each in chosen.values():
                theirs = [one for one in _all_needs(answer, each) if one.name == CUDNN_FOLDER]
                if any(one.specifier != need.specifier for one in theirs):
                    return Reason("cuda", need.specifier.removeprefix("=="), f"{title_of(each.name)} {each.version}")
        there = chosen.get(need.name)
        if there and not need.allows(there.version):
            holder = _holder(answer, candidate, need, there)
            stays = f"{title_of(there.name)} {there.version}"
            return Reason("needs", _spelled(need), holder) if holder else Reason("stays", _spelled(need), stays)
    return Reason("together")


def _all_needs(answer: Answer, candidate: Candidate) -> list[Need]:
    """Return what a chosen release needs, with that of its extras in the set."""
    assert answer.solution is not None
    parts = [part for part in answer.solution.parts if part.name == candidate.name]
    return [need for part in parts for need in answer.provider.get_dependencies(part)]


def _holder(answer: Answer, rejected: Candidate, wanted: Need, there: Candidate) -> str | None:
    """Return who keeps a distribution from the release that somebody needs; None if it is there and just stays."""
    assert answer.solution is not None
    options = [each for each in answer.shelf.options(wanted.name).candidates if wanted.allows(each.version)]
    others = [each for each in answer.solution.chosen.values() if each.name != rejected.name]
    for each in others:
        for need in answer.provider.get_dependencies(each):
            if need.name == wanted.name and not any(need.allows(option.version) for option in options):
                return f"{title_of(each.name)} {each.version}"
    return None if there.installed else f"{title_of(there.name)} {there.version}"


def _spelled(need: Need) -> str:
    return f"{need.name}{need.specifier}"


def _grouped(rejected: Sequence[tuple[Version, Reason]]) -> list[tuple[Reason, list[Version]]]:
    """Put neighbours with the same reason together."""
    found: list[tuple[Reason, list[Version]]] = []
    for version, reason in rejected:
        if found and found[-1][0].kind == reason.kind and _alike(found[-1][0], reason):
            found[-1][1].append(version)
        else:
            found.append((reason, [version]))
    return found


def _alike(one: Reason, other: Reason) -> bool:
    return one == other or one.kind in ("refused", "needs")


def _versions(versions: Sequence[Version]) -> str:
    minors = list(dict.fromkeys(_minors(versions)))
    if len(minors) == 1:
        return str(versions[0].public) if len(versions) == 1 else minors[0]
    return sentence(RANGE, first=minors[-1], last=minors[0])


def _minors(versions: Iterable[Version]) -> Iterator[str]:
    for version in versions:
        yield f"{version.major}.{version.minor}"
