"""Start the command line, isolated from whatever could break or shadow envcheck's own imports."""

import os
import sys


def main() -> None:
    """Run the command line in an isolated interpreter (``python -I``); its children get the user's environment."""
    if not sys.flags.isolated and sys.executable:
        _start_again(dict(os.environ))
    # In an isolated interpreter the folder that holds envcheck (a user site, say) may be missing: last, so that
    # nothing in it wins over an installed package.
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if folder not in sys.path:
        sys.path.append(folder)
    from envcheck import loader_variables

    if loader_variables.are_harmful(os.environ):
        _start_again(loader_variables.left_out(os.environ))
    from envcheck.cli.main import run

    sys.exit(run(sys.argv[1:]))


def _start_again(environ: dict[str, str]) -> None:
    argv = [sys.executable, "-I", os.path.abspath(__file__), *sys.argv[1:]]
    if os.name == "nt":
        # There, exec would give the prompt back at once.
        sys.exit(os.spawnve(os.P_WAIT, sys.executable, [_quoted(argument) for argument in argv], environ))
    os.execve(sys.executable, argv, environ)


def _quoted(argument: str) -> str:
    """Quote one argument as the C runtime of Windows reads it."""
    if argument and not any(character in argument for character in ' \t"'):
        return argument
    quoted, slashes = "", 0
    for character in argument:
        if character == "\\":
            slashes += 1
            continue
        quoted += "\\" * (slashes * 2 + 1 if character == '"' else slashes) + character
        slashes = 0
    return '"' + quoted + "\\" * (slashes * 2) + '"'


if __name__ == "__main__":
    main()
