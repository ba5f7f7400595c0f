"""TensorFlow for the stages of the smoke test."""

import functools
import os
import sys

import tensorflow as tf


def version():
    return str(tf.__version__)


def devices():
    return [
        {
            "kind": device.device_type.lower(),
            "framework_name": device.name[device.name.index("/device:") :],
            "description": _description(device),
        }
        for device in _logical_devices()
        if not device.device_type.startswith("XLA")
    ]


def _logical_devices():
    if hasattr(tf, "config") and hasattr(tf.config, "list_logical_devices"):
        return tf.config.list_logical_devices()
    from tensorflow.python.client import device_lib  # TensorFlow 1

    return device_lib.list_local_devices()


def _description(device):
    details = _details(device.device_type, device.name)
    return details.get("device_name") or getattr(device, "physical_device_desc", None) or None


def _details(device_type, name):
    # TensorFlow 1 has no such function; it describes a device in its list.
    if device_type != "GPU" or not hasattr(tf, "config"):
        return {}
    if not hasattr(tf.config.experimental, "get_device_details"):
        return {}
    physical = tf.config.list_physical_devices("GPU")
    number = int(name.split(":")[-1])
    return tf.config.experimental.get_device_details(physical[number]) if number < len(physical) else {}


def notes():
    return []  # TensorFlow writes on stderr why it registers no GPU


def scope(device):
    return tf.device(device["framework_name"])


def put(values, device):
    with scope(device):
        return tf.identity(tf.constant(values))


def where(tensor):
    tensor = getattr(tensor, "value", tensor)  # of a Keras variable
    copies = getattr(tensor, "values", None)  # under a strategy: one for each of its devices
    return " + ".join(sorted({_place(copy) for copy in (copies if isinstance(copies, tuple) else [tensor])}))


def _place(tensor):
    # A tensor's device is where its operation ran; its memory can lie on another one.
    name = getattr(tensor, "backing_device", None) or tensor.device
    return name[name.index("/device:") :] if "/device:" in name else name


def arithmetic(device):
    if os.environ.get("TF_SET_ONEDNN_FPMATH_MODE") or os.environ.get("ONEDNN_DEFAULT_FPMATH_MODE"):
        return "bfloat16"  # the user allowed coarse products
    return {"cpu": "float32", "gpu": "tf32"}.get(device["kind"], "bfloat16")


def why_not(stage, device):
    if stage == "compile" and sys.platform == "darwin":
        return "Keras does not use XLA with TensorFlow on macOS"
    return None


def compiled(function, device, folder):
    return tf.function(function, jit_compile=True)


def reduced_dtypes(device):
    if device["kind"] != "gpu":
        return ["bfloat16"]
    # bfloat16 came with compute capability 8.0 (CUDA C++ Programming Guide, table of compute capabilities).
    capability = _details("GPU", device["framework_name"]).get("compute_capability", (0, 0))
    return ["float16", "bfloat16"] if capability[0] >= 8 else ["float16"]


def data_parallel(keras, devices):
    """Let Keras train on all devices: each gets a part of the rows."""
    return _strategy(tuple(device["framework_name"] for device in devices)).scope()


@functools.lru_cache(maxsize=None)
def _strategy(names):
    # One for all uses: two strategies of one process give their reductions the same keys.
    return tf.distribute.MirroredStrategy(devices=list(names))


def sharded_step(devices, inputs, targets, weights, rate, folder):
    """One step under MirroredStrategy, which adds the gradients up between the devices."""
    count = len(devices)
    strategy = _strategy(tuple(device["framework_name"] for device in devices))

    def rows_of(values):
        parts = tf.split(tf.constant(values), count)
        return strategy.experimental_distribute_values_from_function(
            lambda context: parts[context.replica_id_in_sync_group]
        )

    with strategy.scope():
        variable = tf.Variable(weights)

    def replica_step(left, right):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((tf.matmul(left, variable) - right) ** 2)
        gradient = tape.gradient(loss, variable)
        total = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradient)
        return loss, variable - rate * total

    @tf.function
    def step(left, right):
        return strategy.run(replica_step, args=(left, right))

    losses, after = step(rows_of(inputs), rows_of(targets))
    results = strategy.experimental_local_results(after)
    for other in results[1:]:
        tf.debugging.assert_equal(other, results[0], "the devices hold different weights after the step")
    loss = sum(float(part) for part in strategy.experimental_local_results(losses))
    return loss, results[0].numpy(), sorted(where(result) for result in results)
