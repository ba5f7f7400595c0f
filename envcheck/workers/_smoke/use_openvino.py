"""OpenVINO for the stages of the smoke test. Keras predicts with it and does not train."""

import contextlib

import openvino

ONLY = {
    "train": "Keras does not train with OpenVINO, it predicts only",
    "compile": "OpenVINO compiles every model; there is nothing else to try",
    "all-devices": "Keras does not train with OpenVINO, it predicts only",
}


def version():
    return str(openvino.__version__)


def devices():
    core = _core()
    return [
        {
            "kind": name.split(".")[0].lower(),
            "framework_name": name,
            "description": str(core.get_property(name, "FULL_DEVICE_NAME")).strip(),
        }
        for name in core.available_devices
    ]


def _core():
    if hasattr(openvino, "Core"):
        return openvino.Core()
    from openvino.runtime import Core  # before OpenVINO 2023.1

    return Core()


def notes():
    return []


@contextlib.contextmanager
def scope(device):
    import keras

    with keras.device(device["name"]):
        yield


def put(values, device):
    """Send the values through a model on the device: an OpenVINO tensor of Keras has no device of its own."""
    ops = openvino.opset13
    parameter = ops.parameter(list(values.shape), openvino.Type.f32)
    doubled = ops.add(parameter, parameter)
    model = openvino.compile_model(openvino.Model([doubled], [parameter], "identity"), device["framework_name"])
    return _Placed(model([values / 2])[0], model)


class _Placed(object):
    def __init__(self, values, model):
        self.values = values
        self.model = model

    def __array__(self, dtype=None, copy=None):
        return self.values


def where(result):
    return " + ".join(result.model.get_property("EXECUTION_DEVICES"))


def predict(keras, layer, values):
    """Run one layer as a model, the way Keras uses OpenVINO."""
    model = keras.Sequential([keras.Input(values.shape[1:]), layer])
    result = model.predict(values, batch_size=len(values), verbose=0)
    return _Placed(result, model.ov_compiled_model)


def products(values, device):
    ops = openvino.opset13
    left, right = [ops.parameter(list(values.shape), openvino.Type.f32) for _ in range(2)]
    model = openvino.Model([ops.matmul(left, right, False, False)], [left, right], "product")
    compiled = openvino.compile_model(model, device["framework_name"])

    def multiply(times):
        for _ in range(times):
            compiled([values, values])

    return multiply


def arithmetic(device):
    # OpenVINO computes in bfloat16 or float16 where the CPU does that fast.
    hint = str(_core().get_property(device["framework_name"], "INFERENCE_PRECISION_HINT"))
    return next((name for name in ("bfloat16", "float16", "float32") if name in hint), "bfloat16")


def why_not(stage, device):
    if device["kind"] != "cpu":
        return "Keras runs OpenVINO on the CPU only"
    return ONLY.get(stage)


def reduced_dtypes(device):
    return ["float16"]
