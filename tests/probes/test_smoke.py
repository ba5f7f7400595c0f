"""The smoke test, with stand-ins that come to every kind of end. Most need no framework: they stand in its place."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import standins
from interpreters import each
from msgspec.structs import replace

from envcheck.model.facts import Backend, SmokeRun
from envcheck.model.unknown import Unknown
from envcheck.probes import smoke, smoke_reading

SHORT = 12.0  #: seconds; for children that hang: enough to start Python and NumPy on a busy machine

needs_posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def torch_that(end: str, timeout: float = standins.LONG) -> tuple[Backend, SmokeRun]:
    environ = standins.environ("import_fault", STAND_IN_END=end)
    backends, runs = standins.run(sys.executable, ["torch"], environ, timeout=timeout)
    assert len(runs) == 1
    return backends["torch"], runs[0]


# --- the import -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "status", "of_import", "words"),
    [
        ("raise", "failed", "raised", "OSError: libfancy.so.7: cannot open shared object file"),
        ("sys.exit", "failed", "raised", "SystemExit: 3"),
        ("segfault", "crashed", "crashed", "the process died of SIGSEGV"),
        ("abort", "crashed", "crashed", "the process died of SIGABRT"),
        ("exit", "crashed", "exited", "the process ended with exit status 0 before it was done"),
    ],
)
@needs_posix
def test_an_import_that_does_not_end_well_is_told_by_its_end(end: str, status: str, of_import: str, words: str) -> None:
    backend, run = torch_that(end)
    assert (backend.imported.status, run.status) == (of_import, status)
    assert (run.device, run.failed_stage) == ("cpu", "import")
    assert isinstance(run.reason, str) and run.reason.startswith(words)
    assert isinstance(backend.imported.error, str) and backend.imported.error.startswith(words)
    assert isinstance(backend.devices, Unknown)
    assert isinstance(run.stderr_tail, str) and "torch says something" in run.stderr_tail
    assert isinstance(backend.imported.stderr_tail, str) and "torch says something" in backend.imported.stderr_tail
    assert standins.stages(run) == {"import": "failed", **dict.fromkeys(smoke_reading.STAGES[1:], "skipped")}


@needs_posix
def test_an_import_that_hangs_is_ended_at_the_deadline() -> None:
    backend, run = torch_that("hang", timeout=3.0)
    assert (backend.imported.status, run.status, run.failed_stage) == ("timed-out", "timed-out", "import")
    assert isinstance(backend.devices, Unknown) and backend.devices.reason == "timed-out"
    assert isinstance(run.reason, str) and run.reason.startswith("no answer within 3 s")


def test_a_traceback_is_kept_with_what_was_printed() -> None:
    backend, _ = torch_that("raise")
    tail = backend.imported.stderr_tail
    assert isinstance(tail, str) and "Traceback" in tail and "torch.py" in tail


@each("3.6", "3.8", "3.13")
def test_a_framework_without_keras_is_imported_alone(python: str, tmp_path: Path) -> None:
    (tmp_path / "chainer.py").write_text("__version__ = '1.0'\nimport sys\nsys.stderr.write('hello from chainer')\n")
    environ = {**standins.environ(), "PYTHONPATH": str(tmp_path)}
    backends, runs = standins.run(python, ["chainer"], environ)
    assert runs == []
    chainer = backends["chainer"]
    assert chainer.imported.status == "ok" and isinstance(chainer.imported.seconds, float)
    assert chainer.imported.stderr_tail == "hello from chainer"
    assert isinstance(chainer.devices, Unknown) and chainer.devices.reason == "unsupported"


# --- the devices ----------------------------------------------------------------------------------


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("end", "status", "failed_stage", "failure"),
    [
        ("segfault", "crashed", "place", "crashed"),
        ("exit", "crashed", "place", "crashed"),
        ("hang", "timed-out", "place", "timed-out"),
        ("raise", "failed", "place", "raised"),
        ("sys.exit", "failed", "place", "raised"),
        ("", "failed", "matmul", "raised"),
    ],
)
@needs_posix
def test_the_other_device_is_walked_whatever_happens_on_the_first(
    jax_environment: str, end: str, status: str, failed_stage: str, failure: str
) -> None:
    environ = standins.environ("hollow", STAND_IN_END=end)
    timeout = SHORT if end == "hang" else standins.LONG
    backends, runs = standins.run(jax_environment, ["jax"], environ, timeout=timeout)
    devices = backends["jax"].devices
    assert not isinstance(devices, Unknown)
    assert [(device.name, device.framework_name) for device in devices] == [
        ("cpu:0", "HOLLOW_0"),
        ("cpu:1", "HOLLOW_1"),
    ]
    first, second = runs
    assert (first.device, first.status, first.failed_stage) == ("cpu:0", status, failed_stage)
    assert not isinstance(first.stages, Unknown)
    assert next(stage for stage in first.stages if stage.status == "failed").failure == failure
    assert (second.device, second.status, second.failed_stage) == ("cpu:1", "failed", "matmul")
    assert second.reason == "ArithmeticError: a hollow framework computes nothing"
    assert second.placed_on == "HOLLOW_1"
    for run in runs:
        assert tuple(standins.stages(run)) == smoke_reading.STAGES
        assert (run.backend_version, run.keras_version) == ("0.0.hollow", "3.0.hollow")
    assert standins.stages(second)["place"] == "passed" and standins.stages(second)["conv"] == "skipped"


@pytest.mark.frameworks
def test_only_the_devices_asked_for_are_walked(jax_environment: str) -> None:
    environ = standins.environ("hollow", STAND_IN_END="")
    _, runs = standins.run(jax_environment, ["jax"], environ, "cpu:1", "gpu")
    assert [(run.device, run.status) for run in runs] == [("cpu:1", "failed"), ("gpu", "skipped")]
    assert runs[1].reason == "jax lists no such device; it lists cpu:0, cpu:1"


@pytest.mark.frameworks
def test_keras_that_cannot_be_imported_leaves_the_framework_well(jax_environment: str) -> None:
    backends, runs = standins.run(jax_environment, ["jax"], standins.environ("broken_keras", "hollow", STAND_IN_END=""))
    assert backends["jax"].imported.status == "ok"
    assert [(run.device, run.status, run.failed_stage) for run in runs] == [("cpu", "failed", "import")]
    assert runs[0].reason == "ImportError: cannot import name 'Tracer' from 'jax.core'"
    assert runs[0].backend_version == "0.0.hollow" and isinstance(runs[0].keras_version, Unknown)


# --- what is not run ------------------------------------------------------------------------------


def test_without_the_smoke_test_nothing_is_imported(tmp_path: Path) -> None:
    trace = tmp_path / "imported"
    (tmp_path / "torch.py").write_text(f"open({str(trace)!r}, 'w')\n")
    environ = {**standins.environ(), "PYTHONPATH": str(tmp_path)}
    options = smoke.SmokeOptions(backends=None, devices=(), smoke=False, timeout=standins.LONG)
    tested = smoke.probe(
        standins.host(environ), standins.target(sys.executable), (standins.backend("torch"),), standins.keras(), options
    )
    found = tested.backends
    assert tested.runs == () and not trace.exists()
    assert found[0].imported.status == Unknown("skipped", "the smoke test was switched off")
    assert found[0].devices == Unknown("skipped", "the smoke test was switched off")


def test_what_is_not_installed_or_not_asked_for_is_not_imported() -> None:
    backends = (
        replace(standins.backend("torch"), installed=False),
        standins.backend("jax"),
        replace(standins.backend("openvino"), installed=Unknown("denied", "no access")),
    )
    tested = smoke.probe(
        standins.host(standins.environ()),
        standins.target(sys.executable),
        backends,
        standins.keras(),
        standins.options(backends=("torch", "openvino")),
    )
    assert tested.runs == ()
    assert [backend.imported.status for backend in tested.backends] == [
        Unknown("skipped", "not installed"),
        Unknown("skipped", "another backend was asked for"),
        Unknown("skipped", "it could not be seen whether it is installed: no access"),
    ]


def test_a_target_that_does_not_run_leaves_a_skipped_run() -> None:
    python = replace(standins.target("/no/such/python"), runs=False)
    tested = smoke.probe(
        standins.host(standins.environ()), python, (standins.backend("jax"),), standins.keras(), standins.options("gpu")
    )
    assert [(run.device, run.status, run.reason) for run in tested.runs] == [
        ("gpu", "skipped", "the target's Python does not run")
    ]


def test_a_python_that_vanished_is_said_so() -> None:
    backends, runs = standins.run("/no/such/python", ["jax"], standins.environ())
    assert [(run.device, run.status, run.failed_stage) for run in runs] == [("cpu", "skipped", None)]
    assert isinstance(runs[0].reason, str) and runs[0].reason.startswith("FileNotFoundError")
    assert isinstance(backends["jax"].imported.status, Unknown)


@pytest.mark.parametrize(
    "changes",
    [
        {"installed": False},
        {"version": "2.15.0", "flavour": "keras-2-tensorflow"},
        {"backends_available": ("tensorflow",)},
    ],
)
def test_without_a_fitting_keras_the_framework_is_tried_alone(changes: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('a torch that does not load')\n")
    environ = {**standins.environ(), "PYTHONPATH": str(tmp_path)}
    tested = smoke.probe(
        standins.host(environ),
        standins.target(sys.executable),
        (standins.backend("torch"),),
        replace(standins.keras(), **changes),
        standins.options(),
    )
    assert tested.backends[0].imported.error == "ImportError: a torch that does not load"
    assert [(run.device, run.status, run.failed_stage, run.through) for run in tested.runs] == [
        ("cpu", "failed", "import", "native")
    ]


# --- the environment ------------------------------------------------------------------------------


def test_added_variables_are_recorded_and_the_users_own_are_left(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    (tmp_path / "torch.py").write_text(
        f"import os\nopen({str(seen)!r}, 'w').write(repr(sorted(os.environ.items())))\nraise ImportError('enough')\n"
    )
    environ = {
        **standins.environ(),
        "PYTHONPATH": str(tmp_path),
        "KERAS_BACKEND": "jax",
        "KERAS_HOME": str(tmp_path),
        "XLA_PYTHON_CLIENT_PREALLOCATE": "true",
    }
    (tmp_path / "keras.json").write_text("{}")
    _, runs = standins.run(sys.executable, ["torch"], environ)
    added = runs[0].environment_added
    assert not isinstance(added, Unknown)
    assert [(variable.name, variable.value) for variable in added] == [
        ("KERAS_BACKEND", "torch"),
        ("ORT_DISABLE_TELEMETRY", "1"),
        ("TF_FORCE_GPU_ALLOW_GROWTH", "true"),
    ]
    there = seen.read_text()
    assert "('XLA_PYTHON_CLIENT_PREALLOCATE', 'true')" in there and "('KERAS_BACKEND', 'torch')" in there


def test_openvino_does_not_count_its_use() -> None:
    assert smoke.added_to({}, "openvino") == {**smoke.added_to({}, "jax"), "CI": "true"}
    assert "CI" not in smoke.added_to({"CI": "0"}, "jax", "openvino")


def test_matplotlib_leaves_nothing_in_the_home(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    (tmp_path / "matplotlib.py").write_text("")
    (tmp_path / "torch.py").write_text(
        f"import os\nopen({str(seen)!r}, 'w').write(os.environ['MPLCONFIGDIR'])\nraise ImportError('enough')\n"
    )
    environ = {**standins.environ(), "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path), "XDG_CACHE_HOME": ""}
    _, runs = standins.run(sys.executable, ["torch"], environ)
    assert os.path.basename(seen.read_text()) == "matplotlib" and not seen.read_text().startswith(str(tmp_path))
    added = runs[0].environment_added
    assert not isinstance(added, Unknown)
    assert ("MPLCONFIGDIR", "(a temporary folder)") in [(variable.name, variable.value) for variable in added]


@needs_posix
@pytest.mark.parametrize("end", ["raise", "segfault"])
def test_no_temporary_folder_is_left(end: str, tmp_path: Path) -> None:
    environ = standins.environ("import_fault", STAND_IN_END=end, TMPDIR=str(tmp_path))
    _, runs = standins.run(sys.executable, ["torch"], environ)
    assert runs[0].failed_stage == "import"
    assert list(tmp_path.iterdir()) == []


# --- progress, side by side, and the end of it all --------------------------------------------------


def test_progress_names_backend_and_stage() -> None:
    told: list[tuple[str, str, str]] = []
    environ = standins.environ("import_fault", STAND_IN_END="raise")
    smoke.probe(
        standins.host(environ),
        standins.target(sys.executable),
        (standins.backend("torch"),),
        standins.keras(),
        standins.options(),
        lambda backend, device, stage: told.append((backend, device, stage)),
    )
    assert told == [("torch", "", "import")]


@needs_posix
def test_ctrl_c_ends_every_child_at_once(tmp_path: Path) -> None:
    """Three frameworks hang in their import; an interrupt leaves no process behind."""
    for name in ("torch", "jax", "openvino"):
        (tmp_path / f"{name}.py").write_text(
            f"import os, signal, time\nopen({str(tmp_path / name)!r} + '.pid', 'w').write(str(os.getpid()))\n"
            "signal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(3600)\n"
        )
    script = textwrap.dedent(
        """
        import sys
        import standins
        environ = {**standins.environ(), "PYTHONPATH": sys.argv[1]}
        try:
            standins.run(sys.executable, ["torch", "jax", "openvino"], environ)
        except KeyboardInterrupt:
            print("interrupted")
        """
    )
    path = os.pathsep.join(str(place) for place in (standins.FOLDER.parent, standins.FOLDER.parent.parent))
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert wait_for(lambda: any(place.read_text() for place in tmp_path.glob("*.pid")))
        time.sleep(0.5)  # a second one where there are two cores
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert output == "interrupted\n"
    started = [int(place.read_text()) for place in tmp_path.glob("*.pid")]
    assert started and wait_for(lambda: all(is_gone(pid) for pid in started))


def wait_for(condition: Callable[[], bool]) -> bool:
    for _ in range(400):
        if condition():
            return True
        time.sleep(0.05)
    return False


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
