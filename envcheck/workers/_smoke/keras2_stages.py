"""The stages of the ladder for Keras 2, which has no ``keras.ops``: everything goes through layers and models.

A Keras 2 backend offers the functions named in ``__init__.py``, ``put`` aside, and these:

``round_trip(keras, values, device)``          values sent to the device and back, and the device that held them
``run_layer(keras, layer, values, weights, device)``  what a layer makes of values, and the device that computed it
``compile_options()``                          options of ``model.compile`` that make the training observable
``trained_on(model)``                          the device that trained a model
``products(keras, values, device)``            a function that multiplies a square matrix with itself so many times
``compiled_features(images, kernel, bias, device)``   a convolution and its tanh under the framework's compiler
``RECURRENT``                                  options that an LSTM needs here
``WHY_UNROLLED``                               why one of them is ``unroll=True``, where it is
``TURNS_KERNELS``                              its convolution turns the kernel by half a turn, as mathematics has it
``loaded(keras)``                              called once after Keras is imported
"""

import numpy

from .answers import Wrong
from .speed import speed
from .stages import PLAIN, Bench, Skip, train as trained

#: The default of Keras before 2.3 is the coarse 'hard_sigmoid'.
GATES = {"activation": "tanh", "recurrent_activation": "sigmoid"}


class Keras2Bench(Bench):
    def run_layer(self, layer, values, weights):
        return self.framework.run_layer(self.keras, layer, values, weights, self.device)

    def products(self, values):
        return self.framework.products(self.keras, values, self.device)

    def turned(self, kernel):
        """Return a kernel of a convolution the way round that this backend wants it, and back."""
        return kernel[::-1, ::-1].copy() if self.framework.TURNS_KERNELS else kernel

    def targets(self, labels):
        return numpy.eye(3, dtype="float32")[labels]

    def tiny_model(self, shape, weights):
        keras = self.keras
        model = keras.models.Sequential(
            [
                keras.layers.Conv2D(4, 3, activation="tanh", input_shape=shape),
                keras.layers.Reshape((4, 16)),
                keras.layers.LSTM(6, **gates(self)),
                keras.layers.Dense(3),
            ]
        )
        model.set_weights([self.turned(weights[0]), *weights[1:]])

        def loss(truth, logits):
            return keras.backend.categorical_crossentropy(truth, logits, from_logits=True)

        # The first argument of SGD is the learning rate, whose name changed in Keras 2.3.
        optimizer = keras.optimizers.SGD(self.answers.learning_rate)
        model.compile(optimizer, loss, **self.framework.compile_options())
        return model

    def weights_of(self, model):
        kernel, *others = model.get_weights()
        return [self.turned(kernel), *others]

    def trained_on(self, model):
        return self.framework.trained_on(model)

    def finish(self):
        pass  # the session of TensorFlow 1 serves the stages that follow


def place(bench):
    """Values sent to the device come back unchanged."""
    values = bench.answers.input("matmul", "left")
    back, placed_on = bench.framework.round_trip(bench.keras, values, bench.device)
    bench.must_be_here(placed_on)
    if not numpy.array_equal(back, values):
        raise Wrong("a tensor came back from %s changed" % placed_on)
    return {"detail": "a tensor came back unchanged", "placed_on": placed_on}


def matmul(bench):
    left, right = bench.answers.input("matmul", "left"), bench.answers.input("matmul", "right")
    layer = bench.keras.layers.Dense(right.shape[1], use_bias=False, **PLAIN)
    return bench.judged("matmul", "product", *bench.run_layer(layer, left, [right]))


def conv(bench):
    images, kernel, bias = [bench.answers.input("conv", key) for key in ("images", "kernel", "bias")]
    layer = bench.keras.layers.Conv2D(kernel.shape[3], kernel.shape[:2], activation="tanh", **PLAIN)
    return bench.judged("conv", "features", *bench.run_layer(layer, images, [bench.turned(kernel), bias]))


def recurrent(bench):
    series, kernel, inner, bias = [
        bench.answers.input("recurrent", key) for key in ("series", "kernel", "recurrent", "bias")
    ]
    layer = bench.keras.layers.LSTM(inner.shape[0], recurrent_initializer="zeros", **dict(PLAIN, **gates(bench)))
    result = bench.judged("recurrent", "state", *bench.run_layer(layer, series, [kernel, inner, bias]))
    return with_note(bench, result)


def with_note(bench, result):
    """Add why the LSTM is tried without a loop, where it is."""
    why = getattr(bench.framework, "WHY_UNROLLED", None)
    return dict(result, detail="%s; unroll=True, because %s" % (result["detail"], why)) if why else result


def gates(bench):
    return dict(GATES, **bench.framework.RECURRENT)


def train(bench):
    return with_note(bench, trained(bench))


def compile_(bench):
    """A convolution and its activation under the framework's compiler."""
    inputs = [bench.answers.input("conv", key) for key in ("images", "kernel", "bias")]
    return bench.judged("conv", "features", *bench.framework.compiled_features(*inputs, device=bench.device))


def reduced_precision(bench):
    """A Dense layer in each short number format that the device computes in."""
    left, right = bench.answers.input("matmul", "left"), bench.answers.input("matmul", "right")
    results = []
    for dtype in bench.framework.reduced_dtypes(bench.device):
        layer = bench.framework.reduced_dense(bench.keras, right.shape[1], dtype, PLAIN)
        got, placed_on = bench.run_layer(layer, left, [right])
        if str(got.dtype) != dtype:
            raise Wrong("a layer in %s gave %s" % (dtype, got.dtype))
        results.append(bench.judged("matmul", "product", got, placed_on, dtype))
    if not results:
        raise Skip("this backend has no short number format on this device")
    # Each has its own tolerance: report the one that comes nearest to its limit.
    worst = max(results, key=lambda result: result["deviation"] / result["tolerance"])
    return dict(worst, detail="; ".join(result["detail"] for result in results))


STAGES = (
    ("place", place),
    ("matmul", matmul),
    ("conv", conv),
    ("recurrent", recurrent),
    ("train", train),
    ("compile", compile_),
    ("reduced-precision", reduced_precision),
    ("speed", speed),
)
