"""The ladder on real frameworks: it passes on healthy ones, and fails where a stand-in damages them."""

import json
from itertools import combinations
from pathlib import Path

import pytest
import standins

from envcheck.model.facts import SmokeRun, Stage
from envcheck.model.unknown import Unknown

pytestmark = pytest.mark.frameworks


def stage(run: SmokeRun, name: str) -> Stage:
    assert not isinstance(run.stages, Unknown)
    return next(stage for stage in run.stages if stage.name == name)


def only(runs: list[SmokeRun]) -> SmokeRun:
    (run,) = runs
    return run


# --- healthy frameworks ---------------------------------------------------------------------------


def test_every_backend_agrees_with_the_known_answers(keras_environment: str, tmp_path: Path) -> None:
    """All four side by side, with a new home folder; nothing is written into it."""
    variables = standins.environ(HOME=str(tmp_path))
    tested = standins.probe(keras_environment, standins.KERAS_BACKENDS, variables)
    backends, runs = {found.name: found for found in tested.backends}, tested.runs
    assert [(run.backend, run.device, run.status, run.reason) for run in runs] == [
        (name, "cpu", "passed", None) for name in standins.KERAS_BACKENDS
    ]
    for run in runs:
        trains = run.backend != "openvino"
        for name, status in standins.stages(run).items():
            skipped = name == "all-devices" or (not trains and name in ("train", "compile"))
            if run.backend == "torch" and name == "compile":
                assert status in ("passed", "skipped")  # by whether there is a compiler
                continue
            assert status == ("skipped" if skipped else "passed"), (run.backend, name)
        for name in ("matmul", "conv", "recurrent", *(("train",) if trains else ())):
            found = stage(run, name)
            assert isinstance(found.tolerance, float) and isinstance(found.volatile.deviation, float)
            assert 0 <= found.volatile.deviation < found.tolerance
            assert isinstance(found.tolerance_reason, str) and "keeps" in found.tolerance_reason
            if trains:
                assert found.volatile.deviation < 2e-6  # float32 on a CPU
        fast = stage(run, "speed").volatile
        assert isinstance(fast.gflops, float) and fast.gflops > 0 and fast.matrix_size in (128, 512, 1024, 2048, 4096)
        assert run.keras_version == "3.15.1" and isinstance(run.backend_version, str)
        assert backends[run.backend].imported.status == "ok"
    steps = stage(runs[0], "train").volatile
    assert isinstance(steps.seconds_first_step, float) and isinstance(steps.seconds_steady_step, float)
    assert [run.placed_on for run in runs] == ["/device:CPU:0", "cpu:0", "cpu", "CPU"]
    assert not (tmp_path / ".keras").exists()
    agreed = {(pair.backend, pair.other_backend): pair for pair in tested.parity}
    assert list(agreed) == list(combinations(standins.KERAS_BACKENDS, 2))
    for (one, other), pair in agreed.items():
        predicts = "openvino" in (one, other)
        assert {"matmul", "conv", "recurrent"} <= set(pair.compared)
        assert ("train" in pair.compared) is not predicts
        assert isinstance(pair.volatile.difference, float)
        assert pair.volatile.difference < (0.03 if predicts else 2e-6)


def test_loaded_libraries_are_recorded(keras_environment: str) -> None:
    _, runs = standins.run(keras_environment, ["openvino"], standins.environ())
    libraries = only(runs).libraries
    assert not isinstance(libraries, Unknown)
    names = [library.soname for library in libraries]
    assert any(name.startswith("libopenvino.so") for name in names)
    assert any(name.startswith("libscipy_openblas") for name in names)
    assert all(Path(library.path).is_absolute() for library in libraries)


def test_a_users_keras_json_is_obeyed_and_does_not_move_the_answers(jax_environment: str, tmp_path: Path) -> None:
    config = tmp_path / "keras.json"
    content = json.dumps({"floatx": "float16", "image_data_format": "channels_first", "backend": "tensorflow"})
    config.write_text(content)
    _, runs = standins.run(jax_environment, ["jax"], standins.environ(KERAS_HOME=str(tmp_path)))
    run = only(runs)
    assert (run.status, run.reason) == ("passed", None)
    assert not isinstance(run.environment_added, Unknown)
    assert "KERAS_HOME" not in [variable.name for variable in run.environment_added]
    assert config.read_text() == content


# --- several devices ------------------------------------------------------------------------------


