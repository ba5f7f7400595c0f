"""The worker boundary: every ending of a child is told apart, and nothing of a child is left. All children are real."""

import json
import os
import secrets
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from interpreters import each

from envcheck import child, process
from envcheck.child import ChildResult, ProgramResult
from envcheck.model.unknown import Unknown

LONG = 60.0  #: seconds; a child that needs them all is a fault of the test
SHORT = 4.0  #: seconds; for children that hang: enough to start Python on a busy machine

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and process groups of POSIX")


@pytest.fixture
def work(tmp_path: Path) -> Callable[..., ChildResult]:
    """Return a function that runs the source of a worker and tells how its child ended."""

    def run(source: str, request: Mapping[str, Any] | None = None, **options: Any) -> ChildResult:
        name = f"worker_{secrets.token_hex(4)}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        options = {"timeout": LONG, "environ": os.environ, "python": sys.executable, **options}
        return child.run_worker(worker=name, request=request or {}, folder=str(tmp_path), **options)

    return run


Work = Callable[..., ChildResult]


def is_gone(pid: int) -> bool:
    """Say whether a process has ended, waiting a moment for a kill that is under way."""
    for _ in range(200):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


# --- endings ------------------------------------------------------------------------------------


@each("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
class TestEveryPython:
    def test_done(self, work: Work, python: str) -> None:
        result = work(
            """
            import sys
            def main(request, channel):
                print("chatter of the framework")
                channel.stage("first")
                channel.fact("answer", {"twice": request["number"] * 2, "argv": len(sys.argv)})
                channel.stage("second")
            """,
            {"number": 21},
            python=python,
        )
        assert (result.ending, result.stage, result.exit_status) == ("done", "second", 0)
        assert result.facts == (("answer", {"twice": 42, "argv": 1}),)
        assert "chatter of the framework" in result.stderr
        assert result.error is None and result.signal_name is None
        assert not result.output_lost and not result.left_behind
        asked = subprocess.run(
            [python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"], capture_output=True
        )
        assert result.python_version == asked.stdout.decode().strip()

    def test_raised(self, work: Work, python: str) -> None:
        result = work(
            """
            def main(request, channel):
                channel.stage("import")
                raise ImportError("libcudnn.so.9: cannot open shared object file")
            """,
            python=python,
        )
        assert (result.ending, result.stage, result.exit_status) == ("raised", "import", 1)
        assert result.error is not None
        assert result.error["type"] == "builtins.ImportError"
        assert result.error["message"] == "libcudnn.so.9: cannot open shared object file"
        assert "in main" in result.error["traceback"]

    def test_segmentation_fault(self, work: Work, python: str) -> None:
        result = work(
            """
            import ctypes
            def main(request, channel):
                channel.fact("before", 1)
                channel.stage("conv")
                ctypes.string_at(0)
            """,
            python=python,
        )
        assert (result.ending, result.signal_name, result.stage) == ("signal", "SIGSEGV", "conv")
        assert result.last("before") == 1
        assert "Fatal Python error: Segmentation fault" in result.stderr
        assert "in main" in result.stderr

    def test_exit_without_a_word(self, work: Work, python: str) -> None:
        result = work(
            """
            import os
            def main(request, channel):
                channel.stage("import")
                os._exit(0)
            """,
            python=python,
        )
        assert (result.ending, result.exit_status, result.stage) == ("exited", 0, "import")


@each("2.7")
def test_python_2_is_too_old(work: Work, python: str) -> None:
    result = work("def main(request, channel): pass", {"padding": "x" * 1_000_000}, python=python)
    assert (result.ending, result.exit_status) == ("too-old", 65)
    assert result.python_version is not None and result.python_version.startswith("2.7.")


@pytest.mark.parametrize(
    ("source", "ending", "detail"),
    [
        ("import os; os.abort()", "signal", "SIGABRT"),
        ("import os; os.kill(os.getpid(), 9)", "signal", "SIGKILL"),  # as the kernel's OOM killer does
        ("import os; os.kill(os.getpid(), 4)", "signal", "SIGILL"),
        pytest.param(
            "import os; os.kill(os.getpid(), 40)",  # a signal without a name
            "signal",
            "signal 40",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="real-time signals of Linux"),
        ),
        ("import os; os._exit(7)", "exited", "7"),
        (
            "import os, threading; t = threading.Thread(target=os._exit, args=(3,)); t.start(); t.join(99)",
            "exited",
            "3",
        ),
        ("import sys, threading; t = threading.Thread(target=sys.exit); t.start(); t.join()", "done", None),
        ("raise SystemExit(3)", "raised", "builtins.SystemExit"),
        ("raise KeyboardInterrupt", "raised", "builtins.KeyboardInterrupt"),
        ("f = lambda: f()\n    f()", "raised", "builtins.RecursionError"),
        ("channel.fact('unfit', object())", "raised", "builtins.TypeError"),
        ("import sys; sys.stdout = sys.stderr = None", "done", None),
        ("import sys; sys.stdin.close(); sys.stdout.close(); sys.stderr.close()", "done", None),
        ("import os; os.close(0); os.close(1); os.close(2)", "done", None),
        (
            "class Odd(Exception):\n        def __str__(self): raise ValueError\n    raise Odd",
            "raised",
            "envcheck_worker_",
        ),
    ],
)
def test_ending(work: Work, source: str, ending: str, detail: str | None) -> None:
    result = work(f"def main(request, channel):\n    channel.stage('here')\n    {source}\n")
    said = result.signal_name or (result.error or {}).get("type") or str(result.exit_status)
    assert (result.ending, result.stage) == (ending, "here")
    if detail is not None:
        assert said.startswith(detail)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("raise OSError('while it is read')", "builtins.OSError"),
        ("def main(request, channel) return", "builtins.SyntaxError"),
        ("pass", "builtins.AttributeError"),
    ],
)
def test_worker_that_cannot_be_loaded(work: Work, source: str, kind: str) -> None:
    result = work(source)
    assert (result.ending, result.stage) == ("raised", None)
    assert result.error is not None and result.error["type"] == kind


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS binds on Linux alone")
def test_memory_limit(work: Work) -> None:
    result = work(
        """
        import resource
        def main(request, channel):
            resource.setrlimit(resource.RLIMIT_AS, (2 ** 29, 2 ** 29))
            channel.stage("allocate")
            bytearray(2 ** 30)
        """
    )
    assert (result.ending, result.stage) == ("raised", "allocate")
    assert result.error is not None and result.error["type"] == "builtins.MemoryError"


