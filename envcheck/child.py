"""Run a worker or a program in a process of its own and tell how it ended.

It gets one deadline and bounded output, and nothing of it is left at the end, see :mod:`envcheck.process`.
"""

import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from envcheck import process
from envcheck.channel import Channel, Kept, StageListener
from envcheck.model.unknown import Unknown
from envcheck.process import end_all, start_afresh

__all__ = [
    "WORKERS",
    "ChildResult",
    "Ending",
    "ProgramResult",
    "StageListener",
    "end_all",
    "run_program",
    "run_worker",
    "start_afresh",
]

Ending = Literal["done", "raised", "signal", "timed-out", "exited", "too-old", "not-started"]

WORKERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "workers")
STDERR_KEPT_BYTES = 128 * 1024  #: half from the beginning, half from the end
WORKER_FOLDER = "envcheck-smoke-"  #: how the temporary folders of workers begin (workers/_smoke/session.py)
SECONDS_PAST_DEADLINE = 30.0  #: then a child ends itself, should envcheck not live to do it
LONGEST_SECONDS = 7 * 24 * 3600.0  #: after a week it does so in any case: no timer takes an endless time


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
    error: Mapping[str, str] | None = None  #: ``type`` and ``message``; of an exception also ``traceback``
    signal_name: str | None = None
    exit_status: int | None = None
    python_version: str | None = None
    stderr: str = ""
    output_lost: bool = False  #: more was printed or reported than is kept
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
    folder: str = WORKERS,
) -> ChildResult:
    """Run the worker ``folder/WORKER.py`` under the interpreter ``python``.

    ``timeout`` is in seconds; ``environ`` is the child's whole environment; ``isolated`` starts the
    interpreter with ``-I``; ``listener`` is called with each stage as it is announced, from another
    thread.
    """
    nonce = secrets.token_hex(8)
    boot = os.path.join(WORKERS, "_boot.py")
    argv = [python, *(["-I"] if isolated else []), "-B", boot, os.path.join(folder, f"{worker}.py"), nonce]
    body = json.dumps({**request, "_seconds": min(timeout + SECONDS_PAST_DEADLINE, LONGEST_SECONDS)}).encode()
    channel, stderr = Channel(nonce, listener), Kept(STDERR_KEPT_BYTES)
    try:
        end = process.run(
            argv, timeout=timeout, environ=environ, stdout=channel.take, stderr=stderr.take, cwd=cwd, body=body
        )
    except (OSError, ValueError, RuntimeError) as error:
        return ChildResult("not-started", error={"type": type(error).__name__, "message": str(error)})
    finally:
        _remove_folders(channel)
    ending = _ending(channel, end)
    return ChildResult(
        ending=ending,
        stage=channel.stage,
        facts=tuple(channel.facts),
        error=channel.error,
        signal_name=_death(end.status) if ending == "signal" else None,
        exit_status=end.status,
        python_version=channel.version,
        stderr=stderr.text(),
        output_lost=channel.lost or stderr.lost,
        left_behind=end.status is None,
        seconds=end.seconds,
    )


def _remove_folders(channel: Channel) -> None:
    """Remove the temporary folders that a worker told as its own, for it may have died before it could."""
    for key, value in channel.facts:
        if key == "folder" and isinstance(value, str) and os.path.basename(value).startswith(WORKER_FOLDER):
            shutil.rmtree(value, ignore_errors=True)


def run_program(
    argv: Sequence[str], *, timeout: float, environ: Mapping[str, str], output_bytes: int = 1024 * 1024
) -> ProgramResult | Unknown:
    """Run a program without input, in a session of its own, within ``timeout`` seconds.

    Of each stream at most ``output_bytes`` are kept, half from the beginning and half from the end.
    """
    stdout, stderr = Kept(output_bytes), Kept(output_bytes)
    try:
        end = process.run(argv, timeout=timeout, environ=environ, stdout=stdout.take, stderr=stderr.take)
    except PermissionError as error:
        return Unknown("denied", str(error))
    except process.Interrupted as error:
        return Unknown("skipped", str(error))
    except (OSError, ValueError, RuntimeError) as error:
        return Unknown("failed", str(error))
    if end.timed_out or end.status is None:
        return Unknown("timed-out", f"{argv[0]} gave no answer within {timeout:g} s")
    return ProgramResult(end.status, stdout.text(), stderr.text())


def _ending(channel: Channel, end: process.End) -> Ending:
    # What the worker said counts before how its process was taken down.
    if channel.too_old:
        return "too-old"
    if channel.done:
        return "done"
    if channel.error is not None:
        return "raised"
    if end.timed_out:
        return "timed-out"
    return "exited" if _death(end.status) is None else "signal"


#: Exit statuses with which Windows ends a process that would have got a signal elsewhere
#: (MS-ERREF 2.3.1, NTSTATUS values; learn.microsoft.com/openspecs/windows_protocols/ms-erref).
_WINDOWS_DEATHS = {
    0xC0000005: "STATUS_ACCESS_VIOLATION",
    0xC000001D: "STATUS_ILLEGAL_INSTRUCTION",
    0xC0000094: "STATUS_INTEGER_DIVIDE_BY_ZERO",
    0xC00000FD: "STATUS_STACK_OVERFLOW",
    0xC0000135: "STATUS_DLL_NOT_FOUND",
    0xC0000139: "STATUS_ENTRYPOINT_NOT_FOUND",
    0xC0000142: "STATUS_DLL_INIT_FAILED",
    0xC0000374: "STATUS_HEAP_CORRUPTION",
    0xC0000409: "STATUS_STACK_BUFFER_OVERRUN",
}
#: Severities "warning" and "error" of Windows' own statuses (MS-ERREF 2.3).
_WINDOWS_ERRORS = range(0x80000000, 0xD0000000)
#: abort(), and faulthandler after a signal, end so (learn.microsoft.com, 'signal': the default actions).
_WINDOWS_ABORTED = 3


def _death(status: int | None) -> str | None:
    """Return the name of the signal that an exit status stands for, such as ``SIGSEGV``; None if it stands for none."""
    if status is None:
        return None
    if status in _WINDOWS_ERRORS:
        return _WINDOWS_DEATHS.get(status, f"exception 0x{status:08X}")
    if status >= 0:
        return "SIGABRT" if sys.platform == "win32" and status == _WINDOWS_ABORTED else None
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
