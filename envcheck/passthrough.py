"""Run a command, pass its output through unchanged, and keep what it said last."""

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

KEPT_BYTES = 16 << 20  #: of the output, from its end
_CHUNK = 1 << 16
CANNOT_RUN, NOT_FOUND = 126, 127  #: exit statuses of shells for commands that cannot be started


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
        return tuple(self._lines)


def run(command: Sequence[str]) -> Ended:
    """Run a command with this process's standard input.

    Standard output and standard error stay apart. Where they are a terminal, the command gets a
    terminal too, so that it colours and updates its lines as it always does.
    """
    kept = _Kept()
    try:
        pipes = [_Pipe(stream) for stream in (1, 2)]
        process = subprocess.Popen(command, stdout=pipes[0].child_end, stderr=pipes[1].child_end)
    except FileNotFoundError as error:
        return _not_started(error, NOT_FOUND)
    except OSError as error:
        return _not_started(error, CANNOT_RUN)
    readers = [threading.Thread(target=pipe.copy, args=(kept.add,), daemon=True) for pipe in pipes]
    for pipe, reader in zip(pipes, readers, strict=True):
        os.close(pipe.child_end)
        reader.start()
    status = _wait(process)
    for reader in readers:
        reader.join(timeout=2)  # a grandchild may hold the other end open
    return Ended(128 - status if status < 0 else status, kept.output())


class _Pipe:
    """What stands between one output of the command and the same output of this process."""

    def __init__(self, stream: int) -> None:
        self.stream = stream
        self.own_end, self.child_end = _terminal(stream) if os.isatty(stream) else os.pipe()

    def copy(self, keep: Callable[[bytes], None]) -> None:
        rest = b""
        for chunk in self._chunks():
            _write(self.stream, chunk)
            rest += chunk
            end = rest.rfind(b"\n") + 1 or (len(rest) if len(rest) > _CHUNK * 16 else 0)
            if end:
                keep(rest[:end])
                rest = rest[end:]
        if rest:
            keep(rest + b"\n")
        os.close(self.own_end)

    def _chunks(self) -> Iterator[bytes]:
        while True:
            try:
                chunk = os.read(self.own_end, _CHUNK)
            except OSError:  # a terminal's way to say that the other end is closed
                return
            if not chunk:
                return
            yield chunk


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


def _wait(process: "subprocess.Popen[bytes]") -> int:
    """Wait for the end; an interrupt from the keyboard reaches the command itself, which decides."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def _write(stream: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(stream, data) :]
    except OSError:
        pass  # nobody reads any more; the command goes on and will be explained


def _not_started(error: OSError, status: int) -> Ended:
    message = f"{error.filename}: {error.strerror}\n"
    _write(2, message.encode())
    return Ended(status, (message.encode(),))