# --- deadlines ------------------------------------------------------------------------------------

HANGING = {
    "ignores-sigterm": """
        import signal, time
        def main(request, channel):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            channel.stage("hang")
            while True:
                time.sleep(1)
        """,
    "hangs-in-c": """
        import ctypes
        def main(request, channel):
            channel.stage("hang")
            ctypes.PyDLL(None).sleep(1000)
        """,
    "stopped": """
        import os, signal
        def main(request, channel):
            channel.stage("hang")
            os.kill(os.getpid(), signal.SIGSTOP)
        """,
    "closed-its-pipes": """
        import os, time
        def main(request, channel):
            channel.stage("hang")
            os.closerange(0, 64)
            time.sleep(1000)
        """,
    "floods-the-pipes": """
        import os
        def main(request, channel):
            channel.stage("hang")
            while True:
                os.write(2, b"x" * 65536)
        """,
    "has-grandchildren": """
        import subprocess, sys, time
        def main(request, channel):
            sleep = [sys.executable, "-c", "import time; time.sleep(1000)"]
            channel.fact("pid", subprocess.Popen(sleep).pid)
            channel.fact("pid", subprocess.Popen(sleep, start_new_session=True).pid)
            channel.stage("hang")
            time.sleep(1000)
        """,
}


@pytest.fixture(scope="module")
def hung(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ChildResult]:
    """Return how hanging children ended that ran side by side."""
    folder = tmp_path_factory.mktemp("hanging")
    for name, source in HANGING.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(source))

    def run(name: str) -> ChildResult:
        return child.run_worker(sys.executable, name, {}, timeout=SHORT, environ=os.environ, folder=str(folder))

    with ThreadPoolExecutor(len(HANGING)) as pool:
        return dict(zip(HANGING, pool.map(run, HANGING), strict=True))


