"""``envcheck fix-suggestions --verify``: what is going on is told on standard error."""

import click

from envcheck import redact
from envcheck.cli.checking import Wanted
from envcheck.host import Host
from envcheck.identity import identity
from envcheck.report import Options, Report
from envcheck.verifying.trial import verify


def verified(host: Host, report: Report, wanted: Wanted) -> Report:
    """Return the report with the verification of each fix."""
    who = identity()
    options = Options(backends=wanted.backends, devices=wanted.devices, smoke=wanted.smoke, timeout=wanted.timeout)
    return verify(host, report, options, lambda text: click.echo(redact.redact_text(text, who), err=True))
