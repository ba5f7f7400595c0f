"""``envcheck compare``."""

import json

import click
import msgspec

from envcheck.cli.options import NO_REDACT, OUTPUT, format_option, read_bytes, write
from envcheck.compare import Comparison, compare
from envcheck.identity import identity
from envcheck.model.report import Report
from envcheck.redact import redact_text
from envcheck.snapshot import SnapshotError, load_report
from envcheck.words import sentence, template

SAME = template("No difference in stable facts or findings.")
CHANGED = template("{count} stable facts differ:")
GONE = template("No longer found: {finding}")
NEW = template("Newly found: {finding}")
LONGEST_VALUE = 200


@click.command("compare")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@format_option("text", "json")
@OUTPUT
@NO_REDACT
def command(before: str, after: str, form: str, output: str | None, no_redact: bool) -> int:
    """Show what differs between two snapshots A and B (JSON reports).

    Values that change from minute to minute (times, load, free memory, temperature) are left out.
    Exit status, as of diff: 0 no difference, 1 differences, 2 the call itself was wrong.
    """
    comparison = compare(_read(before), _read(after))
    text = _json(comparison) if form == "json" else _text(comparison)
    # As one text, so that two GPUs get two stand-ins.
    write(text if no_redact else redact_text(text, identity()), output, data=form == "json")
    return 0 if comparison.same else 1


def _read(name: str) -> Report:
    try:
        return load_report(read_bytes(name), name)
    except SnapshotError as error:
        raise click.ClickException(str(error)) from None


def _json(comparison: Comparison) -> str:
    return msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode() + "\n"


def _text(comparison: Comparison) -> str:
    if comparison.same:
        return sentence(SAME) + "\n"
    lines = [sentence(CHANGED, count=len(comparison.facts))] if comparison.facts else []
    for difference in comparison.facts:
        lines += [f"  {difference.where}", f"    - {_value(difference.before)}", f"    + {_value(difference.after)}"]
    lines += [sentence(GONE, finding=finding) for finding in comparison.findings_gone]
    lines += [sentence(NEW, finding=finding) for finding in comparison.findings_new]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + " ..."
