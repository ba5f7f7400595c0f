"""What a phrase matches, and that it takes linear time."""

import re

import pytest
from hypothesis import given, strategies as st

from envcheck.signatures.catalogue import catalogue
from envcheck.signatures.phrase import parse, words


def found(phrase: str, line: str) -> dict[str, str] | None:
    match = parse(phrase).search(line, line.lower())
    return None if match is None else match.groupdict()


@pytest.mark.parametrize(
    ("phrase", "line", "values"),
    [
        ("No space left", "write: no SPACE left on device", {}),
        ("failed~library", "failed to load the library", {}),
        ("driver # is old", "driver 470.82.01 is old", {}),
        ("Value 'sm_{#arch}' unknown", "Value 'sm_120' unknown", {"arch": "120"}),
        ("library '{name}';", "Could not load library 'libcudart.so.11.0'; dlerror", {"name": "libcudart.so.11.0"}),
        ("status <ok|bad>", "status bad", {}),
        ("module '{name:torch|jax}' missing", "module 'jax' missing", {"name": "jax"}),
        ("^Killed$", "Killed", {}),
        ("undefined symbol: _ZN3c10*", "x.so: undefined symbol: _ZN3c105ErrorC2", {}),
        ("OMP: Error \\#15", "OMP: Error #15: Initializing", {}),
        ("version `GLIBC_", "version 'GLIBC_2.29' not found", {}),
    ],
)
def test_matches(phrase: str, line: str, values: dict[str, str]) -> None:
    assert found(phrase, line) == values


@pytest.mark.parametrize(
    ("phrase", "line"),
    [
        ("named torch", "No module named torchaudio"),
        ("Error 80", "Error 803"),
        ("failed~library", "failed to load the libraryx"),
        ("^Killed$", "it was Killed"),
        ("sm_# is", "sm_90a is"),
        ("status <ok|bad>", "status badly"),
        ("a gap~of words", "a gap" + " x" * 60 + " of words"),
    ],
)
def test_does_not_match(phrase: str, line: str) -> None:
    assert found(phrase, line) is None


@pytest.mark.parametrize("phrase", ["{name}", "prefix*", "<one|two>", "#", ""])
def test_a_phrase_without_a_whole_word_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="whole word"):
        parse(phrase)


WORDS = st.text("abcXYZ0189_-.'/", min_size=1, max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=5), WORDS, WORDS)
def test_a_line_that_matches_holds_the_key(parts: list[str], before: str, after: str) -> None:
    text = "~".join(parts)
    try:
        phrase = parse(text)
    except ValueError:
        return
    line = f"{before} {' '.join(parts)} {after}"
    if phrase.search(line, line.lower()) is not None:
        assert phrase.key in words(line.lower())


def test_patterns_cannot_repeat_without_bound_nor_inside_a_repeat() -> None:
    """Every repeat is of one set of characters, at most 160 times: a line of bounded length takes bounded time."""
    one_set = r"(?:\[(?:\\.|[^\]])+\]|\.)"
    for text in catalogue().phrases():
        pattern = parse(text).pattern
        bare = re.sub(
            r"\\.", "_", re.sub(rf"{one_set}\{{\d+,(\d+)\}}\??", lambda m: "R" if int(m[1]) <= 160 else "*", pattern)
        )
        bare = re.sub(r"\(\?<?[!=][^()]*\)", "", bare).replace("(?P<", "(").replace("(?:", "(")
        assert not re.search(r"[*+{]|\)\?", bare), (text, pattern)
