"""The stages of the ladder: what each tries on one device, and the known answer that it must give.

A stage returns a dict with ``detail`` and, where it has a known answer, ``deviation``, ``tolerance`` with its reason,
and ``answers``, its result for a comparison with other runs; ``placed_on`` is the framework's name of the device that
truly ran it. It raises :class:`Skip` where it makes no sense and :class:`Wrong` where its result is wrong. Any other
exception is the framework's own complaint.
"""

import collections
import inspect
import math
import time

import numpy

from .answers import Wrong, WrongDevice

#: Known weights replace the first ones; drawing those would try more than the stage is about.
PLAIN = {"kernel_initializer": "zeros"}
SHARE = "largest error as a share of the largest value, against %s arithmetic"


class Skip(Exception):
    """The stage makes no sense here."""


class Bench(object):
    """What every stage needs: Keras, the framework, the device, the known answers, and a folder to write to."""

    def __init__(self, keras, framework, device, answers, folder):
        self.keras = keras
        self.framework = framework
        self.device = device
        self.answers = answers
        self.folder = folder

    def scope(self):
        return self.framework.scope(self.device)

    def run_layer(self, layer, values, weights):
        """Return what a layer with these weights makes of the values, and where the result lies."""
        with self.scope():
            layer.build(values.shape)
            layer.set_weights(weights)
            if hasattr(self.framework, "predict"):
                result = self.framework.predict(self.keras, layer, values)
                return numpy.asarray(result), self.framework.where(result)
            result = layer(self.keras.ops.convert_to_tensor(values))
            return self.keras.ops.convert_to_numpy(result), self.framework.where(result)

    def products(self, values):
        """Return a function that multiplies a square matrix with itself, and its result again, so many times."""
        if hasattr(self.framework, "products"):
            return self.framework.products(values, self.device)
        ops = self.keras.ops
        matrix = ops.convert_to_tensor(values)

        def multiply(times):
            result = matrix
            for _ in range(times):
                result = ops.matmul(result, matrix)
            ops.convert_to_numpy(result[0, 0])  # waits for the device

        return multiply

    def targets(self, labels):
        """Return the labels as the loss of the tiny model takes them."""
        return labels

    def tiny_model(self, shape, weights):
        layers = self.keras.layers
        model = self.keras.Sequential(
            [
                self.keras.Input(shape),
                layers.Conv2D(4, 3, activation="tanh"),
                layers.Reshape((4, 16)),
                lstm(self, 6),
                layers.Dense(3),
            ]
        )
        model.set_weights(weights)
        model.compile(
            optimizer=self.keras.optimizers.SGD(learning_rate=self.answers.learning_rate),
            loss=self.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            # The compilers have a stage of their own; JAX knows no other way to train fast.
            jit_compile=self.framework.__name__.endswith("use_jax"),
        )
        return model

    def weights_of(self, model):
        return model.get_weights()

    def trained_on(self, model):
        return " + ".join(sorted({self.framework.where(weight) for weight in model.weights}))

    def finish(self):
        self.keras.backend.clear_session()

    def judged(self, case, key, got, placed_on, dtype="float32"):
        """Compare a result with its known answer, and the device that holds it with the one asked for."""
        self.must_be_here(placed_on)
        result = self.within(self.answers.deviation(case, key, got), placed_on, dtype)
        return dict(result, answers=self.answers.shares(case, key, got))

    def within(self, deviation, placed_on, dtype="float32"):
        # The coarser one rules: a device may compute in less than the format that holds the numbers.
        arithmetic = max(dtype, self.framework.arithmetic(self.device), key=self.answers.tolerance)
        tolerance = self.answers.tolerance(arithmetic)
        if deviation > tolerance:
            raise Wrong(
                "the result is wrong: its largest error is %.2g of the largest value, and %s arithmetic allows %g"
                % (deviation, arithmetic, tolerance)
            )
        return {
            "detail": SHARE % arithmetic,
            "deviation": deviation,
            "tolerance": tolerance,
            "tolerance_reason": self.answers.reason(arithmetic),
            "placed_on": placed_on,
        }

    def must_be_here(self, placed_on):
        if placed_on != self.device["framework_name"]:
            raise WrongDevice("asked for %s, and it ran on %s" % (self.device["framework_name"], placed_on))


