"""The project that an environment belongs to, as the files of uv, Poetry, PDM and pixi tell."""

import base64
import hashlib
from pathlib import Path

import pytest
from simulated.pythons import user_host, write

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes.project import find

PYPROJECT = '[project]\nname = "shop"\ndependencies = ["Keras>=3", "torch==2.2.2 ; python_version > \'3\'"]\n'
LOCK = (
    'version = 1\n\n[[package]]\nname = "keras"\nversion = "3.15.1"\n\n[[package]]\nname = "My_Lib"\nversion = "1.0"\n'
)


def files(tool: str) -> dict[str, str]:
    return {"shop/pyproject.toml": PYPROJECT, f"shop/{tool}.lock": LOCK}


@pytest.mark.parametrize("tool", ["uv", "poetry", "pdm"])
def test_an_environment_inside_its_project(tmp_path: Path, tool: str) -> None:
    shop = write(tmp_path, files(tool)) / "shop"
    project = find(user_host(tmp_path), str(shop / ".venv"), tool)
    assert (project.tool, project.folder) == (tool, str(shop))
    assert project.asked_for == ("keras", "torch")
    assert project.locked == ("keras==3.15.1", "my-lib==1.0")


def test_an_environment_of_poetry_elsewhere_is_known_by_its_name(tmp_path: Path) -> None:
    shop = write(tmp_path, {**files("poetry"), "shop/src/deep/x.py": ""}) / "shop"
    mark = base64.urlsafe_b64encode(hashlib.sha256(str(shop.resolve()).encode()).digest()).decode()[:8]
    host = user_host(tmp_path, cwd=shop / "src" / "deep")
    assert find(host, f"/cache/virtualenvs/shop-{mark}-py3.11", "poetry").folder == str(shop.resolve())
    other = find(host, "/cache/virtualenvs/shop-AAAAAAAA-py3.11", "poetry")
    assert (other.tool, other.folder) == ("poetry", None)
    assert isinstance(other.locked, Unknown)


def test_an_environment_of_pdm_elsewhere_is_named_by_the_project(tmp_path: Path) -> None:
    shop = write(tmp_path, {**files("pdm"), "shop/.pdm-python": "/venvs/shop-3.11/bin/python"}) / "shop"
    host = user_host(tmp_path, cwd=shop)
    assert find(host, "/venvs/shop-3.11", "pdm").folder == str(shop.resolve())
    assert find(host, "/venvs/shop", "pdm").folder is None


def test_uv_installs_for_pdm_where_pdm_is_told_so(tmp_path: Path) -> None:
    shop = write(tmp_path, files("pdm")) / "shop"
    host = user_host(tmp_path)
    assert find(host, str(shop / ".venv"), "uv").tool is None
    write(shop, {".pdm-python": f"{shop}/.venv/bin/python"})
    assert find(host, str(shop / ".venv"), "uv").tool == "pdm"


def test_pixi_keeps_environments_in_the_project(tmp_path: Path) -> None:
    project = find(user_host(tmp_path), "/home/ana/shop/.pixi/envs/default", "pixi")
    assert (project.tool, project.folder) == ("pixi", "/home/ana/shop")


@pytest.mark.parametrize(
    ("environment", "installer"),
    [("alone/.venv", "uv"), ("shop/env", "uv"), ("shop/.venv", "pip"), ("shop/.venv", None)],
)
def test_environments_of_no_project(tmp_path: Path, environment: str, installer: str | None) -> None:
    write(tmp_path, files("uv"))
    assert find(user_host(tmp_path), str(tmp_path / environment), installer).tool is None


def test_poetry_1_names_requirements_in_a_table_of_its_own(tmp_path: Path) -> None:
    text = '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\npython = "^3.11"\nTorch = "^2.2"\n'
    shop = write(tmp_path, {"shop/pyproject.toml": text, "shop/poetry.lock": LOCK.replace("\n", "\r\n")}) / "shop"
    project = find(user_host(tmp_path), str(shop / ".venv"), "poetry")
    assert project.asked_for == ("torch",)
    assert project.locked == ("keras==3.15.1", "my-lib==1.0")


@pytest.mark.parametrize(
    "text", ["[project", '[project]\ndependencies = ["keras >> 3"]\n', "[project]\ndependencies = 3\n"]
)
def test_a_project_file_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    shop = write(tmp_path, {"shop/pyproject.toml": text, "shop/uv.lock": LOCK}) / "shop"
    project = find(user_host(tmp_path), str(shop / ".venv"), "uv")
    assert project.tool == "uv"
    assert isinstance(project.asked_for, Unknown)


@pytest.mark.parametrize(
    ("environ", "active"),
    [
        ({}, False),
        ({"VIRTUAL_ENV": "{}/shop/.venv"}, False),
        ({"VIRTUAL_ENV": "/opt/other"}, True),
        ({"VIRTUAL_ENV": "", "CONDA_PREFIX": "/opt/conda/envs/x"}, False),
        ({"CONDA_PREFIX": "/opt/conda/envs/x", "CONDA_DEFAULT_ENV": "x"}, True),
        ({"CONDA_PREFIX": "/opt/conda", "CONDA_DEFAULT_ENV": "base"}, False),
    ],
)
def test_another_environment_that_is_active(tmp_path: Path, environ: dict[str, str], active: bool) -> None:
    shop = write(tmp_path, files("poetry")) / "shop"
    host = Host(environ={name: value.format(tmp_path) for name, value in environ.items()}, cwd="/")
    assert find(host, str(shop / ".venv"), "poetry").other_environment_active is active
