"""``fix-suggestions --apply``: real environments are mended with consent, and undone again by the printed command."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from render import report_samples as samples
from simulated import pythons, wheels
from simulated.wheels import User

from envcheck.applying import choice, frozen
from envcheck.host import Host
from envcheck.model.facts import Package
from envcheck.model.report import Fix, Verification
from envcheck.model.unknown import Unknown

CONFLICT = "package-requirements-conflict"


@pytest.fixture(params=["pip", "uv"])
def anybody(request: pytest.FixtureRequest, tmp_path: Path) -> User:
    return wheels.with_conflict(tmp_path / "ana", request.param)


@pytest.fixture
def ana(tmp_path: Path) -> User:
    return wheels.with_conflict(tmp_path / "ana", "uv")


def undo_command(result: subprocess.CompletedProcess[str]) -> str:
    found = re.findall(r"To undo everything: (sh .*)", result.stderr)
    assert found, result.stderr
    return str(found[-1])


# --- what is mended, and how it is undone -------------------------------------------------------------


def test_a_fix_is_carried_out_and_undone(anybody: User) -> None:
    before = anybody.versions()
    result = anybody.fixes("--no-smoke", "--apply", "--yes")
    assert result.returncode == 0, result.stderr
    assert anybody.versions() == {**before, "helper-lib": "2.0", "new-lib": "1.0"}
    assert f"[{CONFLICT}]" in result.stdout and "Healed: " in result.stdout
    assert result.stdout.splitlines()[-1] == "Nothing is left to do."
    assert "Installs: helper-lib>=2" in result.stderr
    undone = anybody.call("sh", "-c", undo_command(result))
    assert undone.returncode == 0, undone.stderr
    assert anybody.versions() == before


def test_undoing_fetches_what_changed_and_nothing_else(anybody: User) -> None:
    """What is not on the index any more, or needs another one, does not keep the rest from coming back."""
    before = anybody.versions()
    command = undo_command(anybody.fixes("--no-smoke", "--apply", "--yes"))
    for path in (anybody.home / "wheels").glob("*"):
        if not path.name.startswith("helper_lib-1"):
            path.unlink()
    undone = anybody.call("sh", "-c", command)
    assert undone.returncode == 0, undone.stderr
    assert anybody.versions() == before


def test_undoing_twice_does_no_harm(ana: User) -> None:
    before = ana.versions()
    command = undo_command(ana.fixes("--no-smoke", "--apply", "--yes"))
    for _ in range(2):
        assert ana.call("sh", "-c", command).returncode == 0
    assert ana.versions() == before


def test_files_come_back_as_they_were(ana: User) -> None:
    config = ana.home / ".keras" / "keras.json"
    pythons.write(ana.home, {".keras/keras.json": '{"floatx": "float31"}'})
    config.chmod(0o640)
    result = ana.fixes("--no-smoke", "--apply", "--yes")
    assert not config.exists() and config.with_name("keras.json.old").exists()
    assert f"Writes, moves or deletes: {config}, {config}.old" in result.stderr
    assert ana.call("sh", "-c", undo_command(result)).returncode == 0
    assert config.read_text() == '{"floatx": "float31"}'
    assert config.stat().st_mode & 0o777 == 0o640
    assert not config.with_name("keras.json.old").exists()


def test_what_undoing_needs_is_for_the_user_alone(ana: User) -> None:
    folder = Path(undo_command(ana.fixes("--no-smoke", "--apply", "--yes")).split()[-1]).parent
    assert folder.is_relative_to(ana.home / ".local" / "state" / "envcheck")
    assert folder.stat().st_mode & 0o077 == 0


def test_nothing_is_changed_where_undoing_cannot_be_prepared(ana: User) -> None:
    before = ana.versions()
    pythons.write(ana.home, {".local/state/envcheck": "a file in the place of the folder"})
    result = ana.fixes("--no-smoke", "--apply", "--yes")
    assert (result.returncode, result.stdout, ana.versions()) == (2, "", before)
    assert "nothing was changed, because what undoing needs could not be saved" in result.stderr


def test_a_command_that_fails_stops_it(ana: User) -> None:
    for path in (ana.home / "wheels").glob("helper_lib-2*"):
        path.unlink()
    pythons.write(ana.home, {".keras/keras.json": '{"floatx": "float31"}'})
    (ana.site / "~umpy").mkdir()
    before = ana.versions()
    result = ana.fixes("--no-smoke", "--apply", "--yes")
    assert result.returncode == 1
    assert "Stopped: this command ended with status 1: uv pip install" in result.stderr
    assert "Left: tensorflow-text does not get the packages that it asks for" in " ".join(result.stdout.split())
    assert ana.versions() == before


# --- consent ------------------------------------------------------------------------------------------


def answer(user: User, *answers: str) -> subprocess.CompletedProcess[str]:
    """Run ``fix-suggestions --apply`` on a terminal on which somebody types answers."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "envcheck", "fix-suggestions", "--python", "~/env", "--no-smoke", "--apply"]
    with open(user.home / "out", "w+") as out, open(user.home / "err", "w+") as err:
        process = subprocess.Popen(
            command, cwd=user.home / "work", env=user.variables, stdin=theirs, stdout=out, stderr=err
        )
        os.close(theirs)
        for text in answers:
            os.write(ours, text.encode() + b"\n")
        deadline = time.monotonic() + wheels.SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    os.read(ours, 4096)
                except OSError:
                    pass  # the other side was closed
        os.close(ours)
        process.wait(5)
        return subprocess.CompletedProcess(
            command, process.returncode, Path(out.name).read_text(), Path(err.name).read_text()
        )


