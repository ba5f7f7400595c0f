"""Reports that hold any text that a machine could hand to a renderer."""

from typing import Any

import msgspec
from hypothesis import strategies as st
from render import report_samples as samples

from envcheck.model.report import SEVERITIES, Evidence, Explanation, Finding, Fix, Report

#: What terminals, Markdown, HTML, XML, gettext and shells take as theirs.
NASTY = (
    "\x1b[]0m;\n\r\t\x00\x07\x08\x9b\x7f\x85\xad|`<>&*_#~-+=\"'\\$%{}() "
    "\u200b\u202e\u2066\u2028\ufeff\ufffe\U000e0041é漢ا🙂…✗"
)

texts = st.text(st.sampled_from(NASTY) | st.characters(exclude_categories=()), max_size=60)
encodable_texts = st.text(st.sampled_from(NASTY) | st.characters(codec="utf-8"), max_size=60)

#: Commands that can be shown as they are: no control characters, nothing invisible, no break.
_INVISIBLE_LETTERS = "\u115f\u1160\u3164\uffa0\u17b4\u17b5"
_words = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters=_INVISIBLE_LETTERS), min_size=1)
_pieces = _words | st.sampled_from(("```", "a|b", "<b>", "--option=" + "x" * 90))
commands = st.lists(_pieces, min_size=1, max_size=12).map(" ".join)


def fixes(any_text: st.SearchStrategy[str], any_command: st.SearchStrategy[str]) -> st.SearchStrategy[Fix]:
    return st.builds(
        Fix,
        title=any_text,
        commands=st.lists(any_command, max_size=3).map(tuple),
        needs_root=st.booleans(),
        restart=st.sampled_from(("none", "kernel", "shell", "machine")),
        risk=st.sampled_from(("safe", "environment", "system")),
        source=any_text,
        verify=st.none() | any_command,
    )


def findings(any_text: st.SearchStrategy[str], any_command: st.SearchStrategy[str]) -> st.SearchStrategy[Finding]:
    values = st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | any_text,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
        max_leaves=6,
    )
    return st.builds(
        Finding,
        id=st.sampled_from(("one", "two", "three")) | any_text,
        severity=st.sampled_from(SEVERITIES),
        layer=st.sampled_from(("hardware", "driver", "backend", "platform")),
        subject=st.none() | any_text,
        title=any_text,
        message=any_text,
        evidence=st.lists(st.builds(Evidence, fact=any_text, value=values), max_size=3).map(tuple),
        explained_by=st.none() | st.sampled_from(("one", "two", "three")),
        fixes=st.lists(fixes(any_text, any_command), max_size=2).map(tuple),
    )


@st.composite
def reports(
    draw: st.DrawFn,
    any_text: st.SearchStrategy[str] = texts,
    any_command: st.SearchStrategy[str] | None = None,
) -> Report:
    """A sample whose facts, findings and outcomes hold drawn text wherever the machine could have put any."""
    sample = draw(st.sampled_from(sorted(samples.SAMPLES)))
    report = samples.SAMPLES[sample]() if sample != "hostile" else samples.healthy()
    found = tuple(draw(st.lists(findings(any_text, any_text if any_command is None else any_command), max_size=4)))
    drawn = samples.report(
        _with_text(report, draw(any_text), draw(any_text)).facts,
        found,
        (samples.outcome(draw(any_text), "unknown", draw(any_text)), samples.outcome("fine")),
    )
    return msgspec.structs.replace(drawn, created=draw(any_text), envcheck=draw(any_text))


def _with_text(report: Report, one: str, other: str) -> Report:
    """Replace the free text of the facts: names of the model itself (statuses, reasons) stay."""
    document = msgspec.to_builtins(report)
    platform, python = document["facts"]["platform"], document["facts"]["python"]
    platform["os_name"], platform["container"], python["executable"], python["version"] = one, other, other, one
    for run in _records(document["facts"]["smoke"]):
        run["device"], run["reason"], run["stderr_tail"] = run["device"] + one, other, one
    for backend in _records(document["facts"]["backends"]):
        backend["version"] = other
    return msgspec.convert(document, Report)


def _records(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) else []


explanations = st.builds(
    lambda found, version: Explanation(schema="envcheck.explanation/1", envcheck=version, findings=tuple(found)),
    st.lists(findings(texts, texts), max_size=3),
    texts,
)

suspicious = st.lists(st.tuples(st.integers(1, 10**9), texts), max_size=4).map(tuple)
