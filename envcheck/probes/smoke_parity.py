"""How far apart the runs of the smoke test are: all of them start from the same numbers."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from envcheck.model.facts import Parity, ParityVolatile
from envcheck.probes.smoke_reading import STAGES

#: What a device answered in each stage, as shares of the largest value of the known answer.
Answers = Mapping[str, tuple[float, ...]]


def parity(answers: Mapping[tuple[str, str], Answers]) -> tuple[Parity, ...]:
    """Compare every two runs, named by backend and device, in the stages whose answers both gave."""
    found = []
    for ((backend, device), own), ((other_backend, other_device), others) in combinations(answers.items(), 2):
        compared = tuple(name for name in STAGES if len(own.get(name, ())) == len(others.get(name, ())) > 0)
        if compared:
            distances = {name: _distance(own[name], others[name]) for name in compared}
            stage = max(compared, key=distances.__getitem__)
            found.append(
                Parity(
                    backend=backend,
                    device=device,
                    other_backend=other_backend,
                    other_device=other_device,
                    compared=compared,
                    volatile=ParityVolatile(difference=distances[stage], stage=stage),
                )
            )
    return tuple(found)


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    return max(abs(mine - theirs) for mine, theirs in zip(one, other, strict=True))
