"""One fault: break, check, heal, check again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework_environments import build

from healing.notebooks import TRAINED, run_cell
from healing.users import User, user_with


@dataclass(frozen=True, eq=False)
class Fault:
    """A way to break an environment, and the finding that has to come first.

    ``base`` names the environment that is broken, a list in tests/environments (``""``: ``damage`` makes one), and
    ``tool`` what makes it. ``smoke`` is the backend whose smoke test has to pass in the end; None where no framework
    is involved. ``way`` is the place of the fix among those with commands.
    """

    finding: str
    how: str
    base: str
    damage: Callable[[User], None]
    tool: str = "uv"
    smoke: str | None = "jax"
    environ: dict[str, str] = field(default_factory=dict)
    way: int = 0
    rounds: int = 1  #: faults behind one another: how often to look and do what is said first
    by_default: bool = True  #: small enough for every run of the tests
    kernel: str | None = None  #: the Jupyter kernel in which a cell has to train Keras in the end

    @property
    def name(self) -> str:
        return f"{self.finding}: {self.how}"


@dataclass(frozen=True)
class Outcome:
    """What happened. ``roots`` are the findings that nothing explains, without notes, the first one before all."""

    first: str | None
    roots: tuple[str, ...]
    commands: tuple[str, ...]
    left: tuple[str, ...]  #: findings after healing, without notes
    smoke: tuple[str, ...]  #: status of the smoke test on each device, after healing
    cell: str | None  #: the end of what the cell said that trains in the kernel; None: no kernel was asked for
    seconds: float

    def named(self, fault: Fault) -> bool:
        return self.first == fault.finding and set(self.roots) <= {fault.finding}

    def healed(self, fault: Fault) -> bool:
        trained = fault.kernel is None or self.cell == TRAINED
        return not self.left and trained and (fault.smoke is None or self.smoke == ("passed",))


def carry_out(fault: Fault, environments: Path, folder: Path) -> Outcome:
    """Break an environment below ``folder``, and do what envcheck says, word for word.

    Raises:
        NotBuilt: if the environment to be broken could not be had.
    """
    environment = build(environments, fault.base, fault.tool) if fault.base else None
    started = time.monotonic()
    variables = {"KERAS_BACKEND": fault.smoke or "jax", **fault.environ}
    user = user_with(environment, folder, **variables)
    fault.damage(user)
    command = f"report --device cpu --backend {fault.smoke}" if fault.smoke else "report --no-smoke"
    before = user.look(command=command)
    commands = _commands(before, fault.finding, fault.way)
    after = user.look(first="\n".join(commands), command=command) if commands else before
    for _ in range(1, fault.rounds):
        more = _commands(after, after["findings"][0]["id"]) if after["findings"] else ()
        commands = (*commands, *more)
        after = user.look(first="\n".join(more), command=command)
    return Outcome(
        first=before["findings"][0]["id"] if before["findings"] else None,
        roots=tuple(each["id"] for each in _serious(before) if each["explained_by"] is None),
        commands=commands,
        left=tuple(each["id"] for each in _serious(after)) + _still_there(fault, after),
        smoke=tuple(run["status"] for run in after["facts"]["smoke"]) if fault.smoke else (),
        cell=run_cell(user, build(environments, "notebook"), fault.kernel) if fault.kernel else None,
        seconds=time.monotonic() - started,
    )


def _commands(report: dict[str, Any], finding: str, way: int = 0) -> tuple[str, ...]:
    found = [each for each in report["findings"] if each["id"] == finding]
    fixes = [fix for fix in found[0]["fixes"] if fix["commands"]] if found else []
    return tuple(fixes[way]["commands"]) if len(fixes) > way else ()


def _serious(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in report["findings"] if each["severity"] != "info"]


def _still_there(fault: Fault, report: dict[str, Any]) -> tuple[str, ...]:
    return tuple(each["id"] for each in report["findings"] if each["id"] == fault.finding)
