"""Run a command, pass its output through unchanged, and keep what it said last."""

import os
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from envcheck import process
from envcheck.loader_variables import put_back

KEPT_BYTES = 16 << 20  #: of the output, from its end
LONGEST_LINE = 1 << 20
SECONDS_FOR_GRANDCHILDREN = 2.0  #: they may hold the output open after the command; what they say in time is passed on
CANNOT_RUN, NOT_FOUND = 126, 127  #: exit statuses of shells for commands that cannot be started
PASSED_ON = ("SIGTERM", "SIGHUP")  #: sent to envcheck alone, as by a batch system; Ctrl-C reaches the command by itself


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status as a shell would tell it, and the last part of its output."""

    status: int
    output: tuple[bytes, ...]


class _Kept:
    """The last bytes of several streams, in the order in which their lines were complete."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._lock = threading.Lock()

    def add(self, lines: bytes) -> None:
        with self._lock:
            self._lines.append(lines)
            self._size += len(lines)
            while self._size > KEPT_BYTES and len(self._lines) > 1:
                self._size -= len(self._lines.popleft())

    def output(self) -> tuple[bytes, ...]:
        with self._lock:
            return tuple(self._lines)


def run(command: Sequence[str]) -> Ended:
    """Run a command with this process's standard input.

    Standard output and standard error stay apart. Where they are a terminal, the command gets a
    terminal too, so that it colours and updates its lines as it always does.
    """
    kept, over = _Kept(), threading.Event()
    pipes = [_Pipe(stream) for stream in (1, 2)]
    try:
        ends, environ = [pipe.child_end for pipe in pipes], put_back(os.environ)
        started = subprocess.Popen(command, stdout=ends[0], stderr=ends[1], env=environ)
    except OSError as error:
        return _not_started(command[0], error)
    finally:
        for pipe in pipes:
            os.close(pipe.child_end)
    readers = [threading.Thread(target=pipe.copy, args=(kept.add, over), daemon=True) for pipe in pipes]
    for reader in readers:
        reader.start()
    status = _wait(started)
    over.set()
    for reader in readers:
        # Whoever reads our output may be slow (`| less`). On Windows nobody can tell whether more is to come.
        reader.join(None if hasattr(select, "poll") else SECONDS_FOR_GRANDCHILDREN)
    return Ended(128 - status if status < 0 else status, kept.output())


class _Pipe:
    """What stands between one output of the command and the same output of this process."""

    def __init__(self, stream: int) -> None:
        self.stream = stream
        self.own_end, self.child_end = _terminal(stream) if os.isatty(stream) else os.pipe()
        self._rest = b""

    def copy(self, keep: Callable[[bytes], None], over: threading.Event) -> None:
        def take(data: bytes) -> None:
            _write(self.stream, data)
            self._rest += data
            end = self._rest.rfind(b"\n") + 1 or (len(self._rest) if len(self._rest) > LONGEST_LINE else 0)
            if end:
                keep(self._rest[:end])
                self._rest = self._rest[end:]

        process.drain(os.fdopen(self.own_end, "rb", buffering=0), take, over, SECONDS_FOR_GRANDCHILDREN)
        if self._rest:
            keep(self._rest + b"\n")


def _terminal(stream: int) -> tuple[int, int]:
    """Return both ends of a pseudo-terminal with the size and manners of the one behind ``stream``."""
    if sys.platform == "win32":
        return os.pipe()
    import fcntl
    import pty
    import termios

    own_end, child_end = pty.openpty()
    manners = termios.tcgetattr(stream)
    manners[1] &= ~termios.OPOST  # the real terminal behind it turns line ends, once is enough
    termios.tcsetattr(child_end, termios.TCSANOW, manners)
    size = fcntl.ioctl(stream, termios.TIOCGWINSZ, b"\0" * 8)
    fcntl.ioctl(child_end, termios.TIOCSWINSZ, size)
    return own_end, child_end


def _wait(started: "subprocess.Popen[bytes]") -> int:
    """Wait for the end; what would end envcheck is for the command to decide about."""
    before = {}
    for name in PASSED_ON:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, lambda got, frame: started.send_signal(got))
    try:
        while True:
            try:
                return started.wait()
            except KeyboardInterrupt:
                continue
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write(stream: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(stream, data) :]
    except OSError:
        pass  # nobody reads any more; the command goes on and will be explained


def _not_started(program: str, error: OSError) -> Ended:
    message = f"{error.filename or program}: {error.strerror}\n"
    _write(2, message.encode())
    return Ended(NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN, (message.encode(),))