@pytest.mark.parametrize("name", HANGING)
def test_deadline(hung: dict[str, ChildResult], name: str) -> None:
    result = hung[name]
    assert (result.ending, result.stage) == ("timed-out", "hang"), result.stderr[-2000:]
    assert result.exit_status == -signal.SIGKILL
    assert result.signal_name is None and not result.left_behind
    assert result.seconds >= SHORT
    assert all(is_gone(pid) for pid in result.all("pid"))


def test_deadline_before_the_start(work: Work) -> None:
    result = work("def main(request, channel): pass", timeout=0.0)
    assert (result.ending, result.stage) == ("timed-out", None)


def test_an_endless_deadline(work: Work) -> None:
    assert work("def main(request, channel): pass", timeout=float("inf")).ending == "done"


def test_program_that_hangs() -> None:
    result = child.run_program(["/bin/sh", "-c", "trap '' TERM; sleep 1000"], timeout=0.5, environ=os.environ)
    assert result == Unknown("timed-out", "/bin/sh gave no answer within 0.5 s")


# --- grandchildren --------------------------------------------------------------------------------


def test_grandchild_that_holds_the_pipes(work: Work) -> None:
    result = work(
        """
        import os, time
        def main(request, channel):
            pid = os.fork()
            if pid == 0:
                channel.stage("not the worker's own word")
                time.sleep(1000)
            channel.fact("pid", pid)
            os.write(2, b"last words")
        """
    )
    assert (result.ending, result.stage) == ("done", None)
    assert result.stderr.endswith("last words")
    assert is_gone(result.last("pid"))


def test_grandchild_that_leaves_the_session_is_not_waited_for(work: Work) -> None:
    threads = threading.active_count()
    result = work(
        """
        import os, time
        def main(request, channel):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.write(2, b"a daemon [%d]" % os.getpid())
                    time.sleep(1000)
                os._exit(0)
            os.wait()
            time.sleep(0.2)
        """
    )
    assert result.ending == "done"
    daemon = int(result.stderr.partition("[")[2].partition("]")[0])
    try:
        assert not is_ended(daemon)  # it asked to outlive us, as daemons of the user's own do
        assert threading.active_count() == threads  # and yet none of ours reads its pipe
    finally:
        os.kill(daemon, signal.SIGKILL)


def is_ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_fork_that_comes_back_is_not_the_workers_end(work: Work) -> None:
    result = work(
        """
        import os
        def main(request, channel):
            pid = os.fork()
            if pid == 0:
                raise ValueError("of the fork")
            os.waitpid(pid, 0)
            channel.fact("still", "here")
        """
    )
    assert (result.ending, result.error, result.last("still")) == ("done", None, "here")


# --- output ---------------------------------------------------------------------------------------


def test_flood_of_stderr(work: Work) -> None:
    result = work(
        """
        import os
        def main(request, channel):
            os.write(2, b"the beginning ")
            for _ in range(1600):
                os.write(2, b"x" * 65536)
            os.write(1, b" the end")
        """
    )
    assert (result.ending, result.output_lost) == ("done", True)
    assert result.stderr.startswith("the beginning ") and result.stderr.endswith(" the end")
    assert "output left out" in result.stderr
    assert len(result.stderr) < child.STDERR_KEPT_BYTES + 100


def test_flood_of_the_channel(work: Work) -> None:
    result = work(
        """
        def main(request, channel):
            for number in range(60):
                channel.fact("piece", "x" * 1000000)
            channel.fact("too long", "x" * 5000000)
            channel.stage("after the flood")
        """
    )
    assert (result.ending, result.stage, result.output_lost) == ("done", "after the flood", True)
    assert 10 <= len(result.all("piece")) <= 16
    assert result.last("too long") is None


def test_garbage_on_the_channel(work: Work) -> None:
    result = work(
        """
        import os
        def main(request, channel):
            out, prefix = channel._descriptor, channel._prefix.encode()
            os.write(out, bytes(range(256)) * 300)
            os.write(out, b'\\n@envcheck@0123456789abcdef["done", null]\\n')
            for text in (b'', b'{', b'[]', b'["fact"]', b'["fact", 1]', b'["raised", 3]', b'["hello"]', b'[[], []]',
                         b'["fact", ' + b'[' * 100000, b'{"a": 1, "b": 2}', b'\\xff\\xfe', b'["odd", 1]', b'null'):
                os.write(out, prefix + text + b'\\n')
            os.write(out, b'half a line')
            channel.fact("after", "garbage")
            os.write(out, prefix + b'["fact", ["half", "a li')
            os._exit(5)
        """
    )
    assert (result.ending, result.exit_status, result.error) == ("exited", 5, None)
    assert result.facts == (("after", "garbage"),)
    assert result.output_lost


