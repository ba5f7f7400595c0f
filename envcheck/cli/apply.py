"""``envcheck fix-suggestions --apply``: the dialogue in which fixes are carried out, one by one, with consent."""

import sys
from dataclasses import dataclass

import click

from envcheck import child
from envcheck.applying import alone, choice, commands, undo
from envcheck.cli.options import style
from envcheck.host import Host
from envcheck.model.report import Fix, Report
from envcheck.render import fix_words, fixes
from envcheck.render.page import Page
from envcheck.render.steps import Step, steps
from envcheck.words import sentence, template

NO_TERMINAL = template(
    "--apply asks before each fix, and there is no terminal to ask on; add --yes to carry out all that it may"
)
NOT_HERE = template("--apply carries out commands on Linux and macOS; for {system} take --format script")
SYSROOT = template("--apply changes this machine, and ENVCHECK_SYSROOT says that another one is looked at")
ASK = template("Carry it out? y: yes, n: no, q: stop here")
ASK_WHICH = template("Which way? {ways}: that way, n: none, q: stop here")
WAY = template("Way {number}: {title}")
NOT_CARRIED_OUT = template("Not carried out: {why}.")
ALREADY_DONE = template("Nothing is left to do here: {path} is gone.")
UNDO_WITH = template("To undo everything: {command}")
STOPPED = template("Stopped: this command ended with status {status}: {command}")
STOPPED_LATE = template("Stopped: this command did not come to an end: {command}")
CANNOT_SAVE = template("nothing was changed, because what undoing needs could not be saved: {why}")
NOT_ALL = template("This step was not begun, because what undoing needs could not be saved: {why}")


@dataclass(frozen=True)
class Result:
    """``changed``: commands were run; ``failed``: one of them did not do its work."""

    changed: bool
    failed: bool


def check_possible(host: Host, yes: bool) -> None:
    """Make sure that fixes can be carried out here.

    Raises:
        click.ClickException: if not, with the reason.
    """
    if sys.platform == "win32":
        raise click.ClickException(sentence(NOT_HERE, system="Windows"))
    if host.root:
        raise click.ClickException(sentence(SYSROOT))
    if not yes and not sys.stdin.isatty():
        raise click.ClickException(sentence(NO_TERMINAL))


def carry_out(host: Host, report: Report, yes: bool) -> Result:
    """Go through the steps of a report; what is said goes to standard error.

    Raises:
        click.ClickException: if undoing could not be prepared before the first change, or another envcheck is at it.
    """
    child.start_afresh()
    try:
        with alone.alone():
            return _carry_out(host, report, yes)
    except alone.NotAlone as error:
        raise click.ClickException(str(error)) from None


def _carry_out(host: Host, report: Report, yes: bool) -> Result:
    dialogue = _Dialogue(host, report, yes)
    todo = steps(report.findings)
    try:
        for number, step in enumerate(todo, start=1):
            fix = dialogue.choose(number, step)
            if fix is None:
                continue
            if not dialogue.do(fix):
                return Result(dialogue.saved is not None, failed=True)
    except _Enough:
        pass
    finally:
        if dialogue.saved is not None:
            _say(sentence(UNDO_WITH, command=dialogue.saved.command))
    return Result(dialogue.saved is not None, failed=False)


class _Enough(Exception):
    """The user wants no further step."""


@dataclass
class _Dialogue:
    host: Host
    report: Report
    yes: bool
    saved: undo.Undo | None = None

    def choose(self, number: int, step: Step) -> Fix | None:
        """Show a step and return the way to carry out, if there is one and the user wants it."""
        page = Page(style(None))
        fixes.add_step(page, number, step)
        possible = {str(place): fix for place, fix in enumerate(step.fixes, start=1) if choice.why_not(fix) is None}
        _say(page.text(), end="")
        for place, fix in possible.items():
            if len(step.fixes) > 1:
                _say(sentence(WAY, number=place, title=fixes.short(fix.title)), indent=3)
            for text in fix_words.changes(fix):
                _say(text, indent=3 + 2 * (len(step.fixes) > 1))
        why = choice.why_not(step.fixes[0]) if step.fixes else sentence(choice.BY_HAND)
        if why is not None and (self.yes or not possible):
            _say(sentence(NOT_CARRIED_OUT, why=why), indent=3)
            return None
        return step.fixes[0] if self.yes else self._ask(possible)

    def _ask(self, possible: dict[str, Fix]) -> Fix | None:
        if list(possible) == ["1"]:
            question, answers = sentence(ASK), {"y": possible["1"]}
        else:
            question, answers = sentence(ASK_WHICH, ways=", ".join(possible)), possible
        try:
            answer = click.prompt(question, type=click.Choice([*answers, "n", "q"]), show_choices=False, err=True)
        except click.Abort:
            _say("")  # what follows does not belong to the line of the question
            raise
        if answer == "q":
            raise _Enough
        return answers.get(answer)

    def do(self, fix: Fix) -> bool:
        """Save what undoing needs and run the commands; False if one of them did not do its work."""
        gone = [path for path in fix.gone if self.host.unrooted().stat(path) is None]
        if fix.gone and len(gone) == len(fix.gone):
            _say(sentence(ALREADY_DONE, path=gone[0]), indent=3)
            return True
        try:
            saved = self.saved or undo.start(self.host, self.report.facts, self.report.created)
            saved.prepare(fix)
        except undo.CannotSave as error:
            if self.saved is None:
                raise click.ClickException(sentence(CANNOT_SAVE, why=str(error))) from None
            _say(sentence(NOT_ALL, why=str(error)), indent=3)
            return False
        if self.saved is None:
            self.saved = saved
            _say(sentence(UNDO_WITH, command=saved.command), indent=3)
        stopped = commands.run(self.host, fix.commands, announce=lambda command: _say(f"$ {command}"), output=_stream)
        if stopped is not None:
            text = STOPPED_LATE if stopped.status is None else STOPPED
            _say(sentence(text, status=stopped.status, command=stopped.command))
        return stopped is None


def _say(text: str, *, indent: int = 0, end: str = "\n") -> None:
    click.echo(" " * indent + text + end, err=True, nl=False)


def _stream(data: bytes) -> None:
    try:
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()
    except OSError:
        pass  # whoever read it has gone; the command goes on
