"""What to do, as text, script, Markdown or JSON: the fixes of root causes in order.

Several fixes of one finding are ways to do the same thing, the best first; the commands of one fix
are run in order.
"""

from collections.abc import Sequence

import msgspec

from envcheck.model.report import Fix, Report, Restart
from envcheck.render import clean, json as render_json, words
from envcheck.render.finding_text import add_commands, add_fix
from envcheck.render.markdown_text import fence, heading, paragraph
from envcheck.render.page import Page
from envcheck.render.steps import Step, steps
from envcheck.render.structure import undecided, was_skipped
from envcheck.render.style import Style
from envcheck.render.values import TITLE_LIMIT
from envcheck.words import sentence

SCHEMA = "envcheck.fixes/1"


def text(report: Report, style: Style) -> str:
    """Return the steps as text for a terminal."""
    page = Page(style)
    todo = steps(report.findings)
    if not todo:
        page.marked("ok", nothing_to_do(report))
        return page.text()
    page.paragraph((words.counted(len(todo), words.ONE_STEP, words.STEPS), "bold"))
    for number, step in enumerate(todo, start=1):
        page.blank()
        _add_step(page, number, step)
    return page.text()


def nothing_to_do(report: Report) -> str:
    """Return the sentence for a report without errors and warnings."""
    count = sum(not was_skipped(outcome) for outcome in undecided(report))
    return sentence(words.NOTHING_TO_DO_BUT_UNDECIDED, count=count) if count else sentence(words.NOTHING_TO_DO)


def _add_step(page: Page, number: int, step: Step) -> None:
    fixes = step.fixes
    title = _short(fixes[0].title) if fixes else sentence(words.NO_FIX_KNOWN)
    told = words.conditions(fixes[0]) if fixes else []
    page.paragraph((title, "bold"), f" ({words.listed(told)})" if told else "", first=f"{number}. ")
    for reason in _reasons(step):
        page.paragraph(reason, indent=3)
    if fixes:
        add_commands(page, fixes[0].commands, indent=3)
        if fixes[0].verify:
            page.paragraph(sentence(words.TO_CHECK), indent=3)
            add_commands(page, (fixes[0].verify,), indent=3)
    for fix in fixes[1:]:
        add_fix(page, sentence(words.OR), fix, indent=3)


def _reasons(step: Step) -> list[str]:
    return [f"{sentence(words.BECAUSE, title=_short(finding.title))} [{finding.id}]" for finding in step.findings]


def _short(title: str) -> str:
    return clean.shorten(clean.line(title), TITLE_LIMIT)


# --- JSON and Markdown ------------------------------------------------------------------------


def json(report: Report) -> str:
    """Return the steps as JSON under the schema ``envcheck.fixes/1``."""
    return render_json.encode(
        {
            "schema": SCHEMA,
            "envcheck": report.envcheck,
            "created": report.created,
            "verdict": report.verdict,
            "steps": [
                {
                    "findings": [
                        {
                            "id": finding.id,
                            "subject": finding.subject,
                            "severity": finding.severity,
                            "layer": finding.layer,
                            "title": finding.title,
                        }
                        for finding in step.findings
                    ],
                    "fixes": msgspec.to_builtins(step.fixes),
                }
                for step in steps(report.findings)
            ],
        }
    )


def markdown(report: Report) -> str:
    """Return the steps as Markdown."""
    todo = steps(report.findings)
    if not todo:
        return paragraph(nothing_to_do(report))
    parts = [heading(2, words.counted(len(todo), words.ONE_STEP, words.STEPS).rstrip(":"))]
    for number, step in enumerate(todo, start=1):
        title = _short(step.fixes[0].title) if step.fixes else sentence(words.NO_FIX_KNOWN)
        parts.append(heading(3, f"{number}. {title}"))
        parts.extend(paragraph(reason) for reason in _reasons(step))
        for index, fix in enumerate(step.fixes):
            parts.append(fix_markdown(fix, "" if index == 0 else sentence(words.OR), titled=index > 0))
    return "\n".join(parts)


