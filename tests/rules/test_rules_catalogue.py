"""What every rule must have: an id of its own, a page, whole sentences, causes that exist, and cases."""

import re
import string
from collections import Counter
from graphlib import TopologicalSorter

import pytest
from judging import cases

from envcheck.rules.engine import Rule, all_rules

RULES = all_rules()
BY_ID = {rule.id: rule for rule in RULES}
ALWAYS_DECIDED: frozenset[str] = frozenset({"envcheck-probe-failed"})
"""Rules that ask for nothing that can be Unknown."""


def each_rule() -> list[object]:
    return [pytest.param(rule, id=rule.id) for rule in RULES]


def test_ids_are_unique_and_readable() -> None:
    assert [id for id, count in Counter(rule.id for rule in RULES).items() if count > 1] == []
    assert [rule.id for rule in RULES if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.id)] == []


@pytest.mark.parametrize("rule", each_rule())
def test_has_a_page(rule: Rule) -> None:
    """The first line says what is wrong, and what follows is more than that."""
    first = rule.documentation.strip().splitlines()[0]
    assert first.endswith(".")
    assert rule.check.__name__ == rule.id.replace("-", "_")


@pytest.mark.parametrize("rule", each_rule())
def test_sentences_name_fields(rule: Rule) -> None:
    for text in (rule.title, rule.message):
        names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        assert all(name.isidentifier() for name in names)
    assert len(rule.title) < 100
    assert not rule.title.endswith(".")


@pytest.mark.parametrize("rule", each_rule())
def test_causes_exist(rule: Rule) -> None:
    assert [cause for cause in rule.after if cause not in BY_ID] == []
    assert len(set(rule.after)) == len(rule.after)


def test_no_cause_explains_itself() -> None:
    TopologicalSorter({rule.id: rule.after for rule in RULES}).prepare()


@pytest.mark.parametrize("rule", each_rule())
def test_has_cases(rule: Rule) -> None:
    kinds = {found.kind for found in cases.find() if found.rule == rule.id}
    wanted = {"fires", "silent"} if rule.id in ALWAYS_DECIDED else set(cases.KINDS)
    assert wanted - kinds == set()


def test_every_case_belongs_to_a_rule() -> None:
    assert {found.rule for found in cases.find()} - set(BY_ID) == set()
    assert {found.kind for found in cases.find()} - set(cases.KINDS) == set()
