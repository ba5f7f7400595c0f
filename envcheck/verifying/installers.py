"""The commands of uv and pip that try a change of packages."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

from envcheck import child
from envcheck.fixes.packages import index_options
from envcheck.host import Host
from envcheck.model.facts import Facts
from envcheck.model.report import PackageChanges
from envcheck.model.unknown import Unknown, known

OLDEST_PYTHON_OF_UV = Version("3.8")  #: docs.astral.sh/uv/reference/policies/python, 2026-11-23
FIRST_PIP_WITH_DRY_RUN = Version("22.2")  #: pip.pypa.io/en/stable/news, 22.2
SECONDS = 3600.0  #: a framework's wheels over a slow line
LONGEST_DETAIL = 600

UNREACHABLE = (
    "the network was disabled",
    "error sending request",
    "Request failed after",
    "Failed to fetch",
    "Could not connect",
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "Network is unreachable",
    "Temporary failure in name resolution",
)
"""What uv 0.9 and pip 22 to 26 print when there is no way to the index; tried with an address without a server."""


class CannotTry(Exception):
    """Something around the suggestion kept it from being tried; the text says what."""


@dataclass(frozen=True)
class Installer:
    """How packages are installed: by uv if it is here and serves the target's Python, else by its own pip."""

    host: Host
    uv: str | None

    def make(self, base: str, folder: str, *, system_packages: bool) -> None:
        """Make an empty environment of the interpreter ``base`` (a path, or for uv a version).

        Raises:
            CannotTry: if that fails.
        """
        option = ("--system-site-packages",) if system_packages else ()
        if self.uv:
            argv = (self.uv, "venv", "--quiet", *option, "-p", base, folder)
        else:
            argv = (base, "-m", "venv", "--without-pip", *option, folder)
        failure = self._run(*argv)
        if failure is not None:
            raise CannotTry(failure)

    def unresolved(self, python: str, change: PackageChanges, pip: Version | None) -> str | None:
        """Return why the requirements do not resolve for ``python``; None if they do, or if pip can't tell before.

        Raises:
            CannotTry: if the index could not be asked.
        """
        if not change.add or (not self.uv and (pip is None or pip < FIRST_PIP_WITH_DRY_RUN)):
            return None
        return self._asked(self._install(python, change, "--dry-run"))

    def apply(self, python: str, change: PackageChanges) -> str | None:
        """Carry out a change in the environment of ``python``; return what went wrong.

        Raises:
            CannotTry: if the index could not be asked, or there is no installer.
        """
        if not self.uv and self._run(python, "-m", "pip", "--version") is not None:
            self._bring_pip(python)
        if change.remove:
            removal = (
                (self.uv, "pip", "uninstall", "--quiet", "-p", python)
                if self.uv
                else (python, "-m", "pip", "uninstall", "-y")
            )
            failure = self._run(*removal, *change.remove)
            if failure is not None:
                return failure
        return self._asked(self._install(python, change)) if change.add else None

    def _bring_pip(self, python: str) -> None:
        root = Path(python).parent.parent
        for broken in root.glob("lib/python*/site-packages/pip*"):
            if broken.name == "pip" or broken.name.startswith("pip-"):
                shutil.rmtree(broken, ignore_errors=True)
        failure = self._run(python, "-m", "ensurepip")
        if failure is not None:
            raise CannotTry(failure)

    def _install(self, python: str, change: PackageChanges, *options: str) -> tuple[str, ...]:
        again = ("--reinstall" if self.uv else "--force-reinstall", "--no-deps") if change.reinstall else ()
        index = index_options(change.add, change.index, uv=bool(self.uv))
        call = (
            (self.uv, "pip", "install", "--quiet", "-p", python)
            if self.uv
            else (python, "-m", "pip", "install", "--no-input")
        )
        return (*call, *options, *again, *change.add, *index)

    def _asked(self, argv: tuple[str, ...]) -> str | None:
        failure = self._run(*argv)
        if failure is not None and any(words in failure for words in UNREACHABLE):
            raise CannotTry(failure)
        return failure

    def _run(self, *argv: str) -> str | None:
        """Run a program; return the end of what it says if it fails."""
        environ = {**self.host.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        ended = child.run_program(argv, timeout=SECONDS, environ=environ)
        if isinstance(ended, Unknown):
            return ended.detail
        if ended.status == 0:
            return None
        said = " ".join((ended.stderr or ended.stdout).split())
        return said[-LONGEST_DETAIL:] or f"exit status {ended.status}"


def find(host: Host, facts: Facts) -> Installer:
    """Return what installs here."""
    version = _version(known(facts.python.version, None))
    too_old = version is not None and version < OLDEST_PYTHON_OF_UV
    return Installer(host, None if too_old else host.which("uv"))


def pip_version(facts: Facts) -> Version | None:
    """Return the version of the target's pip; None if it has none, or one that lacks files."""
    whole = (found for found in known(facts.python.packages, ()) if not known(found.files_missing, ()))
    return next((_version(known(package.version, None)) for package in whole if package.name == "pip"), None)


def _version(text: str | None) -> Version | None:
    try:
        return Version(text) if text else None
    except InvalidVersion:
        return None
