"""``fix-suggestions --apply`` where something gets in its way, and undoing what is hard to bring back."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from simulated import pythons, wheels
from simulated.wheels import User
from test_applying import CONFLICT, undo_command
from test_unprivileged import unprivileged

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "mine"
version = "1.0"
"""
BACKEND = r"""
import os, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    files = {
        "mine.pth": os.getcwd() + "\n",
        "mine-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n",
        "mine-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files["mine-1.0.dist-info/RECORD"] = "".join(path + ",,\n" for path in files)
    with zipfile.ZipFile(os.path.join(folder, "mine-1.0-py3-none-any.whl"), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return "mine-1.0-py3-none-any.whl"
"""


@pytest.fixture
def ana(tmp_path: Path) -> User:
    return wheels.with_conflict(tmp_path / "ana", "uv")


def with_two_faults(user: User) -> User:
    """Add a fault that is asked about before the conflict of packages."""
    pythons.write(user.home, {".keras/keras.json": '{"floatx": "float31"}'})
    return user


# --- a dialogue ---------------------------------------------------------------------------------------


@dataclass
class Dialogue:
    """``fix-suggestions --apply`` on a terminal of its own; what it says is in ``said``."""

    process: subprocess.Popen[bytes]
    terminal: int
    errors: Path

    def wait_for(self, text: str, times: int = 1) -> None:
        deadline = time.monotonic() + wheels.SECONDS
        while self.errors.read_text().count(text) < times:
            assert self.process.poll() is None and time.monotonic() < deadline, self.errors.read_text()
            time.sleep(0.05)

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode() + b"\n")

    def end(self) -> int:
        return self.process.wait(wheels.SECONDS)


