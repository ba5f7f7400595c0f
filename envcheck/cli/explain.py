"""``envcheck explain``."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from envcheck.cli.options import NO_REDACT, OUTPUT, fail_on_option, format_option, read_bytes, status, style, write
from envcheck.explanation import Explained, Log, Machine, explain_logs
from envcheck.render import explanation as render

_CHUNK = 1 << 20
_COMMAND = "envcheck.explain.command"


class _WithCommand(click.Command):
    """Keeps what stands behind ``--`` apart: it is a command to run, not a log."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta[_COMMAND] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND ...]"]


@click.command("explain", cls=_WithCommand)
@click.argument("logs", nargs=-1, metavar="[LOG]...")
@format_option("text", "json", "markdown")
@OUTPUT
@fail_on_option("never")
@click.option("--snapshot", metavar="FILE", help="JSON report of the machine that the log comes from.")
@NO_REDACT
@click.pass_context
def command(
    ctx: click.Context,
    logs: tuple[str, ...],
    form: str,
    output: str | None,
    fail_on: str,
    snapshot: str | None,
    no_redact: bool,
) -> int:
    """Name the cause of an error message or log, and what mends it.

    LOG is a file, or - for standard input (the default). Several files are read as logs of one
    machine. With -- COMMAND the command is run, its output passes through unchanged, and it is
    explained on standard error if it fails; the exit status is the command's.
    """
    machine = _machine(snapshot)
    to_run: list[str] | None = ctx.meta.get(_COMMAND)
    if to_run is not None:
        if logs:
            raise click.UsageError("give logs to read or a command to run, not both")
        if not to_run:
            raise click.UsageError("no command follows --")
        return _run(to_run, form, output, machine, no_redact)
    explained = explain_logs(_logs(logs), machine)
    if not no_redact:
        explained = _redacted(explained)
    write(_rendered(explained, form, output), output, data=form != "text")
    return status(explained.explanation.findings, fail_on)


def _logs(names: Sequence[str]) -> list[Log]:
    if not names:
        if sys.stdin.isatty():
            click.echo("Paste the message, then end with Ctrl-D.", err=True)
        names = ("-",)
    several = len(names) > 1
    return [Log(name if several else "", _chunks(name)) for name in names]


def _chunks(name: str) -> Iterator[bytes]:
    if name == "-":
        yield from iter(lambda: sys.stdin.buffer.read(_CHUNK), b"")
        return
    try:
        with Path(name).open("rb") as file:
            yield from iter(lambda: file.read(_CHUNK), b"")
    except OSError as error:
        raise click.ClickException(f"cannot read {name}: {error.strerror}") from None


def _run(to_run: Sequence[str], form: str, output: str | None, machine: Machine | None, no_redact: bool) -> int:
    from envcheck.passthrough import run

    ended = run(to_run)
    if ended.status != 0:
        explained = explain_logs([Log("", ended.output)], machine)
        if not no_redact:
            explained = _redacted(explained)
        text = _rendered(explained, form, output)
        if output:
            write(text, output, data=form != "text")
        else:
            click.echo("\n" + text.rstrip("\n"), err=True)
    return ended.status


def _rendered(explained: Explained, form: str, output: str | None) -> str:
    if form == "json":
        return render.json(explained.explanation)
    if form == "markdown":
        return render.markdown(explained.explanation, explained.suspicious)
    return render.text(explained.explanation, style(output), explained.suspicious)


def _machine(snapshot: str | None) -> Machine | None:
    if snapshot is None:
        return None
    from envcheck.report import load
    from envcheck.snapshot import SnapshotError

    try:
        report = load(read_bytes(snapshot), snapshot)
    except SnapshotError as error:
        raise click.ClickException(str(error)) from None
    return Machine(report.findings, report.outcomes, report.facts)


def _redacted(explained: Explained) -> Explained:
    from envcheck.identity import identity
    from envcheck.redact import redact_explanation, redact_text

    who = identity()
    lines = tuple((number, redact_text(line, who)) for number, line in explained.suspicious)
    return Explained(redact_explanation(explained.explanation, who), lines)
