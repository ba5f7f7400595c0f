"""The verdict, and the order of the words that findings are sorted by."""

import typing

import pytest

from envcheck.model.report import LAYERS, SEVERITIES, Finding, Layer, Severity, verdict_of


def finding(severity: Severity) -> Finding:
    return Finding(
        id="some-id",
        severity=severity,
        layer="driver",
        subject=None,
        title="",
        message="",
        evidence=(),
        explained_by=None,
        fixes=(),
    )


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        ((), "ok"),
        (("info",), "ok"),
        (("info", "warning", "info"), "warning"),
        (("warning", "error", "info"), "error"),
    ],
)
def test_verdict_is_the_worst(severities: tuple[Severity, ...], verdict: str) -> None:
    assert verdict_of(tuple(finding(severity) for severity in severities)) == verdict


def test_orders_name_every_word() -> None:
    assert sorted(LAYERS) == sorted(typing.get_args(Layer))
    assert sorted(SEVERITIES) == sorted(typing.get_args(Severity))