def fix_markdown(fix: Fix, first: str, *, titled: bool = True) -> str:
    """Return one way to mend a finding as Markdown, its commands in a fence."""
    told = words.conditions(fix)
    lead = " ".join(
        part for part in (first, _short(fix.title) if titled else "", f"({words.listed(told)})" if told else "") if part
    )
    parts = [paragraph(lead)] if lead else []
    parts += [fence(clean.command(command) for command in fix.commands)] if fix.commands else []
    if fix.verify:
        parts += [paragraph(sentence(words.TO_CHECK)), fence([clean.command(fix.verify)])]
    if any(clean.command(command) != command for command in (*fix.commands, fix.verify or "")):
        parts.append(paragraph(sentence(words.NOT_COPYABLE)))
    return "\n".join(parts)


# --- script -----------------------------------------------------------------------------------


def script(report: Report) -> str:
    """Return the steps as a POSIX shell script to be read and run by a person.

    It stops at the first error, and where a step needs a restart; its argument is the step to begin with.
    """
    todo = steps(report.findings)
    lines = [
        "#!/bin/sh",
        _comment(sentence(words.SCRIPT_WRITTEN, version=report.envcheck, created=report.created)),
        _comment(sentence(words.SCRIPT_READ_FIRST)),
    ]
    if not todo:
        return "\n".join([*lines, "set -eu", "", _say(nothing_to_do(report)), ""])
    if len(todo) > 1:
        lines.append(_comment(sentence(words.SCRIPT_FIRST_STEP)))
    lines += ["set -eu", "first=${1:-1}", ""]
    for number, step in enumerate(todo, start=1):
        lines += [*_script_step(number, len(todo), step), ""]
    return "\n".join([*lines, _say(sentence(words.FINALLY[_last_restart(todo)])), ""])


def _last_restart(todo: Sequence[Step]) -> Restart:
    """Return the restart that is still to come at the end; the script itself stops for the others before."""
    restarts = [step.fixes[0].restart if step.fixes else "none" for step in todo]
    if restarts[-1] in words.STOP_FOR:
        return restarts[-1]
    return "kernel" if "kernel" in restarts else "none"


def _script_step(number: int, count: int, step: Step) -> list[str]:
    fix = step.fixes[0] if step.fixes else None
    title = sentence(
        words.STEP, number=number, count=count, title=_short(fix.title) if fix else sentence(words.NO_FIX_KNOWN)
    )
    lines = [_comment(title), *(_comment(reason) for reason in _reasons(step))]
    if fix:
        told = words.conditions(fix)
        lines += [_comment(words.listed(told))] if told else []
        lines += [_comment(clean.shorten(fix.source, TITLE_LIMIT))] if fix.source else []
    lines += [f'if [ "$first" -le {number} ]; then', "  " + _say(title)]
    if fix:
        lines += _script_commands(fix)
        if fix.restart in words.STOP_FOR and number < count:
            stop = sentence(words.STOP_FOR[fix.restart], script="THIS-FILE", number=number + 1)
            lines += ["  " + _say(stop), "  exit 0"]
    lines.append("fi")
    for other in step.fixes[1:]:
        lines.append(_comment(sentence(words.INSTEAD, title=_short(other.title))))
        lines += [_remark(command) for command in other.commands]
    return lines


def _script_commands(fix: Fix) -> list[str]:
    lines = [] if fix.commands else ["  " + _comment(sentence(words.BY_HAND, title=_short(fix.title)))]
    for command in fix.commands:
        if clean.command(command) == command:
            lines.append(f"  {command}")
        else:
            lines += ["  " + _say(sentence(words.SCRIPT_LEFT_OUT)), "  " + _remark(command), "  exit 1"]
    if fix.verify:
        lines.append("  " + _comment(sentence(words.CHECK_WITH, command=clean.command(fix.verify))))
    return lines


def _comment(text: str) -> str:
    """Return a shell comment; no text can end it, for a line break in it becomes a space."""
    return f"# {clean.line(text)}"


def _remark(command: str) -> str:
    """Return a command as a comment, with all its spaces."""
    return f"#   {clean.command(command)}"


def _say(text: str) -> str:
    quoted = clean.line(text).replace("'", "'\\''")
    return f"printf '%s\\n' '{quoted}'"
