"""Jupyter kernels: found where Jupyter finds them, and resolved to what they start."""

import json
import os
import sys
from pathlib import Path

import pytest
from simulated.pythons import environment_of, install, program, site_packages, user_host, venv, write
from simulated.trees import simulated_host

from envcheck.host import Host
from envcheck.model.facts import Kernel, Notebook
from envcheck.model.unknown import Unknown
from envcheck.probes import interpreter, kernelspecs, notebook, target

OWN = {"argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"}


def kernel(folder: Path, name: str, content: object) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    return write(folder / "kernels" / name, {"kernel.json": text})


def probe(host: Host, environment: Path) -> Notebook:
    return notebook.probe(host, interpreter.probe(host, target.find(host, str(environment), None)))


def kernels(host: Host, environment: Path) -> dict[str, Kernel]:
    found = probe(host, environment).kernels
    assert isinstance(found, tuple)
    return {item.name: item for item in found}


def test_none(tmp_path: Path) -> None:
    facts = probe(user_host(tmp_path, HOME=str(tmp_path / "nowhere")), venv(tmp_path / "env"))
    assert facts.ipykernel_version is None
    assert isinstance(facts.kernels, tuple)
    assert not any(str(tmp_path) in kernel.path for kernel in facts.kernels)


def test_the_kernel_of_the_environment_itself(tmp_path: Path) -> None:
    made = venv(tmp_path / "env")
    install(site_packages(made), "ipykernel", "6.29.5")
    path = kernel(made / "share" / "jupyter", "python3", {**OWN, "display_name": "Python 3 (ipykernel)"})
    host = user_host(tmp_path)
    found = kernels(host, made)["python3"]
    assert (found.path, found.display_name, found.language) == (str(path), "Python 3 (ipykernel)", "python")
    assert (found.interpreter, found.interpreter_exists) == (str(made / "bin" / "python"), True)
    assert found.starts_target is True
    assert probe(host, made).ipykernel_version == "6.29.5"


def test_a_kernel_of_another_environment(tmp_path: Path) -> None:
    made, other = venv(tmp_path / "env"), venv(tmp_path / "other")
    data = tmp_path / "home" / ("Library/Jupyter" if sys.platform == "darwin" else ".local/share/jupyter")
    for name, python in (("same", made / "bin" / "python3"), ("other", other / "bin" / "python")):
        kernel(data, name, {"argv": [str(python), "-m", "ipykernel_launcher"], "language": "python"})
    kernel(
        data, "gone", {"argv": ["/gone/bin/python", "-Xfrozen_modules=off", "-m", "ipykernel"], "language": "python"}
    )
    found = kernels(user_host(tmp_path), made)
    # Both lead to the same file in the end; that does not make them the same environment.
    assert (found["same"].starts_target, found["other"].starts_target) == (True, False)
    assert (found["gone"].interpreter, found["gone"].interpreter_exists) == ("/gone/bin/python", False)
    assert found["gone"].starts_target is False


def test_jupyters_own_interpreter_is_not_guessed(tmp_path: Path) -> None:
    kernel(tmp_path / "jupyter", "python3", OWN)
    found = kernels(user_host(tmp_path, JUPYTER_PATH=str(tmp_path / "jupyter")), venv(tmp_path / "env"))["python3"]
    assert isinstance(found.interpreter, Unknown)
    assert "Jupyter replaces" in found.interpreter.detail
    assert isinstance(found.starts_target, Unknown)