@contextmanager
def dialogue(user: User) -> Iterator[Dialogue]:
    ours, theirs = pty.openpty()
    errors = user.home / "errors"
    command = [sys.executable, "-m", "envcheck", "fix-suggestions", "--python", "~/env", "--no-smoke", "--apply"]
    with errors.open("w") as stream:
        process = subprocess.Popen(
            command,
            cwd=user.home / "work",
            env=user.variables,
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            # A shell that runs tests in the background has SIGINT ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    os.close(theirs)
    try:
        yield Dialogue(process, ours, errors)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_ctrl_c_between_two_fixes(ana: User) -> None:
    """The first fix was done; the command that undoes it is the last word."""
    with_two_faults(ana)
    before = ana.versions()
    config = ana.home / ".keras" / "keras.json"
    with dialogue(ana) as talk:
        talk.wait_for("Carry it out?")
        talk.type("y")
        talk.wait_for("Carry it out?", times=2)
        talk.process.send_signal(signal.SIGINT)
        assert talk.end() == 130
        said = talk.errors.read_text()
    assert not config.exists()
    undo, last = said.strip().splitlines()[-2:]
    assert (undo.partition(": ")[0], last) == ("To undo everything", "envcheck: interrupted"), said
    assert ana.call("sh", "-c", undo.partition(": ")[2]).returncode == 0
    assert config.exists()
    assert ana.versions() == before


def test_a_second_one_waits_for_its_turn(ana: User) -> None:
    before = ana.versions()
    with dialogue(ana) as talk:
        talk.wait_for("Carry it out?")
        second = ana.fixes("--no-smoke", "--apply", "--yes")
        assert (second.returncode, ana.versions()) == (2, before)
        assert "another envcheck is carrying out fixes" in second.stderr
        talk.type("n")
        assert talk.end() == 0  # what is left is a warning
    assert ana.fixes("--no-smoke", "--apply", "--yes").returncode == 0


# --- what fails ---------------------------------------------------------------------------------------


def test_what_was_done_before_a_failure_can_be_undone(ana: User) -> None:
    with_two_faults(ana)
    for path in (ana.home / "wheels").glob("new_lib*"):
        path.unlink()
    before = ana.versions()
    result = ana.fixes("--no-smoke", "--apply", "--yes")
    assert result.returncode == 1
    assert f"[{CONFLICT}]" in result.stdout, "it reports again"
    assert result.stderr.count("To undo everything: ") == 2
    assert ana.call("sh", "-c", undo_command(result)).returncode == 0
    assert (ana.home / ".keras" / "keras.json").exists()
    assert ana.versions() == before


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_an_environment_that_may_not_be_written(tmp_path: Path, tool: str) -> None:
    user = wheels.with_conflict(tmp_path / "ana", tool)
    before = user.versions()
    folders = [user.site, *(path for path in user.site.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        command = ["-m", "envcheck", "fix-suggestions", "--python", "~/env", "--no-smoke", "--apply", "--yes"]
        result = user.call(*unprivileged(), sys.executable, *command)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert result.returncode == 1
    assert "Stopped: this command ended with status " in result.stderr
    assert "ermission denied" in result.stderr
    assert user.versions() == before


def test_no_room_for_what_undoing_needs(ana: User) -> None:
    state = ana.home / ".local" / "state"
    state.mkdir(parents=True)
    size = os.sysconf("SC_PAGE_SIZE") * 4  # for the folders and the lock, and not for the files
    mount = f"mount -t tmpfs -o size={size},nr_inodes=6 none {state}"
    if shutil.which("unshare") is None or ana.call("unshare", "-rm", "sh", "-c", mount).returncode:
        pytest.skip("a small disk cannot be made here: no user namespaces")
    before = ana.versions()
    fixes = f"exec {sys.executable} -m envcheck fix-suggestions --python ~/env --no-smoke --apply --yes"
    result = ana.call("unshare", "-rm", "sh", "-c", f"{mount} && {fixes}")
    assert (result.returncode, result.stdout, ana.versions()) == (2, "", before)
    assert "nothing was changed, because what undoing needs could not be saved" in result.stderr
    assert "No space left on device" in result.stderr


def test_a_broken_pip_is_made_whole_first(tmp_path: Path) -> None:
    user = wheels.with_conflict(tmp_path / "ana", "pip")
    before = user.versions()
    shutil.rmtree(user.site / "pip" / "_internal" / "cli")
    verified = user.fixes("--no-smoke", "--verify")
    assert "Tried in a scratch environment: verified." in verified.stdout, verified.stdout
    result = user.fixes("--no-smoke", "--apply", "--yes")
    assert result.returncode == 0, result.stderr
    assert user.versions()["helper-lib"] == "2.0"
    assert user.call("sh", "-c", undo_command(result)).returncode == 0
    assert user.versions() == before


# --- what is hard to bring back -----------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_packages_come_back_from_where_they_came(tmp_path: Path, tool: str) -> None:
    """A project in development, a wheel by its path, and a build of PyTorch of its own kind."""
    user = wheels.with_conflict(tmp_path / "ana", tool)
    pythons.write(user.home, {"mine/pyproject.toml": PROJECT, "mine/backend.py": BACKEND})
    wheel = wheels.wheel(user.home / "downloads", "archive", "1.0")
    user.offer("torch", "2.2.2+cpu", more={"torch/version.py": "cuda: str = None\nhip: str = None\n"})
    user.install("-e", str(user.home / "mine"))
    user.install(str(wheel), "torch==2.2.2+cpu")
    before = user.versions()
    assert before["torch"] == "2.2.2+cpu"
    command = undo_command(user.fixes("--no-smoke", "--apply", "--yes"))
    gone = ("mine", "archive", "torch")
    if tool == "uv":
        removed = user.call("uv", "pip", "uninstall", "-p", user.python, *gone)
    else:
        removed = user.call(user.python, "-m", "pip", "uninstall", "-y", *gone)
    assert removed.returncode == 0, removed.stderr
    undone = user.call("sh", "-c", command)
    assert undone.returncode == 0, undone.stderr
    assert user.versions() == before
    origins = {path.parent.name: path.read_text() for path in user.site.glob("*.dist-info/direct_url.json")}
    assert '"editable":true' in origins["mine-1.0.dist-info"].replace(" ", "")
    assert wheel.as_uri() in origins["archive-1.0.dist-info"]
