"""Tensors in NumPy that know one device and one gradient: that of ``((rows @ weights - targets) ** 2).sum()``.

STAND_IN_FAULT says what is wrong with them: ``product``, ``loss``, ``nan``, ``gradient``, ``elsewhere``, ``chatter``,
or how the process ends in a product, see ``stand_in.come_to``.
"""

import os
import sys

import numpy
from stand_in import come_to

FAULT = os.environ.get("STAND_IN_FAULT", "")


def place(asked, other):
    """Return the device that a tensor lies on that was sent to ``asked``."""
    return other if FAULT == "elsewhere" else asked


def chatter():
    """Fill the screen, as a library does that was built to tell all."""
    for stream in (sys.stdout, sys.stderr):
        for _ in range(200):
            stream.write("warning: " + "x" * 1000 + "\n")
        stream.flush()


def multiply(left, right):
    """Return the product of two arrays, or come to the end that is asked for."""
    if FAULT == "chatter":
        chatter()
    else:
        come_to(FAULT)
    return left @ right * (1.01 if FAULT == "product" else 1.0)


class Tensor:
    def __init__(self, values, device, made_from=None):
        self.values = numpy.asarray(values)
        self.device = device
        self.grad = None
        self._made_from = made_from  #: what takes a gradient back

    def __matmul__(self, other):
        def back(gradient):
            other.take(self.values.T @ gradient * (0.9 if FAULT == "gradient" else 1.0))

        return Tensor(multiply(self.values, other.values), self.device, back)

    def __sub__(self, other):
        return Tensor(self.values - other.values, self.device, self.take)

    def __pow__(self, exponent):
        return Tensor(self.values**exponent, self.device, lambda gradient: self.take(gradient * 2 * self.values))

    def sum(self):
        factor = {"loss": 1.05, "nan": float("nan")}.get(FAULT, 1.0)
        return Tensor(self.values.sum() * factor, self.device, lambda gradient: self.take(gradient))

    def take(self, gradient):
        if self._made_from:
            self._made_from(gradient)
        else:
            self.grad = Tensor(numpy.broadcast_to(gradient, self.values.shape), self.device)

    def backward(self):
        self.take(numpy.ones(()))

    def __float__(self):
        return float(self.values)

    def __getitem__(self, key):
        return Tensor(self.values[key], self.device)

    def numpy(self):
        return self.values
