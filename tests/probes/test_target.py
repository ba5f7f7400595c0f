"""Which Python is the target."""

import json
import os
import sys
from pathlib import Path

import pytest
from simulated.pythons import environment_of, program, user_host, venv, write

from envcheck.probes import target
from envcheck.probes.target import TargetError

PYTHON = "#!/bin/sh\n"  # nothing here is started


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    return environment_of(tmp_path / "env", interpreter=sys.executable)


@pytest.mark.parametrize("asked", ["", "/", "/bin", "/bin/python", "/bin/../bin/python"])
def test_an_environment_can_be_named_in_several_ways(tmp_path: Path, environment: Path, asked: str) -> None:
    found = target.find(user_host(tmp_path), f"{environment}{asked}", None)
    assert found.executable is not None
    assert os.path.samefile(found.executable, sys.executable)
    assert os.path.dirname(found.executable).startswith(str(environment))  # the link itself, not what it leads to
    assert found.prefix is not None
    assert os.path.samefile(found.prefix, environment)
    assert (found.name, found.chosen_by) == (f"{environment}{asked}", "--python")


def test_relative_to_the_working_directory_and_to_the_home(tmp_path: Path) -> None:
    host = user_host(tmp_path)
    for where, asked in ((tmp_path / "work", "env"), (tmp_path / "home", "~/env")):
        made = environment_of(where / "env", interpreter=sys.executable)
        assert target.find(host, asked, None).prefix == str(made)


def test_a_bare_name_is_looked_up_on_path(tmp_path: Path) -> None:
    there = program(tmp_path / "tools" / "python9.9", PYTHON)
    host = user_host(tmp_path, PATH=str(tmp_path / "tools"))
    assert target.find(host, "python9.9", None).executable == str(there)
    with pytest.raises(TargetError, match=r"python9\.8 does not exist"):
        target.find(host, "python9.8", None)


def test_an_environment_without_its_interpreter_is_still_a_target(tmp_path: Path) -> None:
    empty = environment_of(tmp_path / "empty")
    host = user_host(tmp_path)
    assert target.find(host, str(empty), None) == target.Target(str(empty), "--python", None, str(empty))
    named = target.find(host, str(empty / "bin" / "python3.9"), None)
    assert (named.executable, named.prefix) == (str(empty / "bin" / "python3.9"), str(empty))


def test_a_link_that_leads_nowhere_is_still_a_target(tmp_path: Path) -> None:
    dangling = environment_of(tmp_path / "dangling", interpreter="/gone/python3")
    found = target.find(user_host(tmp_path), str(dangling), None)
    assert found.executable == str(dangling / "bin" / "python")


def test_conda_environments_and_installations(tmp_path: Path) -> None:
    conda = write(tmp_path / "conda", {"conda-meta/history": ""})
    program(conda / "bin" / "python3.11", PYTHON)
    host = user_host(tmp_path)
    assert target.find(host, str(conda), None).executable == str(conda / "bin" / "python3.11")
    installed = write(tmp_path / "opt", {"lib/python3.12/os.py": ""})
    program(installed / "bin" / "python3", PYTHON)
    assert target.find(host, str(installed), None).prefix == str(installed)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("nowhere", "does not exist"),
        ("empty", "holds no pyvenv.cfg, no conda-meta and no Python interpreter"),
        ("pipe", "neither a file nor a folder"),
    ],
)
def test_what_is_no_python_at_all(tmp_path: Path, asked: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TargetError, match=message) as error:
        target.find(user_host(tmp_path), str(tmp_path / asked), None)
    assert str(tmp_path / asked) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_that_must_not_be_looked_into(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(TargetError, match="could not be"):
        target.find(user_host(tmp_path), str(closed), None)


def test_the_activated_environment(tmp_path: Path, environment: Path) -> None:
    conda = write(tmp_path / "conda", {"conda-meta/history": ""})
    program(conda / "bin" / "python", PYTHON)
    both = user_host(tmp_path, VIRTUAL_ENV=str(environment), CONDA_PREFIX=str(conda))
    assert target.find(both, None, None).chosen_by == "VIRTUAL_ENV"
    stale = user_host(tmp_path, VIRTUAL_ENV=str(tmp_path / "deleted"), CONDA_PREFIX=str(conda))
    found = target.find(stale, None, None)
    assert (found.chosen_by, found.executable) == ("CONDA_PREFIX", str(conda / "bin" / "python"))


def test_otherwise_the_interpreter_that_runs_envcheck(tmp_path: Path) -> None:
    without_python = write(tmp_path / "conda", {"conda-meta/history": ""})
    found = target.find(user_host(tmp_path, CONDA_PREFIX=str(without_python)), None, None)
    assert (found.executable, found.chosen_by) == (sys.executable, "the interpreter that runs envcheck")


def kernel(folder: Path, name: str, content: object) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    write(folder / "kernels" / name, {"kernel.json": text})


def test_kernels(tmp_path: Path) -> None:
    made = venv(tmp_path / "env")
    python = str(made / "bin" / "python")
    jupyter = tmp_path / "jupyter"
    kernel(jupyter, "Work", {"argv": [python, "-m", "ipykernel_launcher"], "language": "python"})
    kernel(jupyter, "ir", {"argv": ["R"], "language": "R"})
    kernel(jupyter, "broken", "{")
    kernel(jupyter, "wrapped", {"argv": ["bash", "-c", "python -m ipykernel"], "language": "python"})
    host = user_host(tmp_path, JUPYTER_DATA_DIR=str(jupyter))
    assert target.find(host, None, "Work") == target.Target("Work", "--kernel", python, str(made))
    for name, message in (
        ("other", "no Jupyter kernel called other. Known kernels: broken, ir, work, wrapped"),
        ("ir", "runs r, not Python"),
        ("broken", "no JSON"),
        ("wrapped", "started through bash"),
    ):
        with pytest.raises(TargetError, match=message):
            target.find(host, None, name)


def test_only_one_way_to_choose(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="not both"):
        target.find(user_host(tmp_path), sys.executable, "python3")
