"""A Keras 2 that computes nothing: it says the known answers of the smoke test, from STAND_IN_ANSWERS.

STAND_IN_FAULT names what is wrong: a stage and a kind (``conv-wrong``, ``recurrent-nan``, ``train-loss``,
``train-nan``, ``train-weights``), ``chatter``, or a stage and an end (``conv-segfault``, see ``stand_in.come_to``).
"""

import json
import os
import types

import numpy
from stand_in import come_to
from tiny_tensor import chatter

__version__ = "2.2.4"

STAGE, _, KIND = os.environ.get("STAND_IN_FAULT", "").partition("-")

with open(os.environ["STAND_IN_ANSWERS"]) as stream:
    _cases = json.load(stream)["cases"]


def _answer(case, key):
    packed = _cases[case]["answers"][key]
    return numpy.array(packed["values"]).reshape(packed["shape"])


def _said(stage, values):
    """Return what is said in a stage, with its fault."""
    if STAGE == "chatter":
        chatter()
    if stage != STAGE:
        return values
    come_to(KIND)
    values = values * (1.01 if KIND == "wrong" else 1.0)
    values.flat[0] = float("nan") if KIND == "nan" else values.flat[0]
    return values


class _Layer:
    def __init__(self, *arguments, **options):
        self.answer = {"Conv2D": ("conv", "features"), "LSTM": ("recurrent", "state")}.get(type(self).__name__)

    def __call__(self, inputs):
        return self

    def set_weights(self, weights):
        (self.kernel, *_) = weights


class Conv2D(_Layer):
    pass


class LSTM(_Layer):
    pass


class Dense(_Layer):
    pass


class Reshape(_Layer):
    pass


class Model:
    def __init__(self, inputs, layer):
        self._layer = layer

    def compile(self, *arguments, **options):
        pass

    def predict(self, values, batch_size):
        if self._layer.answer:
            return _said(self._layer.answer[0], _answer(*self._layer.answer))
        product = _answer("matmul", "product")
        return _said("matmul", product) if len(values) == len(product) else values


class Sequential:
    def __init__(self, layers):
        self._step = -1

    def set_weights(self, weights):
        pass

    def compile(self, *arguments, **options):
        pass

    def fit(self, *arguments, **options):
        self._step += 1
        if STAGE == "train":
            come_to(KIND)
        loss = _answer("train", "losses")[self._step] * {"loss": 1.05, "nan": float("nan")}.get(KIND, 1.0)
        return types.SimpleNamespace(history={"loss": [loss]})

    def get_weights(self):
        weights = [_answer("train", f"step{self._step}_weight{number}") for number in range(7)]
        return [weight * (0.98 if KIND == "weights" else 1.0) for weight in weights]


layers = types.SimpleNamespace(Input=lambda shape: None, Conv2D=Conv2D, LSTM=LSTM, Dense=Dense, Reshape=Reshape)
models = types.SimpleNamespace(Model=Model, Sequential=Sequential)
optimizers = types.SimpleNamespace(SGD=lambda rate: None)
backend = types.SimpleNamespace(
    backend=lambda: os.environ["KERAS_BACKEND"],
    set_floatx=lambda name: None,
    set_image_data_format=lambda name: None,
    variable=lambda values: values,
    get_value=lambda values: _said("place", values.copy()),
)
