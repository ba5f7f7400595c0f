"""Keras 2 on CNTK, which computes on one device, the process-wide default."""

import cntk

from .keras2_models import (
    TURNS_KERNELS,
    arithmetic,
    back_unchanged,
    compile_options,
    loaded,
    notes,
    predict,
    products,
    scope,
)

__all__ = ["TURNS_KERNELS", "arithmetic", "compile_options", "loaded", "notes", "products", "scope"]

#: ``rnn`` in cntk_backend.py.
WHY_UNROLLED = "in a loop, Keras 2.3 on CNTK gives the state of the cell in place of the output of an LSTM"
RECURRENT = {"unroll": True}


def version():
    return str(cntk.__version__)


def devices():
    return [_described(cntk.device.use_default_device())]


def _described(device):
    name = "cpu" if device.type() == cntk.device.DeviceKind.CPU else "gpu:%d" % device.id()
    description = None
    if name != "cpu":
        description = str(cntk.device.get_gpu_properties(device).name)
    return {"kind": name.split(":")[0], "framework_name": name, "description": description}


def round_trip(keras, values, device):
    return back_unchanged(keras, values), _holder(keras.backend.variable(values))


def _holder(parameter):
    return _described(cntk.cntk_py.Parameter.value(parameter).device())["framework_name"]


def run_layer(keras, layer, values, weights, device):
    result, model = predict(keras, layer, values, weights)
    return result, _all_holders(model)


def _all_holders(model):
    return " + ".join(sorted({_holder(weight) for weight in model.weights}))


def trained_on(model):
    return _all_holders(model)


def why_not(stage, device):
    return {
        "compile": "CNTK has no compiler of its own",
        "reduced-precision": "Keras 2 has no mixed precision with CNTK",
        "all-devices": "CNTK trains on several devices in several processes, started by MPI",
    }.get(stage)
