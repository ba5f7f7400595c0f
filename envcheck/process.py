"""Start a process, follow it until it ends or its time is up, and leave nothing of it behind.

A process leads a session of its own; at the end its whole process group is killed, with those
descendants that left the group while their parents were still there. Nothing is waited for
forever: neither a process that cannot be killed nor a grandchild that keeps a pipe open.
"""

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

SECONDS_TO_DIE = 2.0  #: after SIGKILL
SECONDS_FOR_READERS = 5.0  #: to take what lies in the pipes; only where pipes cannot be polled (Windows) is it needed
LAST_BYTES = 1024 * 1024  #: what a pipe can hold at most (pipe(7), /proc/sys/fs/pipe-max-size)

Taker = Callable[[bytes], None]


@dataclass(frozen=True)
class End:
    """How a process ended. ``status`` is its exit status, negative for a signal."""

    status: int | None  #: None: it could not be killed and still exists
    timed_out: bool
    seconds: float


class Interrupted(OSError):
    """Raised instead of starting a process between :func:`end_all` and :func:`start_afresh`."""


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    environ: Mapping[str, str],
    stdout: Taker,
    stderr: Taker,
    cwd: str | None = None,
    body: bytes | None = None,
    grace: float = 0.0,
) -> End:
    """Run a program to its end, for at most ``timeout`` seconds.

    ``environ`` is its whole environment and ``body`` its standard input; ``stdout`` and ``stderr`` are
    called with what it prints, each from a thread of its own, and must not raise. On Ctrl-C it gets ``grace`` seconds
    to tidy up.

    Raises:
        OSError: if it could not be started.
        ValueError: if ``argv`` or ``environ`` holds what no process can be given, such as a NUL.
        RuntimeError: if there was no thread to be had to follow it.
    """
    started = time.monotonic()
    process = _start(argv, environ, cwd, subprocess.DEVNULL if body is None else subprocess.PIPE)
    over = threading.Event()
    threads: list[threading.Thread] = []
    try:
        threads.append(_thread(drain, process.stdout, stdout, over))
        threads.append(_thread(drain, process.stderr, stderr, over))
        if body is not None:
            threads.append(_thread(_feed, process.stdin, body, over))
        timed_out = not _ended(process, timeout)
    except KeyboardInterrupt:
        if grace and hasattr(os, "killpg"):
            _signal_group(process, signal.SIGINT)
            _ended(process, grace)
        raise
    finally:
        # Also on Ctrl-C: whatever interrupts the wait, nothing is left.
        _end(process)
        over.set()
    for thread in threads:
        thread.join(SECONDS_FOR_READERS)
    return End(process.returncode, timed_out, time.monotonic() - started)


# --- what is running now ------------------------------------------------------------------------

_alive: set["subprocess.Popen[bytes]"] = set()  # not reaped yet, so that no stranger has the number of one of them
_interrupted = False
_lock = threading.Lock()  # of both


def end_all() -> None:
    """Kill every child that is running now, with its descendants, and start no further one. For an interrupted run."""
    global _interrupted
    with _lock:
        _interrupted = True
        for process in _alive:
            _kill(process)


def start_afresh() -> None:
    """Let children be started again after :func:`end_all`: for the next check of the same process."""
    global _interrupted
    with _lock:
        _interrupted = False


def _start(argv: Sequence[str], environ: Mapping[str, str], cwd: str | None, stdin: int) -> "subprocess.Popen[bytes]":
    with _lock:
        if _interrupted:
            raise Interrupted("envcheck was interrupted")
        process = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
            cwd=cwd,
            bufsize=0,
            start_new_session=True,
        )
        _alive.add(process)
        return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    _kill(process)
    with _lock:
        _alive.discard(process)
    try:
        process.wait(SECONDS_TO_DIE)
    except subprocess.TimeoutExpired:
        pass  # uninterruptible sleep in the kernel: nothing more can be done


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process that is not reaped yet, its group, and descendants that left the group."""
    strays = [] if _is_over(process) else _descendants(process.pid)
    if hasattr(os, "killpg"):
        _signal_group(process, signal.SIGKILL)
    else:
        process.kill()
    for stray in strays:
        try:
            stray.kill()
        except psutil.Error:
            pass


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        children: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
        return children
    except psutil.Error:
        return []


def _ended(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    pause = 0.001
    while not _is_over(process):
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(2 * pause, 0.05)
    return True


def _is_over(process: "subprocess.Popen[bytes]") -> bool:
    # Where the system can tell without reaping (all but Windows and old macOS), the process stays a zombie until its
    # group was killed: the number of the group can't be given to a stranger in between.
    if process.returncode is not None or not hasattr(os, "waitid"):
        return process.poll() is not None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True  # somebody else in this process reaped it


# --- its pipes ----------------------------------------------------------------------------------


def _thread(target: Callable[..., None], *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread


def drain(stream: Any, take: Taker, over: threading.Event, grace: float = 0.0) -> None:
    """Hand on what comes. Once the process is over, only what lies in the pipe: a grandchild may hold it for ever.

    ``grace`` is how many seconds such a grandchild may be silent before it is left alone.
    """
    late = 0
    with stream:
        while late <= LAST_BYTES and _is_ready(stream, "POLLIN", over, grace):
            try:
                data = os.read(stream.fileno(), 65536)
            except OSError:
                return  # a terminal's way to say that the other end is closed
            if not data:
                return
            take(data)
            late += len(data) if over.is_set() else 0


def _feed(stream: Any, body: bytes, over: threading.Event) -> None:
    rest = memoryview(body)
    piece = getattr(select, "PIPE_BUF", len(body))  # so much never blocks when the pipe is said to be ready
    try:
        with stream:
            while rest and _is_ready(stream, "POLLOUT", over) and not over.is_set():
                rest = rest[stream.write(rest[:piece]) :]
    except OSError:
        pass  # it died before it read its request; how it ended says the rest


def _is_ready(stream: Any, event: str, over: threading.Event, grace: float = 0.0) -> bool:
    """Wait until the pipe can be used; False if the process is over and it still cannot."""
    if not hasattr(select, "poll"):
        return True  # Windows: the call itself waits
    poll = select.poll()
    poll.register(stream, getattr(select, event))
    while True:
        was_over = over.is_set()
        if poll.poll(1000 * grace if was_over else 100):
            return True
        if was_over:
            return False
