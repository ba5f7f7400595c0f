"""What has to be told to an installer so that it brings about a set."""

from collections.abc import Iterator, Mapping

from envcheck.fixes.solver.candidates import WHEELS_OF_CUDNN, Candidate
from envcheck.fixes.solver.conda_range import bounds
from envcheck.fixes.solver.environment import Need, needs, parsed
from envcheck.fixes.solver.solve import Answer, Solution


def pins(answer: Answer) -> tuple[str, ...]:
    """Return the requirements that lead an installer to the set: what was wished, and what it would not do by itself.

    An installer looks at what the requirements ask for and at nothing else: what is installed and left alone does not
    hold it back. So every distribution that has to change for the sake of those is named, too.
    """
    solution = answer.solution
    if solution is None:
        return ()
    wished = {found.name for text in answer.shelf.wish.requirements if (found := parsed(text))}
    changed = {name: each for name, each in solution.chosen.items() if not each.installed}
    asked = {
        name: solution.chosen[name]
        for name in sorted(wished & solution.chosen.keys(), key=list(solution.chosen).index)
        if name in changed or name in solution.extras
    }
    told = dict(asked)
    for name, each in changed.items():
        if name not in told and not _comes_by_itself(answer, each, changed):
            told[name] = each
    return tuple(_pin(answer, solution, each) for each in told.values())


def _pin(answer: Answer, solution: Solution, candidate: Candidate) -> str:
    if candidate.name in answer.shelf.wish.channels:
        return f"{candidate.name}{bounds(answer, solution, candidate)}"
    extras = solution.extras.get(candidate.name, ())
    return f"{candidate.name}{f'[{extras[0]}]' if extras else ''}=={candidate.version}"


def _comes_by_itself(answer: Answer, candidate: Candidate, changed: Mapping[str, Candidate]) -> bool:
    """Say whether an installer that is told of the changed distributions takes this one by itself."""
    if candidate.name.startswith(WHEELS_OF_CUDNN) and any(each.index for each in changed.values()):
        return True  # the build from the other index pins its own
    asked = list(_asked(answer, candidate.name, changed))
    if not asked:
        return False
    there = answer.shelf.installed.get(candidate.name)
    if there and all(need.allows(there.version) for need in asked):
        return False
    installable = answer.shelf.options(candidate.name).installable
    return candidate.version == next((each for each in installable if all(need.allows(each) for need in asked)), None)


def _asked(answer: Answer, name: str, changed: Mapping[str, Candidate]) -> Iterator[Need]:
    """Yield what those ask of a distribution that an installer looks at."""
    assert answer.solution is not None
    environment = answer.shelf.machine.environment()
    for part in answer.solution.parts:
        if part.name in changed or part.name in answer.solution.extras:
            yield from (need for need in needs(part.requires, environment, part.extra) if need.name == name)