def place(bench):
    """A tensor lands where it was sent and comes back unchanged, sent by the framework and by Keras."""
    values = bench.answers.input("matmul", "left")
    tensor = bench.framework.put(values, bench.device)
    placed_on = bench.framework.where(tensor)
    bench.must_be_here(placed_on)
    back = numpy.asarray(tensor if hasattr(bench.framework, "predict") else bench.keras.ops.convert_to_numpy(tensor))
    if not numpy.array_equal(back, values):
        raise Wrong("a tensor came back from %s changed" % placed_on)
    with bench.scope():
        tensor = bench.keras.ops.convert_to_tensor(values)
        if not numpy.array_equal(bench.keras.ops.convert_to_numpy(tensor), values):
            raise Wrong("a tensor of Keras came back changed")
        if not hasattr(bench.framework, "predict"):
            bench.must_be_here(bench.framework.where(tensor))
    return {"detail": "a tensor came back unchanged", "placed_on": placed_on}


def matmul(bench):
    left, right = bench.answers.input("matmul", "left"), bench.answers.input("matmul", "right")
    if hasattr(bench.framework, "predict"):
        layer = bench.keras.layers.Dense(right.shape[1], use_bias=False, **PLAIN)
        return bench.judged("matmul", "product", *bench.run_layer(layer, left, [right]))
    ops = bench.keras.ops
    with bench.scope():
        product = ops.matmul(ops.convert_to_tensor(left), ops.convert_to_tensor(right))
        return bench.judged("matmul", "product", ops.convert_to_numpy(product), bench.framework.where(product))


def conv(bench):
    images, kernel, bias = [bench.answers.input("conv", key) for key in ("images", "kernel", "bias")]
    layer = bench.keras.layers.Conv2D(kernel.shape[3], kernel.shape[:2], activation="tanh", **PLAIN)
    return bench.judged("conv", "features", *bench.run_layer(layer, images, [kernel, bias]))


def recurrent(bench):
    series, kernel, inner, bias = [
        bench.answers.input("recurrent", key) for key in ("series", "kernel", "recurrent", "bias")
    ]
    layer = lstm(bench, inner.shape[0], recurrent_initializer="zeros", **PLAIN)
    return bench.judged("recurrent", "state", *bench.run_layer(layer, series, [kernel, inner, bias]))


def lstm(bench, units, **options):
    layer = bench.keras.layers.LSTM
    # On a CPU beside a GPU, some backends would send the layer to cuDNN all the same. Keras 3.0 has no such option.
    if bench.device["kind"] != "gpu" and "use_cudnn" in inspect.signature(layer.__init__).parameters:
        options["use_cudnn"] = False
    return layer(units, **options)


def train(bench):
    """Three steps of the tiny model: the loss and all weights of each step have known answers."""
    trained = _trained(bench, bench.scope)
    bench.must_be_here(trained.placed_on)
    return dict(
        bench.within(trained.deviation, trained.placed_on),
        answers=trained.answers,
        seconds_first_step=trained.seconds[0],
        seconds_steady_step=min(trained.seconds[1:]),
    )


Trained = collections.namedtuple("Trained", "deviation answers seconds placed_on")


def _trained(bench, scope):
    answers = bench.answers
    images, labels = answers.input("train", "images"), answers.input("train", "labels").astype("int32")
    start = [answers.input("train", "weight%d" % number) for number in range(7)]
    deviations, seconds, given = [], [], []
    with scope():
        model = bench.tiny_model(images.shape[1:], start)
        for step in range(answers.steps):
            began = time.perf_counter()
            history = model.fit(
                images, bench.targets(labels), batch_size=len(images), epochs=1, shuffle=False, verbose=0
            )
            seconds.append(time.perf_counter() - began)
            loss = float(history.history["loss"][0])
            if not math.isfinite(loss):
                raise Wrong("the loss is %s in step %d" % ("NaN" if math.isnan(loss) else "infinite", step + 1))
            expected = answers.answer("train", "losses")
            deviations.append(abs(loss - expected[step]) / expected.max())
            given += answers.shares("train", "losses", [loss])
            for number, weight in enumerate(bench.weights_of(model)):
                deviations.append(answers.deviation("train", "step%d_weight%d" % (step, number), weight))
                given += answers.shares("train", "step%d_weight%d" % (step, number), weight)
        placed_on = bench.trained_on(model)
    bench.finish()
    return Trained(max(deviations), given, seconds, placed_on)


