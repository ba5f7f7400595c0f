"""An Unknown is no answer, and cannot be mistaken for one."""

import operator
from typing import Any

import msgspec
import pytest

from envcheck.model.unknown import Undecided, Unknown, known, need

DENIED = Unknown("denied", "read as user nobody")


@pytest.mark.parametrize("ask", [bool, operator.not_, lambda value: 1 if value else 2, lambda value: value and 1])
def test_it_has_no_truth_value(ask: Any) -> None:
    with pytest.raises(TypeError, match="no truth value"):
        ask(DENIED)


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
@pytest.mark.parametrize("other", [1, "550.54", None, Unknown("denied")])
def test_it_has_no_order(compare: Any, other: Any) -> None:
    with pytest.raises(TypeError, match="no order"):
        compare(DENIED, other)
    with pytest.raises(TypeError):
        compare(other, DENIED)
    with pytest.raises(TypeError):
        sorted([DENIED, other])


def test_it_equals_its_like_and_nothing_else() -> None:
    like = Unknown("denied", "read as user nobody")
    assert like == DENIED
    assert hash(like) == hash(DENIED)
    assert Unknown("denied") != DENIED and Unknown("failed", "read as user nobody") != DENIED
    assert DENIED not in (None, False, 0, "", (), "denied")
    assert len({DENIED, Unknown("denied", "read as user nobody"), Unknown("skipped")}) == 2


def test_it_does_not_change() -> None:
    with pytest.raises(AttributeError):
        DENIED.reason = "failed"  # type: ignore[misc]


def test_its_shape_in_json() -> None:
    assert msgspec.json.encode(DENIED) == b'{"unknown":"denied","detail":"read as user nobody"}'
    assert msgspec.json.decode(b'{"unknown":"timed-out"}', type=str | None | Unknown) == Unknown("timed-out")
    assert msgspec.json.decode(b'{"unknown":"timed-out"}', type=tuple[str, ...] | Unknown) == Unknown("timed-out")
    assert msgspec.json.decode(b"null", type=str | None | Unknown) is None


@pytest.mark.parametrize("text", [b"{}", b'{"unknown":"no idea"}', b'{"detail":"x"}', b'{"unknown":null}'])
def test_a_shape_that_is_none_of_ours(text: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=str | Unknown)


@pytest.mark.parametrize("value", [None, False, 0, "", (), "550.54.14"])
def test_need_and_known_let_every_answer_through(value: Any) -> None:
    assert need(value) is value
    assert known(value, "otherwise") is value


def test_need_and_known_of_an_unknown() -> None:
    with pytest.raises(Undecided) as raised:
        need(DENIED)
    assert raised.value.unknown is DENIED
    assert known(DENIED, "otherwise") == "otherwise"
