"""What the Keras 2 backends have in common that are reached through Keras models alone."""

import contextlib

import numpy

RECURRENT = {}
TURNS_KERNELS = False


def loaded(keras):
    pass


def notes():
    return []


@contextlib.contextmanager
def scope(device):
    """Change nothing: these backends compute on the one device that they were started with."""
    yield


def predict(keras, layer, values, weights, options=None):
    """Return what a layer with these weights makes of the values, and the model that it was made to.

    ``options`` are those of ``model.compile``.
    """
    inputs = keras.layers.Input(values.shape[1:])
    model = keras.models.Model(inputs, layer(inputs))
    layer.set_weights(weights)
    if options:
        model.compile("sgd", "mse", **options)
    return model.predict(values, batch_size=len(values)), model


def products(keras, values, device):
    """Return a function that has a Keras model multiply; the way to the device and back is part of it."""
    layer = keras.layers.Dense(len(values), use_bias=False, kernel_initializer="zeros")
    _, model = predict(keras, layer, values, [values])

    def multiply(times):
        for _ in range(times):
            model.predict(values, batch_size=len(values))

    return multiply


def back_unchanged(keras, values):
    """Return the values as a variable of Keras gives them back."""
    return numpy.asarray(keras.backend.get_value(keras.backend.variable(values)))


def compile_options():
    return {}


def arithmetic(device):
    return "float32"
