"""Keras 2.2 on PlaidML, which computes on the one device that its settings choose."""

import plaidml

from .keras2_models import (
    RECURRENT,
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

__all__ = ["RECURRENT", "TURNS_KERNELS", "arithmetic", "compile_options", "loaded", "notes", "products", "scope"]


def version():
    return str(plaidml.__version__)


def devices():
    """Return the device that Keras will use. Raises PlaidMLError where none is configured."""
    (chosen, _) = plaidml.devices(plaidml.Context(), return_all=True)
    return [_described(device) for device in chosen[:1]]


def _described(device):
    description = device.description.decode("utf-8", "replace")
    name = device.id.decode("utf-8", "replace")
    return {"kind": "cpu" if "cpu" in name else "gpu", "framework_name": name, "description": description}


def round_trip(keras, values, device):
    return back_unchanged(keras, values), _used()


def _used():
    from plaidml.keras import backend  # only Keras can import it first

    backend._device()  # opens it
    return devices()[0]["framework_name"]


def run_layer(keras, layer, values, weights, device):
    result, _ = predict(keras, layer, values, weights)
    return result, _used()


def trained_on(model):
    return _used()


def why_not(stage, device):
    return {
        "compile": "PlaidML compiles every function; there is nothing else to try",
        "reduced-precision": "Keras 2 has no mixed precision with PlaidML",
        "all-devices": "Keras 2 trains on one device with PlaidML",
    }.get(stage)
