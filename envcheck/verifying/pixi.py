"""Try fixes in an environment of pixi: the commands that are suggested, in a copy of the project's files.

pixi makes the environment from its lock file; with damage to files of packages a copy of it has nothing to do.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from envcheck.fixes import projects
from envcheck.host import Host
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known
from envcheck.verifying import commands, scratch
from envcheck.verifying.commands import Call
from envcheck.verifying.installers import CannotTry
from envcheck.verifying.wheels import Wheels, changes_of, why_not_tried
from envcheck.words import sentence, template

NETWORK = template("Verifying uses the network: the channels and the package index that the project names")
NO_PROJECT = template("the folder of the project is not known")
OWN_FOLDERS = template("{name} names folders beside it, which are not copied")
SETTINGS = os.path.join(".pixi", "config.toml")
"""The project's own settings, mirrors of channels among them (pixi.sh/latest/reference/pixi_configuration)."""
RELATIVE_PATH = re.compile(r"""\bpath\s*=\s*["'](?![/~])""")
CHANGING = ("add", "remove", "install", "reinstall")
RESOLVING = ("add", "remove")


@dataclass(frozen=True)
class Pixi:
    host: Host
    facts: Facts
    wheels: Wheels

    def network(self) -> str:
        """Say what of the network is used."""
        return sentence(NETWORK)

    def why_not(self, fix: Fix) -> str | None:
        """Return why a fix cannot be tried; None: it can."""
        if changes_of(fix).environment is not None:
            return self.wheels.why_not(fix)
        changing = [_changes_project(self._read(text, None)) for text in fix.commands]
        return why_not_tried(changing, fix.commands)

    def unresolved(self, fix: Fix) -> str | None:
        """Return why a fix does not resolve; None if it does, or if only the trial can tell.

        Raises:
            CannotTry: if pixi could not be asked.
        """
        with tempfile.TemporaryDirectory(prefix="envcheck-verify-") as folder:
            self._copy(folder)
            for call in (self._read(command, folder) for command in fix.commands):
                failure = commands.run(self.host, call.with_options("--no-install")) if _resolves(call) else None
                if failure is not None:
                    return failure
        return None

    def make(self, folder: str, fixes: Sequence[Fix]) -> scratch.Scratch:
        """Make the project's environment below ``folder`` with the fixes applied.

        Raises:
            CannotTry: if that is not possible here.
        """
        if changes_of(fixes[-1]).environment is not None:
            return self.wheels.make(folder, fixes)
        os.mkdir(folder)
        self._copy(folder)
        prefix = known(self.facts.python.prefix, None) or ""
        name = os.path.basename(prefix)
        python = os.path.join(folder, ".pixi", "envs", name, "bin", "python")
        failed = commands.carry_out(fixes, lambda command: commands.run(self.host, self._read(command, folder)))
        if failed is not None:
            return scratch.Scratch(python, failed)
        install = Call({}, ("pixi", "install", "--frozen", "--environment", name, "--manifest-path", folder))
        failure = commands.run(self.host, install)
        if failure is not None:
            raise CannotTry(failure)
        return scratch.Scratch(python, None)

    def _read(self, command: str, folder: str | None) -> Call:
        project = projects.folder(self.facts)
        places = {project: folder} if project and folder else {}
        return commands.read(command, known(self.facts.platform.home, None), places)

    def _copy(self, folder: str) -> None:
        project = projects.folder(self.facts)
        if project is None:
            raise CannotTry(sentence(NO_PROJECT))
        os.makedirs(os.path.join(folder, ".pixi"))
        try:
            for name in (*projects.TOOLS["pixi"].files, SETTINGS):
                source = os.path.join(project, name)
                if not os.path.isfile(source):
                    continue
                text = self.host.unrooted().read_text(source)
                if name.endswith(".toml") and isinstance(text, str) and RELATIVE_PATH.search(text):
                    raise CannotTry(sentence(OWN_FOLDERS, name=name))
                shutil.copy2(source, os.path.join(folder, name))
        except OSError as error:
            raise CannotTry(str(error)[:300]) from None


def _changes_project(call: Call) -> bool:
    return call.words[:1] == ("pixi",) and call.words[1:2] != () and call.words[1] in CHANGING


def _resolves(call: Call) -> bool:
    return call.words[1] in RESOLVING
