"""The commands of fixes where uv, Poetry or PDM keeps a project: what its files hold decides between them."""

from typing import Any

import pytest
from judging import machines
from msgspec.structs import replace

from envcheck.fixes import environments, packages
from envcheck.model.facts import Facts
from envcheck.model.report import Fix, PackageChanges
from envcheck.model.unknown import known
from envcheck.words import template

TITLE = template("Do it")
SHOP = "/home/ana/shop"
SYNC = {
    "uv": "uv sync --inexact --no-install-project --project ~/shop",
    "poetry": "poetry install --no-root --directory ~/shop",
    "pdm": "pdm sync --no-self --project ~/shop",
}
OUTSIDE = {
    "uv": "uv pip uninstall -p ~/shop/.venv/bin/python",
    "poetry": "~/shop/.venv/bin/python -m pip uninstall -y",
    "pdm": "~/shop/.venv/bin/python -m pip uninstall -y",
}


def project(made_by: str, **changes: Any) -> Facts:
    """Return the facts of an environment whose project asks for torch and tensorflow and locks NumPy 2 beside them."""
    data = machines.MACHINES["cpu-only"]()
    data["python"] |= {"installer": made_by, "prefix": f"{SHOP}/.venv", "executable": f"{SHOP}/.venv/bin/python"}
    data["python"]["project"] = {
        "tool": made_by,
        "folder": SHOP,
        "asked_for": ["tensorflow", "torch"],
        "locked": ["numpy==2.2.6", "tensorflow==2.20.0", "torch==2.7.1", "torch==2.7.1+cpu"],
        "other_environment_active": False,
        **changes,
    }
    return machines.facts(data)


def commands(facts: Facts, **changes: Any) -> tuple[str, ...]:
    return packages.commands(facts, PackageChanges(**changes))


tools = pytest.mark.parametrize("tool", ["uv", "poetry", "pdm"])


@tools
def test_what_the_lock_file_lacks_becomes_a_part_of_the_project(tool: str) -> None:
    place = {"uv": "--project", "poetry": "--directory", "pdm": "--project"}[tool]
    assert commands(project(tool), add=("numpy<2",)) == (f"{tool} add {place} ~/shop 'numpy<2'",)
    assert commands(project(tool), remove=("torch",)) == (f"{tool} remove {place} ~/shop torch",)


@tools
def test_what_the_lock_file_holds_comes_from_there(tool: str) -> None:
    assert commands(project(tool), add=("numpy>=2", "Torch==2.7.1")) == (SYNC[tool],)


@tools
def test_what_the_project_does_not_ask_for_is_removed_beside_it(tool: str) -> None:
    remove = commands(project(tool), remove=("tensorflow", "tensorflow-cpu"), add=("tensorflow==2.20.0",))
    assert remove == (f"{OUTSIDE[tool]} tensorflow-cpu", f"{OUTSIDE[tool]} tensorflow", SYNC[tool])


def test_files_are_written_again_in_the_way_of_each_tool() -> None:
    again = {"add": ("numpy==2.2.6",), "reinstall": True}
    assert commands(project("uv"), **again) == (f"{SYNC['uv']} --reinstall-package numpy",)
    assert commands(project("pdm"), **again) == (f"{SYNC['pdm']} --reinstall",)
    assert commands(project("poetry"), **again) == (f"{OUTSIDE['poetry']} numpy", SYNC["poetry"])


@tools
@pytest.mark.parametrize("wanted", ["numpy[dev]>=2", "torch==2.7.1+cpu", "scipy"])
def test_what_the_lock_file_may_lack_is_not_taken_from_it(tool: str, wanted: str) -> None:
    (command,) = commands(project(tool), add=(wanted,))
    assert command.startswith(f"{tool} add ")


def change(facts: Facts, **changes: Any) -> Fix:
    return packages.change(facts, TITLE, **changes)


@tools
def test_files_of_the_project_are_named_where_they_change(tool: str) -> None:
    assert change(project(tool), add=("scipy",)).files == (f"{SHOP}/pyproject.toml", f"{SHOP}/{tool}.lock")
    assert change(project(tool), add=("numpy>=2",)).files == ()
    (note,) = change(project(tool), add=("numpy>=2",)).notes
    assert "lock file" in note


@pytest.mark.parametrize("tool", ["poetry", "pdm"])
def test_a_project_that_was_not_found_is_left_to_the_user(tool: str) -> None:
    unknown = {"unknown": "unsupported", "detail": "the folder of the project was not found"}
    fix = change(project(tool, folder=None, asked_for=unknown, locked=unknown), add=("scipy",))
    assert (fix.commands, fix.effect) == ((f"{tool} add scipy",), "shell")
    assert any("in the folder of the project" in note for note in fix.notes)


def test_poetry_is_kept_from_the_environment_that_the_shell_is_in() -> None:
    (command,) = commands(project("poetry", other_environment_active=True), add=("scipy",))
    assert command == "env -u VIRTUAL_ENV -u CONDA_PREFIX poetry add --directory ~/shop scipy"
    (command,) = commands(project("pdm", other_environment_active=True), add=("scipy",))
    assert command == "pdm add --project ~/shop scipy"


def test_an_environment_of_uv_without_a_project_is_changed_itself() -> None:
    (command,) = commands(project("uv", tool=None, folder=None, asked_for=[], locked=[]), add=("scipy",))
    assert command == "uv pip install -p ~/shop/.venv/bin/python scipy"


@tools
def test_the_environment_of_a_project_is_made_again_from_its_lock_file(tool: str) -> None:
    make = {"uv": "uv venv --clear -p 3.11"}.get(tool, "python3.11 -m venv --clear")
    install = {"uv": "uv sync --project", "poetry": "poetry install --directory", "pdm": "pdm sync --project"}[tool]
    (fix,) = environments.remake(project(tool))
    assert fix.commands == (f"{make} ~/shop/.venv", f"{install} ~/shop")
    assert fix.files == (f"{SHOP}/.venv",)


def test_an_environment_without_pip_is_not_checked_with_pip() -> None:
    facts = project("pdm")
    without_pip = [found for found in known(facts.python.packages, ()) if found.name != "pip"]
    facts = replace(facts, python=replace(facts.python, packages=tuple(without_pip)))
    assert packages.consistency(facts) == "envcheck report --python ~/shop/.venv/bin/python"
