"""``envcheck fix-suggestions``."""

from typing import Any

import click

from envcheck.cli import apply
from envcheck.cli.checking import Wanted, obtain, shown
from envcheck.cli.options import OUTPUT_OPTIONS, TARGET_OPTIONS, add_options, format_option, status, style, write
from envcheck.cli.verify import verified
from envcheck.host import Host
from envcheck.render import fixes, outcome, scripts
from envcheck.report import Report

FORMATS = ("text", "json", "markdown", "script")


@click.command("fix-suggestions")
@add_options(TARGET_OPTIONS)
@click.option(
    "--verify",
    is_flag=True,
    help="Try the suggestions in a scratch environment first, and say which hold. Uses the package index.",
)
@click.option(
    "--apply",
    "do_apply",
    is_flag=True,
    help="Carry out what changes neither the system nor your shell, one by one, asking each time.",
)
@click.option("--yes", is_flag=True, help="With --apply: do not ask. For scripts.")
@format_option(*FORMATS)
@add_options(OUTPUT_OPTIONS)
def command(
    verify: bool,
    do_apply: bool,
    yes: bool,
    form: str,
    output: str | None,
    fail_on: str,
    no_redact: bool,
    **target: Any,
) -> int:
    """Print only what to do, in the order to do it.

    Nothing is carried out unless you ask for it with --apply: read the commands, then run them yourself. Findings that
    another one causes are left out, for they go away with it.
    """
    wanted = Wanted(**target)
    _check_options(wanted, verify, do_apply, yes, form)
    host = Host.current(timeout=wanted.timeout)
    if do_apply:
        apply.check_possible(host, yes)
    report = obtain(wanted)
    if verify:
        report = verified(host, report, wanted)
    if do_apply:
        return _apply(host, report, wanted, yes, output, fail_on, no_redact)
    visible = shown(report, no_redact)
    if form == "text":
        text = fixes.text(visible, style(output))
    else:
        text = {"json": fixes.json, "markdown": fixes.markdown, "script": scripts.script}[form](visible)
    write(text, output, data=form != "text")
    return status(report.findings, fail_on)


def _check_options(wanted: Wanted, verify: bool, do_apply: bool, yes: bool, form: str) -> None:
    if wanted.snapshot is not None and (verify or do_apply):
        raise click.UsageError("--snapshot judges a saved report; --verify and --apply need the machine itself")
    if yes and not do_apply:
        raise click.UsageError("--yes goes with --apply")
    if do_apply and form != "text":
        raise click.UsageError("--apply tells what it did as text; --format goes without it")


def _apply(
    host: Host, report: Report, wanted: Wanted, yes: bool, output: str | None, fail_on: str, no_redact: bool
) -> int:
    result = apply.carry_out(host, report, yes)
    after = obtain(wanted) if result.changed else report
    write(outcome.text(shown(report, no_redact), shown(after, no_redact), style(output)), output)
    return 1 if result.failed else status(after.findings, fail_on)