def test_jax_trains_on_all_virtual_cpus_together(jax_environment: str) -> None:
    variables = standins.environ(XLA_FLAGS="--xla_force_host_platform_device_count=2")
    _, runs = standins.run(jax_environment, ["jax"], variables)
    assert [(run.device, run.status) for run in runs] == [("cpu:0", "passed"), ("cpu:1", "passed")]
    first, last = (stage(run, "all-devices") for run in runs)
    assert (first.status, first.detail) == ("skipped", "runs with cpu:1, the last device of its kind")
    assert last.status == "passed" and "and the small model of Keras" in last.detail
    assert isinstance(last.volatile.deviation, float) and last.volatile.deviation < 2e-6
    assert [run.placed_on for run in runs] == ["cpu:0", "cpu:1"]


def test_tensorflow_trains_on_all_logical_cpus_together(keras_environment: str, tmp_path: Path) -> None:
    """TensorFlow writes code that it generates into the temporary folder; nothing of it is left there."""
    variables = standins.environ("two_logical_cpus", TMPDIR=str(tmp_path))
    _, runs = standins.run(keras_environment, ["tensorflow"], variables)
    assert list(tmp_path.iterdir()) == []
    assert [(run.device, run.status, run.reason) for run in runs] == [
        ("cpu:0", "passed", None),
        ("cpu:1", "passed", None),
    ]
    last = stage(runs[1], "all-devices")
    assert last.status == "passed" and "and the small model of Keras" in last.detail
    assert isinstance(last.volatile.deviation, float) and last.volatile.deviation < 2e-6
    assert [run.placed_on for run in runs] == ["/device:CPU:0", "/device:CPU:1"]


def test_a_crash_on_one_device_leaves_the_other_its_whole_ladder(jax_environment: str) -> None:
    variables = standins.environ("segfault_in_conv", XLA_FLAGS="--xla_force_host_platform_device_count=2")
    _, runs = standins.run(jax_environment, ["jax"], variables)
    first, second = runs
    assert (first.device, first.status, first.failed_stage) == ("cpu:0", "crashed", "conv")
    assert first.reason == "the process died of SIGSEGV"
    assert standins.stages(first)["matmul"] == "passed" and standins.stages(first)["recurrent"] == "skipped"
    assert isinstance(first.stderr_tail, str) and "Segmentation fault" in first.stderr_tail
    assert (second.device, second.status) == ("cpu:1", "passed")
    last = stage(second, "all-devices")
    assert (last.status, last.detail) == ("skipped", "cpu:0 did not pass alone")


# --- damaged frameworks ---------------------------------------------------------------------------


def test_a_wrong_product_fails_in_matmul(jax_environment: str) -> None:
    _, runs = standins.run(jax_environment, ["jax"], standins.environ("wrong_matmul"))
    run = only(runs)
    assert (run.status, run.failed_stage) == ("failed", "matmul")
    failed = stage(run, "matmul")
    assert failed.failure == "wrong-result"
    assert failed.detail == run.reason
    assert "its largest error is 0.01 of the largest value" in failed.detail
    assert standins.stages(run)["conv"] == "skipped"


def test_a_loss_that_is_not_a_number_fails_in_train(jax_environment: str) -> None:
    _, runs = standins.run(jax_environment, ["jax"], standins.environ("nan_loss"))
    run = only(runs)
    assert (run.status, run.failed_stage, run.reason) == ("failed", "train", "the loss is NaN in step 1")
    assert stage(run, "train").failure == "wrong-result"
    assert standins.stages(run)["recurrent"] == "passed"


def test_a_device_that_is_not_the_one_asked_for_fails_in_place(jax_environment: str) -> None:
    variables = standins.environ("wrong_device", XLA_FLAGS="--xla_force_host_platform_device_count=2")
    _, runs = standins.run(jax_environment, ["jax"], variables, "cpu:1")
    run = only(runs)
    assert (run.device, run.status, run.failed_stage) == ("cpu:1", "failed", "place")
    assert stage(run, "place").failure == "wrong-device"
    assert run.reason == "asked for cpu:1, and it ran on cpu:0"


def test_a_gpu_in_name_only_fails_in_place(keras_environment: str) -> None:
    backends, runs = standins.run(keras_environment, ["torch"], standins.environ("gpu_in_name_only"), "gpu")
    run = only(runs)
    assert (run.device, run.status, run.failed_stage) == ("gpu:0", "failed", "place")
    assert run.reason == "asked for cuda:0, and it ran on cpu"
    devices = backends["torch"].devices
    assert not isinstance(devices, Unknown)
    assert [(device.name, device.description) for device in devices] == [("cpu", None), ("gpu:0", "Fancy GPU")]
