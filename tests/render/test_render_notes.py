"""Why no newer release was chosen stands beside the fix, in every form for people."""

import pytest
from render import report_samples as samples

from envcheck.model.report import Report
from envcheck.render import fixes, html, markdown, scripts, terminal
from envcheck.render.style import Style

NOTE = "TensorFlow 2.17 to 2.21 needs a GPU of compute capability 6.0 or higher"


@pytest.fixture(scope="module")
def report() -> Report:
    fix = samples.fix("Install a build", "pip install tensorflow==2.16.2", notes=(NOTE,))
    return samples.report(samples.facts(), (samples.finding("gpu-older-than-framework-build", fixes=(fix,)),))


def test_on_a_terminal(report: Report) -> None:
    style = Style(width=120)
    for text in (terminal.render(report, style), fixes.text(report, style)):
        lines = text.splitlines()
        command = next(place for place, line in enumerate(lines) if "tensorflow==2.16.2" in line)
        assert lines[command + 1].strip() == f"- {NOTE}"


def test_in_a_script(report: Report) -> None:
    assert f"# {NOTE}" in scripts.script(report).splitlines()


def test_in_documents(report: Report) -> None:
    assert f"- {NOTE}" in markdown.render(report)
    assert f"- {NOTE}" in fixes.markdown(report)
    assert f"<li>{NOTE}</li>" in html.render(report)
