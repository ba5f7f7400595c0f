"""The library calls, as a script or a notebook uses them."""

import subprocess
import sys
from pathlib import Path

import pytest

import envcheck

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def report() -> "envcheck.Report":
    return envcheck.check(smoke=False)


def test_a_report_has_facts_findings_and_a_verdict(report: "envcheck.Report") -> None:
    assert report.facts.python.runs is True
    assert report.verdict in ("ok", "warning", "error")
    assert report.ok == (report.verdict == "ok")


def test_a_report_shows_itself_as_text_and_as_html(report: "envcheck.Report") -> None:
    assert "Python" in repr(report)
    assert report._repr_html_().lstrip().startswith("<")


def test_a_saved_report_can_be_loaded(report: "envcheck.Report", tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    subprocess.run(
        [sys.executable, "-m", "envcheck", "report", "--no-smoke", "--format", "json", "-o", str(path)], check=False
    )
    loaded = envcheck.load(path)
    assert loaded.facts.platform.system == report.facts.platform.system


def test_loading_what_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text("{}")
    with pytest.raises(envcheck.SnapshotError, match=r"snapshot\.json"):
        envcheck.load(path)


def test_a_target_that_is_none() -> None:
    with pytest.raises(envcheck.TargetError, match="/no/such/python"):
        envcheck.check(python="/no/such/python")


def test_a_requirement_that_is_not_met_is_one_readable_message() -> None:
    with pytest.raises(envcheck.RequirementError) as caught:
        envcheck.require(min_memory_gib=1e6)
    assert "1e+06 GiB of main memory is required here" in str(caught.value)
    assert caught.value.report.verdict == "error"


def test_a_requirement_that_is_met() -> None:
    assert envcheck.require(min_memory_gib=0.01).facts.hardware.memory.total_bytes


def test_what_explain_says_of_a_message() -> None:
    findings = envcheck.explain("ModuleNotFoundError: No module named 'tensorflow'\n")
    assert findings
    assert envcheck.explain("all is well\n") == ()


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        envcheck.no_such_name  # noqa: B018
    assert set(envcheck.__all__) >= {"check", "load", "require", "explain"}


def test_the_setup_script_of_the_docs_stops_where_the_backend_is_missing(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(empty)], check=True)
    script = [sys.executable, str(DOCS / "setup_script.py"), "tensorflow"]
    result = subprocess.run(script, capture_output=True, text=True, env={"VIRTUAL_ENV": str(empty), "PATH": ""})
    assert result.returncode == 1
    assert result.stderr.startswith("This machine is not ready:\n")
    assert "tensorflow" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.frameworks
def test_the_setup_script_of_the_docs_passes_where_it_is_there(keras_environment: str) -> None:
    environment = {"VIRTUAL_ENV": str(Path(keras_environment).parent.parent), "PATH": ""}
    script = [sys.executable, str(DOCS / "setup_script.py"), "jax"]
    result = subprocess.run(script, capture_output=True, text=True, env=environment)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("jax is installed; ")
