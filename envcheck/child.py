"""Run a worker in a child process and tell how it ended.

A child gets one deadline and bounded output. It leads a session of its own; at the end that whole
process group is killed. Nothing is waited for forever: neither a child that cannot be killed nor a
grandchild that keeps a pipe open.
"""

import json
import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil

from envcheck.model.unknown import Unknown

Ending = Literal["done", "raised", "signal", "timed-out", "exited", "too-old", "not-started"]

WORKERS = Path(__file__).parent / "workers"
MARKER = b"@envcheck@"
STDERR_KEPT_BYTES = 128 * 1024  #: half from the beginning, half from the end
CHANNEL_BYTES = 16 * 1024 * 1024
LINE_BYTES = 4 * 1024 * 1024
SECONDS_AFTER_EXIT = 0.5  #: for the last bytes in the pipes
SECONDS_TO_DIE = 2.0  #: after SIGKILL

StageListener = Callable[[str], None]


@dataclass(frozen=True)
class ChildResult:
    """What a child said and how it ended.

    - ``done``: the worker returned
    - ``raised``: it raised an exception, described in ``error``
    - ``signal``: it died of ``signal_name``
    - ``timed-out``: it was killed at the deadline
    - ``exited``: it ended without a word, with ``exit_status``
    - ``too-old``: the target is a Python before 3.6; ``python_version`` says which
    - ``not-started``: it could not be started; ``error`` says why
    """

    ending: Ending
    stage: str | None = None  #: the stage that it had announced last
    facts: tuple[tuple[str, Any], ...] = ()
    error: Mapping[str, str] | None = None
    signal_name: str | None = None
    exit_status: int | None = None
    python_version: str | None = None
    stderr: str = ""
    output_lost: bool = False  #: more was printed than is kept
    left_behind: bool = False  #: it could not be killed and still exists
    seconds: float = 0.0

    def last(self, key: str) -> Any:
        """Return the last fact reported under ``key``, or None."""
        return next((value for name, value in reversed(self.facts) if name == key), None)

    def all(self, key: str) -> tuple[Any, ...]:
        """Return every fact reported under ``key``, in order."""
        return tuple(value for name, value in self.facts if name == key)


@dataclass(frozen=True)
class ProgramResult:
    """How a program ended. ``status`` is its exit status, negative for a signal."""

    status: int
    stdout: str
    stderr: str


def run_worker(
    python: str,
    worker: str,
    request: Mapping[str, Any],
    *,
    timeout: float,
    environ: Mapping[str, str],
    isolated: bool = False,
    cwd: str | None = None,
    listener: StageListener | None = None,
) -> ChildResult:
    """Run ``workers/WORKER.py`` under the interpreter ``python``.

    ``timeout`` is in seconds; ``environ`` is the child's whole environment; ``isolated`` starts the
    interpreter with ``-I``; ``listener`` is called with each stage as it is announced, from another
    thread.
    """
    nonce = secrets.token_hex(8)
    argv = [python, *(["-I"] if isolated else []), "-B", str(WORKERS / "_boot.py"), worker, nonce]
    body = json.dumps({**request, "_seconds": timeout + 30}).encode()
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
            cwd=cwd,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        return ChildResult("not-started", error={"type": type(error).__name__, "message": str(error)})
    channel = _Channel(nonce, listener)
    stderr = _Kept(STDERR_KEPT_BYTES)
    feeder = _start(_feed, process, body)
    timed_out, gone = _follow(process, timeout, channel.take, stderr.take)
    feeder.join(0)
    return _result(process, channel, stderr, timed_out=timed_out, gone=gone, seconds=time.monotonic() - started)


def run_program(
    argv: Sequence[str], *, timeout: float, environ: Mapping[str, str], output_bytes: int = 1024 * 1024
) -> ProgramResult | Unknown:
    """Run a program without input, in a session of its own, within ``timeout`` seconds.

    Of each stream at most ``output_bytes`` are kept, half from the beginning and half from the end.
    """
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
            bufsize=0,
            start_new_session=True,
        )
    except PermissionError as error:
        return Unknown("denied", str(error))
    except OSError as error:
        return Unknown("failed", str(error))
    stdout, stderr = _Kept(output_bytes), _Kept(output_bytes)
    timed_out, _ = _follow(process, timeout, stdout.take, stderr.take)
    if timed_out:
        return Unknown("timed-out", f"{argv[0]} gave no answer within {timeout:g} s")
    return ProgramResult(process.returncode, stdout.text(), stderr.text())


def _follow(
    process: subprocess.Popen[bytes],
    timeout: float,
    take_stdout: Callable[[bytes], None],
    take_stderr: Callable[[bytes], None],
) -> tuple[bool, bool]:
    """Read both pipes until the process ends or its time is up, then end its group. Returns (timed out, gone)."""
    with _alive_lock:
        _alive.add(process)
    if _interrupted.is_set():
        end_process_tree(process)
    readers = [_start(_drain, process.stdout, take_stdout), _start(_drain, process.stderr, take_stderr)]
    try:
        timed_out = not _wait(process, timeout)
    finally:
        # Also on Ctrl-C: whatever interrupts the wait, no process of the group is left.
        gone = end_process_tree(process)
        with _alive_lock:
            _alive.discard(process)
    deadline = time.monotonic() + SECONDS_AFTER_EXIT
    for reader in readers:
        reader.join(max(0.0, deadline - time.monotonic()))
    return timed_out, gone


