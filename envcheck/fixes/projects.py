"""Commands of the tools that keep a project: Poetry, PDM, pixi, and uv where the environment is that of a project."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envcheck.fixes import shell
from envcheck.model.facts import Facts
from envcheck.model.unknown import Unknown, known
from envcheck.words import template

IN_ITS_FOLDER = template("Run this in the folder of the project that the environment belongs to.")
OF_THE_LOCK_FILE = template("The lock file of the project holds what is needed; the environment gets it from there.")


@dataclass(frozen=True)
class Tool:
    """What a tool is called with; ``sync`` installs what the lock file holds and takes nothing away."""

    add: str
    remove: str
    sync: str
    place: str  #: the option that names the project's folder
    files: tuple[str, ...]
    source: str


TOOLS = {
    "uv": Tool(
        "uv add",
        "uv remove",
        "uv sync --inexact --no-install-project",
        "--project",
        ("pyproject.toml", "uv.lock"),
        "https://docs.astral.sh/uv/reference/cli/",
    ),
    "poetry": Tool(
        "poetry add",
        "poetry remove",
        "poetry install --no-root",
        "--directory",
        ("pyproject.toml", "poetry.lock"),
        "https://python-poetry.org/docs/cli/",
    ),
    "pdm": Tool(
        "pdm add",
        "pdm remove",
        "pdm sync --no-self",
        "--project",
        ("pyproject.toml", "pdm.lock"),
        "https://pdm-project.org/latest/reference/cli/",
    ),
    "pixi": Tool(
        "pixi add --pypi",
        "pixi remove --pypi",
        "pixi install",
        "--manifest-path",
        ("pixi.toml", "pyproject.toml", "pixi.lock"),
        "https://pixi.prefix.dev/latest/reference/cli/pixi/",
    ),
}
"""Those of the first three were run with uv 0.13, Poetry 2.5 and PDM 2.29 (2026-11-23)."""


def tool(facts: Facts) -> str | None:
    """Return the tool that has to know of what is installed; None: there is none."""
    installer = known(facts.python.installer, None)
    if installer == "uv":
        return known(facts.python.project.tool, None)
    return installer if installer in TOOLS else None


def folder(facts: Facts) -> str | None:
    """Return the folder of the project; None if it is not known."""
    if not isinstance(facts.python.project.tool, Unknown):
        return known(facts.python.project.folder, None)
    prefix = known(facts.python.prefix, None)  # snapshots of before the project was recorded
    found = re.fullmatch(r"(.+)/\.(?:venv|pixi/envs/[^/]+)", prefix) if prefix else None
    return found[1] if found else None


def place(facts: Facts, manager: str) -> str:
    """Return the option that names the project's folder, after a space; nothing if that is not known."""
    found = folder(facts)
    return f" {TOOLS[manager].place} {shell.path(facts, found)}" if found else ""


def add(facts: Facts, manager: str, requirements: Sequence[str]) -> str:
    """Return the command that makes requirements a part of the project, and installs them."""
    return f"{_call(facts, manager, TOOLS[manager].add)} {shell.words(*requirements)}"


def remove(facts: Facts, manager: str, names: Sequence[str]) -> str:
    """Return the command that takes packages out of the project, and removes them."""
    return f"{_call(facts, manager, TOOLS[manager].remove)} {shell.words(*names)}"


def sync(facts: Facts, manager: str) -> str:
    """Return the command that installs what the lock file holds."""
    return _call(facts, manager, TOOLS[manager].sync)


def install(facts: Facts, manager: str) -> str:
    """Return the command that installs all of the project into an environment that is new."""
    return _call(facts, manager, TOOLS[manager].sync.partition(" --")[0])


def install_again(facts: Facts, manager: str, names: Sequence[str]) -> str | None:
    """Return the command that writes the files of packages again; None if the tool has none."""
    if manager == "uv":
        return f"{sync(facts, manager)} {' '.join(f'--reinstall-package {name}' for name in names)}"
    return f"{sync(facts, manager)} --reinstall" if manager == "pdm" else None


def asks_for(facts: Facts, name: str) -> bool:
    """Say whether the project file itself names a package, as far as that is known."""
    asked = facts.python.project.asked_for
    return isinstance(asked, Unknown) or str(canonicalize_name(name)) in asked


def holds(facts: Facts, requirements: Sequence[str]) -> bool:
    """Say whether the lock file of the project holds all of these requirements."""
    return bool(requirements) and tool(facts) is not None and all(_holds(facts, Requirement(r)) for r in requirements)


def _holds(facts: Facts, wanted: Requirement) -> bool:
    name = str(canonicalize_name(wanted.name))
    pins = (pin.split("==") for pin in known(facts.python.project.locked, ()))
    versions = [version for locked, version in pins if locked == name]
    if not versions or wanted.extras or wanted.url:
        return False
    return all(wanted.specifier.contains(version, prereleases=True) for version in versions)


def changed_by(facts: Facts, commands: Sequence[str]) -> tuple[str, ...]:
    """Return the files of the project that commands write; their bare names if its folder is not known."""
    manager, found = tool(facts), folder(facts)
    if manager is None:
        return ()
    # pixi has words of its own for what comes from channels: 'pixi add', without '--pypi'.
    verbs = [verb.partition(" --")[0] for verb in (TOOLS[manager].add, TOOLS[manager].remove)]
    if not any(verb in command for verb in verbs for command in commands):
        return ()
    return tuple(f"{found}/{name}" if found else name for name in TOOLS[manager].files)


def _call(facts: Facts, manager: str, verb: str) -> str:
    return f"{_outside(facts, manager)}{verb}{place(facts, manager)}"


def _outside(facts: Facts, manager: str) -> str:
    """Return what keeps Poetry from taking the environment that the shell is in for that of the project."""
    if manager != "poetry" or shell.is_powershell(facts):
        return ""
    return "env -u VIRTUAL_ENV -u CONDA_PREFIX " if known(facts.python.project.other_environment_active, False) else ""
