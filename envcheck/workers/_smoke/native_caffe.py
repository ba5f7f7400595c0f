"""Caffe, which Keras cannot use. Its nets are described in protobuf's text format and read from a file.

It cannot list GPUs, so only the CPU is tried.
"""

import os
import tempfile

import caffe

INPUT = 'layer { name: "%s" type: "Input" top: "%s" input_param { shape { %s } } }\n'
PRODUCT = (
    'layer { name: "product" type: "InnerProduct" bottom: "left" top: "product" '
    "inner_product_param { num_output: %d bias_term: false } }\n"
)
LOSS = 'layer { name: "loss" type: "EuclideanLoss" bottom: "product" bottom: "targets" top: "loss" loss_weight: 1 }\n'


def version():
    return str(caffe.__version__)


def devices():
    return [{"kind": "cpu", "framework_name": "cpu", "description": None}]


def notes():
    return []


def put(values, device):
    return _Blob(_net(_input("values", values.shape)), "values", values)


class _Blob(object):
    """A blob of a net, which it keeps alive."""

    def __init__(self, net, name, values=None):
        self.net = net
        self.name = name
        if values is not None:
            net.blobs[name].data[...] = values


def where(blob):
    return "cpu"


def values_of(blob):
    return blob.net.blobs[blob.name].data.copy()


def arithmetic(device):
    return "float32"


def why_not(stage, device):
    return None


def product(left, right):
    net = _product_net(values_of(left), values_of(right))
    net.forward()
    return _Blob(net, "product")


def products(values, device):
    net = _product_net(values, values)

    def multiply(times):
        for _ in range(times):
            net.forward()

    return multiply


def sharded_step(devices, inputs, targets, weights, rate, folder):
    """One step. Caffe's loss is the sum of the squares over twice the number of rows."""
    net = _product_net(inputs, weights, _input("targets", targets.shape) + LOSS)
    net.blobs["targets"].data[...] = targets
    scale = 2.0 * len(inputs)
    loss = float(net.forward()["loss"]) * scale
    net.backward()
    return loss, weights - rate * scale * net.params["product"][0].diff.T, ["cpu"]


def _product_net(left, right, more=""):
    """Return a net that multiplies ``left`` with ``right``, which stands transposed in its layer."""
    net = _net(_input("left", left.shape) + PRODUCT % right.shape[1] + more)
    net.blobs["left"].data[...] = left
    net.params["product"][0].data[...] = right.T
    return net


def _input(name, shape):
    return INPUT % (name, name, " ".join("dim: %d" % size for size in shape))


def _net(layers):
    descriptor, path = tempfile.mkstemp(suffix=".prototxt")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(layers)
        return caffe.Net(path, caffe.TRAIN)
    finally:
        os.remove(path)