@pytest.mark.parametrize("refusal", ["n", "q"])
def test_without_consent_nothing_is_done(ana: User, refusal: str) -> None:
    before = ana.versions()
    result = answer(ana, refusal)
    assert "Carry it out?" in result.stderr
    assert "To undo" not in result.stderr
    assert ana.versions() == before


def test_with_consent_it_is_done(ana: User) -> None:
    result = answer(ana, "what?", "y")
    assert ana.versions()["helper-lib"] == "2.0"
    assert "Healed: " in result.stdout


def test_another_way_can_be_chosen(ana: User) -> None:
    ana.offer("ipykernel", "7.0")
    ana.install("ipykernel", "helper-lib==2.0", "new-lib")
    spec = {"argv": ["/gone/bin/python", "-m", "ipykernel"], "display_name": "old", "language": "python"}
    pythons.write(ana.home, {".local/share/jupyter/kernels/old/kernel.json": json.dumps(spec)})
    kernel = ana.home / ".local" / "share" / "jupyter" / "kernels" / "old"
    result = answer(ana, "1")
    assert "Way 1: " in result.stderr and "Way 2: " in result.stderr
    assert not kernel.exists()
    assert ana.call("sh", "-c", undo_command(result)).returncode == 0
    assert json.loads((kernel / "kernel.json").read_text()) == spec


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--apply",), "no terminal"),
        (("--yes",), "--yes goes with --apply"),
        (("--apply", "--yes", "--format", "json"), "--format goes without it"),
        (("--apply", "--yes", "--snapshot", "x.json"), "--verify and --apply need the machine itself"),
        (("--verify", "--snapshot", "x.json"), "--verify and --apply need the machine itself"),
    ],
)
def test_a_wrong_call(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    result = wheels.User(tmp_path, "pip").call_here("fix-suggestions", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in " ".join(result.stderr.split())


def test_the_refusal_is_one_line(tmp_path: Path) -> None:
    assert len(wheels.User(tmp_path, "pip").call_here("fix-suggestions", "--apply").stderr.splitlines()) == 1


def test_a_mounted_image_is_not_changed(tmp_path: Path) -> None:
    user = wheels.User(tmp_path, "pip", {"ENVCHECK_SYSROOT": "/mnt"})
    result = user.call_here("fix-suggestions", "--apply", "--yes")
    assert result.returncode == 2
    assert "ENVCHECK_SYSROOT" in result.stderr


# --- what is only printed -----------------------------------------------------------------------------


def test_variables_of_the_shell_are_left_to_the_user(ana: User) -> None:
    folder = pythons.write(ana.home / "ros", {"helper_lib/__init__.py": "", "torch/__init__.py": ""})
    ana.environ["PYTHONPATH"] = str(folder)
    result = ana.fixes("--no-smoke", "--apply", "--yes")
    assert "unset PYTHONPATH" in result.stderr
    assert "$ unset" not in result.stderr
    assert "no program can do that for your shell" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("fix", "words"),
    [
        (samples.fix("By hand"), "by hand"),
        (samples.fix("Driver", "sudo apt install x", needs_root=True, risk="system"), "operating system"),
        (samples.fix("Cache", "ldconfig", risk="system"), "operating system"),
        (samples.fix("Group", "newgrp video", needs_root=True), "operating system"),
        (samples.fix("Variable", "unset X", effect="shell"), "shell"),
        (samples.fix("Look", "nvidia-smi", effect="look"), "only shows more"),
        (samples.fix("Unseen", "rm a\u202eb"), "cannot be shown"),
        (
            samples.fix("Tried", "true", verification=Verification(status="still fails", detail="")),
            "did not help (still fails)",
        ),
    ],
)
def test_what_is_not_carried_out(fix: Fix, words: str) -> None:
    assert words in (choice.why_not(fix) or "")


@pytest.mark.parametrize("risk", ["safe", "environment"])
def test_what_is_carried_out(risk: str) -> None:
    assert choice.why_not(samples.fix("Do", "true", risk=risk)) is None


# --- an interrupted run -------------------------------------------------------------------------------


def test_ctrl_c_ends_the_command_and_tells_how_to_undo(ana: User) -> None:
    tool = ana.home / "bin" / "uv"
    real = tool.resolve()
    tool.unlink()
    pid = ana.home / "pid"
    pythons.program(tool, f'#!/bin/sh\n[ "$2" = install ] || exec {real} "$@"\necho $$ >{pid}\nsleep 600\n')
    command = [sys.executable, "-m", "envcheck", "fix-suggestions", "--python", "~/env"]
    process = subprocess.Popen(
        [*command, "--no-smoke", "--apply", "--yes"],
        cwd=ana.home / "work",
        env=ana.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs tests in the background has SIGINT ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + wheels.SECONDS
    while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    installer = int(pid.read_text())
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=wheels.SECONDS)
    assert process.returncode == 130, errors
    assert any(line.startswith("To undo everything: sh ") for line in errors.splitlines()[-3:]), errors
    assert not psutil.pid_exists(installer)


# --- the frozen set -----------------------------------------------------------------------------------


def package(folder: Path, name: str, version: str, origin: object = None) -> Package:
    metadata = folder / f"{name}-{version}.dist-info"
    metadata.mkdir()
    if origin is not None:
        (metadata / "direct_url.json").write_text(json.dumps(origin))
    unknown = Unknown("skipped", "")
    return Package(
        name=name,
        version=version,
        location=str(folder),
        metadata=str(metadata),
        installer="pip",
        requested=True,
        editable=False,
        wheel_tags=unknown,
        requires=unknown,
        requires_python=unknown,
        top_level=unknown,
        files_missing=(),
        source_url=origin["url"] if isinstance(origin, dict) else None,
    )


def test_direct_urls_and_indexes_of_builds_are_kept(tmp_path: Path) -> None:
    here = (tmp_path / "project").as_uri()
    (tmp_path / "project").mkdir()
    git = {"url": "https://x/y.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}, "subdirectory": "python"}
    packages = (
        package(tmp_path, "plain", "1.0"),
        package(tmp_path, "from-git", "1.0", git),
        package(tmp_path, "archive", "1.0", {"url": "https://x/a.whl", "archive_info": {}}),
        package(tmp_path, "mine", "1.0", {"url": here, "dir_info": {"editable": True}}),
        package(tmp_path, "gone", "1.0", {"url": "file:///no/such/wheel.whl", "archive_info": {}}),
        package(tmp_path, "torch", "2.7.0+cu126"),
    )
    host = Host(environ={}, cwd="/")
    assert [line.split("\t") for line in frozen.table(host, packages)] == [
        ["plain==1.0", "plain==1.0", ""],
        ["from-git==1.0", "from-git @ git+https://x/y.git@abc#subdirectory=python", ""],
        ["archive==1.0", "archive @ https://x/a.whl", ""],
        ["mine==1.0", f"-e {tmp_path / 'project'}", ""],
        ["gone==1.0", "gone==1.0", ""],
        ["torch==2.7.0+cu126", "torch==2.7.0+cu126", "https://download.pytorch.org/whl/cu126"],
    ]
