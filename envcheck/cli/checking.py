"""From the options of ``report`` and ``fix-suggestions`` to a report."""

import sys
from dataclasses import dataclass

import click

from envcheck.cli.options import read_bytes
from envcheck.probes.target import TargetError
from envcheck.report import Options, Report, check, load, redacted
from envcheck.requirements import Requirements, RequirementsError, parse
from envcheck.snapshot import SnapshotError


@dataclass(frozen=True)
class Wanted(Options):
    """What the shared options ask for; see ``cli/options.py``."""

    snapshot: str | None = None


def obtain(wanted: Wanted) -> Report:
    """Check this machine or read the snapshot that was asked for.

    Raises:
        click.ClickException: if the call itself was wrong.
    """
    if wanted.snapshot is not None:
        if wanted.python or wanted.kernel or wanted.backends or wanted.devices or wanted.pairs:
            raise click.UsageError(
                "--snapshot judges a saved report; a target, backend, device or --pairs cannot be chosen with it"
            )
        try:
            return load(read_bytes(wanted.snapshot), wanted.snapshot, wanted.requirements)
        except SnapshotError as error:
            raise click.ClickException(str(error)) from None
    if wanted.python and wanted.kernel:
        raise click.UsageError("--python and --kernel both name a target; give one of them")
    try:
        if not sys.stderr.isatty():
            return check(wanted)
        from envcheck.cli.progress import Progress

        with Progress() as progress:
            return check(wanted, progress)
    except TargetError as error:
        raise click.ClickException(str(error)) from None


def shown(report: Report, no_redact: bool) -> Report:
    """Return the report as it may be shown."""
    return report if no_redact else redacted(report)


def requirements_of(name: str | None) -> Requirements | None:
    """Read the file of ``--require``.

    Raises:
        click.ClickException: if it cannot be read or understood.
    """
    if name is None:
        return None
    try:
        return parse(read_bytes(name).decode("utf-8", "replace"), name)
    except RequirementsError as error:
        raise click.ClickException(str(error)) from None
