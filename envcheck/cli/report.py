"""``envcheck report``."""

import importlib
from dataclasses import replace
from typing import Any

import click

from envcheck.cli.checking import Wanted, obtain, requirements_of, shown
from envcheck.cli.options import OUTPUT_OPTIONS, TARGET_OPTIONS, add_options, format_option, status, style, write
from envcheck.host import Host
from envcheck.probes import notebook
from envcheck.render.style import Style
from envcheck.report import Report
from envcheck.words import speak

FORMATS = ("text", "json", "markdown", "html", "junit")


@click.command("report")
@add_options(TARGET_OPTIONS)
@format_option(*FORMATS)
@add_options(OUTPUT_OPTIONS)
@click.option(
    "--all-kernels", is_flag=True, help="Check the interpreter of every Jupyter kernelspec, one after another."
)
@click.option("--require", metavar="FILE", help="Also check what FILE (TOML) requires of this machine.")
@click.option(
    "--pairs",
    is_flag=True,
    help="Also import and use every two frameworks in one process, in both orders. Takes some seconds for each.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show all facts, stages, and checks that could not be decided.")
@click.option("-q", "--quiet", is_flag=True, help="Show only the verdict and the titles of the findings.")
@click.option(
    "--lang", metavar="CODE", help="Language of the sentences, such as de; English where there is no translation."
)
def command(
    form: str,
    output: str | None,
    fail_on: str,
    no_redact: bool,
    all_kernels: bool,
    require: str | None,
    verbose: bool,
    quiet: bool,
    lang: str | None,
    **target: Any,
) -> int:
    """Check the stack and print what was found.

    The target is the activated venv or conda environment, else the interpreter that runs envcheck.
    Exit status: 0 nothing at or above --fail-on, 1 findings at or above it, 2 the call itself was wrong.
    """
    if lang:
        speak(lang)
    wanted = Wanted(**target, requirements=requirements_of(require))
    reports = _all_kernels(wanted, form) if all_kernels else [obtain(wanted)]
    how = style(output, verbose=verbose, quiet=quiet)
    texts = [_render(shown(report, no_redact), form, how) for report in reports]
    write(_joined(texts, form), output, data=form != "text")
    return max(status(report.findings, fail_on) for report in reports)


def _render(report: Report, form: str, how: Style) -> str:
    """Print with the renderer of that name, which brings libraries of its own."""
    if form == "text":
        from envcheck.render import terminal

        return terminal.render(report, how)
    text: str = importlib.import_module(f"envcheck.render.{form}").render(report)
    return text


def _all_kernels(wanted: Wanted, form: str) -> list[Report]:
    if wanted.python or wanted.kernel or wanted.snapshot:
        raise click.UsageError("--all-kernels checks every kernelspec; a target or snapshot cannot be chosen with it")
    names = notebook.kernel_names(Host.current())
    if not names:
        raise click.ClickException("no Jupyter kernelspec was found for this user")
    if len(names) > 1 and form in ("html", "junit"):
        raise click.UsageError(f"--all-kernels cannot be printed as {form}; use text, markdown or json")
    return [obtain(replace(wanted, kernel=name)) for name in names]


def _joined(texts: list[str], form: str) -> str:
    """Put several reports into one output: a JSON array, or one document after the other."""
    if len(texts) == 1:
        return texts[0]
    if form == "json":
        return "[\n" + ",\n".join(text.rstrip() for text in texts) + "\n]\n"
    return "\n\n".join(texts)
