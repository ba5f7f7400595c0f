"""What identifies somebody is in no output of envcheck, whatever its form."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from documents import complete

from envcheck.cli import explain as explain_command, fix_suggestions, report as report_command
from envcheck.model.report import Explanation, Report
from envcheck.redact import Identity, redact, redact_explanation
from envcheck.render import explanation, fixes, html, json, junit, markdown, scripts, terminal
from envcheck.render.style import Style

USER, HOST, MACHINE_ADDRESS, PASSWORD = "zaphodx", "heartofgold", "10.20.30.40", "qwertz4711"
NEEDLES = (USER, HOST, MACHINE_ADDRESS, PASSWORD)
ME = Identity(users=(USER,), homes=(f"/home/{USER}",), hosts=(HOST,))
#: Short enough for one line of a narrow terminal, so that none of it is cut off.
SENTENCES = (f"/home/{USER}/x", f"of {USER}", f"on {HOST}", f"http://{MACHINE_ADDRESS}/", f"password={PASSWORD}")

STYLES = (
    Style(width=80),
    Style(width=40, colour=True),
    Style(width=130, unicode=False, verbose=True),
    Style(width=80, colour=True, verbose=True),
    Style(width=80, quiet=True),
)
RENDERERS: Mapping[str, Callable[[Report], str]] = {
    **{
        f"report text {number}": lambda report, how=how: terminal.render(report, how)
        for number, how in enumerate(STYLES)
    },
    "report json": json.render,
    "report markdown": markdown.render,
    "report html": html.render,
    "report html fragment": html.fragment,
    "report junit": junit.render,
    **{f"fixes text {number}": lambda report, how=how: fixes.text(report, how) for number, how in enumerate(STYLES)},
    "fixes json": fixes.json,
    "fixes markdown": fixes.markdown,
    "fixes script": scripts.script,
}  # fmt: skip
EXPLAINERS: Mapping[str, Callable[[Explanation], str]] = {
    **{
        f"explain text {number}": lambda document, how=how: explanation.text(document, how)
        for number, how in enumerate(STYLES)
    },
    "explain json": explanation.json,
    "explain markdown": explanation.markdown,
}  # fmt: skip


#: What renderers know by heart, and words of the code, in which no name is looked for.
WORDS = {
    "/status": "failed",
    "/envcheck": "0.1.0",
    "/created": "2026-11-22T19:00:00+00:00",
    "/id": "some-id",
    "/explained_by": "another-id",
    "/fact": "/platform/system",
}


def report_with(sentence: str, *, unknown: bool) -> Report:
    """Return a report with ``sentence`` in every text that is not of the code."""

    def text(place: str) -> str:
        if "/environment" in place and place.endswith("/name"):
            return "LD_LIBRARY_PATH"
        return next((word for end, word in WORDS.items() if place.endswith(end)), sentence)

    whole: Any = complete(Report, text, unknown=unknown)
    whole["findings"][0]["explained_by"] = None
    return msgspec.convert(whole, Report)


def found(text: str) -> set[str]:
    """Return the needles in a text, also those that were wrapped or coloured in the middle."""
    bare = re.sub(r"\x1b\[[0-9;]*m|\s", "", text)
    return {needle for needle in NEEDLES if needle in bare}


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "unknown"])
@pytest.mark.parametrize("name", RENDERERS)
def test_no_form_of_a_report_names_anybody(name: str, unknown: bool) -> None:
    seen: set[str] = set()
    for sentence in SENTENCES:
        report = report_with(sentence, unknown=unknown)
        seen |= found(RENDERERS[name](report))
        assert found(RENDERERS[name](redact(report, ME))) == set(), sentence
    assert seen, "this form shows nothing of the report, so that the test proves nothing"


@pytest.mark.parametrize("name", EXPLAINERS)
def test_no_form_of_an_explanation_names_anybody(name: str) -> None:
    for sentence in SENTENCES:
        findings = report_with(sentence, unknown=False).findings
        document = Explanation(schema="envcheck.explanation/1", envcheck="0.1.0", findings=findings)
        assert found(EXPLAINERS[name](redact_explanation(document, ME))) == set(), sentence


def test_every_form_is_tried() -> None:
    def forms(kind: str, renderers: Mapping[str, Any]) -> set[str]:
        return {name.split()[1] for name in renderers if name.startswith(kind)}

    choices = next(parameter.type for parameter in explain_command.command.params if parameter.name == "form")
    assert forms("report", RENDERERS) == set(report_command.FORMATS)
    assert forms("fixes", RENDERERS) == set(fix_suggestions.FORMATS)
    assert forms("explain", EXPLAINERS) == set(choices.choices)  # type: ignore[attr-defined]


# --- the command line and the library -------------------------------------------------------------


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("snapshot") / "snapshot.json"
    sentence = " ".join(SENTENCES)
    path.write_bytes(msgspec.json.encode(report_with(sentence, unknown=False)))
    return path


def envcheck(*arguments: str, stdin: str = "") -> str:
    environ = {**os.environ, "USER": USER, "LOGNAME": USER, "HOME": f"/home/{USER}", "HOSTNAME": HOST}
    command = [sys.executable, "-m", "envcheck", *arguments]
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, env=environ, timeout=120, check=False)
    assert "Traceback" not in result.stderr
    return result.stdout + result.stderr


FORMS = [("report", form) for form in report_command.FORMATS]
FORMS += [("fix-suggestions", form) for form in fix_suggestions.FORMATS]


@pytest.mark.parametrize(("command", "form"), FORMS)
def test_the_command_line_redacts_unless_told_not_to(snapshot: Path, command: str, form: str) -> None:
    arguments = (command, "--snapshot", str(snapshot), "--format", form)
    assert found(envcheck(*arguments)) == set()
    if (command, form) == ("report", "json"):
        assert found(envcheck(*arguments, "--no-redact")) == set(NEEDLES)


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_explain_redacts_unless_told_not_to(form: str) -> None:
    log = "".join(f"RuntimeError: CUDA error: out of memory {sentence}\n" for sentence in SENTENCES)
    log += "".join(f"ValueError: something never heard of {sentence}\n" for sentence in SENTENCES)
    assert found(envcheck("explain", "--format", form, stdin=log)) == set()
    assert found(envcheck("explain", "--format", form, "--no-redact", stdin=log)) != set()


def test_a_report_that_shows_itself_is_redacted(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import envcheck

    for name, value in {"USER": USER, "LOGNAME": USER, "HOME": f"/home/{USER}", "HOSTNAME": HOST}.items():
        monkeypatch.setenv(name, value)
    report = envcheck.load(snapshot)
    assert found(msgspec.json.encode(report).decode()) == set(NEEDLES)
    assert found(repr(report)) == set()
    assert found(report._repr_html_()) == set()
