"""Why no newer releases are in a set, and what it would take to go further, in words."""

from collections.abc import Iterable, Iterator

from packaging.version import Version

from envcheck.fixes.solver.candidates import PROCESSOR
from envcheck.fixes.solver.environment import Need, Wish, parsed
from envcheck.fixes.solver.machine import Machine
from envcheck.fixes.solver.provider import CUDNN_FOLDER
from envcheck.fixes.solver.reasons import BETWEEN, Reason, lack, rejections
from envcheck.fixes.solver.solve import Answer
from envcheck.knowledge.releases import tracked
from envcheck.words import sentence, template, title_of

MOST_REASONS = 4
"""For one distribution; older releases than these tell nothing new."""
MOST_OF_A_CONTRADICTION = 3

LACKS = template("{name} {versions} needs {what}")
WHAT = {
    "python": template("Python {value}"),
    "free-threaded": template("a Python with the global lock"),
    "glibc": template("a system or container with glibc {value} or newer"),
    "musl": template("a system or container with the C library glibc"),
    "macos": template("macOS {value} or newer"),
    "driver": template("the NVIDIA driver {value} or newer"),
    "old-gpu": template("a GPU of compute capability {value} or higher"),
    "instructions": template("a processor with {value}"),
}
"""What would lead further, and is not there."""
LEFT_OUT = template("{name} {versions}: {why}")
WHY = {
    "platform": template("has no package for this operating system and processor"),
    "no-gpu-build": template("has no build for NVIDIA GPUs on this system"),
    "new-gpu": template("has no code for GPUs of compute capability {value}"),
    "untold": template("it is not known whether its build for this driver supports this GPU"),
    "channel": template("is not in conda's channel {value}"),
    "needs": template("needs {value}, and {other} does not go with that"),
    "stays": template("needs {value}, and {other} stays"),
    "wanted": template("needs {value}, and wanted is {other}"),
    "nowhere": template("needs {value}, which cannot be had here"),
    "refused": template("{other} needs {value}"),
    "cuda": template("is built for CUDA {value}, and {other} is not; both keep their libraries in the same folder"),
    "together": template("does not go with the rest of the set"),
}
CONTRADICTION = template("They do not go together: {parts}")
ASKS = template("{who} needs {what}")
BUILT_FOR = template("{who} is built for CUDA {cuda}")

BROKEN = template("{packages} asks for other releases of these packages, and has to be updated or removed")
OWN_CUDA = template("{name} does not bring CUDA's libraries: CUDA {cuda} and cuDNN {cudnn} have to be installed")
FOR_PROCESSOR = template("{name} {version} is the build for the processor, because no GPU was found here")
APART = template("{names} cannot share this environment with what is installed in it, and gets one of its own")
OTHER_PYTHON = template("For Python {python} there is none that fits, so the new environment has Python {other}")


def notes(answer: Answer, names: Iterable[str]) -> tuple[str, ...]:
    """Return why no newer releases of these distributions were chosen, and what would lead further.

    Without a set, it is only said what the newest lack, for the older ones lack that or other things, too.
    """
    most = MOST_REASONS if answer.solution else 1
    found = [line for name in dict.fromkeys(names) for line in _left_out(answer, name, most)]
    if answer.solution is None:
        return tuple(found) or _contradiction(answer)
    found += [*_without_cuda(answer), *_for_processor(answer)]
    if answer.solution.broken:
        found.append(sentence(BROKEN, packages=", ".join(answer.solution.broken)))
    return tuple(found)


def _left_out(answer: Answer, name: str, most: int) -> Iterator[str]:
    for reason, versions in _grouped(rejections(answer, name), most):
        yield _line(name, versions, reason)


def _line(name: str, versions: list[Version], reason: Reason) -> str:
    fields = {"name": title_of(name), "versions": _versions(versions)}
    if reason.kind in WHAT:
        return sentence(LACKS, **fields, what=sentence(WHAT[reason.kind], value=reason.value))
    return sentence(LEFT_OUT, **fields, why=sentence(WHY[reason.kind], value=reason.value, other=reason.other))


def _contradiction(answer: Answer) -> tuple[str, ...]:
    """Say what in the wish, or in what is installed, contradicts each other."""
    parts: dict[str, str] = {}
    for need in answer.causes:
        name, _, version = need.origin.rpartition(" ")
        if name:
            parts.setdefault(name, _asked(need, f"{title_of(name)} {version.partition('+')[0]}"))
    told = list(parts.values())[:MOST_OF_A_CONTRADICTION]
    lacking = {need.name: _line(need.name, [version], reason) for need, (version, reason) in _lacking(answer)}
    return (*((sentence(CONTRADICTION, parts=", ".join(told)),) if len(told) > 1 else told), *lacking.values())


def _lacking(answer: Answer) -> Iterator[tuple[Need, tuple[Version, Reason]]]:
    for need in answer.causes:
        found = lack(answer, need) if need.name in tracked() else None
        if found:
            yield need, found


def _asked(need: Need, who: str) -> str:
    if need.name == CUDNN_FOLDER:
        return sentence(BUILT_FOR, who=who, cuda=need.specifier.removeprefix("=="))
    return sentence(ASKS, who=who, what=f"{need.name}{need.specifier}")


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


def _grouped(rejected: Iterable[tuple[Version, Reason]], most: int) -> list[tuple[Reason, list[Version]]]:
    """Put neighbours with the same reason together, and stop at so many reasons."""
    found: list[tuple[Reason, list[Version]]] = []
    for version, reason in rejected:
        if found and found[-1][0].kind == reason.kind and _alike(found[-1][0], reason):
            found[-1][1].append(version)
        elif len(found) == most:
            break
        else:
            found.append((reason, [version]))
    return found


def _alike(one: Reason, other: Reason) -> bool:
    return one == other or one.kind in ("refused", "needs", "wanted")


def _versions(versions: list[Version]) -> str:
    minors = list(dict.fromkeys(f"{version.major}.{version.minor}" for version in versions))
    if len(minors) == 1:
        return str(versions[0].public) if len(versions) == 1 else minors[0]
    return sentence(BETWEEN, first=minors[-1], last=minors[0])