def test_threads_of_a_worker_do_not_cut_each_others_lines(work: Work) -> None:
    result = work(
        """
        import threading
        def main(request, channel):
            def talk(name):
                for number in range(20):
                    channel.fact(name, str(number) * 20000)
            threads = [threading.Thread(target=talk, args=(name,)) for name in "abcd"]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
        """
    )
    expected = tuple(str(number) * 20000 for number in range(20))
    assert [result.all(name) for name in "abcd"] == [expected] * 4


def test_any_text_can_be_said_and_asked(work: Work) -> None:
    text = "größe 日本語 \U0001f600 \x00 \n"
    result = work(
        r"""
        import os
        def main(request, channel):
            channel.stage("caf\u00e9")
            channel.fact("back", request["text"])
            channel.fact("file", os.fsdecode(b"caf\xe9"))
            channel.fact("bad", {"\ud800": ["\udfff"]})
            channel.fact("number", 2 ** 200)
            raise ValueError("\udce9 is no text")
        """,
        {"text": text},
        environ={
            **os.environ,
            "LC_ALL": "C",
            "PYTHONIOENCODING": "ascii",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
        },
    )
    assert result.ending == "raised" and result.error is not None
    assert (result.stage, result.last("back"), result.last("number")) == ("café", text, 2**200)
    assert result.last("file") == "caf\\udce9"
    assert result.last("bad") == {"\\ud800": ["\\udfff"]}
    assert result.error["message"] == "\\udce9 is no text"
    json.dumps([result.facts, result.error, result.stderr], ensure_ascii=False).encode()


def test_deeply_nested_fact(work: Work) -> None:
    result = work(
        """
        def main(request, channel):
            value = []
            for _ in range(900):
                value = [value]
            channel.fact("deep", value)
            channel.fact("after", 1)
        """
    )
    assert (result.ending, result.last("after")) == ("done", 1)


def test_listener_hears_each_stage_and_may_fail(work: Work) -> None:
    heard: list[str] = []

    def listen(stage: str) -> None:
        heard.append(stage)
        if stage == "two":
            raise RuntimeError("the display is broken")

    result = work(
        """
        def main(request, channel):
            for name in ("one", "two", "three"):
                channel.stage(name)
                channel.fact("stage", name)
        """,
        listener=listen,
    )
    assert (result.ending, heard) == ("done", ["one", "two"])
    assert result.all("stage") == ("one", "two", "three")


def test_programs_output_is_bounded() -> None:
    script = "import sys; sys.stdout.write('a' * 5000 + 'b' * 5000); sys.stderr.write('oops'); sys.exit(3)"
    result = child.run_program([sys.executable, "-c", script], timeout=LONG, environ=os.environ, output_bytes=1000)
    middle = "\n[... output left out ...]\n"
    assert result == ProgramResult(3, "a" * 500 + middle + "b" * 500, "oops")


@pytest.mark.parametrize("size", [0, 1, 499, 500, 501, 999, 1000])
def test_output_within_the_bound_is_kept_whole(size: int) -> None:
    text = "".join(str(number % 10) for number in range(size))
    script = f"import sys\nfor c in {text!r}:\n    sys.stdout.write(c); sys.stdout.flush()"
    result = child.run_program([sys.executable, "-c", script], timeout=LONG, environ=os.environ, output_bytes=1000)
    assert result == ProgramResult(0, text, "")


# --- requests and starts --------------------------------------------------------------------------


def test_large_request(work: Work) -> None:
    result = work(
        "def main(request, channel): channel.fact('length', len(request['padding']))", {"padding": "x" * 3_000_000}
    )
    assert (result.ending, result.last("length")) == ("done", 3_000_000)


def test_request_that_is_never_read(tmp_path: Path) -> None:
    python = script(tmp_path, "exec sleep 1000")
    threads = threading.active_count()
    request = {"padding": "x" * 1_000_000}
    result = child.run_worker(python, "none", request, timeout=0.5, environ=os.environ)
    assert (result.ending, result.stage) == ("timed-out", None)
    assert threading.active_count() == threads


