"""Commands that make an environment, or make it again."""

from collections.abc import Mapping

from envcheck.fixes import shell
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known
from envcheck.words import sentence, template

VENV = "https://docs.python.org/3/library/venv.html"
CONDA = "https://docs.conda.io/projects/conda/en/stable/commands/create.html"
UV_PYTHON = "https://docs.astral.sh/uv/concepts/python-versions/"
REMAKE = template("Make the environment again, then install its packages again: {packages}")
WITH_PYTHON = template("Make an environment with Python {version}; uv fetches that Python if it is not there")
LISTED_PACKAGES = 6


def remake(facts: Facts) -> tuple[Fix, ...]:
    """Return the ways to make the target environment again in its place."""
    prefix = known(facts.python.prefix, None) or known(facts.python.target, None)
    if prefix is None:
        return ()
    version = known(facts.python.version, None)
    wanted = ".".join(version.split(".")[:2]) if version else None
    place = shell.path(facts, prefix)
    packages = _requested(facts)
    fields = {"packages": _listed(packages)}
    python = f"{place}/bin/python"
    if known(facts.python.environment, None) == "conda":
        conda = f"conda create -y -p {place} python{'=' + wanted if wanted else ''}"
        return (_fix(REMAKE, fields, (conda, *_pip(python, packages)), CONDA, place),)
    venv = f"python{wanted or '3'} -m venv --clear {place}"
    uv = f"uv venv --clear{' -p ' + wanted if wanted else ''} {place}"
    uv_install = (f"uv pip install -p {python} {shell.words(*packages)}",) if packages else ()
    ways = (
        _fix(REMAKE, fields, (venv, *_pip(python, packages)), VENV, place),
        _fix(REMAKE, fields, (uv, *uv_install), UV_PYTHON, place),
    )
    return ways[::-1] if known(facts.python.installer, None) == "uv" else ways


def with_python(facts: Facts, version: str, *requirements: str) -> Fix:
    """Return the fix that makes a new environment with another Python and installs into it."""
    place = "~/envs/dl"
    install = (f"uv pip install -p {place}/bin/python {shell.words(*requirements)}",) if requirements else ()
    commands = (f"uv venv -p {version} {place}", *install)
    return _fix(WITH_PYTHON, {"version": version}, commands, UV_PYTHON, place, risk_free=True)


def _fix(
    title: str,
    fields: Mapping[str, object],
    commands: tuple[str, ...],
    source: str,
    place: str,
    *,
    risk_free: bool = False,
) -> Fix:
    return Fix(
        title=sentence(title, fields),
        commands=commands,
        needs_root=False,
        restart="kernel",
        risk="safe" if risk_free else "environment",
        source=source,
        verify=f"envcheck report --python {place}",
    )


def _pip(python: str, packages: tuple[str, ...]) -> tuple[str, ...]:
    return (f"{python} -m pip install {shell.words(*packages)}",) if packages else ()


def _requested(facts: Facts) -> tuple[str, ...]:
    """Return what the user had asked for by name, with its version; nothing if the metadata do not tell.

    Projects in development are left out: their folder is not known here.
    """
    return tuple(
        f"{package.name}=={package.version.partition('+')[0]}"
        for package in known(facts.python.packages, ())
        if known(package.requested, False) and not known(package.editable, False) and isinstance(package.version, str)
    )


def _listed(packages: tuple[str, ...]) -> str:
    if not packages:
        return sentence(template("their names could not be read"))
    more = len(packages) - LISTED_PACKAGES
    names = ", ".join(packages[:LISTED_PACKAGES])
    return sentence(template("{names} and {more} more"), names=names, more=more) if more > 0 else names
