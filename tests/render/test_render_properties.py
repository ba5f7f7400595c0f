"""What holds for every report, whatever text it carries."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from markdown_it import MarkdownIt
from render import strategies
from rich.cells import cell_len

from envcheck.model.report import Explanation, Report
from envcheck.render import explanation, fixes, html, json as render_json, junit, markdown, scripts, terminal
from envcheck.render.page import Page
from envcheck.render.steps import steps
from envcheck.render.structure import grouped
from envcheck.render.style import Style

settings.register_profile("render", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("render")

widths = st.integers(40, 130)
styles = st.builds(
    Style, width=widths, colour=st.booleans(), unicode=st.booleans(), verbose=st.booleans(), quiet=st.booleans()
)
OUR_ELEMENTS = (
    "html head meta title style body main div h1 h2 h3 span table caption thead tbody tr th td ul li section p dl dt "
    "dd code pre strong details summary footer"
)
OUR_ATTRIBUTES = "lang charset name content http-equiv class style role aria-label aria-hidden tabindex scope"
UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
SHELL = shutil.which("sh")


def plain_documents(report: Report) -> dict[str, str]:
    """Every form but JSON and those for a terminal."""
    return {
        "markdown": markdown.render(report),
        "html": html.render(report),
        "fragment": html.fragment(report),
        "junit": junit.render(report),
        "fixes-markdown": fixes.markdown(report),
        "script": scripts.script(report),
    }


def terminal_texts(report: Report, style: Style) -> dict[str, str]:
    return {"report": terminal.render(report, style), "fixes": fixes.text(report, style)}


@given(strategies.reports(), styles)
def test_nothing_unseen_and_no_terminal_code_but_our_own_colours(report: Report, style: Style) -> None:
    for text in terminal_texts(report, style).values():
        if style.colour:
            text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        assert not UNSEEN.search(text)
        assert text.endswith("\n")


@given(strategies.reports())
def test_documents_hold_nothing_unseen_and_can_be_encoded(report: Report) -> None:
    for name, text in plain_documents(report).items():
        assert not UNSEEN.search(text), name
        text.encode("utf-8")


@given(strategies.reports(), styles)
def test_without_unicode_all_is_ascii(report: Report, style: Style) -> None:
    for text in terminal_texts(report, changed(style, unicode=False)).values():
        assert text.isascii()


def changed(style: Style, **changes: bool) -> Style:
    return Style(**{**vars(style), **changes})


@given(strategies.reports(), styles)
def test_lines_fit_but_for_commands_and_single_words(report: Report, style: Style) -> None:
    style = changed(style, colour=False)
    allowed = {line.strip() for line in _shown_commands(report, style)}
    for text in terminal_texts(report, style).values():
        for line in text.splitlines():
            if cell_len(line) > style.width and line.strip() not in allowed:
                assert len(line.split()) <= 2, line  # a mark or number, and one word that cannot be broken


def _shown_commands(report: Report, style: Style) -> list[str]:
    page = Page(style)
    all_fixes = [fix for finding in report.findings for fix in finding.fixes]
    return [page.printable_command(text) for fix in all_fixes for text in (*fix.commands, fix.verify or "")]


@given(strategies.reports(any_command=strategies.commands), widths)
def test_each_command_of_a_root_cause_stands_unbroken_on_a_line_of_its_own(report: Report, width: int) -> None:
    told = terminal.render(report, Style(width=width)).splitlines()
    parsed = MarkdownIt("commonmark").parse(markdown.render(report))
    documented = [line for token in parsed if token.type == "fence" for line in token.content.splitlines()]
    for cause in grouped(report.findings).causes:
        for fix in cause.finding.fixes:
            for command in (*fix.commands, *([fix.verify] if fix.verify else [])):
                assert "    " + command in told
                assert command in documented


@given(strategies.reports(any_command=strategies.commands), widths)
def test_each_first_fix_is_in_the_steps_and_in_the_script(report: Report, width: int) -> None:
    told = fixes.text(report, Style(width=width)).splitlines()
    scripted = scripts.script(report).splitlines()
    for step in steps(report.findings):
        for command in step.fixes[0].commands if step.fixes else ():
            assert "     " + command in told
            assert "  " + command in scripted


@given(strategies.reports(strategies.encodable_texts))
def test_json_reads_back_as_the_same_report(report: Report) -> None:
    assert msgspec.json.decode(render_json.render(report), type=Report) == report


@given(strategies.reports())
def test_json_is_json_even_with_bytes_that_are_no_text(report: Report) -> None:
    assert json.loads(render_json.render(report))["schema"] == "envcheck.report/1"
    assert json.loads(fixes.json(report))["schema"] == "envcheck.fixes/1"


@given(strategies.reports())
def test_markdown_tables_keep_their_columns(report: Report) -> None:
    columns = None
    for line in markdown.render(report).split("\n"):
        if not line.startswith("|"):
            columns = None
            continue
        found = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))
        assert found == (columns or found), line
        columns = found


@given(strategies.reports(), strategies.explanations, strategies.suspicious)
def test_no_foreign_text_becomes_html_a_link_or_emphasis_in_markdown(
    report: Report, explained: Explanation, suspicious: tuple[tuple[int, str], ...]
) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    ours = {"<details>", "</details>", "<br>"}
    for text in (markdown.render(report), fixes.markdown(report), explanation.markdown(explained, suspicious)):
        for token in parser.parse(text):
            inner = [token, *(token.children or ())]
            for part in inner:
                assert not part.type.startswith(("link", "image", "em_", "strong_")), part
                if part.type in ("html_block", "html_inline"):
                    content = re.sub(r"<summary>[\w ()]*</summary>", "", part.content).strip()
                    assert content in ours, part.content


@given(strategies.reports())
def test_html_holds_our_own_elements_only(report: Report) -> None:
    found = _Elements()
    found.feed(html.render(report))
    assert found.names <= set(OUR_ELEMENTS.split())
    assert found.attributes <= set(OUR_ATTRIBUTES.split())


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)


@given(strategies.reports())
def test_junit_is_well_formed_and_counts_its_cases(report: Report) -> None:
    suite = ElementTree.fromstring(junit.render(report)).find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    assert suite.get("tests") == str(len(cases))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert suite.get(attribute) == str(sum(case.find(tag) is not None for case in cases))


@pytest.mark.skipif(SHELL is None, reason="needs a POSIX shell")
@settings(max_examples=40)
@given(strategies.reports(any_command=st.just("true")))
def test_script_parses_whatever_the_titles_hold(report: Report) -> None:
    assert SHELL is not None
    read = subprocess.run([SHELL, "-n"], input=scripts.script(report).encode(), capture_output=True, check=False)
    assert read.returncode == 0, read.stderr


@given(strategies.explanations, strategies.suspicious, styles)
def test_explanations_hold_nothing_unseen_and_fit(
    explained: Explanation, suspicious: tuple[tuple[int, str], ...], style: Style
) -> None:
    text = explanation.text(explained, changed(style, colour=False), suspicious)
    assert not UNSEEN.search(text)
    assert style.unicode or text.isascii()
    assert not UNSEEN.search(explanation.markdown(explained, suspicious))
    assert json.loads(explanation.json(explained))["schema"] == "envcheck.explanation/1"
