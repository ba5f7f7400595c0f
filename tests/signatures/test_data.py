"""The data hold together: every cause has signs, words and a log of its own, and nothing points nowhere."""

import re
import string
from collections import Counter
from pathlib import Path

import pytest

from envcheck.model.report import LAYERS
from envcheck.signatures.catalogue import Cause, catalogue, version_condition
from envcheck.signatures.derive import DERIVED
from envcheck.signatures.phrase import parse, words

LOGS = Path(__file__).with_name("logs")
IDS = Path(__file__).with_name("catalogue_ids.txt").read_text().split()
CAUSES = {cause.id: cause for cause in catalogue().causes}


def every_cause(function):  # type: ignore[no-untyped-def]
    return pytest.mark.parametrize("cause", catalogue().causes, ids=lambda cause: cause.id)(function)


def test_every_id_of_the_catalogue_has_a_cause_or_a_reason_for_having_none() -> None:
    unsigned = {entry.id for entry in catalogue().unsigned}
    assert set(IDS) == set(CAUSES) | unsigned
    assert not set(CAUSES) & unsigned
    assert len(IDS) == 257


def test_no_id_comes_twice() -> None:
    assert [id for id, count in Counter(cause.id for cause in catalogue().causes).items() if count > 1] == []


def test_every_cause_has_a_log_of_its_own_and_every_log_a_cause() -> None:
    assert {path.stem for path in LOGS.glob("*.log")} == set(CAUSES)


@every_cause
def test_words_are_complete(cause: Cause) -> None:
    assert cause.signs
    assert cause.layer in LAYERS
    assert 10 <= len(cause.title) <= 110
    assert not cause.title.endswith(".")
    assert cause.message.endswith(".")
    assert "!" not in cause.title + cause.message
    for template in (cause.title, cause.message):
        fields = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
        assert fields <= set(cause.fields)
        assert template.format_map(cause.fields)
    if cause.severity in ("error", "warning"):
        assert cause.fixes


@every_cause
def test_fixes_name_their_source_and_their_risk(cause: Cause) -> None:
    for fix in cause.fixes:
        assert fix.source.startswith("https://")
        if any(command.startswith("sudo ") for command in fix.commands):
            assert fix.needs_root
        if any(re.search(r"\b(pip|conda) (un)?install\b", command) for command in fix.commands):
            assert fix.risk != "safe"


@every_cause
def test_everything_that_is_named_is_there(cause: Cause) -> None:
    contexts = {context.name for context in catalogue().contexts} | set(DERIVED)
    versions = {rule.name for rule in catalogue().versions}
    assert set(cause.after) <= set(CAUSES) - {cause.id}
    for sign in cause.signs:
        assert 1 <= sign.score <= 99
        for condition in (*sign.beside, *sign.without):
            if condition.startswith("@"):
                assert condition[1:] in contexts
            elif condition.startswith("?"):
                assert version_condition(condition).name in versions


def test_every_context_and_derived_context_is_used() -> None:
    used = {
        condition[1:]
        for cause in catalogue().causes
        for sign in cause.signs
        for condition in (*sign.beside, *sign.without)
        if condition.startswith("@")
    }
    known = {context.name for context in catalogue().contexts if not context.name.startswith("for-")} | set(DERIVED)
    assert known - used == set()


def test_every_phrase_is_found_by_a_whole_word() -> None:
    for text in catalogue().phrases():
        assert parse(text).key in words(parse(text).text.lower()), text


def test_every_value_of_a_version_rule_is_called_version() -> None:
    for rule in catalogue().versions:
        assert all("{#version}" in phrase for phrase in rule.phrases)
