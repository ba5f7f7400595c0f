"""Which worker tries a framework, by the Keras that is installed."""

from pathlib import Path
from typing import Any

import pytest
import standins
from msgspec.structs import replace

from envcheck.child import WORKERS
from envcheck.probes.frameworks import frameworks
from envcheck.probes.smoke_plan import plan

KERAS_2 = {"version": "2.15.0", "flavour": "keras-2-tensorflow", "backends_available": ("tensorflow",)}
KERAS_23 = {
    "version": "2.3.1",
    "flavour": "keras-2-multi-backend",
    "backends_available": ("cntk", "tensorflow", "theano"),
}
ABSENT = {"installed": False, "version": None, "flavour": None, "tf_keras_version": None}


@pytest.mark.parametrize(
    ("name", "version", "changes", "expected"),
    [
        ("jax", "0.10.2", {}, ("smoke_keras3", "jax", "keras")),
        ("tensorflow", "2.15.1", KERAS_2, ("smoke_keras2", "tensorflow", "keras")),
        ("tensorflow", "2.6.5", {**KERAS_2, "version": "2.6.0"}, ("smoke_keras2", "tensorflow", "tensorflow.keras")),
        ("torch", "2.13.0", KERAS_2, ("smoke_native", "torch", None)),
        ("theano", "1.0.5", KERAS_23, ("smoke_keras2", "theano", "keras")),
        ("plaidml", "0.7.0", KERAS_23, ("smoke_keras2", "plaidml.keras.backend", "keras")),
        ("paddle", "3.3.1", {}, ("smoke_native", "paddle", None)),
        ("tensorflow", "1.15.5", ABSENT, ("smoke_keras2", "tensorflow", "tensorflow.keras")),
        ("tensorflow", "2.21.0", ABSENT, ("smoke_native", "tensorflow", None)),
        ("tensorflow", "2.21.0", {"tf_keras_version": "2.21.0"}, ("smoke_keras3", "tensorflow", "keras")),
        (
            "tensorflow",
            "2.21.0",
            {"tf_keras_version": "2.21.0", "legacy_requested": True},
            ("smoke_keras2", "tensorflow", "tf_keras"),
        ),
    ],
)
def test_the_worker_fits(
    name: str, version: str, changes: dict[str, Any], expected: tuple[str, str, str | None]
) -> None:
    found = plan(replace(standins.backend(name), version=version), replace(standins.keras(), **changes))
    assert found is not None
    assert (found.worker, found.backend, found.keras) == expected


def test_what_envcheck_has_no_step_for_is_imported_only() -> None:
    assert plan(standins.backend("cntk"), replace(standins.keras(), **ABSENT)) is None


def test_a_framework_says_whether_it_is_tried_without_keras() -> None:
    steps = {path.stem.removeprefix("native_") for path in Path(WORKERS, "_smoke").glob("native_*.py")} - {"stages"}
    assert {framework.name for framework in frameworks() if framework.native} == steps
