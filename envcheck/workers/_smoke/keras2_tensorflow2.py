"""Keras 2 on TensorFlow 2, which computes at once: a tensor tells where it lies."""

import tensorflow as tf

from .use_tensorflow import arithmetic, devices, notes, reduced_dtypes, scope, sharded_step, version, where, why_not

__all__ = ["arithmetic", "devices", "notes", "reduced_dtypes", "scope", "sharded_step", "version", "why_not"]

RECURRENT = {}
TURNS_KERNELS = False


def loaded(keras):
    pass


def round_trip(keras, values, device):
    with scope(device):
        tensor = tf.identity(tf.constant(values))
        variable = keras.backend.variable(values)
        if not (variable.numpy() == values).all():
            return variable.numpy(), where(variable.read_value())
        return tensor.numpy(), where(tensor)


def run_layer(keras, layer, values, weights, device):
    with scope(device):
        layer.build(values.shape)
        layer.set_weights(weights)
        result = layer(tf.constant(values))
        return result.numpy(), where(result)


def products(keras, values, device):
    matrix = tf.constant(values)

    def multiply(times):
        result = matrix
        for _ in range(times):
            result = tf.matmul(result, matrix)
        result[0, 0].numpy()  # waits for the device

    return multiply


def compile_options():
    return {}


def trained_on(model):
    return " + ".join(sorted({where(weight.read_value()) for weight in model.weights}))


def compiled_features(images, kernel, bias, device):
    def features(images, kernel, bias):
        return tf.tanh(tf.nn.conv2d(images, kernel, strides=1, padding="VALID") + bias)

    with scope(device):
        result = _under_xla(features)(tf.constant(images), tf.constant(kernel), tf.constant(bias))
        return result.numpy(), where(result)


def _under_xla(function):
    try:
        return tf.function(function, jit_compile=True)
    except TypeError:
        return tf.function(function, experimental_compile=True)  # its name before TensorFlow 2.5


def reduced_dense(keras, units, dtype, options):
    try:
        return keras.layers.Dense(units, use_bias=False, dtype="mixed_" + dtype, **options)
    except TypeError:
        # Before TensorFlow 2.4 only a policy object says it.
        policy = tf.keras.mixed_precision.experimental.Policy("mixed_" + dtype)
        return keras.layers.Dense(units, use_bias=False, dtype=policy, **options)
