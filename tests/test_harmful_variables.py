"""Variables of the user that do harm: each is set for real, and envcheck tells it from what else could be wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import standins
from simulated.pythons import compile_c, install, site_packages, user_host, venv, write

from envcheck.model.unknown import Unknown
from envcheck.probes import guilty_variables, preloads

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD is glibc's and musl's")
INTERPOSER = "#include <stdlib.h>\nint hcreate(size_t n) { abort(); }\n"
CALLS_IT = "import ctypes\n__version__ = '1.9.1'\nctypes.CDLL(None).hcreate(10)\n"


def report(python: str, *options: str, **environ: str) -> dict[str, Any]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    result = subprocess.run(
        [sys.executable, "-m", "envcheck", "report", "--python", python, "--format", "json", *options],
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def after(commands: list[str], python: str, *options: str, **environ: str) -> dict[str, Any]:
    """Return the report of a shell in which these variables are set and the commands were typed."""
    call = " ".join([sys.executable, "-m envcheck report --python", python, "--format json", *options])
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    script = "\n".join((*commands, call))
    result = subprocess.run(
        ["bash", "-c", script], env={**kept, **environ}, capture_output=True, text=True, timeout=300
    )
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def found(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {finding["id"]: finding for finding in answer["findings"]}


@linux_only
def test_a_preloaded_library_that_breaks_an_import_is_proven_guilty(tmp_path: Path) -> None:
    library = compile_c(tmp_path / "libinterposer.so", INTERPOSER, "-shared", "-fPIC")
    made = venv(tmp_path / "env")
    install(site_packages(made), "mxnet", "1.9.1", {"mxnet/__init__.py": CALLS_IT})
    answer = report(str(made), "--backend", "mxnet", LD_PRELOAD=str(library))
    (mxnet,) = [each for each in answer["facts"]["backends"] if each["name"] == "mxnet"]
    assert (mxnet["import"]["status"], mxnet["import_without_preloads"]) == ("crashed", "ok")
    guilty = found(answer)["preloaded-library-breaks-framework"]
    assert (guilty["severity"], guilty["explained_by"]) == ("error", None)
    assert found(answer)["framework-import-crashed"]["explained_by"] == "preloaded-library-breaks-framework"
    (fix,) = guilty["fixes"]
    healed = after(fix["commands"], str(made), "--backend", "mxnet", LD_PRELOAD=str(library))
    assert not {"preloaded-library-breaks-framework", "framework-import-crashed"} & set(found(healed))


@linux_only
def test_imports_that_are_tried_again_leave_no_folder(tmp_path: Path) -> None:
    """The framework dies with the library in front of it, and in every further import that asks what is to blame."""
    library = compile_c(tmp_path / "libinterposer.so", INTERPOSER, "-shared", "-fPIC")
    made = venv(tmp_path / "env")
    install(site_packages(made), "mxnet", "1.9.1", {"mxnet/__init__.py": "import os\nos.abort()\n"})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    variables = {"TMPDIR": str(temporary), "LD_PRELOAD": str(library), "OMP_NUM_THREADS": "2"}
    backends = report(str(made), "--backend", "mxnet", **variables)["facts"]["backends"]
    (mxnet,) = [each for each in backends if each["name"] == "mxnet"]
    assert (mxnet["import"]["status"], mxnet["import_without_preloads"]) == ("crashed", "crashed")
    assert list(temporary.iterdir()) == []


@linux_only
def test_what_fails_without_the_preloaded_library_too_is_not_its_fault(tmp_path: Path) -> None:
    library = compile_c(tmp_path / "libharmless.so", "int envcheck_nothing;\n", "-shared", "-fPIC")
    write(tmp_path / "broken", {"torch.py": "raise ImportError('of its own')\n"})
    environ = {**standins.environ(), "PYTHONPATH": str(tmp_path / "broken"), "LD_PRELOAD": str(library)}
    backends, _ = standins.run(sys.executable, ["torch"], environ)
    (tried,) = preloads.try_without(standins.host(environ), standins.target(sys.executable), (backends["torch"],))
    assert (tried.imported.status, tried.import_without_preloads) == ("raised", "raised")


def test_the_variable_that_keeps_a_framework_from_being_imported_is_found(tmp_path: Path) -> None:
    source = "import os\nif os.environ.get('TORCH_LOGS') == 'loud':\n    raise ValueError('no such log')\n"
    write(tmp_path / "standin", {"mxnet.py": source, "paddle.py": "raise ImportError('of its own')\n"})
    on_path = {**standins.environ(), "PYTHONPATH": str(tmp_path / "standin"), "OMP_NUM_THREADS": "2"}
    write(tmp_path / "broken", {"torch.py": "raise ImportError('broken')\n"})
    backends, _ = standins.run(sys.executable, ["torch"], {**on_path, "PYTHONPATH": str(tmp_path / "broken")})
    failed = tuple(msgspec.structs.replace(backends["torch"], name=name) for name in ("mxnet", "paddle"))
    environ = {**on_path, "TORCH_LOGS": "loud"}
    tried = guilty_variables.probe(standins.host(environ), standins.target(sys.executable), failed)
    assert [backend.import_mended_without for backend in tried] == ["TORCH_LOGS", None]


@linux_only
def test_what_cannot_be_preloaded(tmp_path: Path) -> None:
    library = compile_c(tmp_path / "libthere.so", "int envcheck_nothing;\n", "-shared", "-fPIC")
    gone = str(tmp_path / "gone.so")
    said = subprocess.run(["true"], env={"LD_PRELOAD": gone, "PATH": os.defpath}, capture_output=True, text=True)
    assert gone in said.stderr and "ignored" in said.stderr  # the premise: the loader goes on
    host = user_host(tmp_path, LD_PRELOAD=f"{library}:{gone} libno-such-library.so $LIB/x.so")
    there, missing, somewhere, filled = preloads.probe(host)
    assert (there.file, there.machine) == (str(library), os.uname().machine)
    assert (missing.name, missing.file, missing.machine) == (gone, None, None)
    assert isinstance(somewhere.file, Unknown) and isinstance(filled.file, Unknown)
    assert preloads.probe(user_host(tmp_path)) == ()


def test_messages_that_the_user_silenced_are_heard(tmp_path: Path) -> None:
    source = """
