"""Run the commands of a fix with other folders in the place of the user's own."""

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from envcheck import child
from envcheck.host import Host
from envcheck.model.report import Fix
from envcheck.model.unknown import Unknown
from envcheck.verifying.installers import LONGEST_DETAIL, SECONDS, UNREACHABLE, CannotTry
from envcheck.words import sentence, template

NOT_HERE = template("the program {program} is not here")
NO_WAY = (
    *UNREACHABLE,
    "CondaHTTPError",
    "CONNECTION FAILED",
    "UnavailableInvalidChannel",
    "Download error",
    "t resolve host",
)
"""What conda, mamba, micromamba and pixi print when there is no way to a channel (conda/exceptions.py;
mamba-org/mamba#3536 and #980; pixi and uv share reqwest's words; 2026-11-23)."""
SETTINGS = {
    "CONDA_REGISTER_ENVS": "false",
    "MAMBA_REGISTER_ENVS": "false",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""So that no scratch environment gets into ~/.conda/environments.txt (conda/conda#12924, mamba-org/mamba#2802)."""


@dataclass(frozen=True)
class Call:
    """A command of a fix: the variables that it is begun with, and its words."""

    variables: Mapping[str, str]
    words: tuple[str, ...]

    def with_options(self, *options: str) -> "Call":
        return Call(self.variables, (*self.words, *options))


def read(command: str, home: str | None, places: Mapping[str, str]) -> Call:
    """Read a command for a POSIX shell; what lies below a folder of ``places`` lies below its value then."""
    words = [_moved(_expanded(word, home), places) for word in shlex.split(command)]
    variables = {}
    while words and words[0].partition("=")[0].isidentifier() and "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    return Call(variables, tuple(words))


def carry_out(fixes: Sequence[Fix], run_one: Callable[[str], str | None]) -> tuple[Fix, str] | None:
    """Run the commands of fixes in turn; return the fix with the first that fails, and why."""
    for fix in fixes:
        for command in fix.commands:
            failure = run_one(command)
            if failure is not None:
                return fix, failure
    return None


def _expanded(word: str, home: str | None) -> str:
    return home + word[1:] if home and (word == "~" or word.startswith("~/")) else word


def _moved(word: str, places: Mapping[str, str]) -> str:
    for old, new in places.items():
        if word == old or word.startswith(old + os.sep):
            return new + word[len(old) :]
    return word


def run(host: Host, call: Call) -> str | None:
    """Run a command; return the end of what it says if it fails.

    Raises:
        CannotTry: if it cannot be run, has no way to the network, or does not end in time.
    """
    program = host.which(call.words[0])
    if program is None:
        raise CannotTry(sentence(NOT_HERE, program=call.words[0]))
    environ = {**host.environ, **SETTINGS, **call.variables}
    ended = child.run_program((program, *call.words[1:]), timeout=SECONDS, environ=environ)
    if isinstance(ended, Unknown):
        raise CannotTry(ended.detail)
    if ended.status == 0:
        return None
    said = " ".join((ended.stderr or ended.stdout).split())
    if any(words in said for words in NO_WAY):
        raise CannotTry(said[-LONGEST_DETAIL:])
    return said[-LONGEST_DETAIL:] or f"exit status {ended.status}"