def test_request_that_a_daemon_holds(tmp_path: Path) -> None:
    # The daemon keeps the reading end of standard input: writing must end all the same.
    (tmp_path / "daemon.py").write_text(
        "import os, time\n"
        "os.fork() and os._exit(0)\n"
        "os.setsid()\n"
        "print(os.getpid(), file=open('pid', 'w'), flush=True)\n"
        "time.sleep(1000)"
    )
    python = script(tmp_path, f'"{sys.executable}" daemon.py; while ! test -s pid; do sleep 0.1; done')
    threads = threading.active_count()
    request = {"padding": "x" * 1_000_000}
    result = child.run_worker(python, "none", request, timeout=LONG, environ=os.environ, cwd=str(tmp_path))
    try:
        assert (result.ending, result.exit_status) == ("exited", 0)
        assert threading.active_count() == threads
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def script(folder: Path, text: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_interpreter_that_is_none(tmp_path: Path) -> None:
    result = child.run_worker(
        script(tmp_path, "echo I am no Python; exit 3"), "none", {}, timeout=LONG, environ=os.environ
    )
    assert (result.ending, result.exit_status, result.python_version) == ("exited", 3, None)


@pytest.mark.parametrize(
    ("python", "environ", "kind"),
    [
        ("/nowhere/python", {}, "FileNotFoundError"),
        ("/", {}, "PermissionError"),
        ("/etc/hostname\0", {}, "ValueError"),
        (sys.executable, {"A=B": "C"}, "ValueError"),
        (sys.executable, {"A": "\0"}, "ValueError"),
    ],
)
def test_child_that_cannot_be_started(python: str, environ: dict[str, str], kind: str) -> None:
    result = child.run_worker(python, "none", {}, timeout=LONG, environ=environ)
    assert result.ending == "not-started"
    assert result.error is not None and result.error["type"] == kind and result.error["message"]
    program = child.run_program([python], timeout=LONG, environ=environ)
    assert isinstance(program, Unknown)
    assert program.reason == ("denied" if kind == "PermissionError" else "failed")


def test_wrong_binary_format(tmp_path: Path) -> None:
    path = tmp_path / "python"
    path.write_bytes(b"\x7fELF of another machine")
    path.chmod(0o755)
    result = child.run_worker(str(path), "none", {}, timeout=LONG, environ=os.environ)
    assert result.ending == "not-started"
    assert result.error is not None and "Exec format error" in result.error["message"]


def test_the_child_has_the_given_environment_and_folder(work: Work, tmp_path: Path) -> None:
    result = work(
        """
        import os, sys
        def main(request, channel):
            channel.fact("seen", [os.environ.get("ONLY"), "HOME" in os.environ, os.getcwd(), sys.flags.isolated])
        """,
        environ={"ONLY": "this"},
        cwd=str(tmp_path),
        isolated=True,
    )
    assert result.last("seen") == ["this", False, os.path.realpath(tmp_path), 1]


# --- what is left ---------------------------------------------------------------------------------


def test_hundreds_of_children_leave_nothing(work: Work) -> None:
    def programs(count: int) -> None:
        for _ in range(count):
            assert child.run_program(["/bin/sh", "-c", "exit 0"], timeout=LONG, environ=os.environ) == ProgramResult(
                0, "", ""
            )

    work("def main(request, channel): pass")
    this = psutil.Process()
    before = (this.num_fds(), threading.active_count(), this.children())
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(programs, (100, 100, 100)))
        endings = pool.map(lambda _: work("def main(request, channel): pass").ending, range(15))
        assert set(endings) == {"done"}
    assert (this.num_fds(), threading.active_count(), this.children()) == before


INTERRUPTED = """
import os, sys, threading
from concurrent.futures import ThreadPoolExecutor
from envcheck import child

def run(number):
    # As a smoke test does: if one child dies, the next goes on.
    endings = []
    for _ in range(3):
        listener = lambda stage: os.write(1, (stage + "\\n").encode())
        result = child.run_worker(sys.executable, "hang", {}, timeout=600, environ=os.environ,
                                  folder=sys.argv[1], listener=listener)
        endings.append(result.ending)
    return endings

with ThreadPoolExecutor(3) as pool:
    futures = [pool.submit(run, number) for number in range(3)]
    try:
        run(3) if sys.argv[2] == "main" else [future.result() for future in futures]
    except KeyboardInterrupt:
        child.end_all()
print([future.result() for future in futures], flush=True)
child.start_afresh()
print(child.run_worker(sys.executable, "fine", {}, timeout=60, environ=os.environ, folder=sys.argv[1]).ending)
"""


