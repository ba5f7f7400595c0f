"""What the command line does with bad input: a clear line or a sensible result, never a traceback."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import envcheck
from envcheck.cli.options import is_old_console

ENVCHECK = [sys.executable, "-m", "envcheck"]
QUICK = [*ENVCHECK, "report", "--no-smoke"]


def run(
    *arguments: str, cwd: Path | None = None, stdin: str = "", **environment: str | None
) -> subprocess.CompletedProcess[str]:
    """Run envcheck; a variable given as None is removed."""
    variables = {**os.environ, **environment}
    return subprocess.run(
        [*ENVCHECK, *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        cwd=cwd,
        timeout=120,
        env={name: value for name, value in variables.items() if value is not None},
    )


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("snapshot") / "snapshot.json"
    result = run("report", "--no-smoke", "--format", "json", "-o", str(path))
    assert result.returncode in (0, 1), result.stderr
    return path


def clear(result: subprocess.CompletedProcess[str], status: int) -> str:
    """Check that a call failed with one clear sentence, and return it."""
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    return result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report", "--no-such-option"], "No such option"),
        (["no-such-command"], "No such command"),
        (["report", "--format", "xml"], "xml"),
        (["report", "--timeout", "never"], "never"),
        (["report", "--timeout", "0"], "0"),
        (["report", "--snapshot", "/no/such/file.json"], "/no/such/file.json"),
        (["report", "--snapshot", "/no/such/file.json", "--pairs"], "--pairs cannot be chosen with it"),
        (["report", "--python", "/no/such/python"], "/no/such/python"),
        (["report", "--python", "/etc/hostname"], "/etc/hostname"),
        (["report", "--kernel", "no-such-kernel"], "no-such-kernel"),
        (["report", "--python", sys.executable, "--kernel", "python3"], "--kernel"),
        (["report", "--no-smoke", "--require", "/no/such/file.toml"], "/no/such/file.toml"),
        (["compare", "/no/such/a.json", "/no/such/b.json"], "/no/such/a.json"),
    ],
)
def test_a_wrong_call_gets_one_clear_line_and_status_2(arguments: list[str], words: str) -> None:
    assert words in clear(run(*arguments), 2)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"schema": "envcheck.report/99"}', "\x00\x01\x02", '{"schema": 1}', "[" * 100_000],
)
def test_a_malformed_snapshot_gets_one_clear_line(text: str) -> None:
    message = clear(run("report", "--snapshot", "-", stdin=text), 2)
    assert len(message.strip().splitlines()) == 1
    assert len(message) < 400


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no endless file")
def test_an_endless_snapshot_gets_one_clear_line() -> None:
    command = f"ulimit -v 4000000; exec '{sys.executable}' -m envcheck report --snapshot /dev/zero"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120)
    assert "a report has a few million at most" in clear(result, 2)


def test_a_target_that_runs_but_is_no_python() -> None:
    if not Path("/bin/ls").exists():
        pytest.skip("there is no /bin/ls here")
    assert "/bin/ls" in clear(run("report", "--no-smoke", "--python", "/bin/ls"), 2)


def test_an_output_file_that_cannot_be_written(tmp_path: Path) -> None:
    assert "no/such" in clear(run("report", "--no-smoke", "-o", str(tmp_path / "no/such/file")), 2)


def test_a_reader_that_has_seen_enough() -> None:
    reader = subprocess.Popen(["head", "-n", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    result = subprocess.run([*QUICK, "--verbose"], stdout=reader.stdin, stderr=subprocess.PIPE, text=True, timeout=120)
    reader.communicate()
    assert result.stderr == ""
    assert result.returncode in (0, 1)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed(closed: str) -> None:
    command = f'"{sys.executable}" -m envcheck report --no-smoke {closed}'
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.returncode in (0, 1)
    assert result.stderr == ""


def test_a_standard_output_that_is_full() -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    result = subprocess.run(
        f'"{sys.executable}" -m envcheck rules > /dev/full', shell=True, stderr=subprocess.PIPE, text=True
    )
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        "envcheck: No space left on device: there is no room for what it has to write"
    ]


@pytest.mark.parametrize(
    "environment",
    [
        {"HOME": None},
        {"HOME": "/no/such/home"},
        {"HOME": "/dev/null"},
        {"TMPDIR": "/no/such/folder"},
        {"PATH": ""},
        {"LANG": "C", "LC_ALL": "C"},
        {"COLUMNS": "40"},
        {"COLUMNS": "nonsense"},
        {"TERM": "dumb"},
        {"USER": None, "LOGNAME": None},
    ],
    ids=str,
)
def test_a_poor_environment_still_gets_a_report(environment: dict[str, str | None]) -> None:
    result = run("report", "--no-smoke", **environment)
    assert result.returncode in (0, 1), result.stderr
    assert result.stderr == ""
    assert len(result.stdout.splitlines()) > 3


def test_a_working_directory_that_was_removed(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'cd "{gone}" && rmdir "{gone}" && exec "{sys.executable}" -I -m envcheck report --no-smoke'
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=120)
    assert result.returncode in (0, 1), result.stderr
    assert "Traceback" not in result.stderr


def test_a_machine_without_proc_and_sys(tmp_path: Path) -> None:
    result = run("report", "--no-smoke", "--format", "json", ENVCHECK_SYSROOT=str(tmp_path))
    assert result.returncode in (0, 1), result.stderr
    facts = json.loads(result.stdout)["facts"]
    assert facts["hardware"]["pci"]["unknown"]
    assert facts["hardware"]["memory"]["total_bytes"]["unknown"]
    assert facts["platform"]["tool"]["probe_failures"] == []


def test_the_c_locale_gets_ascii_only() -> None:
    result = run("report", "--no-smoke", LC_ALL="C")
    assert result.stdout.isascii()


@pytest.mark.parametrize(
    ("system", "environ", "old"),
    [
        ("posix", {}, False),
        ("nt", {}, True),
        ("nt", {"WT_SESSION": ""}, True),
        ("nt", {"WT_SESSION": "3f1c7d2e"}, False),
        ("nt", {"TERM_PROGRAM": "vscode"}, False),
    ],
)
def test_the_old_console_of_windows_gets_no_codes(system: str, environ: dict[str, str], old: bool) -> None:
    assert is_old_console(system, environ) is old


def test_no_line_is_wider_than_a_narrow_terminal() -> None:
    result = run("report", "--no-smoke", "--fail-on", "never", "--quiet", COLUMNS="40")
    assert max(len(line) for line in result.stdout.splitlines()) <= 40


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html", "junit"])
def test_every_form_of_a_report(snapshot: Path, tmp_path: Path, form: str) -> None:
    target = tmp_path / "out"
    result = run("report", "--snapshot", str(snapshot), "--format", form, "-o", str(target))
    assert result.returncode in (0, 1), result.stderr
    assert result.stdout == ""
    assert target.read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("form", ["text", "json", "markdown", "script"])
def test_every_form_of_the_fixes(snapshot: Path, form: str) -> None:
    result = run("fix-suggestions", "--snapshot", str(snapshot), "--format", form)
    assert result.returncode in (0, 1), result.stderr
    assert result.stdout.strip()


def test_a_report_is_a_snapshot_from_standard_input(snapshot: Path) -> None:
    result = run("report", "--snapshot", "-", "--format", "json", stdin=snapshot.read_text())
    assert json.loads(result.stdout)["facts"] == json.loads(snapshot.read_text())["facts"]


def test_the_exit_status_follows_fail_on(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(empty)], check=True)
    arguments = ["report", "--no-smoke", "--python", str(empty), "--format", "json"]
    result = run(*arguments)
    assert result.returncode == 1
    report = json.loads(result.stdout)
    assert report["verdict"] == "error"
    assert "framework-not-installed" in [finding["id"] for finding in report["findings"]]
    assert run(*arguments, "--fail-on", "never").returncode == 0


def test_a_requirement_that_is_not_met_is_an_error(tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.toml"
    wanted.write_text("min_memory_gib = 1e6\n")
    result = run("report", "--no-smoke", "--require", str(wanted), "--format", "json")
    assert result.returncode == 1
    first = json.loads(result.stdout)["findings"][0]
    assert first["id"] == "requirement-not-met"
    assert first["evidence"][0]["fact"] in ("/hardware/memory/total_bytes", "/hardware/memory/limit_bytes")


@pytest.mark.parametrize("text", ["min_memory_gib = 'much'", "no_such_key = 1", "= ", "min_driver = 'new'"])
def test_a_requirements_file_that_cannot_be_understood(tmp_path: Path, text: str) -> None:
    wanted = tmp_path / "wanted.toml"
    wanted.write_text(text)
    assert "wanted.toml" in clear(run("report", "--no-smoke", "--require", str(wanted)), 2)


def test_two_snapshots_of_one_machine_have_equal_stable_facts(snapshot: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    run("report", "--no-smoke", "--format", "json", "-o", str(again))
    result = run("compare", str(snapshot), str(again))
    assert (result.returncode, result.stdout) == (0, "No difference in stable facts or findings.\n")


def test_a_difference_is_named(snapshot: Path, tmp_path: Path) -> None:
    changed = json.loads(snapshot.read_text())
    changed["facts"]["platform"]["release"] = "1.2.3-changed"
    other = tmp_path / "other.json"
    other.write_text(json.dumps(changed))
    result = run("compare", str(snapshot), str(other))
    assert result.returncode == 1
    assert "/platform/release" in result.stdout
    assert "1.2.3-changed" in result.stdout


def test_a_comparison_tells_nobody_s_secrets(snapshot: Path, tmp_path: Path) -> None:
    changed = json.loads(snapshot.read_text())
    changed["facts"]["platform"]["release"] = "6.1 built by ada@example.org"
    other = tmp_path / "other.json"
    other.write_text(json.dumps(changed))
    assert "ada@example.org" not in run("compare", str(snapshot), str(other)).stdout
    assert "email-1" in run("compare", str(snapshot), str(other), "--format", "json").stdout
    assert "ada@example.org" in run("compare", str(snapshot), str(other), "--no-redact").stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_at_once_and_leaves_no_process(tmp_path: Path, number: int) -> None:
    hanging = tmp_path / "hang"
    hanging.mkdir()
    (hanging / "sitecustomize.py").write_text(
        "import os, sys, time\n"
        "if '_boot.py' in ' '.join(sys.orig_argv):\n"
        "    open(os.environ['STARTED'], 'w').close()\n"
        "    time.sleep(600)\n"
    )
    started = tmp_path / "started"
    process = subprocess.Popen(
        [*QUICK, "--timeout", "300"],
        env={**os.environ, "PYTHONPATH": str(hanging), "STARTED": str(started)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(600):
        if started.exists():
            break
        time.sleep(0.05)
    assert started.exists(), "no child was started"
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


def test_the_version() -> None:
    assert run("--version").stdout == f"envcheck, version {envcheck.__version__}\n"


@pytest.mark.parametrize("command", ["report", "fix-suggestions", "explain", "compare", "rules"])
def test_every_command_has_help(command: str) -> None:
    result = run(command, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"Usage: envcheck {command}")


def test_pairs_are_tried_when_asked_for() -> None:
    """Without two frameworks there is no pair; without the option nobody looked."""
    facts = {}
    for options in ((), ("--pairs",)):
        result = run("report", "--no-smoke", "--backend", "no-such-framework", "--format", "json", *options)
        facts[options] = json.loads(result.stdout)["facts"]["pairs"]
    assert facts[()] == {"unknown": "skipped", "detail": "not asked for (--pairs)"}
    assert facts[("--pairs",)] == []


@pytest.mark.parametrize("form", ["text", "json", "html"])
def test_all_kernels_come_one_after_another(tmp_path: Path, form: str) -> None:
    spec = json.dumps({"argv": ["/nonexistent/python", "-m", "ipykernel_launcher"], "language": "python"})
    for name in ("one", "two"):
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(spec)
    places = {"JUPYTER_PATH": str(tmp_path), "HOME": str(tmp_path)}
    result = run("report", "--no-smoke", "--all-kernels", "--format", form, "--fail-on", "never", **places)
    if form == "html":
        assert "--all-kernels cannot be printed as html" in clear(result, 2)
    elif form == "json":
        targets = [report["facts"]["python"]["target"] for report in json.loads(result.stdout)]
        assert {"one", "two"} <= set(targets)
    else:
        assert (result.returncode, result.stderr) == (0, "")
        assert "one" in result.stdout and "two" in result.stdout


def test_a_user_without_a_name_and_a_home_has_an_identity() -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can become a user without a name")
    names = ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME")
    code = (
        "import os; from envcheck.identity import identity; os.setresuid(54321, 54321, 54321); print(identity().homes)"
    )
    environ = {name: value for name, value in os.environ.items() if name not in names}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ)
    assert result.stderr == ""
