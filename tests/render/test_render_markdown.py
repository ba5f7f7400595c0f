"""Pieces of Markdown, read back by a parser as an issue tracker would."""

import pytest
from markdown_it import MarkdownIt
from render import report_samples as samples

from envcheck.render import markdown, markdown_text

PARSER = MarkdownIt("commonmark").enable("table")


def plain(text: str) -> str:
    """Return what a reader of the Markdown sees, and fail if it holds anything but text and code."""
    seen = []
    for token in PARSER.parse(text):
        for part in token.children or ():
            assert part.type in ("text", "text_special", "code_inline", "softbreak"), part
            seen.append("\n" if part.type == "softbreak" else part.content)
    return "".join(seen)


@pytest.mark.parametrize(
    "text",
    [
        "a_b_c *x* [link](http://x) ![i](y) <b> &amp; `tick` ~~s~~ $1$ a|b \\ \\| #1",
        "- not a list",
        "+ not a list",
        "12. not a list",
        "=== not a heading",
        "---",
        "# not a heading",
        "> not a quote",
        "{{ template }}",
        "<!-- comment -->",
        "`` two ` ticks",
    ],
)
def test_text_reads_as_it_was_written(text: str) -> None:
    assert plain(markdown_text.paragraph(text)) == text
    assert plain(markdown_text.bullets([markdown_text.line(text)])) == text
    assert plain(markdown_text.heading(3, text)) == text
    assert plain(markdown_text.table(["a"], [[markdown_text.escape(text)]])) == "a" + text
    assert plain(markdown_text.table(["a"], [[markdown_text.code(text)]])) == "a" + text


def test_paragraphs_keep_their_breaks() -> None:
    assert plain(markdown_text.paragraphs("a\nb: <i>")) == "a\nb: <i>"
    assert len(PARSER.parse(markdown_text.paragraphs("a\n\n    - b"))) == 6


@pytest.mark.parametrize("commands", [["```"], ["``````", "echo a"], ["echo '`'", "~~~"]])
def test_no_command_closes_its_fence(commands: list[str]) -> None:
    tokens = PARSER.parse(markdown_text.fence(commands))
    assert [(token.type, token.content) for token in tokens] == [("fence", "\n".join(commands) + "\n")]


def test_all_facts_are_folded_below_the_findings() -> None:
    text = markdown.render(samples.driver_missing())
    assert text.index("nvidia-driver-missing") < text.index("<summary>All facts</summary>")
    assert "    total bytes: 64 GiB\n" in text[text.index("<summary>All facts</summary>") :]
    assert text.count("<details>") == text.count("</details>") == 4  # stages, times, distances, facts
