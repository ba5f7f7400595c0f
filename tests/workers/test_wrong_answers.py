"""Wrong answers and bad ends are caught on every way to a framework: Keras 2, and a step of the framework's own.

The frameworks are stand-ins: tensors in NumPy that compute rightly unless told otherwise, and a Keras 2 that says the
known answers.
"""

import os
from pathlib import Path

import pytest
import standins
from msgspec.structs import replace

from envcheck.child import WORKERS
from envcheck.model.facts import SmokeRun
from envcheck.model.unknown import Unknown
from envcheck.probes.keras import MULTI_BACKEND

pytestmark = [
    pytest.mark.frameworks,  # for an interpreter that has NumPy
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
]

TINY = ("paddle", "mxnet", "torch", "onnxruntime")
NO_KERAS = replace(standins.keras(), installed=False)
KERAS_2 = replace(standins.keras(), version="2.2.4", flavour=MULTI_BACKEND, backends_available=("plaidml",))
DIED = "the process died of SIGSEGV"
LEFT = "the process ended with exit status 0 before it was done"
SHORT = 12.0  # seconds; enough to start Python and NumPy on a busy machine


def native(python: str, name: str, fault: str, *standin: str, timeout: float = standins.LONG) -> SmokeRun:
    environ = standins.environ(*(standin or ("tiny",)), STAND_IN_FAULT=fault)
    (run,) = standins.probe(python, [name], environ, timeout=timeout, with_keras=NO_KERAS).runs
    assert run.through == "native"
    return run


def keras_2(python: str, fault: str, timeout: float = standins.LONG) -> SmokeRun:
    answers = str(Path(WORKERS) / "known_answers.json")
    environ = standins.environ("parrot", STAND_IN_FAULT=fault, STAND_IN_ANSWERS=answers)
    (run,) = standins.probe(python, ["plaidml"], environ, timeout=timeout, with_keras=KERAS_2).runs
    assert run.through == "keras-2"
    return run


def failure(run: SmokeRun) -> str | None:
    assert not isinstance(run.stages, Unknown)
    found = next((stage.failure for stage in run.stages if stage.status == "failed"), None)
    assert not isinstance(found, Unknown)
    return found


# --- a step of the framework's own ----------------------------------------------------------------


@pytest.mark.parametrize("name", TINY)
def test_a_stand_in_without_a_fault_passes(jax_environment: str, name: str) -> None:
    run = native(jax_environment, name, "")
    assert (run.status, run.reason, run.backend_version) == ("passed", None, "0.0.tiny")
    train = standins.stages(run)["train"]
    assert train == ("skipped" if name == "onnxruntime" else "passed")


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize(
    ("fault", "stage", "kind"),
    [
        ("product", "matmul", "wrong-result"),
        ("loss", "train", "wrong-result"),
        ("nan", "train", "wrong-result"),
        ("gradient", "train", "wrong-result"),
        ("elsewhere", "place", "wrong-device"),
    ],
)
def test_wrong_answers_of_a_native_step(jax_environment: str, name: str, fault: str, stage: str, kind: str) -> None:
    run = native(jax_environment, name, fault)
    if name == "onnxruntime" and stage == "train":
        assert run.status == "passed"  # it does not train
        return
    assert (run.status, run.failed_stage, failure(run)) == ("failed", stage, kind)
    if fault == "nan":
        assert run.reason == "the result holds NaN"


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ("segfault", "crashed", DIED),
        ("exit", "crashed", LEFT),
        ("sys.exit", "failed", "SystemExit: 3"),
        ("hang", "timed-out", f"no answer within {SHORT:.0f} s"),
    ],
)
def test_bad_ends_of_a_native_step(jax_environment: str, fault: str, status: str, reason: str) -> None:
    timeout = SHORT if fault == "hang" else standins.LONG
    run = native(jax_environment, "paddle", fault, timeout=timeout)
    assert (run.status, run.failed_stage, run.reason) == (status, "matmul", reason)
    assert standins.stages(run)["place"] == "passed"


def test_a_screen_full_of_words_does_not_hide_the_answers(jax_environment: str) -> None:
    run = native(jax_environment, "mxnet", "chatter")
    assert (run.status, run.reason) == ("passed", None)
    assert isinstance(run.stderr_tail, str) and len(run.stderr_tail) <= 4000


def test_a_wrong_product_of_jax_alone(jax_environment: str) -> None:
    run = native(jax_environment, "jax", "", "wrong_matmul")
    assert (run.status, run.failed_stage, failure(run)) == ("failed", "matmul", "wrong-result")


def test_a_wrong_product_of_tensorflow_alone(keras_environment: str) -> None:
    run = native(keras_environment, "tensorflow", "", "wrong_product_of_tensorflow")
    assert (run.status, run.failed_stage, failure(run)) == ("failed", "matmul", "wrong-result")


# --- Keras 2 --------------------------------------------------------------------------------------


def test_a_keras_2_without_a_fault_passes(jax_environment: str) -> None:
    run = keras_2(jax_environment, "")
    assert (run.status, run.reason, run.keras_version) == ("passed", None, "2.2.4")
    assert standins.stages(run)["train"] == "passed"


@pytest.mark.parametrize(
    ("fault", "stage", "kind"),
    [
        ("place-wrong", "place", "wrong-result"),
        ("elsewhere", "place", "wrong-device"),
        ("matmul-wrong", "matmul", "wrong-result"),
        ("conv-wrong", "conv", "wrong-result"),
        ("recurrent-nan", "recurrent", "wrong-result"),
        ("train-loss", "train", "wrong-result"),
        ("train-nan", "train", "wrong-result"),
        ("train-weights", "train", "wrong-result"),
    ],
)
def test_wrong_answers_of_keras_2(jax_environment: str, fault: str, stage: str, kind: str) -> None:
    run = keras_2(jax_environment, fault)
    assert (run.status, run.failed_stage, failure(run)) == ("failed", stage, kind)


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ("conv-segfault", "crashed", DIED),
        ("train-exit", "crashed", LEFT),
        ("recurrent-hang", "timed-out", f"no answer within {SHORT:.0f} s"),
        ("train-sys.exit", "failed", "SystemExit: 3"),
    ],
)
def test_bad_ends_of_keras_2(jax_environment: str, fault: str, status: str, reason: str) -> None:
    timeout = SHORT if fault.endswith("hang") else standins.LONG
    run = keras_2(jax_environment, fault, timeout)
    assert (run.status, run.failed_stage, run.reason) == (status, fault.partition("-")[0], reason)


def test_a_talkative_keras_2_passes(jax_environment: str) -> None:
    assert keras_2(jax_environment, "chatter").status == "passed"
