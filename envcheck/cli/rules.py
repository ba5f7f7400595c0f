"""``envcheck rules``."""

import inspect

import click

from envcheck.cli.options import OUTPUT, format_option, style, write
from envcheck.render import rules as render
from envcheck.rules.engine import Rule, all_rules


@click.command("rules")
@click.argument("rule_id", metavar="[ID]", required=False)
@format_option("text", "markdown", "json")
@OUTPUT
def command(rule_id: str | None, form: str, output: str | None) -> int:
    """List every finding that envcheck can make, or explain the one called ID."""
    rows = [_row(rule) for rule in all_rules()]
    if rule_id is not None:
        rows = [row for row in rows if row.id == rule_id]
        if not rows:
            raise click.ClickException(f"there is no finding called {rule_id}; 'envcheck rules' lists them")
    write(_render(rows, form, output, one=rule_id is not None), output, data=form != "text")
    return 0


def _row(rule: Rule) -> render.RuleRow:
    return render.RuleRow(
        id=rule.id,
        layer=rule.layer,
        severity=rule.severity,
        title=rule.title,
        documentation=inspect.cleandoc(rule.documentation),
        after=rule.after,
    )


def _render(rows: list[render.RuleRow], form: str, output: str | None, *, one: bool) -> str:
    if form == "json":
        return render.json(rows)
    if form == "markdown":
        return render.page_markdown(rows[0]) if one else render.listing_markdown(rows)
    return render.page(rows[0], style(output)) if one else render.listing(rows, style(output))
