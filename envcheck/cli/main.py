"""The command ``envcheck``: finds the subcommand, and turns every ending into an exit status."""

import errno
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import click

import envcheck

STATUS_USAGE = 2
STATUS_INTERRUPTED = 130
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)

#: name of the command, the module that holds it, one line for the overview
COMMANDS = {
    "report": ("envcheck.cli.report", "Check the stack and print what was found."),
    "fix-suggestions": (
        "envcheck.cli.fix_suggestions",
        "Print only what to do, in the order to do it; try it or do it.",
    ),
    "explain": ("envcheck.cli.explain", "Name the cause of an error message or log."),
    "compare": ("envcheck.cli.compare", "Show what differs between two snapshots."),
    "rules": ("envcheck.cli.rules", "List every finding that envcheck can make, or explain one."),
}


class _Commands(click.Group):
    """Loads a subcommand when it is called, so that ``envcheck --version`` loads nothing but click."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _ = COMMANDS[name]
        command: click.Command = importlib.import_module(module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(envcheck.__version__, prog_name="envcheck")
def command() -> None:
    """Find out why Keras, TensorFlow, JAX or PyTorch does not run here, and what mends it.

    Start with `envcheck report`. Nothing on the machine is changed and the network is not used, unless you ask for it
    (`fix-suggestions --apply` and `--verify`).
    """
    folder = os.environ.get("ENVCHECK_KNOWLEDGE")
    if folder:
        _use_knowledge(folder)


def _use_knowledge(folder: str) -> None:
    from envcheck.knowledge import KnowledgeError, use_overlay

    try:
        use_overlay(folder)
    except KnowledgeError as error:
        raise click.ClickException(str(error)) from None


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit status: 0, 1 (findings), 2 (wrong call), 130 (interrupted)."""
    _prepare_streams()
    _prepare_signals()
    try:
        result: Any = command.main(list(arguments), prog_name="envcheck", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except click.ClickException as error:
        error.show()
        return STATUS_USAGE
    except (KeyboardInterrupt, click.Abort):
        print("envcheck: interrupted", file=sys.stderr)
        return STATUS_INTERRUPTED
    except OSError as error:
        return _full(error) if error.errno in NO_SPACE else _internal(error)
    except Exception as error:
        return _internal(error)


def _prepare_streams() -> None:
    """Give a stream that was closed at the start a place to go, so that nothing has to ask whether it is there."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest number that is free
        pass
    os.close(number)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")


def _prepare_signals() -> None:
    for name in ("SIGTERM", "SIGHUP"):
        # What is ignored from the start stays so: nohup does it to SIGHUP.
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), _interrupt)
    if hasattr(signal, "SIGCHLD"):
        # Inherited as ignored, as from some container entry points, it would hide how children end.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _full(error: OSError) -> int:
    """Say that what had to be written found no room, and keep Python from trying it once more at the end."""
    sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    print(f"envcheck: {error.strerror}: there is no room for what it has to write", file=sys.stderr)
    return STATUS_USAGE


def _internal(error: Exception) -> int:
    if os.environ.get("ENVCHECK_DEBUG"):
        raise error
    print(
        f"envcheck: an error of envcheck itself: {type(error).__name__}: {error}. "
        "Please report it; ENVCHECK_DEBUG=1 shows where it happened.",
        file=sys.stderr,
    )
    return STATUS_USAGE
