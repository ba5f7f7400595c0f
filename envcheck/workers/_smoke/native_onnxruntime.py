"""ONNX Runtime, which predicts with finished models and does not train."""

import numpy
import onnxruntime

PROVIDERS = {"CPUExecutionProvider": "cpu", "CUDAExecutionProvider": "gpu", "ROCMExecutionProvider": "gpu"}


def version():
    return str(onnxruntime.__version__)


def devices():
    return [
        {"kind": PROVIDERS[name], "framework_name": name, "description": None}
        for name in reversed(onnxruntime.get_available_providers())
        if name in PROVIDERS
    ]


def notes():
    return []


def put(values, device):
    """Send the values through a model on the device: they are multiplied with one."""
    return product(_Placed(values, device["framework_name"]), _Placed(numpy.eye(values.shape[1], dtype="float32")))


class _Placed(object):
    def __init__(self, values, provider=None):
        self.values = values
        self.provider = provider


def where(result):
    return result.provider


def values_of(result):
    return result.values


def arithmetic(device):
    return "float32" if device["kind"] == "cpu" else "tf32"


def why_not(stage, device):
    return None


def product(left, right):
    session = onnxruntime.InferenceSession(_model(left.values, right.values), providers=[left.provider])
    (values,) = session.run(None, {"left": left.values, "right": right.values})
    # A provider that cannot start leaves its place to the CPU, and the session tells.
    return _Placed(values, session.get_providers()[0])


def products(values, device):
    session = onnxruntime.InferenceSession(_model(values, values), providers=[device["framework_name"]])

    def multiply(times):
        for _ in range(times):
            session.run(None, {"left": values, "right": values})

    return multiply


# --- a model of one MatMul, written out as protobuf (onnx.proto3 of ONNX 1.10: field numbers) ----------------


def _model(left, right):
    node = _field(1, b"left") + _field(1, b"right") + _field(2, b"product") + _field(4, b"MatMul")
    values = [(11, b"left", left.shape), (11, b"right", right.shape), (12, b"product", (left.shape[0], right.shape[1]))]
    graph = _field(1, node) + _field(2, b"product") + b"".join(_field(tag, _value(*rest)) for tag, *rest in values)
    opset = _field(1, b"") + _number(2, 13)
    return _number(1, 7) + _field(7, graph) + _field(8, opset)  # IR version 7


def _value(name, shape):
    dimensions = b"".join(_field(1, _number(1, size)) for size in shape)
    tensor = _number(1, 1) + _field(2, dimensions)  # element type 1: float
    return _field(1, name) + _field(2, _field(1, tensor))


def _number(tag, value):
    return _varint(tag << 3) + _varint(value)


def _field(tag, content):
    return _varint(tag << 3 | 2) + _varint(len(content)) + content


def _varint(value):
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    result.append(value)
    return bytes(result)