import os, sys
if int(os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0")) < 2:
    sys.stderr.write("W cannot dlopen some library\\n")
raise ImportError("DSO")
"""
    write(tmp_path / "standin", {"tensorflow.py": source})
    environ = {**standins.environ(), "PYTHONPATH": str(tmp_path / "standin"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    backends, (run,) = standins.run(sys.executable, ["tensorflow"], environ)
    assert "cannot dlopen" in str(backends["tensorflow"].imported.stderr_tail)
    assert isinstance(run.environment_added, tuple)
    assert ("TF_CPP_MIN_LOG_LEVEL", "0") in [(item.name, item.value) for item in run.environment_added]
    _, (run,) = standins.run(sys.executable, ["tensorflow"], {**environ, "TF_CPP_MIN_LOG_LEVEL": "1"})
    assert isinstance(run.environment_added, tuple)
    assert "TF_CPP_MIN_LOG_LEVEL" not in [item.name for item in run.environment_added]


@pytest.mark.frameworks
def test_jax_is_asked_for_a_platform_that_is_not_there(jax_environment: str) -> None:
    answer = report(jax_environment, "--backend", "jax", JAX_PLATFORMS="nonsense", KERAS_BACKEND="jax")
    findings = found(answer)
    assert answer["findings"][0]["id"] == "jax-platform-unavailable"
    assert findings["smoke-test-failed"]["explained_by"] == "jax-platform-unavailable"
    assert "nonsense" in findings["jax-platform-unavailable"]["message"]
    assert findings["jax-platform-unavailable"]["fixes"][0]["commands"] == ["unset JAX_PLATFORMS"]
