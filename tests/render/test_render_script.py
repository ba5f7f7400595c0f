"""The script of fixes does what it says, in a real shell."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace
from render import report_samples as samples
from simulated import pythons

from envcheck.fixes import files, packages, shell
from envcheck.model.facts import Facts, Package
from envcheck.model.report import Finding, Fix
from envcheck.render import scripts

SHELLS = [path for path in (shutil.which(name) for name in ("sh", "dash", "bash")) if path]

pytestmark = pytest.mark.skipif(not SHELLS, reason="needs a POSIX shell")


def step(name: str, *commands: str, **more: object) -> Finding:
    return samples.finding(name, fixes=(samples.fix(f"Do {name}", *commands, **more),))


def run(
    tmp_path: Path, found: tuple[Finding, ...], *arguments: str, shell: str = ""
) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "fix.sh"
    script.write_text(scripts.script(samples.report(samples.facts(), found)), encoding="utf-8")
    return subprocess.run(
        [shell or SHELLS[0], str(script), *arguments],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def done(tmp_path: Path) -> list[str]:
    log = tmp_path / "log"
    return log.read_text().split() if log.exists() else []


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", sorted(samples.SAMPLES))
def test_every_sample_parses(shell: str, name: str) -> None:
    script = scripts.script(samples.SAMPLES[name]())
    read = subprocess.run([shell, "-n"], input=script.encode(), capture_output=True, check=False)
    assert read.returncode == 0, read.stderr


def test_commands_run_in_order(tmp_path: Path) -> None:
    found = (step("a", "echo 1 >>log", "echo 2 >>log"), step("b", "echo 3 >>log"))
    ended = run(tmp_path, found)
    assert (ended.returncode, done(tmp_path)) == (0, ["1", "2", "3"])
    assert ended.stdout.splitlines() == ["Step 1 of 2: Do a", "Step 2 of 2: Do b", "That was the last step."]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("broken", ["false", "no-such-program", "(exit 3)"])
def test_the_first_error_ends_it_and_is_told(tmp_path: Path, broken: str, shell: str) -> None:
    found = (step("a", "echo 1 >>log"), step("b", "echo 2 >>log", broken, "echo 3 >>log"), step("c", "echo 4 >>log"))
    ended = run(tmp_path, found, shell=shell)
    assert done(tmp_path) == ["1", "2"]
    assert ended.returncode == {"false": 1, "no-such-program": 127, "(exit 3)": 3}[broken]
    last = ended.stderr.splitlines()[-1]
    assert last == f"Stopped in step 2: a command ended with status {ended.returncode}; nothing after it was done."


def test_a_variable_that_is_not_set_ends_it(tmp_path: Path) -> None:
    ended = run(tmp_path, (step("a", "echo 1 >>log", "echo $NOT_SET", "echo 2 >>log"),))
    assert ended.returncode != 0
    assert done(tmp_path) == ["1"]


def test_a_restart_stops_it_and_it_goes_on_from_the_step_that_is_named(tmp_path: Path) -> None:
    found = (step("a", "echo 1 >>log", restart="machine"), step("b", "echo 2 >>log", restart="kernel"))
    first = run(tmp_path, found)
    assert (first.returncode, done(tmp_path)) == (0, ["1"])
    assert first.stdout.splitlines()[-1] == "Restart the machine, then go on with: sh THIS-FILE 2"
    second = run(tmp_path, found, "2")
    assert (second.returncode, done(tmp_path)) == (0, ["1", "2"])
    assert second.stdout.splitlines()[-1] == "That was the last step. Restart the notebook kernel."


def test_alternatives_and_checks_are_not_run(tmp_path: Path) -> None:
    ways = (samples.fix("Do it", "echo 1 >>log", verify="echo verify >>log"), samples.fix("Or", "echo other >>log"))
    ended = run(tmp_path, (samples.finding("a", fixes=ways),))
    assert (ended.returncode, done(tmp_path)) == (0, ["1"])


def test_titles_cannot_run_anything(tmp_path: Path) -> None:
    evil = "x'; touch pwned; ' $(touch pwned) `touch pwned`\ntouch pwned\r\ntouch pwned\x0btouch pwned\u2028touch pwned"
    fix = Fix(
        title=evil, commands=("true",), needs_root=True, restart="none", risk="system", source=evil, verify="true"
    )
    by_hand = Fix(title=evil, commands=(), needs_root=False, restart="none", risk="safe", source="", verify=None)
    found = (
        samples.finding("a", title=evil, fixes=(fix, by_hand)),
        samples.finding("b", title=evil, fixes=(by_hand, fix)),
    )
    ended = run(tmp_path, found)
    assert ended.returncode == 0, ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["fix.sh"]


def test_a_command_with_unseen_characters_is_not_run(tmp_path: Path) -> None:
    ended = run(tmp_path, (step("a", "echo 1 >>log", "echo 2 >>log #\u202e", "echo 3 >>log"),))
    assert (ended.returncode, done(tmp_path)) == (1, ["1"])
    assert "left out" in ended.stdout


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    ended = run(tmp_path, ())
    assert (ended.returncode, ended.stdout) == (0, "Nothing to do: no error and no warning was found.\n")


# --- run again ----------------------------------------------------------------------------------------


def facts_at(folder: Path, **python: object) -> Facts:
    facts = samples.facts()
    return replace(
        facts,
        platform=replace(facts.platform, home=str(folder), system="Linux"),
        python=replace(facts.python, executable=sys.executable, prefix=str(folder / "env"), **python),
    )


def run_twice(tmp_path: Path, facts: Facts, fix: Fix) -> list[str]:
    """Run the script of a fix twice with a stand-in for conda; return what conda was asked to do."""
    script = tmp_path / "fix.sh"
    script.write_text(scripts.script(samples.report(facts, (samples.finding("a", fixes=(fix,)),))), encoding="utf-8")
    log, tool = tmp_path / "log", tmp_path / "bin" / "conda"
    pythons.program(tool, f'#!/bin/sh\necho "$@" >>{log}\n')
    for _ in range(2):
        ended = subprocess.run(
            [SHELLS[0], str(script)],
            env={"PATH": f"{tool.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
    return log.read_text().splitlines() if log.exists() else []


def test_a_file_is_moved_once(tmp_path: Path) -> None:
    (tmp_path / "my file").write_text("x")
    fix = files.move_aside(facts_at(tmp_path), "Move {path}", str(tmp_path / "my file"), source="")
    run_twice(tmp_path, facts_at(tmp_path), fix)
    assert (tmp_path / "my file.old").read_text() == "x"


def test_a_folder_is_deleted_once(tmp_path: Path) -> None:
    (tmp_path / "~umpy").mkdir()
    fix = files.in_shell("Delete", shell.remove(facts_at(tmp_path), str(tmp_path / "~umpy")), source="")
    run_twice(tmp_path, facts_at(tmp_path), fix)
    assert not (tmp_path / "~umpy").exists()


@pytest.mark.parametrize(("name", "asked"), [("no-such-package", 0), ("pytest", 2)])
def test_a_package_that_is_gone_is_not_removed_again(tmp_path: Path, name: str, asked: int) -> None:
    """conda ends with an error when it is told to remove what is not there."""
    installed = Package(
        name=name, version="1", location="", metadata="", installer="conda", requested=True, editable=False,
        wheel_tags=(), requires=(), requires_python=None, top_level=(), files_missing=(),
    )  # fmt: skip
    facts = facts_at(tmp_path, installer="conda", environment="conda", externally_managed=False, packages=(installed,))
    called = run_twice(tmp_path, facts, packages.change(facts, "Change", remove=(name,)))
    assert len(called) == asked
    assert all(call.startswith("remove -y") for call in called)


def test_what_is_for_the_user_alone_is_said_and_not_run(tmp_path: Path) -> None:
    found = (
        step("a", "export A=1; echo 1 >>log", effect="shell"),
        step("b", "echo 2 >>log; false", effect="look"),
        step("c", "sudo reboot", restart="machine"),
    )
    ended = run(tmp_path, found)
    assert (ended.returncode, done(tmp_path)) == (0, [])
    assert "  export A=1; echo 1 >>log" in ended.stdout.splitlines()
    assert "The machine has to be restarted now." in ended.stdout
