"""Try fixes that change packages of the package index, with uv or pip."""

from collections.abc import Sequence
from dataclasses import dataclass

from envcheck.fixes import packages
from envcheck.host import Host
from envcheck.knowledge.index_settings import settings
from envcheck.model.facts import Facts
from envcheck.model.report import Fix, PackageChanges
from envcheck.model.unknown import known
from envcheck.verifying import installers, scratch
from envcheck.words import sentence, template

NETWORK = template("Verifying uses the network: {index} ({how})")
NO_PACKAGES = template("It changes no packages.")
MORE = template("It does more than to change packages: {command}")


@dataclass(frozen=True)
class Wheels:
    host: Host
    facts: Facts
    installer: installers.Installer

    def network(self) -> str:
        """Say what of the network is used."""
        index = settings(self.host.environ)
        return sentence(NETWORK, index=index.url, how=index.how)

    def why_not(self, fix: Fix) -> str | None:
        """Return why a fix cannot be tried; None: it can."""
        if fix.changes is None:
            return sentence(NO_PACKAGES)
        if fix.changes.environment is not None:
            return None
        wanted = packages.commands(self.facts, fix.changes)
        return why_not_tried([command in wanted for command in fix.commands], fix.commands)

    def unresolved(self, fix: Fix) -> str | None:
        """Return why a fix does not resolve for the target; None if it does, or if pip cannot tell before.

        Raises:
            CannotTry: if the index could not be asked.
        """
        python = known(self.facts.python.executable, None)
        if python is None:
            return None
        return self.installer.unresolved(python, changes_of(fix), installers.pip_version(self.facts))

    def make(self, folder: str, fixes: Sequence[Fix]) -> scratch.Scratch:
        """Make an environment in ``folder`` to which the fixes are applied.

        Raises:
            CannotTry: if that is not possible here.
        """
        if changes_of(fixes[-1]).environment is not None:
            return scratch.new_environment(self.host, self.facts, self.installer, folder, fixes[-1])
        return scratch.copy_of_target(self.facts, self.installer, folder, fixes)

    def copy(self, folder: str) -> None:
        """Make a copy of the target in ``folder``.

        Raises:
            CannotTry: if that is not possible here.
        """
        scratch.copy_of_target(self.facts, self.installer, folder, ())


def changes_of(fix: Fix) -> PackageChanges:
    return fix.changes or PackageChanges()


def why_not_tried(changing: Sequence[bool], commands: Sequence[str]) -> str | None:
    """Return why commands are not tried, of which each changes packages or does not; None if all do."""
    if not any(changing):
        return sentence(NO_PACKAGES)
    return next((sentence(MORE, command=text) for text, only in zip(commands, changing, strict=True) if not only), None)
