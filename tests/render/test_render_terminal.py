"""What a person sees in the terminal."""

import re

import pytest
from render import report_samples as samples

from envcheck.model.facts import Facts
from envcheck.model.report import Evidence, Report
from envcheck.model.unknown import Unknown
from envcheck.render import terminal
from envcheck.render.style import Style


def shown(report: Report, **style: object) -> list[str]:
    return terminal.render(report, Style(**style)).splitlines()  # type: ignore[arg-type]


def test_the_verdict_comes_first() -> None:
    assert shown(samples.healthy())[:2] == ["✓ Ready: the test model ran on cpu with TensorFlow, JAX, PyTorch.", ""]
    assert shown(samples.crashed_import())[:2] == ["✗ 1 error: Importing TensorFlow kills the interpreter", ""]
    assert shown(samples.everything_unknown())[:2] == ["? Could not tell: none of the 25 checks could be decided.", ""]


def test_a_healthy_machine_gets_a_short_report() -> None:
    lines = shown(samples.healthy())
    assert len(lines) < 25
    assert not any(word in "\n".join(lines) for word in ("✗", "error", "fail", "could not", "unknown"))


def test_the_stack_stands_on_its_ground() -> None:
    floors = [line.split()[1] for line in shown(samples.healthy()) if re.match(r"\S \w+ +│", line)]
    assert floors == ["Keras", "backend", "driver", "hardware", "target", "platform"]


def test_consequences_are_one_line_each_below_their_cause() -> None:
    lines = shown(samples.driver_missing())
    begin = lines.index("  This also explains:")
    assert lines[begin + 1 :] == [
        "    ✗ TensorFlow sees no GPU [gpu-not-seen-by-framework: tensorflow]",
        "    ✗ PyTorch sees no GPU [gpu-not-seen-by-framework: torch]",
    ]


def test_a_machine_where_nothing_could_be_seen_is_not_called_healthy() -> None:
    text = terminal.render(samples.everything_unknown(), Style())
    assert "✓" not in text
    assert text.count("not permitted: /proc may not be read") == 7
    assert "25 checks could not be decided; --verbose tells which and why." in text


def test_verbose_tells_what_was_undecided_and_every_fact() -> None:
    lines = shown(samples.everything_unknown(), verbose=True)
    assert "  ? rule-24: not permitted: /proc may not be read" in lines
    assert "      total bytes: not permitted: /proc may not be read" in lines


def test_checks_that_nobody_asked_for_are_told_apart_from_those_that_could_not_be_decided() -> None:
    skipped = [samples.outcome(f"s{n}", "unknown", "skipped: not asked for (--no-smoke)") for n in range(2)]
    outcomes = (samples.outcome("a"), *skipped, samples.outcome("d", "unknown", "denied: /x"))
    assert shown(samples.report(samples.facts(), (), outcomes), width=120)[-2:] == [
        "1 check could not be decided; --verbose tells which and why.",
        "2 checks were not made, because what they need was not looked at; --verbose tells which.",
    ]
    assert "not asked" not in shown(samples.report(samples.facts(), (), outcomes[:3]))[-1]


def test_verbose_tells_each_stage_with_deviation_and_tolerance() -> None:
    lines = shown(samples.healthy(), verbose=True)
    assert "    ✓ train: passed, 0.80 s, deviation 2.5e-07, tolerance 0.0001" in lines


def test_verbose_shows_facts_in_the_units_of_people() -> None:
    lines = shown(samples.healthy(), verbose=True)
    for line in (
        "      total bytes: 64 GiB",
        "        seconds: 1.25 s",
        "      PATH: /usr/bin:/bin",
        "    installer: uv",
        "    shadows: none",
    ):
        assert line in lines


def test_quiet_leaves_verdict_and_titles() -> None:
    assert shown(samples.driver_missing(), quiet=True) == [
        "✗ 1 error, which explains 2 more: There is an NVIDIA GPU, but no NVIDIA driver",
        "  ✗ There is an NVIDIA GPU, but no NVIDIA driver",
        "    ✗ TensorFlow sees no GPU",
        "    ✗ PyTorch sees no GPU",
    ]


def test_a_table_that_does_not_fit_becomes_a_list() -> None:
    wide, narrow = (shown(samples.many_devices(), width=width) for width in (80, 40))
    assert any(line.split() == ["device", "TensorFlow", "JAX", "PyTorch", "OpenVINO"] for line in wide)
    assert "  ✗ JAX on cpu: timed out at compile" in narrow
    assert "  - PyTorch on gpu:1: skipped" in narrow


def test_a_smoke_test_that_was_not_run_says_why() -> None:
    report = samples.report(samples.facts(smoke=Unknown("skipped", "--no-smoke")))
    assert "Test model: not run (--no-smoke)" in shown(report)


def test_a_command_that_this_terminal_cannot_show_is_not_passed_off_as_copyable() -> None:
    fix = samples.fix("Run it", "/home/jürgen/python -m pip check")
    report = samples.report(samples.facts(), (samples.finding("a", fixes=(fix,)),))
    assert not any("cannot be shown" in line for line in shown(report))
    lines = shown(report, unicode=False)
    assert "    /home/j\\xfcrgen/python -m pip check" in lines
    assert any("cannot be shown here" in line for line in lines)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "none"),
        (True, "yes"),
        (3, "3"),
        (["a", "b"], "a, b"),
        ([], "none"),
        ({"unknown": "timed-out", "detail": "5 s"}, "no answer in time: 5 s"),
        ({"unknown": "surprise"}, "unknown: surprise"),
        ({"unknown": ["x"]}, "unknown: x"),
        ({"name": "a", "version": None}, "name: a, version: none"),
        ("x" * 1000, "x" * 200 + " … (+800)"),
    ],
)
def test_evidence_in_words(value: object, expected: str) -> None:
    found = samples.finding("a", evidence=(Evidence(fact="/driver", value=value),))
    assert f"    driver: {expected}" in shown(samples.report(samples.facts(), (found,)), width=300)


def test_control_text_from_the_machine_cannot_forge_lines_of_ours() -> None:
    lines = shown(samples.hostile(), width=120)
    assert not any(line.startswith("✗ forged") for line in lines)


def test_a_step_of_a_framework_without_keras_is_marked() -> None:
    runs = (samples.run("paddle", "cpu", through="native"), samples.run("jax", "cpu", through="keras-3"))
    lines = shown(samples.report(samples.fill(Facts, smoke=runs)))
    (row,) = [line for line in lines if line.startswith("  cpu")]
    assert row.count("without Keras") == 1