def _result(
    process: subprocess.Popen[bytes],
    channel: "_Channel",
    stderr: "_Kept",
    *,
    timed_out: bool,
    gone: bool,
    seconds: float,
) -> ChildResult:
    status = process.returncode
    ending: Ending
    if channel.too_old is not None:
        ending = "too-old"
    elif channel.done:
        ending = "done"
    elif channel.error is not None:
        ending = "raised"
    elif timed_out:
        ending = "timed-out"
    elif status is not None and status < 0:
        ending = "signal"
    else:
        ending = "exited"
    return ChildResult(
        ending=ending,
        stage=channel.stage,
        facts=tuple(channel.facts),
        error=channel.error,
        signal_name=signal_name(-status) if ending == "signal" and status is not None else None,
        exit_status=status,
        python_version=channel.too_old or channel.version,
        stderr=stderr.text(),
        output_lost=channel.overflow or stderr.lost,
        left_behind=not gone,
        seconds=seconds,
    )


def signal_name(number: int) -> str:
    """Return the name of a signal, such as ``SIGSEGV``."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# --- what is running now ------------------------------------------------------------------------

_alive: set[subprocess.Popen[bytes]] = set()
_alive_lock = threading.Lock()
_interrupted = threading.Event()


def end_all() -> None:
    """Kill every child that is running now, with its descendants, and start no further one. For an interrupted run."""
    _interrupted.set()
    with _alive_lock:
        processes = list(_alive)
    for process in processes:
        end_process_tree(process)


def start_afresh() -> None:
    """Let children be started again after :func:`end_all`: for the next check of the same process."""
    _interrupted.clear()


def end_process_tree(process: subprocess.Popen[bytes]) -> bool:
    """Kill a child, its process group, and descendants that left the group.

    Returns:
        False if the child itself still exists (uninterruptible sleep in the kernel).
    """
    strays = _descendants(process.pid) if process.poll() is None else []
    _kill_group(process)
    for stray in strays:
        try:
            stray.kill()
        except psutil.Error:
            pass
    return _wait(process, SECONDS_TO_DIE)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # The group outlives its leader as long as one member lives, so its number can't be taken by a stranger in between.
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        children: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
        return children
    except psutil.Error:
        return []


def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


# --- reading its output -------------------------------------------------------------------------


def _start(target: Callable[..., None], *arguments: Any) -> threading.Thread:
    # A daemon: a grandchild that left the session may hold the pipe for as long as it likes.
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread


def _feed(process: subprocess.Popen[bytes], body: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(body)
        process.stdin.close()
    except OSError:
        pass  # it died before it read its request; how it ended says the rest


def _drain(stream: Any, take: Callable[[bytes], None]) -> None:
    while True:
        try:
            data = os.read(stream.fileno(), 65536)
        except (OSError, ValueError):
            return
        if not data:
            stream.close()
            return
        take(data)


@dataclass
class _Kept:
    """The beginning and the end of a stream of any length."""

    limit: int
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    lost: bool = False

    def take(self, data: bytes) -> None:
        room = self.limit // 2 - len(self.head)
        self.head += data[:room] if room > 0 else b""
        self.tail += data[max(room, 0) :]
        if len(self.tail) > self.limit:
            del self.tail[: -self.limit // 2]
            self.lost = True

    def text(self) -> str:
        tail = bytes(self.tail[-(self.limit // 2) :])
        lost = self.lost or len(self.tail) > len(tail)
        middle = b"\n[... output left out ...]\n" if lost else b""
        return (bytes(self.head) + middle + tail).decode("utf-8", "replace")


class _Channel:
    """The worker's private line, and what came through it."""

    def __init__(self, nonce: str, listener: StageListener | None) -> None:
        self._prefix = MARKER + nonce.encode()
        self._listener = listener
        self._pending = bytearray()
        self._taken = 0
        self.facts: list[tuple[str, Any]] = []
        self.stage: str | None = None
        self.version: str | None = None
        self.error: Mapping[str, str] | None = None
        self.done = False
        self.too_old: str | None = None
        self.overflow = False

    def take(self, data: bytes) -> None:
        self._taken += len(data)
        if self._taken > CHANNEL_BYTES:
            self.overflow = True
            return
        self._pending += data
        *lines, rest = self._pending.split(b"\n")
        self._pending = rest if len(rest) <= LINE_BYTES else bytearray()
        for line in lines:
            self._line(bytes(line))

    def _line(self, line: bytes) -> None:
        if line.startswith(b"envcheck-too-old "):
            self.too_old = line.split()[1].decode("ascii", "replace")
        if not line.startswith(self._prefix):
            return
        try:
            kind, content = json.loads(line[len(self._prefix) :])
        except ValueError:
            return
        if kind == "hello":
            self.version = ".".join(str(part) for part in content["version"])
        elif kind == "stage":
            self.stage = str(content)
            if self._listener is not None:
                self._listener(self.stage)
        elif kind == "fact":
            self.facts.append((str(content[0]), content[1]))
        elif kind == "raised":
            self.error = content
        elif kind == "done":
            self.done = True
