"""What to do as a script to be read and run by a person: for a POSIX shell, or for PowerShell.

It stops at the first error and where a step needs a restart, and its argument is the step to begin with. Run again, it
does what is left: what is moved or removed already is passed over. What acts on the user's own shell, and what only
shows more, is named and not run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from envcheck.fixes import packages, shell
from envcheck.fixes.nvidia import REBOOT
from envcheck.fixes.windows import RESTART
from envcheck.model.facts import Facts
from envcheck.model.report import Fix, Report, Restart
from envcheck.render import clean, fix_words, words
from envcheck.render.fixes import nothing_to_do, reasons, short
from envcheck.render.steps import Step, steps
from envcheck.render.values import TITLE_LIMIT
from envcheck.words import sentence, template

TYPE_IT = template("Type this yourself, in the shell that you use; a script cannot do it for your shell:")
SHOWS_MORE = template("This shows more, and changes nothing; run it yourself:")
STOPPED = template("Stopped in step {number}: a command ended with status {status}; nothing after it was done.")
RESTART_YOURSELF = template("The machine has to be restarted now.")
STRICT_REMOVERS = ("conda", "uv", "poetry", "pdm", "pixi")
"""Tools that end with an error when they are told to remove what is not there; of uv, the command for projects."""
ALL_INSTALLED = (
    "import importlib.util as u, sys; "
    "m = u.find_spec('importlib.metadata') and __import__('importlib.metadata').metadata; "
    "sys.exit(bool(m) and not all(any(m.distributions(name=n)) for n in %s))"
)
"""Ends with 0 if all of the packages are there, and where Python is too old to tell (before 3.8)."""

Lines = list[str]


@dataclass(frozen=True)
class Dialect:
    """How one kind of shell writes a script."""

    first_line: tuple[str, ...]
    opening: tuple[str, ...]
    places: tuple[str, str]  #: in the text of ``on_error``: for the step and for the status
    on_error: tuple[str, ...]  #: say ``{text}``, which is quoted
    from_step: str  #: how the script is called to begin at a step; names ``{number}``
    begin_step: str  #: names ``{number}``
    end: str
    command: Callable[[str], Lines]
    quoted: Callable[[str], str]
    say: str  #: names ``{text}``, which is quoted
    if_there: str  #: names ``{path}``, a word
    if_installed: str  #: names ``{python}``, the beginning of a command, and ``{code}``


POSIX = Dialect(
    first_line=("#!/bin/sh",),
    opening=("set -eu", "first=${1:-1}"),
    places=("%s", "%s"),
    on_error=(
        "step=1",
        "stopped() {{",
        "  status=$?",
        '  [ "$status" -eq 0 ] || printf {text}"\\n" "$step" "$status" >&2',
        "}}",
        "trap stopped EXIT",
    ),
    from_step="sh THIS-FILE {number}",
    begin_step='if [ "$first" -le {number} ]; then\n  step={number}',
    end="fi",
    command=lambda command: [command],
    quoted=lambda text: "'" + text.replace("'", "'\\''") + "'",
    say="printf '%s\\n' {text}",
    if_there="if [ -e {path} ] || [ -L {path} ]; then",
    if_installed="if {python} -c {code}; then",
)
POWERSHELL = Dialect(
    first_line=(),
    opening=(
        "param([int]$First = 1)",
        "Set-StrictMode -Version 2",
        "$ErrorActionPreference = 'Stop'",
        "$global:LASTEXITCODE = 0",
    ),
    places=("{0}", "{1}"),
    on_error=(
        "$Step = 1",
        "function Exit-Here {{ Write-Output ({text} -f $Step, $LASTEXITCODE); exit $LASTEXITCODE }}",
    ),
    from_step="powershell -ExecutionPolicy Bypass -File THIS-FILE {number}",
    begin_step="if ($First -le {number}) {{\n  $Step = {number}",
    end="}",
    # Only PowerShell's own commands stop it; a program's exit status has to be looked at.
    command=lambda command: [command, "if ($LASTEXITCODE) { Exit-Here }"],
    quoted=shell.powershell_text,
    say="Write-Output {text}",
    if_there="if (Test-Path -LiteralPath {path}) {{",
    if_installed="{python} -c {code}; if (-not $LASTEXITCODE) {{",
)


def script(report: Report) -> str:
    """Return the steps as a script for the shell of the machine that the report is of."""
    powershell = shell.is_powershell(report.facts)
    text = _Script(report.facts, POWERSHELL if powershell else POSIX).text(report)
    # Without a mark, Windows PowerShell 5.1 takes a file for text in the old code page of the system.
    return "\ufeff" + text if powershell and not text.isascii() else text


@dataclass(frozen=True)
class _Script:
    facts: Facts
    dialect: Dialect

    def text(self, report: Report) -> str:
        todo = steps(report.findings)
        lines = [
            *self.dialect.first_line,
            _comment(sentence(words.SCRIPT_WRITTEN, version=report.envcheck, created=report.created)),
            _comment(sentence(words.SCRIPT_READ_FIRST)),
        ]
        if not todo:
            return "\n".join([*lines, self.dialect.opening[0], "", self._say(nothing_to_do(report)), ""])
        if len(todo) > 1:
            lines.append(_comment(sentence(words.SCRIPT_FIRST_STEP, command=self._from_step(2))))
        number_place, status_place = self.dialect.places
        stopped = self.dialect.quoted(sentence(STOPPED, number=number_place, status=status_place))
        lines += [*self.dialect.opening, *(line.format(text=stopped) for line in self.dialect.on_error), ""]
        for number, step in enumerate(todo, start=1):
            lines += [*self._step(number, len(todo), step), ""]
        return "\n".join([*lines, self._say(sentence(words.FINALLY[_last_restart(todo)])), ""])

    def _step(self, number: int, count: int, step: Step) -> Lines:
        fix = step.fixes[0] if step.fixes else None
        title = sentence(
            words.STEP, number=number, count=count, title=short(fix.title) if fix else sentence(words.NO_FIX_KNOWN)
        )
        lines = [_comment(title), *(_comment(reason) for reason in reasons(step))]
        inside = [self._say(title)]
        if fix:
            lines += [_comment(text) for text in _told(fix)]
            inside += self._fix(fix)
            if fix.restart in words.STOP_FOR and number < count:
                stop = sentence(words.STOP_FOR[fix.restart], command=self._from_step(number + 1))
                inside += [self._say(stop), "exit 0"]
        lines += [self.dialect.begin_step.format(number=number), *_indented(inside), self.dialect.end]
        for other in step.fixes[1:]:
            lines.append(_comment(sentence(words.INSTEAD, title=short(other.title))))
            lines += [_remark(command) for command in other.commands]
        return lines

    def _fix(self, fix: Fix) -> Lines:
        if not fix.commands:
            return [_comment(sentence(words.BY_HAND, title=short(fix.title)))]
        if fix.effect != "lasting":
            lead = self._say(sentence(TYPE_IT if fix.effect == "shell" else SHOWS_MORE))
            return [lead, *(self._say("  " + clean.command(command), exact=True) for command in fix.commands)]
        lines: Lines = []
        removal = self._guarded_removal(fix)
        for command in fix.commands:
            lines += self._removal(command, fix) if command in removal else self._command(command)
        if fix.gone:
            # One path is enough: what a command takes away, it takes away together.
            lines = self._block(self.dialect.if_there.format(path=shell.path(self.facts, fix.gone[0])), lines)
        if fix.verify:
            lines.append(_comment(sentence(words.CHECK_WITH, command=clean.command(fix.verify))))
        return lines

    def _command(self, command: str) -> Lines:
        if command in (REBOOT, RESTART):
            return [self._say(sentence(RESTART_YOURSELF))]
        if clean.command(command) != command:
            return [self._say(sentence(words.SCRIPT_LEFT_OUT)), _remark(command), "exit 1"]
        return self.dialect.command(command)

    def _guarded_removal(self, fix: Fix) -> tuple[str, ...]:
        """Return those commands of a fix that fail when they are run a second time."""
        if fix.changes is None or self.facts.python.installer not in STRICT_REMOVERS:
            return ()
        return packages.removals(self.facts, fix.changes)

    def _removal(self, command: str, fix: Fix) -> Lines:
        names = fix.changes.remove if fix.changes else ()
        code = shell.words(ALL_INSTALLED % list(names))
        test = self.dialect.if_installed.format(python=packages.python(self.facts), code=code)
        return self._block(test, self._command(command))

    def _block(self, test: str, lines: Lines) -> Lines:
        return [test, *_indented(lines), self.dialect.end]

    def _say(self, text: str, *, exact: bool = False) -> str:
        return self.dialect.say.format(text=self.dialect.quoted(text if exact else clean.line(text)))

    def _from_step(self, number: int) -> str:
        return self.dialect.from_step.format(number=number)


def _told(fix: Fix) -> Lines:
    told = fix_words.conditions(fix)
    lines = [words.listed(told)] if told else []
    lines += fix_words.changes(fix)
    lines += [fix_words.verification(fix)] if fix.verification else []
    lines += [clean.shorten(note, TITLE_LIMIT) for note in fix.notes]
    return [*lines, clean.shorten(fix.source, TITLE_LIMIT)] if fix.source else lines


def _last_restart(todo: Sequence[Step]) -> Restart:
    """Return the restart that is still to come at the end; the script itself stops for the others before."""
    restarts = [step.fixes[0].restart if step.fixes else "none" for step in todo]
    if restarts[-1] in words.STOP_FOR:
        return restarts[-1]
    return "kernel" if "kernel" in restarts else "none"


def _indented(lines: Lines) -> Lines:
    return [f"  {line}" for line in lines]


def _comment(text: str) -> str:
    """Return a comment; no text can end it, for a line break in it becomes a space."""
    return f"# {clean.line(text)}"


def _remark(command: str) -> str:
    """Return a command as a comment, with all its spaces."""
    return f"#   {clean.command(command)}"
