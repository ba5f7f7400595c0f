"""Try every suggestion of a report: does it resolve, and is the fault gone where it is applied?

The first ways of all steps are applied together to one copy of the target, for that is what a user does who follows the
suggestions; another way of a step gets a copy of its own, in which it stands for the first.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from envcheck import child
from envcheck.host import Host
from envcheck.model.facts import Facts
from envcheck.model.report import Finding, Fix, Verification
from envcheck.model.unknown import known
from envcheck.render.steps import Step, steps
from envcheck.report import Options, Report, check
from envcheck.verifying import installers, projects, verdict
from envcheck.verifying.conda import Conda
from envcheck.verifying.installers import CannotTry
from envcheck.verifying.pixi import Pixi
from envcheck.verifying.wheels import Wheels, changes_of
from envcheck.words import sentence, template

RESOLVING = template("Does it resolve? {what}")
TRYING = template("Trying in a scratch environment: {what}")
BY_HAND = template("It is done by hand.")
ROOT = template("It needs root.")
APART = template("It could not be tried: {why}")

Key = tuple[str, tuple[str, ...]]
Way = Wheels | Conda | Pixi | projects.Project
Note = Callable[[str], None]


def verify(host: Host, report: Report, options: Options, note: Note) -> Report:
    """Return the report with the verification of each fix. ``note`` is called with what is going on.

    Written to are a folder for temporary files, which is removed whatever happens, and the caches of the installers.
    """
    child.start_afresh()
    trial = _Trial(report, options, note, _way(host, report.facts), {})
    todo = steps(report.findings)
    trial.sort_out(todo)
    if trial.open(todo):
        note(trial.way.network())
        trial.resolve(todo)
        trial.together(todo)
        trial.other_ways(todo)
    return msgspec.structs.replace(report, findings=tuple(_with(finding, trial.results) for finding in report.findings))


def _way(host: Host, facts: Facts) -> Way:
    """Return how packages are changed in the target."""
    wheels = Wheels(host, facts, installers.find(host, facts))
    others: dict[str | None, Way] = {"conda": Conda(host, facts, wheels), "pixi": Pixi(host, facts, wheels)}
    return others.get(known(facts.python.installer, None)) or projects.find(host, facts, wheels) or wheels


def _with(finding: Finding, results: dict[Key, Verification]) -> Finding:
    fixes = tuple(msgspec.structs.replace(fix, verification=results.get(_key(fix))) for fix in finding.fixes)
    return msgspec.structs.replace(finding, fixes=fixes)


def _key(fix: Fix) -> Key:
    return fix.title, fix.commands


@dataclass(frozen=True)
class _Trial:
    report: Report
    options: Options
    note: Note
    way: Way
    results: dict[Key, Verification]

    def open(self, todo: Sequence[Step]) -> list[Fix]:
        """Return the fixes that nothing is said of so far."""
        return [fix for step in todo for fix in step.fixes if _key(fix) not in self.results]

    def sort_out(self, todo: Sequence[Step]) -> None:
        """Say of each fix that cannot be tried why not."""
        for fix in self.open(todo):
            if not fix.commands:
                self._not_verifiable(fix, sentence(BY_HAND))
                continue
            why_not = sentence(ROOT) if fix.needs_root else self.way.why_not(fix)
            if why_not is not None:
                self._not_verifiable(fix, why_not)

    def resolve(self, todo: Sequence[Step]) -> None:
        """Ask the index about each fix for the target itself, of which nothing is changed."""
        for fix in self.open(todo):
            if changes_of(fix).environment is not None:
                continue  # only a new environment can tell
            self.note(sentence(RESOLVING, what=fix.title))
            try:
                reason = self.way.unresolved(fix)
            except CannotTry as error:
                self._not_verifiable(fix, sentence(APART, why=str(error)))
                continue
            if reason is not None:
                self.results[_key(fix)] = Verification(status="does not resolve", detail=reason)

    def together(self, todo: Sequence[Step]) -> None:
        """Try the first ways of all steps; those that make an environment of their own, each by itself."""
        first = [(step, step.fixes[0]) for step in todo if step.fixes]
        opened = [(step, fix) for step, fix in first if _key(fix) not in self.results]
        for step, fix in opened:
            if changes_of(fix).environment is not None:
                self._try([(step, fix)])
        changing = [(step, fix) for step, fix in opened if changes_of(fix).environment is None]
        if changing:
            self._try(changing)

    def other_ways(self, todo: Sequence[Step]) -> None:
        """Try each other way of a step in the place of its first."""
        for step in todo:
            for fix in self.open([Step(step.findings, step.fixes[1:])]):
                rest = [] if changes_of(fix).environment else self._resolving(todo, step)
                self._try([*rest, (step, fix)], only=fix)

    def _resolving(self, todo: Sequence[Step], apart: Step) -> list[tuple[Step, Fix]]:
        tried = ("verified", "still fails")
        return [
            (step, step.fixes[0])
            for step in todo
            if step is not apart and step.fixes and self.results[_key(step.fixes[0])].status in tried
            if changes_of(step.fixes[0]).environment is None
        ]

    def _try(self, chosen: Sequence[tuple[Step, Fix]], only: Fix | None = None) -> None:
        """Apply fixes together in a scratch environment, and judge each of them, or ``only`` one."""
        judged = [(step, fix) for step, fix in chosen if only is None or fix is only]
        for _, fix in judged:
            self.note(sentence(TRYING, what=fix.title))
        with tempfile.TemporaryDirectory(prefix="envcheck-verify-") as folder:
            try:
                made = self.way.make(os.path.join(folder, "env"), [fix for _, fix in chosen])
            except CannotTry as error:
                for _, fix in judged:
                    self._not_verifiable(fix, sentence(APART, why=str(error)))
                return
            if made.failed is not None:
                self._blame(made.failed, chosen, judged, only)
                return
            after = check(replace(self.options, python=made.python, kernel=None, requirements=None))
        for step, fix in judged:
            self.results[_key(fix)] = verdict.of(step.findings, self.report, after, smoke=self.options.smoke)

    def _blame(
        self,
        failed: tuple[Fix, str],
        chosen: Sequence[tuple[Step, Fix]],
        judged: Sequence[tuple[Step, Fix]],
        only: Fix | None,
    ) -> None:
        """Say which fix could not be applied, and try the others without it."""
        culprit, reason = failed
        culprits = [(step, fix) for step, fix in chosen if _key(fix) == _key(culprit)]
        for _, fix in culprits if only is None else judged:
            self.results[_key(fix)] = Verification(status="does not resolve", detail=reason)
        rest = [pair for pair in chosen if pair not in culprits]
        if rest and only is None:
            self._try(rest)

    def _not_verifiable(self, fix: Fix, detail: str) -> None:
        self.results[_key(fix)] = Verification(status="not verifiable", detail=detail)
