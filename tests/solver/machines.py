"""Machines for the solver, in few words."""

from typing import Any

from packaging.version import Version

from envcheck.fixes.solver.environment import Installed, Wish
from envcheck.fixes.solver.machine import Machine
from envcheck.fixes.solver.solve import Answer, solve


def linux(
    python: str = "3.11.7", gpu: tuple[int, int] | None = None, driver: str | None = None, **more: Any
) -> Machine:
    given = {"architecture": "x86_64", "libc": "glibc", "libc_version": Version("2.36"), **more}
    return Machine(
        python=Version(python),
        system="Linux",
        gpus=(gpu,) if gpu else None,
        driver=Version(driver) if driver else None,
        **given,
    )


def solved(
    machine: Machine, *wanted: str, on_gpu: tuple[str, ...] = (), installed: tuple[Installed, ...] = ()
) -> Answer:
    answer = solve(machine, installed, Wish(wanted, frozenset(on_gpu)))
    assert answer is not None
    return answer


def chosen(answer: Answer) -> dict[str, str]:
    """Return the versions of a set."""
    assert answer.solution is not None
    return {name: str(each.version) for name, each in answer.solution.chosen.items()}
