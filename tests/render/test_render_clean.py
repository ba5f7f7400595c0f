"""Foreign text is made safe, and what is left is readable."""

import pytest

from envcheck.render import clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;new title\x07text", "text"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]never ended", "\\x1b]never ended"),
        ("\x9b31mred", "\\x9b31mred"),
        ("a\rb", "a\\x0db"),
        ("a\r\nb\nc", "a\nb\nc"),
        ("a\tb", "a    b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("/data/\udcff", "/data/\\udcff"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("Zürich 漢字 \N{SLIGHTLY SMILING FACE}", "Zürich 漢字 \N{SLIGHTLY SMILING FACE}"),
    ],
)
def test_block(text: str, shown: str) -> None:
    assert clean.block(text) == shown


def test_line_joins_lines() -> None:
    assert clean.line(" a\n\n  b\tc ") == "a b c"


def test_command_keeps_spaces_and_shows_breaks() -> None:
    assert clean.command("echo  'a  b'") == "echo  'a  b'"
    assert clean.command("echo a\nrm b\t") == "echo a\\nrm b\\x09"


def test_ascii_only_keeps_what_has_a_plain_form() -> None:
    assert clean.ascii_only("“a” – b… Zürich") == '"a" - b... Z\\xfcrich'


def test_shorten_says_how_much_is_missing() -> None:
    assert clean.shorten("x" * 1234, 200) == "x" * 200 + " … (+1,034)"
    assert clean.shorten("x" * 200, 200) == "x" * 200
