"""keras-mxnet, a fork of Keras 2.2, on MXNet."""

import contextlib

from .keras2_models import TURNS_KERNELS, back_unchanged, loaded, predict
from .native_mxnet import arithmetic, devices, mxnet, notes, version

__all__ = ["TURNS_KERNELS", "arithmetic", "devices", "loaded", "notes", "version"]

#: Seen in 2026 with keras-mxnet 2.2.4.3 on MXNet 1.9.1.
WHY_UNROLLED = "in a loop, the LSTM of keras-mxnet gives a wrong output"
RECURRENT = {"unroll": True}
_context = {"context": ["cpu(0)"]}


@contextlib.contextmanager
def scope(device):
    # The fork takes the device as an option of model.compile.
    _context["context"] = [device["framework_name"]]
    yield


def round_trip(keras, values, device):
    with scope(device):
        return back_unchanged(keras, values), str(mxnet.nd.array(values, ctx=_native(device)).context)


def _native(device):
    return mxnet.cpu(0) if device["kind"] == "cpu" else mxnet.gpu(int(device["framework_name"][4:-1]))


def run_layer(keras, layer, values, weights, device):
    with scope(device):
        result, model = predict(keras, layer, values, weights, compile_options())
    return result, trained_on(model)


def products(keras, values, device):
    matrix = mxnet.nd.array(values, ctx=_native(device))

    def multiply(times):
        result = matrix
        for _ in range(times):
            result = mxnet.nd.dot(result, matrix)
        result.wait_to_read()

    return multiply


def compile_options():
    return dict(_context)


def trained_on(model):
    return " + ".join(sorted({str(context) for context in model._context}))


def why_not(stage, device):
    return {
        "compile": "MXNet has no compiler of its own",
        "reduced-precision": "keras-mxnet has no mixed precision",
        "all-devices": "not tried with keras-mxnet",
    }.get(stage)
