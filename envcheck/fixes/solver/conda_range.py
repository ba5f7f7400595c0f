"""What conda is told of a release in a set: the release itself, where its channel is known to have it, else a range.

conda builds its own packages and has requirements of its own for them, so its solver is left free among all releases
that go with the rest of the set.
"""

from packaging.version import Version

from envcheck.fixes.solver.candidates import Candidate
from envcheck.fixes.solver.solve import Answer, Solution
from envcheck.knowledge import conda_packages
from envcheck.knowledge.releases import releases


def bounds(answer: Answer, solution: Solution, candidate: Candidate) -> str:
    """Return the specifier for a chosen release of a package that conda manages."""
    name = candidate.name
    if conda_packages.has(name, answer.shelf.wish.channels[name], candidate.version):
        return f"=={candidate.version}"
    fitting = _fitting(answer, solution, candidate)
    known = sorted(Version(release.version) for release in releases(name))
    place = known.index(candidate.version)
    first = last = place
    while first > 0 and known[first - 1] in fitting:
        first -= 1
    while last + 1 < len(known) and known[last + 1] in fitting:
        last += 1
    below = f",<{known[last + 1]}" if last + 1 < len(known) else ""
    return f">={known[first]}{below}"


def _fitting(answer: Answer, solution: Solution, candidate: Candidate) -> set[Version]:
    """Return the releases that could stand in the place of the chosen one, the rest of the environment as in the set.

    What is not in the environment yet comes in the release that goes with the one that conda takes.
    """
    there = answer.shelf.installed.keys() | {need.name for need in answer.roots}
    others = {name: each for name, each in solution.chosen.items() if name in there and name != candidate.name}
    asked = [
        need
        for part in solution.parts
        if part.name in others
        for need in answer.provider.get_dependencies(part)
        if need.name == candidate.name
    ]
    asked += [need for need in answer.roots if need.name == candidate.name]
    return {
        option.version
        for option in answer.shelf.options(candidate.name).candidates
        if all(need.allows(option.version) for need in asked)
        and all(
            need.name not in others or need.allows(others[need.name].version)
            for need in answer.provider.get_dependencies(option)
        )
    }
