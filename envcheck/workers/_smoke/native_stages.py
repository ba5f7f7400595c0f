"""The stages for a framework without Keras: its own tensors, one product and one training step.

A framework offers the functions named in ``__init__.py``, of these: ``version``, ``devices``, ``notes``, ``put``,
``where``, ``arithmetic`` and ``why_not``, and

``product(left, right)``        the matrix product of two of its tensors
``values_of(tensor)``           a tensor as a NumPy array
``sharded_step(devices, ...)``  one training step over one or several devices; without it the framework only predicts
"""

import contextlib
import time

import numpy

from .answers import Wrong
from .speed import speed
from .stages import Bench, Skip, all_devices


class NativeBench(Bench):
    def scope(self):
        return contextlib.suppress()  # nothing: its tensors say where they lie

    def products(self, values):
        framework = self.framework
        if hasattr(framework, "products"):
            return framework.products(values, self.device)
        matrix = framework.put(values, self.device)

        def multiply(times):
            result = matrix
            for _ in range(times):
                result = framework.product(result, matrix)
            framework.values_of(result[0:1])  # waits for the device

        return multiply


def place(bench):
    """Values sent to the device come back unchanged."""
    values = bench.answers.input("matmul", "left")
    tensor = bench.framework.put(values, bench.device)
    placed_on = bench.framework.where(tensor)
    bench.must_be_here(placed_on)
    if not numpy.array_equal(bench.framework.values_of(tensor), values):
        raise Wrong("a tensor came back from %s changed" % placed_on)
    return {"detail": "a tensor came back unchanged", "placed_on": placed_on}


def matmul(bench):
    left, right = [bench.framework.put(bench.answers.input("matmul", key), bench.device) for key in ("left", "right")]
    product = bench.framework.product(left, right)
    return bench.judged("matmul", "product", bench.framework.values_of(product), bench.framework.where(product))


def train(bench):
    """One step of gradient descent on the sum of squared errors, made twice: the second time everything is warm."""
    if not hasattr(bench.framework, "sharded_step"):
        raise Skip("this framework predicts only")
    result, seconds = None, []
    for _ in range(2):
        began = time.perf_counter()
        result = all_devices(bench, [bench.device])
        seconds.append(time.perf_counter() - began)
    return dict(
        result,
        detail="one step of the framework's own; " + result["detail"],
        seconds_first_step=seconds[0],
        seconds_steady_step=seconds[1],
    )


def not_native(bench):
    raise Skip("not tried without Keras")


STAGES = (
    ("place", place),
    ("matmul", matmul),
    ("conv", not_native),
    ("recurrent", not_native),
    ("train", train),
    ("compile", not_native),
    ("reduced-precision", not_native),
    ("speed", speed),
)
