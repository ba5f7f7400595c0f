"""Try fixes in a project of uv, Poetry or PDM: the suggested commands, in a copy of its files and its environment."""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from envcheck.fixes import projects
from envcheck.fixes.packages import interpreter_in
from envcheck.host import Host
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known
from envcheck.verifying import commands, scratch
from envcheck.verifying.commands import Call
from envcheck.verifying.installers import CannotTry
from envcheck.verifying.wheels import Wheels, changes_of
from envcheck.words import sentence, template

NETWORK = template("Verifying uses the network: the package indexes that {tool} takes for the project")
BESIDE_IT = template("the project file names folders beside it, which are not copied")
TO_BE_BUILT = template("{tool} would have to build the project itself, whose sources are not copied")
RELATIVE_PATH = re.compile(r"""\bpath\s*=\s*["'](?![/~])|\bworkspace\s*=|\$\{PROJECT_ROOT\}""")


@dataclass(frozen=True)
class Project:
    host: Host
    facts: Facts
    wheels: Wheels
    tool: str
    folder: str

    def network(self) -> str:
        """Say what of the network is used."""
        return sentence(NETWORK, tool=self.tool)

    def why_not(self, fix: Fix) -> str | None:
        """Return why a fix cannot be tried; None: it can."""
        return self.wheels.why_not(fix)

    def unresolved(self, fix: Fix) -> str | None:
        """Return None: only the trial can tell, for the project may name indexes that nothing else knows of."""
        return None

    def make(self, folder: str, fixes: Sequence[Fix]) -> scratch.Scratch:
        """Make a copy of the project and its environment in ``folder`` to which the fixes are applied.

        Raises:
            CannotTry: if that is not possible here.
        """
        if changes_of(fixes[-1]).environment is not None:
            return self.wheels.make(folder, fixes)
        # All three take an environment of this name inside the project for its own.
        environment = os.path.join(folder, ".venv")
        os.mkdir(folder)
        self._copy(folder)
        self.wheels.copy(environment)
        failed = commands.carry_out(fixes, lambda command: self._run(command, folder, environment))
        return scratch.Scratch(interpreter_in(self.facts, environment), failed)

    def _copy(self, folder: str) -> None:
        try:
            for name in projects.TOOLS[self.tool].files:
                source = os.path.join(self.folder, name)
                text = self.host.unrooted().read_text(source) if name.endswith(".toml") else None
                if isinstance(text, str) and RELATIVE_PATH.search(text):
                    raise CannotTry(sentence(BESIDE_IT))
                shutil.copy2(source, os.path.join(folder, name))
        except OSError as error:
            raise CannotTry(str(error)[:300]) from None

    def _run(self, command: str, folder: str, environment: str) -> str | None:
        prefix = known(self.facts.python.prefix, None) or environment
        places = {prefix: environment, self.folder: folder}
        call = commands.read(command, known(self.facts.platform.home, None), places)
        words = call.words[call.words.index(self.tool) :] if self.tool in call.words else call.words  # without 'env -u'
        failure = commands.run(self.host, Call({**call.variables, **_settings(environment)}, words))
        if failure is not None and "build" in failure and f"file://{folder}" in failure:
            raise CannotTry(sentence(TO_BE_BUILT, tool=self.tool))
        return failure


def _settings(environment: str) -> dict[str, str]:
    """Return the variables by which the tools take the scratch environment, and leave out the project itself."""
    return {
        "VIRTUAL_ENV": environment,
        "CONDA_DEFAULT_ENV": "",  # in conda's base Poetry and PDM do not take VIRTUAL_ENV
        "UV_PROJECT_ENVIRONMENT": environment,
        "UV_NO_INSTALL_PROJECT": "1",
        "PDM_IGNORE_SAVED_PYTHON": "1",
        "PDM_NO_SELF": "1",
    }


def find(host: Host, facts: Facts, wheels: Wheels) -> Project | None:
    """Return the project of the target, if its tool is one of these three and its folder is known."""
    tool, folder = projects.tool(facts), projects.folder(facts)
    return Project(host, facts, wheels, tool, folder) if tool not in (None, "pixi") and tool and folder else None
