"""Suggestions for a project of pixi: run, tried in a copy of the project, and undone.

The program ``pixi`` is a stand-in (tests/simulated/pixi_program.py): its command line and lock file are ours, while
packages are solved, linked and recorded by py-rattler.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from simulated import conda
from simulated.conda import User

CONFLICT = "package-requirements-conflict"


@pytest.fixture
def ana(tmp_path: Path) -> User:
    return conda.project_with_conflict(tmp_path / "ana")


def project(user: User) -> tuple[str, str, dict[str, str]]:
    folder = user.home / "work"
    return (folder / "pixi.toml").read_text(), (folder / "pixi.lock").read_text(), user.conda_versions()


def verification(user: User) -> dict[str, Any]:
    before = project(user)
    result = user.fixes("--no-smoke", "--verify", "--format", "json")
    assert result.returncode in (0, 1), result.stderr
    assert project(user) == before
    assert not any(name.startswith("envcheck") for name in os.listdir(user.home / "tmp"))
    (fix,) = next(step["fixes"] for step in json.loads(result.stdout)["steps"] if step["findings"][0]["id"] == CONFLICT)
    assert fix["commands"] == [f"pixi add --manifest-path ~/work '{fix['changes']['add'][0]}'"]
    found: dict[str, Any] = fix["verification"]
    return found


def test_a_suggestion_that_holds(ana: User) -> None:
    assert verification(ana)["status"] == "verified"


def test_a_suggestion_that_does_not_resolve(ana: User) -> None:
    for path in (ana.channel / "noarch").glob("new-lib*"):
        path.unlink()
    ana.index_channel()
    found = verification(ana)
    assert found["status"] == "does not resolve"
    assert "helper-lib" in found["detail"]


def test_a_project_that_names_folders_beside_it_is_not_tried(ana: User) -> None:
    manifest = ana.home / "work" / "pixi.toml"
    manifest.write_text(manifest.read_text().replace("[dep", '[pypi-dependencies]\nmine = { path = "mine" }\n[dep'))
    found = verification(ana)
    assert found["status"] == "not verifiable"
    assert "pixi.toml names folders beside it" in found["detail"]


def test_it_is_carried_out_and_undone(ana: User) -> None:
    before = project(ana)
    result = ana.fixes("--no-smoke", "--apply", "--yes")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "Nothing is left to do."
    assert 'helper-lib = ">=2"' in project(ana)[0]
    assert ana.conda_versions()["helper-lib"] == "2.0=py_0"
    ana.offer("other-lib", "1.0")
    assert ana.call("uv", "pip", "install", "-q", "-p", ana.python, "other-lib").returncode == 0
    command = re.findall(r"To undo everything: (sh .*)", result.stderr)[-1]
    undone = ana.call("sh", "-c", command)
    assert undone.returncode == 0, undone.stderr
    assert project(ana) == before
    assert "other-lib" not in ana.versions()
