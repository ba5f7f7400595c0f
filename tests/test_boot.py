"""What happens inside a child, before and around its worker: _boot.py run directly, without envcheck."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from interpreters import each, interpreter

from envcheck.child import WORKERS

BOOT = Path(WORKERS) / "_boot.py"
NONCE = "0123456789abcdef"
LONG = 60  #: seconds

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def boot(
    folder: Path,
    source: str,
    *,
    python: str = sys.executable,
    body: bytes | None = None,
    boot_file: Path = BOOT,
    **options: Any,
) -> "subprocess.CompletedProcess[bytes]":
    path = folder / "worker.py"
    path.write_text(source)
    return subprocess.run(
        [python, "-B", str(boot_file), str(path), NONCE],
        input=json.dumps({"_seconds": LONG}).encode() if body is None else body,
        capture_output=True,
        timeout=2 * LONG,
        check=False,
        **options,
    )


def messages(result: "subprocess.CompletedProcess[bytes]") -> list[Any]:
    prefix = b"@envcheck@" + NONCE.encode()
    return [json.loads(line[len(prefix) :]) for line in result.stdout.splitlines() if line.startswith(prefix)]


@each("3.6", "3.13")
def test_order_of_messages(tmp_path: Path, python: str) -> None:
    source = "def main(request, channel):\n    channel.stage('s')\n    channel.fact('k', request)\n    print('noise')"
    result = boot(tmp_path, source, python=python, body=b'{"_seconds": 60, "a": [1, null, "\\u00e9"]}')
    hello, *rest = messages(result)
    assert hello[0] == "hello"
    assert rest == [["stage", "s"], ["fact", ["k", {"a": [1, None, "é"]}]], ["done", None]]
    assert (result.returncode, result.stderr) == (0, b"noise\n")


@each("2.7")
def test_python_2_answers_that_it_is_too_old(tmp_path: Path, python: str) -> None:
    result = boot(tmp_path, "raise SystemExit('must not run')", python=python)
    assert (result.returncode, result.stderr) == (65, b"")
    ((kind, version),) = messages(result)
    assert kind == "too-old" and version.startswith("2.7.")


@pytest.mark.skipif(interpreter("2.7") is None, reason="there is no Python 2.7 below ~/.pyenv/versions")
def test_python_2_parses_it_without_a_complaint(tmp_path: Path) -> None:
    python = interpreter("2.7")
    assert python is not None
    parse = "import ast, sys; ast.parse(open(sys.argv[1]).read())"
    result = subprocess.run([python, "-3", "-W", "error", "-c", parse, str(BOOT)], capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")


def test_the_workers_folder_shadows_nothing(tmp_path: Path) -> None:
    # Beside _boot.py lie workers whose names may be those of the target's own modules.
    folder = tmp_path / "workers"
    folder.mkdir()
    shutil.copy(BOOT, folder)
    (folder / "json.py").write_text("raise SystemExit('the wrong json')")
    source = "import sys\ndef main(request, channel):\n    import json\n    channel.fact('json', json.__file__)"
    result = boot(tmp_path, source, boot_file=folder / "_boot.py")
    assert messages(result)[-1] == ["done", None], result.stderr
    assert not messages(result)[1][1][1].startswith(str(tmp_path))


def test_the_workers_folder_shadows_nothing_behind_a_link(tmp_path: Path) -> None:
    # As installers lay packages out that link files from a cache.
    cache, folder = tmp_path / "cache", tmp_path / "workers"
    cache.mkdir()
    folder.mkdir()
    shutil.copy(BOOT, cache)
    (folder / "_boot.py").symlink_to(cache / "_boot.py")
    (cache / "json.py").write_text("raise SystemExit('the wrong json')")
    result = boot(tmp_path, "def main(request, channel): pass", boot_file=folder / "_boot.py")
    assert messages(result)[-1] == ["done", None], result.stderr


def test_working_directory_that_was_removed(tmp_path: Path) -> None:
    place = tmp_path / "gone"
    place.mkdir()
    command = f'cd "{place}" && rmdir "{place}" && exec "{sys.executable}" -B "{BOOT}" "{tmp_path}/worker.py" {NONCE}'
    (tmp_path / "worker.py").write_text("def main(request, channel): pass")
    result = subprocess.run(
        ["/bin/sh", "-c", command],
        input=b'{"_seconds": 60}',
        capture_output=True,
        timeout=LONG,
        check=False,
        env=os.environ,
    )
    assert messages(result)[-1] == ["done", None], result.stderr


def test_without_a_request_there_is_no_work(tmp_path: Path) -> None:
    # Its parent died before it could say what to do.
    result = boot(tmp_path, "def main(request, channel): channel.stage('never')", body=b"")
    assert (result.returncode, [kind for kind, _ in messages(result)]) == (1, ["hello"])


@pytest.mark.parametrize(
    "hang",
    [
        "import time; time.sleep(1000)",
        "import ctypes; ctypes.PyDLL(None).sleep(1000)",
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]); signal.pause()",
    ],
)
def test_alarm_ends_a_child_whose_parent_is_gone(tmp_path: Path, hang: str) -> None:
    source = f"def main(request, channel):\n    channel.stage('hang')\n    {hang}"
    result = boot(tmp_path, source, body=b'{"_seconds": 0.5}')
    assert result.returncode == -signal.SIGALRM
    assert messages(result)[-1] == ["stage", "hang"]


def test_alarm_rings_even_if_the_parent_had_blocked_it(tmp_path: Path) -> None:
    source = "import time\ndef main(request, channel): time.sleep(1000)"
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    try:
        result = boot(tmp_path, source, body=b'{"_seconds": 0.5}')
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)
    assert result.returncode == -signal.SIGALRM


def test_parent_that_is_killed(tmp_path: Path) -> None:
    """A parent killed outright can end nothing; its child ends by its own alarm."""
    (tmp_path / "worker.py").write_text(
        "import os, time\ndef main(request, channel):\n    channel.fact('pid', os.getpid())\n    time.sleep(1000)"
    )
    parent_source = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)\n"
        "child.stdin.write(b'{\"_seconds\": 3}'); child.stdin.close()\n"
        "time.sleep(1000)"
    )
    command = [sys.executable, "-c", parent_source, sys.executable, "-B", str(BOOT), str(tmp_path / "worker.py"), NONCE]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert any(b'"fact"' in line for line in parent.stdout)
        parent.kill()
        # The child is the last that holds the writing end: the end of the stream is the end of the child.
        assert parent.stdout.read() is not None
    assert parent.returncode == -signal.SIGKILL


def test_a_crash_leaves_no_core(tmp_path: Path) -> None:
    source = (
        "import resource\ndef main(request, channel): channel.fact('core', resource.getrlimit(resource.RLIMIT_CORE))"
    )
    result = boot(tmp_path, source)
    assert messages(result)[1][1][1][0] == 0


def test_a_closed_channel_ends_the_child(tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text(
        "def main(request, channel):\n    while True:\n        channel.fact('k', 'v' * 10000)"
    )
    with subprocess.Popen(
        [sys.executable, "-B", str(BOOT), str(tmp_path / "worker.py"), NONCE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b'{"_seconds": 60}')
        process.stdin.close()
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(LONG) == 1


def test_a_worker_is_a_module_that_frameworks_can_look_up(tmp_path: Path) -> None:
    source = (
        "import inspect, pickle, sys\n"
        "class Layer(object):\n    'of the tiny model'\n"
        "def main(request, channel):\n"
        "    channel.fact('same', sys.modules[Layer.__module__].Layer is Layer)\n"
        "    channel.fact('pickle', type(pickle.loads(pickle.dumps(Layer()))) is Layer)\n"
        "    channel.fact('source', inspect.getsource(Layer))\n"
        "    channel.fact('file', __file__)\n"
    )
    facts = dict(content for kind, content in messages(boot(tmp_path, source)) if kind == "fact")
    assert facts == {
        "same": True,
        "pickle": True,
        "source": "class Layer(object):\n    'of the tiny model'\n",
        "file": str(tmp_path / "worker.py"),
    }
