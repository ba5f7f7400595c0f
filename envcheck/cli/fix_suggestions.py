"""``envcheck fix-suggestions``."""

from typing import Any

import click

from envcheck.cli.checking import Wanted, obtain, shown
from envcheck.cli.options import OUTPUT_OPTIONS, TARGET_OPTIONS, add_options, status, style, write
from envcheck.render import fixes

FORMATS = ("text", "json", "markdown", "script")


@click.command("fix-suggestions")
@add_options(TARGET_OPTIONS)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Form of the output."
)
@add_options(OUTPUT_OPTIONS)
def command(form: str, output: str | None, fail_on: str, no_redact: bool, **target: Any) -> int:
    """Print only what to do, in the order to do it.

    Nothing is carried out: read the commands, then run them yourself. Findings that another one causes are left out,
    for they go away with it.
    """
    report = obtain(Wanted(**target))
    visible = shown(report, no_redact)
    if form == "text":
        text = fixes.text(visible, style(output))
    else:
        text = {"json": fixes.json, "markdown": fixes.markdown, "script": fixes.script}[form](visible)
    write(text, output, data=form != "text")
    return status(report.findings, fail_on)
