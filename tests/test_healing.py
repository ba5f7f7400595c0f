"""Fixes that can be carried out here heal: a real environment is broken, and the suggested commands make it whole.

Everything goes through the command line, with its output as a user sees it: names of the user and the home folder are
taken out of it, and the commands run all the same.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from simulated import pythons

pytestmark = pytest.mark.frameworks

SECONDS = 600
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
BASE_PYTHON = Path(getattr(sys, "_base_executable", sys.executable))
BUILT_FOR_NUMPY_1 = b"\x7fELF numpy.core._multiarray_umath"
"""What envcheck reads in a compiled module that knows NumPy 1 only."""


@dataclass
class User:
    """Somebody with a home folder, an environment ``~/env`` in it, and a shell."""

    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> Path:
        return self.home / "env"

    @property
    def site(self) -> Path:
        return pythons.site_packages(self.environment)

    @property
    def work(self) -> Path:
        return self.home / "work"

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run lines in a shell, in the user's environment and working directory."""
        tools = os.pathsep.join((str(self.home / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
        kept = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_", "SSL_", "REQUESTS_"))}
        environ = {
            **kept,
            "PATH": tools,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.work,
            env={**environ, **self.environ},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def look(self, *, first: str = "", command: str = "report --no-smoke") -> dict[str, Any]:
        """Run envcheck on ``~/env``, after the lines ``first`` in the same shell."""
        call = f"{sys.executable} -P -m envcheck" if sys.version_info >= (3, 11) else f"{sys.executable} -m envcheck"
        result = self.shell(
            f"set -e\n{first}\n{call} {command} --python ~/env --format json --fail-on never -o ~/out.json"
        )
        assert result.returncode == 0, result.stderr + result.stdout
        answer: dict[str, Any] = json.loads((self.home / "out.json").read_text())
        return answer


def heal(user: User, finding: str, *, way: int = 0, verify: bool = False) -> None:
    """Look, do what the finding's fix says, word for word, and see that the finding is gone.

    With ``verify`` the fix's own check has to agree; it often needs a whole framework, which is not there.
    """
    (found,) = (each for each in user.look()["findings"] if each["id"] == finding)
    fix = [fix for fix in found["fixes"] if fix["commands"]][way]
    commands = "\n".join((*fix["commands"], *([fix["verify"]] if verify else [])))
    assert str(user.home) not in commands
    after = user.look(first=commands)
    assert [each["title"] for each in after["findings"] if each["id"] == finding] == []


# --- environments ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def with_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment with Keras that pip made."""
    place = tmp_path_factory.mktemp("with-pip") / "env"
    _run(str(BASE_PYTHON), "-m", "venv", str(place))
    _run(str(place / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "keras>=3.10")
    return place


@pytest.fixture(scope="session")
def with_uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment with Keras that uv made; pip is not in it."""
    place = tmp_path_factory.mktemp("with-uv") / "env"
    _run(sys.executable, "-m", "uv", "venv", "-q", "-p", str(BASE_PYTHON), str(place))
    _run(sys.executable, "-m", "uv", "pip", "install", "-q", "-p", str(place / "bin" / "python"), "keras>=3.10")
    return place


def _run(*argv: str) -> None:
    result = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)
    if result.returncode:
        reason = " ".join(result.stderr.split())[-300:]
        pytest.skip(f"the environment could not be built from the package index: {reason}")


def _user(tmp_path: Path, environment: Path | None) -> User:
    user = User(tmp_path / "ana")
    user.work.mkdir(parents=True)
    if environment is not None:
        shutil.copytree(environment, user.environment, symlinks=True)
    return user


@pytest.fixture
def ana(tmp_path: Path, with_pip: Path) -> User:
    """Return a user whose environment pip made."""
    return _user(tmp_path, with_pip)


@pytest.fixture(params=["pip", "uv"])
def anybody(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[User]:
    """Return a user whose environment pip made, and one whose environment uv made."""
    yield _user(tmp_path, request.getfixturevalue(f"with_{request.param}"))


def give_torch(user: User, files: Mapping[str, str | bytes] | None = None) -> None:
    """Install a stand-in for PyTorch, as far as envcheck looks at its files."""
    version = "__version__ = '2.2.2+cpu'\ncuda: str = None\nhip: str = None\n"
    everything = {"torch/__init__.py": version, "torch/version.py": version, **(files or {})}
    pythons.install(user.site, "torch", "2.2.2", everything)


# --- packages -------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="there is no wheel of NumPy 1 for this Python")
def test_numpy_goes_back(anybody: User) -> None:
    give_torch(anybody, {"torch/lib/libtorch_python.so": BUILT_FOR_NUMPY_1})
    heal(anybody, "numpy2-abi-mismatch", verify=True)


def test_a_requirement_that_is_gone_comes_back(anybody: User) -> None:
    shutil.rmtree(anybody.site / "h5py")
    shutil.rmtree(next(anybody.site.glob("h5py-*.dist-info")))
    heal(anybody, "package-requirements-conflict", verify=True)


def test_two_kerases_become_one(ana: User) -> None:
    assert ana.shell("~/env/bin/python -m pip install -q keras-nightly").returncode == 0
    heal(ana, "keras-duplicate-distributions")


def test_missing_files_come_back(anybody: User) -> None:
    (anybody.site / "keras" / "src" / "backend" / "config.py").unlink()
    heal(anybody, "package-install-incomplete")


def test_a_file_that_was_cut_short_is_written_again(ana: User) -> None:
    library = next((ana.site / "numpy" / "_core").glob("_multiarray_umath*.so"))
    library.write_bytes(library.read_bytes()[:100_000])
    heal(ana, "library-file-damaged")


def test_pynvml_is_replaced(ana: User) -> None:
    assert ana.shell("~/env/bin/python -m pip install -q pynvml").returncode == 0
    heal(ana, "harmless-pynvml-deprecated")
    assert ana.shell("~/env/bin/python -c 'import pynvml; pynvml.nvmlInit'").returncode == 0


def test_what_an_interrupted_pip_left_is_deleted(ana: User) -> None:
    (ana.site / "~umpy" / "core").mkdir(parents=True)
    heal(ana, "pip-leftover-folders")


def test_a_folder_without_a_framework_goes_away(ana: User) -> None:
    (ana.site / "jax" / "__pycache__").mkdir(parents=True)
    heal(ana, "framework-folder-left-over")


# --- Keras ----------------------------------------------------------------------------------------


def keras_json(user: User, text: str) -> None:
    pythons.write(user.home, {".keras/keras.json": text})


def test_a_keras_json_from_the_days_of_theano_goes_away(ana: User) -> None:
    keras_json(ana, '{"backend": "theano", "floatx": "float32"}')
    heal(ana, "keras-json-unsupported-backend")


@pytest.mark.parametrize("text", ['{"backend": "tensorflow",}', '{"floatx": "float31"}'])
def test_a_broken_keras_json_goes_away(ana: User, text: str) -> None:
    keras_json(ana, text)
    heal(ana, "keras-json-invalid")


def test_keras_backend_gets_its_right_name(ana: User) -> None:
    give_torch(ana)
    ana.environ["KERAS_BACKEND"] = "pytorch"
    heal(ana, "keras-backend-unknown")


def test_keras_is_told_what_is_installed(ana: User) -> None:
    give_torch(ana)
    heal(ana, "keras-backend-not-installed")


# --- what stands in the way -----------------------------------------------------------------------


def test_a_local_file_gets_another_name(ana: User) -> None:
    pythons.write(ana.work, {"random.py": "print('mine')\n"})
    heal(ana, "module-shadowed-by-local-file", verify=True)
    assert [path.name for path in ana.work.iterdir()] == ["random.py.old"]


def test_pythonpath_is_unset(ana: User) -> None:
    folder = pythons.write(ana.home / "ros", {"numpy/__init__.py": "__version__ = '1.11'\n"})
    ana.environ["PYTHONPATH"] = str(folder)
    heal(ana, "pythonpath-shadows-environment")


def test_a_module_on_pythonpath_that_keeps_python_from_starting(ana: User) -> None:
    folder = pythons.write(ana.home / "old", {"enum.py": "raise ImportError('enum34')\n"})
    ana.environ["PYTHONPATH"] = str(folder)
    heal(ana, "python-variables-break-start")


# --- the interpreter ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["venv", "uv"])
def test_an_environment_whose_python_is_gone_is_made_again(ana: User, way: str) -> None:
    pythons.program(ana.home / "bin" / "keep", "").unlink()
    (ana.home / "bin" / f"python{MINOR}").symlink_to(BASE_PYTHON)
    config = ana.environment / "pyvenv.cfg"
    lines = [line for line in config.read_text().splitlines() if not line.startswith("home")]
    config.write_text("\n".join(["home = /opt/python/bin", *lines]) + "\n")
    for name in ("python", "python3", f"python{MINOR}"):
        (ana.environment / "bin" / name).unlink()
    (ana.environment / "bin" / "python").symlink_to(f"/opt/python/bin/python{MINOR}")
    heal(ana, "venv-base-interpreter-missing", way=["venv", "uv"].index(way))
    assert ana.shell("~/env/bin/python -c 'import importlib.metadata as m; m.version(\"keras\")'").returncode == 0


def test_an_interpreter_may_be_executed_again(tmp_path: Path) -> None:
    user = _user(tmp_path, None)
    _run(str(BASE_PYTHON), "-m", "venv", "--copies", "--without-pip", str(user.environment))
    for interpreter in (user.environment / "bin").glob("python*"):
        interpreter.chmod(0o644)
    heal(user, "python-not-executable")


# --- notebooks ------------------------------------------------------------------------------------


def kernelspec(user: User, name: str, interpreter: str) -> None:
    argv = [interpreter, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = json.dumps({"argv": argv, "display_name": name, "language": "python"})
    pythons.write(user.home, {f".local/share/jupyter/kernels/{name}/kernel.json": spec})


def test_a_kernel_without_a_python_leaves_the_list(ana: User) -> None:
    kernelspec(ana, "old", str(ana.home / "gone" / "bin" / "python"))
    heal(ana, "jupyter-kernelspec-interpreter-missing")


def test_ipykernel_is_installed(ana: User) -> None:
    kernelspec(ana, "mine", str(ana.environment / "bin" / "python"))
    heal(ana, "ipykernel-missing", verify=True)


# --- all at once ----------------------------------------------------------------------------------


def test_the_script_of_fix_suggestions_says_the_same(ana: User) -> None:
    keras_json(ana, '{"floatx": "float31"}')
    steps = ana.look(command="fix-suggestions --no-smoke")["steps"]
    commands = [fix["commands"] for step in steps for fix in step["fixes"]]
    assert ["mv ~/.keras/keras.json ~/.keras/keras.json.old"] in commands