@pytest.mark.parametrize(
    ("argv", "language", "expected"),
    [
        (["/usr/bin/env", "A=1", "tool", "-m", "ipykernel"], "python", "{bin}/tool"),
        (["tool", "--slave"], "R", "{bin}/tool"),
        (["absent", "--slave"], "R", "absent"),
        (["{resource_dir}/start", "-m", "ipykernel"], "python", "{path}/start"),
        (["bash", "-c", "python -m ipykernel"], "python", None),
        (["conda", "run", "-n", "x", "python", "-m", "ipykernel"], "python", None),
        (["env"], "python", None),
    ],
)
def test_how_a_kernel_is_started(tmp_path: Path, argv: list[str], language: str, expected: str | None) -> None:
    tool = program(tmp_path / "bin" / "tool", "#!/bin/sh\n")
    path = kernel(tmp_path / "jupyter", "k", {"argv": argv, "language": language})
    host = user_host(tmp_path, JUPYTER_PATH=str(tmp_path / "jupyter"), PATH=str(tool.parent))
    (spec,) = [spec for spec in kernelspecs.find(host) if spec.name == "k"]
    found = kernelspecs.program(host, spec)
    if expected is None:
        assert isinstance(found, Unknown)
    else:
        assert found == expected.replace("{bin}", str(tool.parent)).replace("{path}", str(path))


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"argv": "python"}', '{"argv": []}', '{"argv": [3]}', "\x00"]
)
def test_a_damaged_kernelspec(tmp_path: Path, content: str) -> None:
    kernel(tmp_path / "jupyter", "broken", content)
    host = user_host(tmp_path, JUPYTER_PATH=str(tmp_path / "jupyter"))
    found = kernels(host, environment_of(tmp_path / "env"))["broken"]
    for value in (found.argv, found.interpreter, found.interpreter_exists, found.language, found.display_name):
        assert isinstance(value, Unknown)
        assert value.reason == "failed"
    assert "broken" not in notebook.kernel_names(host)


def test_the_first_of_one_name_wins(tmp_path: Path) -> None:
    made = venv(tmp_path / "env")
    own, data = tmp_path / "own", tmp_path / "data"
    for folder in (own, data, made / "share" / "jupyter"):
        for name in ("all", f"of-{folder.name}"):
            kernel(folder, name, OWN)
    kernel(made / "share" / "jupyter", "late", OWN)
    kernel(data, "late", OWN)
    variables = {"JUPYTER_PATH": str(own), "JUPYTER_DATA_DIR": str(data)}
    found = kernels(user_host(tmp_path, **variables), made)
    assert {"all", "of-own", "of-data", "of-jupyter", "late"} <= set(found)
    assert found["all"].path.startswith(str(own))
    assert found["late"].path.startswith(str(made))  # as jupyter_core prefers an environment to the user
    found = kernels(user_host(tmp_path, **variables, JUPYTER_PREFER_ENV_PATH="0"), made)
    assert found["late"].path.startswith(str(data))


def test_kernels_of_the_system_are_read_below_the_root(tmp_path: Path) -> None:
    spec = {"argv": ["/usr/bin/python3", "-m", "ipykernel_launcher"], "language": "python"}
    tree = {"/usr/local/share/jupyter/kernels/site/kernel.json": json.dumps(spec)}
    host = simulated_host(tmp_path, tree)
    found = {item.name: item.path for item in kernelspecs.find(host)}
    assert found["site"] == "/usr/local/share/jupyter/kernels/site"


def test_names_for_the_command_line(tmp_path: Path) -> None:
    made = venv(tmp_path / "env")
    python = str(made / "bin" / "python")
    kernel(tmp_path / "jupyter", "Mine", {"argv": [python, "-m", "ipykernel_launcher"], "language": "python"})
    kernel(tmp_path / "jupyter", "ir", {"argv": ["R"], "language": "R"})
    host = user_host(tmp_path, JUPYTER_PATH=str(tmp_path / "jupyter"))
    names = notebook.kernel_names(host)
    assert "mine" in names
    assert "ir" not in names
    for name in names:
        assert target.find(host, None, name).chosen_by == "--kernel"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_folders_that_must_not_be_read(tmp_path: Path) -> None:
    kernel(tmp_path / "jupyter", "k", OWN)
    (tmp_path / "jupyter" / "kernels").chmod(0)
    host = user_host(tmp_path, JUPYTER_PATH=str(tmp_path / "jupyter"))
    assert not [spec for spec in kernelspecs.find(host) if spec.name == "k"]
    (tmp_path / "jupyter" / "kernels").chmod(0o700)
