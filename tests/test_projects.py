"""Real projects of uv, Poetry and PDM: what is suggested heals them, is verified truly, and can be undone.

Their index is known to the project alone: a command of any other tool would find nothing there.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from framework_environments import NotBuilt, build
from simulated import index, wheels
from simulated.wheels import UV, User
from test_applying import undo_command

CONFLICT = "package-requirements-conflict"
PYPROJECT = """\
[project]
name = "shop"
version = "0.1.0"
requires-python = ">=3.10,<3.15"
dependencies = [{wanted}]

"""
INDEX = {
    "uv": '[[tool.uv.index]]\nurl = "{url}"\ndefault = true\n',
    "poetry": '[tool.poetry]\npackage-mode = false\n\n[[tool.poetry.source]]\nname = "shop"\nurl = "{url}"\n',
    "pdm": '[tool.pdm]\ndistribution = false\n\n[[tool.pdm.source]]\nname = "pypi"\nurl = "{url}"\n',
}
MAKE = {
    "uv": ("uv sync -q -p {python}",),
    "poetry": ("poetry env use -q {python}", "poetry install -q -n"),
    "pdm": ("pdm use -q -f {python}", "pdm install -q"),
}


@dataclass
class Owner(User):
    """Somebody with a project ``~/shop``, whose environment lies inside it, or where its tool keeps them."""

    outside: bool = False

    @property
    def shop(self) -> Path:
        return self.home / "shop"

    @property
    def environment(self) -> Path:
        if not self.outside:
            return self.shop / ".venv"
        places = (".cache/pypoetry/virtualenvs", ".local/share/pdm/venvs")
        return next(found for place in places for found in (self.home / place).glob("shop-*"))

    def run(self, script: str) -> None:
        """Run lines that have to succeed in the folder of the project."""
        result = self.call("sh", "-ec", f"cd {self.shop}\n{script}")
        assert result.returncode == 0, result.stdout + result.stderr

    def fixes(self, *arguments: str, stdin: str = "") -> Any:
        command = ("fix-suggestions", "--no-smoke", "--python", str(self.environment), *arguments)
        return self.call("sh", "-c", 'cd "$0" && exec "$@"', str(self.shop), sys.executable, "-m", "envcheck", *command)

    def steps(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """Return the first fix of each finding."""
        result = self.fixes("--format", "json", *arguments)
        assert result.returncode in (0, 1), result.stderr
        return {
            step["findings"][0]["id"]: step["fixes"][0] for step in json.loads(result.stdout)["steps"] if step["fixes"]
        }

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.shop.iterdir() if path.is_file()}

    def drift(self, *requirements: str) -> None:
        """Install something of which the project knows nothing."""
        options = ("-q", "--no-deps", "--no-index", "-p", self.python)
        there = self.call(str(UV), "pip", "install", *options, *requirements)
        assert there.returncode == 0, there.stderr


@pytest.fixture(scope="module")
def tools(environments_folder: Path) -> Path:
    """Return the folder of the programs poetry and pdm."""
    try:
        return build(environments_folder, "project-tools") / "bin"
    except NotBuilt as reason:
        pytest.skip(str(reason))


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with index.serving(tmp_path / "ana" / "index") as address:
        yield address


def owner(home: Path, tool: str, url: str, tools: Path, *wanted: str, outside: bool = False) -> Owner:
    """Make a project with ``tool``, whose index has the wheels in ``~/index``; what drifts in lies in ``~/wheels``."""
    somebody = Owner(home, "uv", index=False, outside=outside)
    for name in ("work", "wheels", "tmp", "bin", "shop"):
        (home / name).mkdir(parents=True)
    (home / "bin" / tool).symlink_to(UV if tool == "uv" else tools / tool)
    somebody.environ |= {
        "KERAS_BACKEND": "torch",
        "NO_PROXY": "127.0.0.1",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(home / "wheels"),
        "UV_FIND_LINKS": str(home / "wheels"),
        "UV_CACHE_DIR": str(home / "uv-cache"),
        "UV_LINK_MODE": "copy",
        "POETRY_VIRTUALENVS_IN_PROJECT": "0" if outside else "1",
        "PDM_VENV_IN_PROJECT": "0" if outside else "1",
        "PDM_CHECK_UPDATE": "0",
    }
    stock = home / "index"
    wheels.wheel(stock, "helper-lib", "1.0")
    wheels.wheel(stock, "helper-lib", "2.0", requires=("new-lib",))
    wheels.wheel(stock, "new-lib", "1.0")
    backends = {f"keras/src/backend/{name}/__init__.py": "" for name in ("tensorflow", "jax", "torch")}
    wheels.wheel(stock, "keras", "3.15.1", more=backends)
    wheels.wheel(stock, "torch", "2.2.2", more={"torch/version.py": "cuda: str = None\nhip: str = None\n"})
    somebody.offer("tensorflow-text", "1.0", requires=("helper-lib>=2",))
    somebody.offer("helper-lib", "1.0")
    listed = ", ".join(json.dumps(text) for text in ("keras==3.15.1", "torch==2.2.2", *wanted))
    (somebody.shop / "pyproject.toml").write_text(PYPROJECT.format(wanted=listed) + INDEX[tool].format(url=url))
    base = getattr(sys, "_base_executable", sys.executable)
    for command in MAKE[tool]:
        somebody.run(command.format(python=base))
    return somebody


rest = pytest.mark.skipif(os.environ.get("ENVCHECK_HEALING") != "all", reason="tried with ENVCHECK_HEALING=all only")
everybody = pytest.mark.parametrize(
    ("tool", "outside"),
    [
        ("uv", False),
        pytest.param("poetry", False, marks=rest),
        ("poetry", True),
        ("pdm", False),
        pytest.param("pdm", True, marks=rest),
    ],
)
tool_of_each = pytest.mark.parametrize("tool", ["uv", *(pytest.param(name, marks=rest) for name in ("poetry", "pdm"))])


@everybody
def test_what_the_project_lacks_is_added_verified_and_undone(
    tmp_path: Path, url: str, tools: Path, tool: str, outside: bool
) -> None:
    """Something that was installed past the project asks for a newer helper-lib than the project allows."""
    ana = owner(tmp_path / "ana", tool, url, tools, "helper-lib==1.0", outside=outside)
    ana.drift("tensorflow-text")
    files, before = ana.files(), ana.versions()

    fix = ana.steps("--verify")[CONFLICT]
    place = {"uv": "--project", "poetry": "--directory", "pdm": "--project"}[tool]
    assert fix["commands"] == [f"{tool} add {place} ~/shop 'helper-lib>=2'"]
    assert fix["verification"]["status"] == "verified", fix
    assert (ana.files(), ana.versions()) == (files, before)

    result = ana.fixes("--apply", "--yes")
    assert result.returncode == 0, result.stderr
    assert ana.versions() == {**before, "helper-lib": "2.0", "new-lib": "1.0"}
    assert b"helper-lib>=2" in ana.files()["pyproject.toml"].replace(b" (", b"").replace(b" ", b"")
    undone = ana.call("sh", "-c", undo_command(result))
    assert undone.returncode == 0, undone.stderr
    assert ana.versions() == before
    assert ana.files() == files


@tool_of_each
def test_what_drifted_comes_back_from_the_lock_file(tmp_path: Path, url: str, tools: Path, tool: str) -> None:
    """The lock file is sound, and somebody installed another release past it; then a file of Keras is lost."""
    ana = owner(tmp_path / "ana", tool, url, tools, "helper-lib>=1")
    ana.drift("tensorflow-text", "helper-lib==1.0")
    files = ana.files()
    fix = ana.steps()[CONFLICT]
    assert "add" not in fix["commands"][0].split() and fix["files"] == []
    ana.run("\n".join(fix["commands"]))
    assert ana.versions()["helper-lib"] == "2.0"
    assert CONFLICT not in ana.steps()

    lost = ana.site / "keras" / "src" / "backend" / "torch" / "__init__.py"
    lost.unlink()
    (found,) = ana.steps().values()
    ana.run("\n".join(found["commands"]))
    assert lost.exists()
    assert ana.steps() == {}
    assert ana.files() == files


@tool_of_each
def test_a_change_that_the_project_cannot_take(tmp_path: Path, url: str, tools: Path, tool: str) -> None:
    ana = owner(tmp_path / "ana", tool, url, tools, "helper-lib==1.0")
    ana.drift("tensorflow-text")
    next((ana.home / "index").glob("helper_lib-2*")).unlink()
    files, before = ana.files(), ana.versions()
    fix = ana.steps("--verify")[CONFLICT]
    assert fix["verification"]["status"] == "does not resolve"
    assert "helper-lib" in fix["verification"]["detail"]
    assert ana.fixes("--apply", "--yes").returncode == 1
    assert (ana.files(), ana.versions()) == (files, before)


@tool_of_each
def test_an_environment_whose_python_is_gone_is_made_again(tmp_path: Path, url: str, tools: Path, tool: str) -> None:
    ana = owner(tmp_path / "ana", tool, url, tools, "helper-lib==1.0")
    (ana.home / "bin" / f"python{wheels.MINOR}").symlink_to(getattr(sys, "_base_executable", sys.executable))
    before = {name: version for name, version in ana.versions().items() if name not in ("pip", "setuptools")}
    for name in ("python", "python3", f"python{wheels.MINOR}"):
        (ana.environment / "bin" / name).unlink(missing_ok=True)
    (ana.environment / "bin" / "python").symlink_to("/opt/gone/bin/python")
    config = ana.environment / "pyvenv.cfg"
    config.write_text(re.sub("(?m)^home = .*", "home = /opt/gone/bin", config.read_text()))
    fix = ana.steps()["venv-base-interpreter-missing"]
    assert fix["commands"][1].startswith(("uv sync ", "poetry install ", "pdm sync "))
    ana.run("\n".join(fix["commands"]))
    after = ana.versions()
    assert {name: version for name, version in after.items() if name not in ("pip", "setuptools")} == before
