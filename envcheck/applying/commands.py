"""Run the commands of a fix, in the kind of shell that they are quoted for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from envcheck import process
from envcheck.host import Host

SHELL = "/bin/sh"
SECONDS_FOR_A_COMMAND = 2 * 3600.0  #: a framework's wheels over a slow line
SECONDS_TO_TIDY_UP = 10.0  #: after Ctrl-C: pip puts back what it was about to replace


@dataclass(frozen=True)
class Stopped:
    """The command that did not do its work; ``status`` is None if it did not end in time."""

    command: str
    status: int | None


def run(
    host: Host, commands: Sequence[str], *, announce: Callable[[str], None], output: Callable[[bytes], None]
) -> Stopped | None:
    """Run commands one after the other, up to the first that fails, which is returned.

    ``announce`` is called with each command before it starts; ``output`` with what it prints, from other threads.

    Raises:
        OSError: if the shell could not be started.
    """
    for command in commands:
        announce(command)
        end = process.run(
            [SHELL, "-c", command],
            timeout=SECONDS_FOR_A_COMMAND,
            environ=host.environ,
            stdout=output,
            stderr=output,
            cwd=host.cwd,
            grace=SECONDS_TO_TIDY_UP,
        )
        if end.timed_out or end.status != 0:
            return Stopped(command, None if end.timed_out else end.status)
    return None