def compile_(bench):
    """A convolution and its activation under the framework's compiler."""
    ops = bench.keras.ops

    def features(images, kernel, bias):
        return ops.tanh(ops.conv(images, kernel, padding="valid", data_format="channels_last") + bias)

    with bench.scope():
        inputs = [ops.convert_to_tensor(bench.answers.input("conv", key)) for key in ("images", "kernel", "bias")]
        result = bench.framework.compiled(features, bench.device, bench.folder)(*inputs)
        return bench.judged("conv", "features", ops.convert_to_numpy(result), bench.framework.where(result))


def reduced_precision(bench):
    """A Dense layer under Keras's mixed precision, for each short number format that the device computes in."""
    left, right = bench.answers.input("matmul", "left"), bench.answers.input("matmul", "right")
    results = []
    for dtype in bench.framework.reduced_dtypes(bench.device):
        layer = bench.keras.layers.Dense(right.shape[1], use_bias=False, dtype="mixed_" + dtype, **PLAIN)
        try:
            got, placed_on = bench.run_layer(layer, left, [right])
        except Exception as error:
            if _has_no_code(error):
                raise Skip("%s: %s" % (type(error).__name__, error))
            raise
        if str(got.dtype) != dtype:
            raise Wrong("a layer in mixed_%s gave %s" % (dtype, got.dtype))
        results.append(bench.judged("matmul", "product", got, placed_on, dtype))
    # Each has its own tolerance: report the one that comes nearest to its limit.
    worst = max(results, key=lambda result: result["deviation"] / result["tolerance"])
    return dict(worst, detail="; ".join(result["detail"] for result in results))


def _has_no_code(error):
    """Say whether the framework has no code for an operation on this device, which is no fault of the machine."""
    return (
        isinstance(error, NotImplementedError)
        or type(error).__name__ == "UnimplementedError"  # TensorFlow
        or "not implemented for" in str(error)  # PyTorch: "addmm" not implemented for 'Half'
    )


def all_devices(bench, group):
    """One training step with the rows split over every device of the kind."""
    answers = bench.answers
    inputs, targets = answers.input("sharded", "inputs"), answers.input("sharded", "targets")
    weights = answers.input("sharded", "weights")
    # Rows of zeros change neither the sum of the errors nor its gradient, and make the rows divisible.
    padding = ((0, -len(inputs) % len(group)), (0, 0))
    loss, after, places = bench.framework.sharded_step(
        group,
        numpy.pad(inputs, padding),
        numpy.pad(targets, padding),
        weights,
        answers.sharded_learning_rate,
        bench.folder,
    )
    expected = sorted(device["framework_name"] for device in group)
    if places != expected:
        raise WrongDevice("asked for %s, and it ran on %s" % (" + ".join(expected), " + ".join(places)))
    deviations = [answers.deviation("sharded", "loss", [loss]), answers.deviation("sharded", "weights", after)]
    return _with_keras(bench, group, bench.within(max(deviations), " + ".join(places)))


def _with_keras(bench, group, alone):
    """Add what Keras makes of it, where it has a way to train on several devices at once and the rows divide evenly."""
    rows = len(bench.answers.input("train", "labels"))
    if bench.keras is None or not hasattr(bench.framework, "data_parallel") or len(group) < 2 or rows % len(group):
        return alone
    trained = _trained(bench, lambda: bench.framework.data_parallel(bench.keras, group))
    if trained.placed_on != alone["placed_on"]:
        raise WrongDevice("asked Keras for %s, and it ran on %s" % (alone["placed_on"], trained.placed_on))
    result = bench.within(max(trained.deviation, alone["deviation"]), trained.placed_on)
    return dict(result, detail="the framework's own step, and the small model of Keras; " + result["detail"])
