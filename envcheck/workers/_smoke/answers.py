"""The known answers, and how far a result is from them."""

import json
import os

import numpy

FILE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "known_answers.json")


class Wrong(Exception):
    """The stage ran, and its result is not what it must be."""


class WrongDevice(Wrong):
    """The stage ran on another device than it was sent to."""


class Answers(object):
    def __init__(self):
        with open(FILE) as stream:
            self._content = json.load(stream)
        self.learning_rate = self._content["learning_rate"]
        self.sharded_learning_rate = self._content["sharded_learning_rate"]
        self.steps = self._content["steps"]

    def input(self, case, key):
        """Return an input as a float32 array."""
        packed = self._content["cases"][case]["inputs"][key]
        values = numpy.array(packed["values"], dtype="float64") / self._content["unit"]
        return values.reshape(packed["shape"]).astype("float32")

    def answer(self, case, key):
        """Return an answer as a float64 array."""
        packed = self._content["cases"][case]["answers"][key]
        return numpy.array(packed["values"], dtype="float64").reshape(packed["shape"])

    def tolerance(self, arithmetic):
        return self._content["tolerances"][arithmetic]["value"]

    def reason(self, arithmetic):
        """Return why the tolerance of an arithmetic is as large as it is."""
        return self._content["tolerances"][arithmetic]["reason"]

    def shares(self, case, key, got):
        """Return a result as shares of the largest value that was expected: what runs are compared by."""
        return [
            float("%.8g" % value) for value in numpy.asarray(got).astype("float64").ravel() / self._scale(case, key)
        ]

    def _scale(self, case, key):
        return abs(self.answer(case, key)).max()

    def deviation(self, case, key, got):
        """Return the largest error as a share of the largest value that was expected.

        Raises:
            Wrong: if the shape differs or a value is not a number.
        """
        expected = self.answer(case, key)
        got = numpy.asarray(got).astype("float64")
        if got.shape != expected.shape:
            raise Wrong("the result has the shape %s instead of %s" % (got.shape, expected.shape))
        if not numpy.isfinite(got).all():
            raise Wrong("the result holds %s" % ("NaN" if numpy.isnan(got).any() else "infinity"))
        return float(abs(got - expected).max() / self._scale(case, key))
