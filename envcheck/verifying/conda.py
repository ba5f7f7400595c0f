"""Try fixes in a conda environment: the commands that are suggested, with a copy of the environment in its place.

conda's own copies (``conda create --clone``) are made anew from its packages, so that damage, which may be the fault
itself, would not be in them, and micromamba has none. So the folder is copied. Libraries of conda find each other by
relative paths; where the environment's own path stands in text, it is replaced, as conda does when it installs.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from envcheck.host import Host
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known
from envcheck.verifying import commands, scratch
from envcheck.verifying.commands import Call
from envcheck.verifying.installers import FIRST_PIP_WITH_DRY_RUN, CannotTry, pip_version
from envcheck.verifying.wheels import Wheels, changes_of, why_not_tried
from envcheck.words import sentence, template

NETWORK = template("Verifying uses the network: the channels that {program} is set up with, and the package index")
NOT_ON_WINDOWS = template("Environments of conda are tried on Linux and macOS only.")
NO_PREFIX = template("the root of the environment is not known")
CHANGING = ("install", "remove", "create")
NOT_PART_OF_IT = frozenset(("pkgs", "envs"))
"""Below the root of an installation of conda: downloaded packages, and other environments."""


@dataclass(frozen=True)
class Conda:
    host: Host
    facts: Facts
    wheels: Wheels

    def network(self) -> str:
        """Say what of the network is used."""
        return sentence(NETWORK, program=self._program())

    def why_not(self, fix: Fix) -> str | None:
        """Return why a fix cannot be tried; None: it can."""
        if self._elsewhere(fix):
            return self.wheels.why_not(fix)
        if known(self.facts.platform.system, None) == "Windows":
            return sentence(NOT_ON_WINDOWS)
        changing = [self._changes_packages(self._read(text)) for text in fix.commands]
        return why_not_tried(changing, fix.commands)

    def unresolved(self, fix: Fix) -> str | None:
        """Return why a fix does not resolve for the target; None if it does, or if only the trial can tell.

        Raises:
            CannotTry: if conda could not be asked.
        """
        for call in map(self._read, fix.commands):
            if self._can_be_dry(call):
                failure = commands.run(self.host, call.with_options("--dry-run"))
                if failure is not None:
                    return failure
        return None

    def make(self, folder: str, fixes: Sequence[Fix]) -> scratch.Scratch:
        """Make an environment in ``folder`` to which the fixes are applied.

        Raises:
            CannotTry: if that is not possible here.
        """
        if self._elsewhere(fixes[-1]):
            return self.wheels.make(folder, fixes)
        if changes_of(fixes[-1]).environment is None:
            self._copy(folder)
        failed = commands.carry_out(fixes, lambda command: commands.run(self.host, self._read(command, folder)))
        return scratch.Scratch(os.path.join(folder, "bin", "python"), failed)

    def _elsewhere(self, fix: Fix) -> bool:
        """Say whether a fix makes an environment beside the target, which is not conda's."""
        return changes_of(fix).environment not in (None, known(self.facts.python.prefix, None))

    def _program(self) -> str:
        return known(self.facts.python.conda_program, None) or "conda"

    def _prefix(self) -> str:
        prefix = known(self.facts.python.prefix, None)
        if prefix is None:
            raise CannotTry(sentence(NO_PREFIX))
        return prefix

    def _read(self, command: str, folder: str | None = None) -> Call:
        prefix = known(self.facts.python.prefix, None)
        places = {prefix: folder} if prefix and folder else {}
        return commands.read(command, known(self.facts.platform.home, None), places)

    def _changes_packages(self, call: Call) -> bool:
        by_conda = call.words[:1] == (self._program(),) and call.words[1:2] and call.words[1] in CHANGING
        return bool(by_conda) or self._is_pip(call)

    def _is_pip(self, call: Call) -> bool:
        return call.words[:1] == (known(self.facts.python.executable, None),) and call.words[1:2] == ("-m",)

    def _can_be_dry(self, call: Call) -> bool:
        if not self._is_pip(call):
            return call.words[1] == "install"
        pip = pip_version(self.facts)
        return call.words[2:4] == ("pip", "install") and pip is not None and pip >= FIRST_PIP_WITH_DRY_RUN

    def _copy(self, folder: str) -> None:
        prefix = self._prefix()
        parts = [os.path.join(prefix, name) for name in os.listdir(prefix) if name not in NOT_PART_OF_IT]
        scratch.check_room(folder, parts)

        def left_out(place: str, names: list[str]) -> set[str]:
            return {*NOT_PART_OF_IT}.intersection(names) if place == prefix else set()

        try:
            shutil.copytree(prefix, folder, symlinks=True, ignore=left_out)
            _write_own_path(Path(folder), prefix)
        except (OSError, shutil.Error) as error:
            raise CannotTry(str(error)[:300]) from None


def _write_own_path(folder: Path, prefix: str) -> None:
    """Put the path of the copy where that of the original stands in text."""
    for path in {*_recorded_texts(folder), *_scripts(folder / "bin")}:
        if path.is_file() and not path.is_symlink():
            path.write_bytes(path.read_bytes().replace(os.fsencode(prefix), os.fsencode(folder)))


def _scripts(folder: Path) -> Iterator[Path]:
    """Yield the programs that name their interpreter, such as those that pip writes."""
    for path in folder.glob("*"):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(2) == b"#!":
                    yield path


def _recorded_texts(folder: Path) -> Iterator[Path]:
    """Yield the files of which conda says that it wrote the environment's path into their text."""
    for record in (folder / "conda-meta").glob("*.json"):
        try:
            paths = json.loads(record.read_bytes())["paths_data"]["paths"]
            yield from (folder / each["_path"] for each in paths if each.get("file_mode") == "text")
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # a record of before there was such a list, or a damaged one
