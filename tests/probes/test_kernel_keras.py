"""Which backend Keras takes in a Jupyter kernel: foretold from files, and asked in real kernels."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from simulated.pythons import install, site_packages, user_host, venv, write

from envcheck.host import Host
from envcheck.model.facts import Kernel, KernelKeras
from envcheck.model.unknown import Unknown
from envcheck.probes import interpreter, notebook, target

ASK = """
import sys
from jupyter_client.manager import start_new_kernel

for name in sys.argv[1:]:
    manager, client = start_new_kernel(kernel_name=name)
    said = []

    def hear(message):
        if message["msg_type"] in ("stream", "error"):
            said.append(message["content"].get("text") or message["content"]["ename"])

    client.execute_interactive("import keras; print(keras.backend.backend())", output_hook=hear, timeout=120)
    print(name, said[-1].split()[-1], flush=True)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""
"""Starts each kernel as Jupyter does, and prints what Keras says in it, or the name of the error."""


def kernel(home: Path, name: str, python: str, **variables: str) -> None:
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": name, "language": "python", "env": variables}
    data = "Library/Jupyter" if sys.platform == "darwin" else ".local/share/jupyter"
    write(home / data / "kernels" / name, {"kernel.json": json.dumps(spec)})


def kernels(host: Host, python: str) -> dict[str, Kernel]:
    found = notebook.probe(host, interpreter.probe(host, target.find(host, python, None))).kernels
    assert isinstance(found, tuple)
    return {item.name: item for item in found}


@pytest.mark.frameworks
def test_real_kernels_take_the_backend_that_was_foretold(
    tmp_path: Path, notebook_environment: str, jax_environment: str
) -> None:
    home, python = tmp_path / "home", notebook_environment
    # The kernel's own environment has no Keras: it comes from where the user's PYTHONPATH says.
    packages = site_packages(Path(jax_environment).parent.parent)
    host = user_host(tmp_path, TEAM="blue", PYTHONPATH=str(packages), PYTHONDONTWRITEBYTECODE="1")
    for folder, backend in (("elsewhere/.keras", "jax"), ("keras-of-blue", "jax"), ("torch/.keras", "torch")):
        write(tmp_path / folder, {"keras.json": json.dumps({"backend": backend})})
    kernel(home, "plain", python)
    kernel(home, "by-variable", python, KERAS_BACKEND="numpy")
    kernel(home, "by-file", python, HOME=str(tmp_path / "elsewhere"))
    kernel(home, "filled-in", python, KERAS_HOME=f"{tmp_path}/keras-of-${{TEAM}}")
    kernel(home, "unlucky", python, HOME=str(tmp_path / "torch"))
    found = kernels(host, python)
    names = [name for name in sorted(found) if (home / ".local/share/jupyter/kernels" / name).exists()]
    foretold = {name: found[name].keras for name in names}
    assert {name: (seen.backend, seen.backend_chosen_by) for name, seen in foretold.items()} == {
        "plain": ("tensorflow", "default"),
        "by-variable": ("numpy", "KERAS_BACKEND"),
        "by-file": ("jax", "keras.json"),
        "filled-in": ("jax", "keras.json"),
        "unlucky": ("torch", "keras.json"),
    }
    asked = subprocess.run(
        [python, "-c", ASK, *names], env=dict(host.environ), cwd=host.cwd, capture_output=True, text=True, timeout=300
    )
    assert asked.returncode == 0, asked.stderr
    said = dict(line.split() for line in asked.stdout.splitlines())
    for name, seen in foretold.items():
        assert said[name] == (seen.backend if seen.backend_installed else "ModuleNotFoundError"), name


def test_a_kernel_of_another_environment_is_asked_for_its_folders(tmp_path: Path) -> None:
    here, other = venv(tmp_path / "here"), venv(tmp_path / "other")
    keras = {
        "keras/__init__.py": "",
        "keras/src/version.py": "__version__ = '3.9.0'\n",
        "keras/src/backend/torch/__init__.py": "",
        "torch/__init__.py": "",
    }
    install(site_packages(other), "keras", "3.9.0", keras)
    home = tmp_path / "home"
    kernel(home, "other", str(other / "bin" / "python"), KERAS_BACKEND="torch", SECRET="x")
    kernel(home, "leaking", str(here / "bin" / "python"), PYTHONPATH=str(site_packages(other)))
    kernel(home, "none", str(here / "bin" / "python"))
    kernel(home, "gone", "/gone/bin/python")
    kernel(home, "wrapped", str(write(tmp_path, {"start-kernel": ""}) / "start-kernel"))
    found = kernels(user_host(tmp_path), str(here / "bin" / "python"))
    seen = found["other"].keras
    assert (seen.version, seen.backend, seen.backend_installed) == ("3.9.0", "torch", True)
    assert seen.backends_available == ("torch",)
    environment = found["other"].environment
    assert isinstance(environment, tuple)
    assert [(item.name, item.value) for item in environment] == [("KERAS_BACKEND", "torch")]
    assert (found["leaking"].keras.version, found["leaking"].keras.backend_installed) == ("3.9.0", False)
    assert (found["none"].keras.version, found["none"].keras.backend) == (None, None)
    for name, reason in (("gone", "failed"), ("wrapped", "skipped")):
        version = found[name].keras.version
        assert isinstance(version, Unknown)
        assert version.reason == reason


def test_a_kernel_of_another_language_has_no_keras(tmp_path: Path) -> None:
    spec = json.dumps({"argv": ["ark"], "display_name": "R", "language": "R"})
    write(tmp_path / "jupyter" / "kernels" / "ir", {"kernel.json": spec})
    host = user_host(tmp_path, JUPYTER_PATH=str(tmp_path / "jupyter"))
    seen = kernels(host, str(venv(tmp_path / "env") / "bin" / "python"))["ir"].keras
    assert isinstance(seen, KernelKeras)
    assert isinstance(seen.version, Unknown)
    assert seen.version.reason == "unsupported"
