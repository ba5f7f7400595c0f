"""Options and endings that several commands share."""

import locale
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from envcheck.model.report import SEVERITIES, Finding, Severity
from envcheck.render.style import Style
from envcheck.snapshot import LARGEST_BYTES

F = TypeVar("F", bound=Callable[..., Any])

TARGET_OPTIONS = (
    click.option(
        "--python", metavar="PATH", help="Target: an interpreter, or the root of a venv or conda environment."
    ),
    click.option("--kernel", metavar="NAME", help="Target: the interpreter of that Jupyter kernelspec."),
    click.option("--backend", "backends", multiple=True, metavar="NAME", help="Only this backend. Can be repeated."),
    click.option(
        "--device",
        "devices",
        multiple=True,
        metavar="PATTERN",
        help="Only these devices: cpu, gpu, gpu:0. Can be repeated.",
    ),
    click.option("--smoke/--no-smoke", default=True, help="Run the tiny Keras model on each device (default: run it)."),
    click.option(
        "--timeout",
        type=click.FloatRange(min=1),
        default=180,
        show_default=True,
        metavar="SECONDS",
        help="Bound for each child process.",
    ),
    click.option(
        "--snapshot",
        metavar="FILE",
        help="Judge a saved JSON report instead of this machine; - is standard input.",
    ),
)

OUTPUT = click.option("-o", "--output", metavar="FILE", help="Write to FILE instead of standard output.")
NO_REDACT = click.option(
    "--no-redact",
    is_flag=True,
    help="Keep user names, host names, addresses, serial numbers and secrets in the output.",
)


def format_option(*forms: str) -> Callable[[F], F]:
    return click.option(
        "--format", "form", type=click.Choice(forms), default="text", show_default=True, help="Form of the output."
    )


def fail_on_option(default: str) -> Callable[[F], F]:
    return click.option(
        "--fail-on",
        type=click.Choice(["error", "warning", "never"]),
        default=default,
        show_default=True,
        help="What makes the exit status 1.",
    )


OUTPUT_OPTIONS = (OUTPUT, fail_on_option("error"), NO_REDACT)


def add_options(*groups: Iterable[Callable[[F], F]]) -> Callable[[F], F]:
    """Decorate a command with groups of options, in their order."""

    def decorate(function: F) -> F:
        for group in reversed(groups):
            for option in reversed(tuple(group)):
                function = option(function)
        return function

    return decorate


def style(output: str | None, *, verbose: bool = False, quiet: bool = False) -> Style:
    """Return how to print: NO_COLOR, FORCE_COLOR, COLUMNS and the terminal's encoding decide."""
    terminal = output is None and sys.stdout.isatty()
    old_console = is_old_console(os.name, os.environ)
    colour = terminal and os.environ.get("TERM") != "dumb" and not old_console
    if os.environ.get("FORCE_COLOR"):
        colour = True
    if os.environ.get("NO_COLOR"):
        colour = False
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) > 0 else 0
    if not width:
        width = shutil.get_terminal_size((80, 24)).columns if terminal else 80
    return Style(width=width, colour=colour, unicode=_unicode(output, old_console), verbose=verbose, quiet=quiet)


def is_old_console(system: str, environ: Mapping[str, str]) -> bool:
    """Say whether this may be the old console window of Windows: it prints colour codes as text, and lacks our marks.

    Newer terminals make themselves known: WT_SESSION of Windows Terminal, TERM_PROGRAM of editors (and of mintty), and
    ConEmuANSI (learn.microsoft.com/windows/terminal/faq; conemu.github.io/en/AnsiEscapeCodes; 2026-11-23).
    """
    return system == "nt" and not any(environ.get(name) for name in ("WT_SESSION", "TERM_PROGRAM", "ConEmuANSI"))


def _unicode(output: str | None, old_console: bool) -> bool:
    encoding = "utf-8" if output else (sys.stdout.encoding or locale.getpreferredencoding(False))
    if os.name == "nt":
        return "utf" in encoding.lower() and (output is not None or not old_console)
    # Python reads the C locale as UTF-8, but a terminal that was set up with it shows none.
    ascii_locale = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "C")
    return "utf" in encoding.lower() and (output is not None or ascii_locale not in ("C", "POSIX"))


def read_bytes(name: str) -> bytes:
    """Read a file that was named on the command line; ``-`` is standard input. Of an endless one that is too much.

    Raises:
        click.ClickException: if it cannot be read.
    """
    if name == "-":
        return sys.stdin.buffer.read(LARGEST_BYTES + 1)
    try:
        with Path(name).open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise click.ClickException(f"cannot read {name}: {error.strerror}") from None


def write(text: str, output: str | None, *, data: bool = False) -> None:
    """Write a result to ``output``, or to standard output.

    ``data`` is for a form that is UTF-8 by its own rules; other text follows the terminal's encoding.

    Raises:
        click.ClickException: if the file cannot be written.
    """
    encoding = "utf-8" if data or output else (sys.stdout.encoding or "utf-8")
    content = text.encode(encoding, "backslashreplace")
    if output is None or output == "-":
        _print(content)
        return
    try:
        Path(output).write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None


def _print(content: bytes) -> None:
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`); what is left in the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def status(findings: Iterable[Finding], fail_on: str) -> int:
    """Return the exit status: 1 if a finding is at or above ``fail_on``."""
    if fail_on == "never":
        return 0
    failing: tuple[Severity, ...] = SEVERITIES[: SEVERITIES.index("error" if fail_on == "error" else "warning") + 1]
    return int(any(finding.severity in failing for finding in findings))
