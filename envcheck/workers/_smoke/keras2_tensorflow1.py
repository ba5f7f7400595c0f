"""Keras 2 on TensorFlow 1, which builds a graph and runs it in a session.

Keras allows the session to move operations to another device in silence, so each run is traced: the trace names
the device of every operation that was run.
"""

import re

import tensorflow as tf

from .use_tensorflow import arithmetic, devices, notes, scope, version

__all__ = ["arithmetic", "devices", "notes", "scope", "version"]

RECURRENT = {}
TURNS_KERNELS = False
v1 = getattr(tf.compat, "v1", tf)  # TensorFlow 1.13 and later
#: Keras before 2.3 keeps weights in variables without a copy for readers: while one weight is updated, the gradients
#: of others may still read it. The answer then depends on the moment, which shows at the learning rate used here.
RACE = "this Keras changes weights while gradients still read them, so that training has no exact answer"
#: The operations that do the work of a stage; the session may keep the rest where it likes.
WORK = ("MatMul", "Conv2D", "Neg", "XlaLaunch", "_XlaRun", "BiasAdd", "Tanh")

_session = None
_dtype_of_its_own = True  # a layer can have one
_training = v1.RunMetadata()


def loaded(keras):
    """Take Keras's session; return the switches that were turned for the test, as names and values."""
    global _session, _dtype_of_its_own
    # Keras before 2.3 has not; TensorFlow's own copy, whose version ends in '-tf', has.
    _dtype_of_its_own = re.match(r"2\.[012](\.\d+)?$", keras.__version__) is None
    if hasattr(v1, "enable_resource_variables"):
        v1.enable_resource_variables()  # TensorFlow 1.12 and later: readers get a copy
    _session = keras.backend.get_session if hasattr(keras.backend, "get_session") else v1.keras.backend.get_session
    return [("tf.enable_resource_variables()", "called")] if hasattr(v1, "enable_resource_variables") else []


def _fetch(tensors, inputs):
    """Run the graph; return the values and the devices that did the work."""
    trace = v1.RunMetadata()
    values = _session().run(tensors, inputs, options=_traced(), run_metadata=trace)
    return values, _where(trace)


def _traced():
    return v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE)


def _where(trace):
    found = set()
    for stats in trace.step_stats.dev_stats:
        # Streams and host threads of a GPU have lines of their own, such as /device:GPU:0/stream:all.
        name = stats.device[stats.device.find("/device:") :]
        if name.count("/") == 1 and any(_works(node) for node in stats.node_stats):
            found.add(name)
    return " + ".join(sorted(found))


def _works(node):
    """Say whether a node of a trace computes: its label reads ``NAME = OPERATION(INPUTS)``."""
    operation = node.timeline_label.partition(" = ")[2].partition("(")[0].replace("_Fused", "").replace("_Mkl", "")
    return operation.startswith(WORK) or operation.startswith("BatchMatMul")


def round_trip(keras, values, device):
    with scope(device):
        sent = v1.placeholder("float32", values.shape)
        back = tf.negative(sent)
    return _fetch(back, {sent: -values})


def run_layer(keras, layer, values, weights, device):
    with scope(device):
        inputs = keras.layers.Input(values.shape[1:], dtype=getattr(layer, "dtype", None) or "float32")
        result = layer(inputs)
        layer.set_weights(weights)
    return _fetch(result, {inputs: values})


def products(keras, values, device):
    with scope(device):
        # A variable, because a graph of constants alone would be computed beforehand.
        matrix = keras.backend.variable(values)
        corner = tf.matmul(matrix, matrix)[0, 0]

    def multiply(times):
        for _ in range(times):
            _session().run(corner)

    return multiply


def compile_options():
    _training.Clear()
    return {"options": _traced(), "run_metadata": _training}


def trained_on(model):
    return _where(_training)


def why_not(stage, device):
    if stage == "compile" and _compiler() is None:
        return "TensorFlow %s has no function that compiles a part of the graph" % tf.__version__
    if stage == "reduced-precision" and not _dtype_of_its_own:
        return "Keras before 2.3 has one number format for all layers"
    if stage == "train" and not hasattr(v1, "enable_resource_variables"):
        return RACE
    return None


def _compiler():
    try:
        return tf.xla.experimental.compile
    except AttributeError:
        return None


def compiled_features(images, kernel, bias, device):
    def features(images, kernel, bias):
        return tf.tanh(tf.nn.conv2d(images, kernel, strides=[1, 1, 1, 1], padding="VALID") + bias)

    with scope(device):
        inputs = [v1.placeholder("float32", values.shape) for values in (images, kernel, bias)]
        (result,) = _compiler()(features, inputs)
    return _fetch(result, dict(zip(inputs, (images, kernel, bias))))


def reduced_dtypes(device):
    return ["float16"]


def reduced_dense(keras, units, dtype, options):
    return keras.layers.Dense(units, use_bias=False, dtype=dtype, **options)


def sharded_step(devices, inputs, targets, weights, rate, folder):
    """One training step with the rows split over the devices and the gradients added up."""
    losses, gradients, fed = [], [], {}
    parts = [values.reshape((len(devices), -1, values.shape[1])) for values in (inputs, targets)]
    for device, left, right in zip(devices, *parts):
        with scope(device):
            # Fed, because a graph of constants alone would be computed beforehand.
            rows, replica = v1.placeholder("float32", left.shape), v1.placeholder("float32", weights.shape)
            fed.update({rows: left, replica: weights})
            losses.append(tf.reduce_sum((tf.matmul(rows, replica) - right) ** 2))
            gradients.append(tf.gradients(losses[-1], replica)[0])
    (losses, total), places = _fetch([losses, tf.add_n(gradients)], fed)
    return float(sum(losses)), weights - rate * total, places.split(" + ")