@pytest.mark.parametrize("waiting", ["main", "threads"])
def test_interrupt_leaves_no_process(tmp_path: Path, waiting: str) -> None:
    (tmp_path / "fine.py").write_text("def main(request, channel): pass")
    (tmp_path / "hang.py").write_text(
        textwrap.dedent(
            """
            import os, subprocess, sys, time
            def main(request, channel):
                sleep = [sys.executable, "-c", "import time; time.sleep(1000)"]
                grandchildren = [subprocess.Popen(sleep), subprocess.Popen(sleep, start_new_session=True)]
                channel.stage(" ".join(str(pid) for pid in [os.getpid(), *(each.pid for each in grandchildren)]))
                time.sleep(1000)
            """
        )
    )
    running = 4 if waiting == "main" else 3
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path), waiting], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for _ in range(running) for pid in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGINT)
        rest = parent.stdout.read().splitlines()
    assert parent.returncode == 0
    assert len(pids) == 3 * running and all(is_gone(pid) for pid in pids)
    assert rest == [str([["signal", "not-started", "not-started"]] * 3), "done"]


def test_nothing_is_started_after_an_interrupt(work: Work) -> None:
    process.end_all()
    try:
        refused = work("def main(request, channel): pass")
        program = child.run_program(["/bin/sh", "-c", "exit 0"], timeout=LONG, environ=os.environ)
    finally:
        process.start_afresh()
    assert (refused.ending, refused.error) == (
        "not-started",
        {"type": "Interrupted", "message": "envcheck was interrupted"},
    )
    assert program == Unknown("skipped", "envcheck was interrupted")
    assert work("def main(request, channel): pass").ending == "done"


ELSEWHERE = """
import os, select, signal, sys
for place, name in ((os, "killpg"), (os, "waitid"), (select, "poll"), (select, "PIPE_BUF")):
    delattr(place, name)
from envcheck import child

for name in sys.argv[2:]:
    result = child.run_worker(sys.executable, name, {"padding": "x" * 300000}, timeout=3, environ=os.environ,
                              folder=sys.argv[1])
    print(result.ending, result.stage, result.facts, len(result.stderr), flush=True)
"""


def test_systems_that_offer_less(tmp_path: Path) -> None:
    # As Windows and old macOS: no process groups, no waiting without reaping, no polling of pipes.
    (tmp_path / "fine.py").write_text(
        "import sys\ndef main(request, channel):\n    channel.fact('k', 1)\n    sys.stderr.write('x' * 100000)"
    )
    (tmp_path / "hang.py").write_text(
        "import time\ndef main(request, channel):\n    channel.stage('s')\n    time.sleep(1000)"
    )
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path), "fine", "hang"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False)
    assert result.stdout.splitlines() == ["done None (('k', 1),) 100000", "timed-out s () 0"], result.stderr


def test_endings_are_told_apart_where_the_end_of_children_was_ignored(tmp_path: Path) -> None:
    (tmp_path / "dies.py").write_text("import os\ndef main(request, channel): os.abort()")
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "from envcheck import child\n"
        "from envcheck.cli.main import run\n"
        "run(['--version'])\n"
        "result = child.run_worker(sys.executable, 'dies', {}, timeout=60, environ=os.environ, folder=sys.argv[1])\n"
        "print(result.ending, result.signal_name)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False)
    assert result.stdout.splitlines()[-1] == "signal SIGABRT", result.stderr


def test_child_knows_when_to_end_without_its_parent(work: Work) -> None:
    # That the alarm does end it is tests/test_boot.py's to show.
    result = work(
        """
        import signal
        def main(request, channel):
            channel.fact("left", signal.getitimer(signal.ITIMER_REAL)[0])
            channel.fact("action", signal.getsignal(signal.SIGALRM) == signal.SIG_DFL)
        """,
        timeout=100.0,
    )
    assert 100.0 < result.last("left") <= 100.0 + child.SECONDS_PAST_DEADLINE
    assert result.last("action") is True
