"""Commands that make an environment, or make it again."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from envcheck.fixes import conda, projects, shell
from envcheck.fixes.packages import OWN_ENVIRONMENT, index_options, interpreter_in, of_same_build
from envcheck.model.facts import Facts
from envcheck.model.report import Fix, PackageChanges
from envcheck.model.unknown import known
from envcheck.words import sentence, template

VENV = "https://docs.python.org/3/library/venv.html"
CONDA = "https://docs.conda.io/projects/conda/en/stable/commands/create.html"
UV_PYTHON = "https://docs.astral.sh/uv/concepts/python-versions/"
REMAKE = template("Make the environment again, then install its packages again: {packages}")
REMAKE_WITH_UV = template("With uv: make the environment again, then install its packages again: {packages}")
WITH_PYTHON = template("Make an environment with Python {version}; uv fetches that Python if it is not there")
WRITE_CFG = template("Write pyvenv.cfg again; the packages stay as they are")
REMAKE_PROJECT = template("Make the environment of the project again, from its lock file")
LISTED_PACKAGES = 6
CONDA_VARIABLES = "conda-meta/state"
"""Where 'conda env config vars set' writes, below the environment's root (conda/core/prefix_data.py, 2026-11-23)."""


def remake(facts: Facts) -> tuple[Fix, ...]:
    """Return the ways to make the target environment again in its place."""
    prefix = known(facts.python.prefix, None) or known(facts.python.target, None)
    if prefix is None:
        return ()
    version = known(facts.python.version, None)
    wanted = ".".join(version.split(".")[:2]) if version else None
    place = shell.path(facts, prefix)
    manager = projects.tool(facts)
    if manager in ("uv", "poetry", "pdm") and projects.folder(facts):
        uv_or_venv = f"uv venv --clear{' -p ' + wanted if wanted else ''}" if manager == "uv" else _venv(facts, wanted)
        commands = (f"{uv_or_venv} {place}", projects.install(facts, manager))
        page, changed = projects.TOOLS[manager].source, PackageChanges(environment=prefix)
        again = _fix(facts, REMAKE_PROJECT, {}, commands, page, changed, "environment")
        return (msgspec.structs.replace(again, changes=None),)
    packages, index = _requested(facts)
    fields = {"packages": _listed(packages)}
    changes = PackageChanges(add=packages, index=index, environment=prefix, python=wanted)
    if known(facts.python.environment, None) == "conda":
        made = f"{conda.program(facts)} create -y -p {place} python{'=' + wanted if wanted else ''}"
        # On Windows conda puts the interpreter into the root: docs.conda.io, 'Managing environments'.
        python = f"{prefix}\\python.exe" if shell.is_powershell(facts) else f"{prefix}/bin/python"
        return (
            _fix(facts, REMAKE, fields, (made, *_pip(facts, python, packages, index)), CONDA, changes, "environment"),
        )
    python = interpreter_in(facts, prefix)
    venv = f"{_venv(facts, wanted)} {place}"
    uv = f"uv venv --clear{' -p ' + wanted if wanted else ''} {place}"
    source = index_options(packages, index, uv=True)
    uv_install = (
        (f"uv pip install -p {shell.path(facts, python)} {shell.words(*packages, *source)}",) if packages else ()
    )
    ways = (
        _fix(facts, REMAKE, fields, (venv, *_pip(facts, python, packages, index)), VENV, changes, "environment"),
        _fix(facts, REMAKE_WITH_UV, fields, (uv, *uv_install), UV_PYTHON, changes, "environment"),
    )
    return ways[::-1] if known(facts.python.installer, None) == "uv" else ways


def write_cfg(facts: Facts, folder: str) -> Fix:
    """Return the fix that writes pyvenv.cfg of the virtual environment ``folder`` again; its packages stay."""
    base, version = known(facts.python.base_prefix, None), known(facts.python.version, None)
    minor = ".".join(version.split(".")[:2]) if version else "3"
    is_posix = base and not shell.is_powershell(facts)
    python = shell.program(facts, f"{base}/bin/python{minor}") if is_posix else _base_python(facts, minor)
    place = shell.path(facts, folder)
    return Fix(
        title=sentence(WRITE_CFG),
        commands=(f"{python} -m venv --without-pip {place}",),
        needs_root=False,
        restart="kernel",
        risk="environment",
        source=VENV,
        verify=f"envcheck report --python {place}",
        files=(f"{folder}/pyvenv.cfg",),
    )


def with_python(facts: Facts, version: str, *requirements: str, index: str | None = None) -> Fix:
    """Return the fix that makes a new environment with another Python and installs into it.

    ``index`` is the package index of PyTorch's build, if that is not the usual one.
    """
    folder = f"{OWN_ENVIRONMENT}-{version}"
    place, python = shell.path(facts, folder), shell.path(facts, interpreter_in(facts, folder))
    source = index_options(requirements, index, uv=True)
    install = (f"uv pip install -p {python} {shell.words(*requirements, *source)}",) if requirements else ()
    commands = (f"uv venv --allow-existing -p {version} {place}", *install)
    changes = PackageChanges(add=requirements, index=index, environment=folder, python=version)
    return _fix(facts, WITH_PYTHON, {"version": version}, commands, UV_PYTHON, changes, "safe")


def _fix(
    facts: Facts,
    title: str,
    fields: Mapping[str, object],
    commands: tuple[str, ...],
    source: str,
    changes: PackageChanges,
    risk: Literal["safe", "environment"],
) -> Fix:
    place = changes.environment or OWN_ENVIRONMENT
    return Fix(
        title=sentence(title, fields),
        commands=commands,
        needs_root=False,
        restart="kernel",
        risk=risk,
        source=source,
        verify=f"envcheck report --python {shell.path(facts, place)}",
        changes=changes,
        files=(place,),
    )


def _venv(facts: Facts, version: str | None) -> str:
    return f"{_base_python(facts, version)} -m venv --clear"


def _base_python(facts: Facts, version: str | None) -> str:
    """Return the interpreter to make an environment with; on Windows the launcher finds it by version."""
    if shell.is_powershell(facts):
        return f"py -{version}" if version else "py"
    return f"python{version or '3'}"


def _pip(facts: Facts, python: str, packages: tuple[str, ...], index: str | None) -> tuple[str, ...]:
    source = index_options(packages, index, uv=False)
    return (f"{shell.program(facts, python)} -m pip install {shell.words(*packages, *source)}",) if packages else ()


def _requested(facts: Facts) -> tuple[tuple[str, ...], str | None]:
    """Return what the user had asked for by name, with its version, and the index of PyTorch's build among it.

    It is nothing if the metadata do not tell. Projects in development are left out: their folder is not known here.
    """
    found = [
        of_same_build(package)
        for package in known(facts.python.packages, ())
        if known(package.requested, False) and not known(package.editable, False) and isinstance(package.version, str)
    ]
    return tuple(wish for wish, _ in found), next((index for _, index in found if index), None)


def _listed(packages: tuple[str, ...]) -> str:
    if not packages:
        return sentence(template("their names could not be read"))
    more = len(packages) - LISTED_PACKAGES
    names = ", ".join(packages[:LISTED_PACKAGES])
    return sentence(template("{names} and {more} more"), names=names, more=more) if more > 0 else names
