"""A scratch environment: the target's Python, a copy of the target's packages, and changes applied to them."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from envcheck.fixes.packages import interpreter_in
from envcheck.host import Host
from envcheck.model.facts import Facts
from envcheck.model.report import Fix, PackageChanges
from envcheck.model.unknown import known
from envcheck.verifying.installers import CannotTry, Installer
from envcheck.words import sentence, template

NO_PYTHON = template("it needs Python {version}, which is not here, and uv, which could fetch it, is not here either")
NOT_RUNNING = template("the target's Python does not start, so that no copy of its environment can be made")
NO_ROOM = template(
    "a copy of the packages needs {needed} MB in {folder}, which has {free}; TMPDIR names another folder"
)
MB = 1_000_000


@dataclass(frozen=True)
class Scratch:
    """``python`` is its interpreter; ``failed`` the fix that could not be applied, and why."""

    python: str
    failed: tuple[Fix, str] | None


def copy_of_target(facts: Facts, installer: Installer, folder: str, fixes: Sequence[Fix]) -> Scratch:
    """Make a copy of the target in ``folder`` and change it.

    Raises:
        CannotTry: if there can be no such copy here.
    """
    python = known(facts.python.executable, None)
    prefix = known(facts.python.prefix, None)
    if not known(facts.python.runs, False) or python is None or prefix is None:
        raise CannotTry(sentence(NOT_RUNNING))
    check_room(folder, _places(facts, prefix))
    inherits = known(facts.python.system_site_packages, False)
    installer.make(python, folder, system_packages=inherits)
    for place in _places(facts, prefix):
        target = os.path.join(folder, os.path.relpath(place, prefix))
        try:
            shutil.copytree(place, target, symlinks=True, dirs_exist_ok=True)
        except (OSError, shutil.Error) as error:
            raise CannotTry(str(error)[:300]) from None
    return _changed(installer, interpreter_in(facts, folder), fixes)


def new_environment(host: Host, facts: Facts, installer: Installer, folder: str, fix: Fix) -> Scratch:
    """Make what a fix makes anew, in ``folder``.

    Raises:
        CannotTry: if the Python that it needs is not here.
    """
    own = known(facts.python.executable, None) if known(facts.python.runs, False) else None
    change = fix.changes or PackageChanges()
    base = change.python or own
    if base is None:
        raise CannotTry(sentence(NOT_RUNNING))
    if not installer.uv and change.python:
        base = host.which(f"python{change.python}")
        if base is None:
            raise CannotTry(sentence(NO_PYTHON, version=change.python))
    installer.make(base, folder, system_packages=False)
    return _changed(installer, interpreter_in(facts, folder), (fix,))


def _changed(installer: Installer, python: str, fixes: Sequence[Fix]) -> Scratch:
    for fix in fixes:
        failure = installer.apply(python, fix.changes or PackageChanges())
        if failure is not None:
            return Scratch(python, (fix, failure))
    return Scratch(python, None)


def _places(facts: Facts, prefix: str) -> list[str]:
    """Return the folders of packages inside the target's prefix; lib64 is often a link to lib."""
    inside = [place for place in known(facts.python.site_packages, ()) if place.startswith(prefix + os.sep)]
    return list({os.path.realpath(place): place for place in reversed(inside) if os.path.isdir(place)}.values())


def check_room(folder: str, places: Sequence[str]) -> None:
    """Raise if a copy of folders has no room in ``folder``.

    Raises:
        CannotTry: if there is too little.
    """
    needed = sum(
        os.lstat(os.path.join(root, name)).st_size
        for place in places
        for root, _, names in os.walk(place)
        for name in names
    )
    parent = os.path.dirname(folder)
    free = shutil.disk_usage(parent).free
    if needed * 1.2 > free:
        raise CannotTry(sentence(NO_ROOM, needed=needed // MB, folder=parent, free=f"{free // MB} MB"))
