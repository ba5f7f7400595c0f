"""JAX for the stages of the smoke test."""

import contextlib
import os

import jax
import numpy


def version():
    return str(jax.__version__)


def devices():
    seen = list(jax.local_devices())
    if all(device.platform != "cpu" for device in seen):
        try:
            seen = list(jax.local_devices(backend="cpu")) + seen
        except RuntimeError:
            pass  # JAX_PLATFORMS leaves the CPU out
    return [
        {"kind": device.platform, "framework_name": str(device), "description": str(device.device_kind)}
        for device in seen
    ]


def notes():
    return []  # JAX writes on stderr why it falls back to the CPU


def _native(device):
    everything = list(jax.local_devices()) + list(jax.local_devices(backend=device["kind"]))
    return next(one for one in everything if str(one) == device["framework_name"])


def scope(device):
    return jax.default_device(_native(device))


def put(values, device):
    return jax.device_put(values, _native(device))


def where(tensor):
    tensor = getattr(tensor, "value", tensor)  # of a Keras variable
    return " + ".join(sorted(str(device) for device in tensor.devices()))


def arithmetic(device):
    if os.environ.get("JAX_DEFAULT_MATMUL_PRECISION"):
        return "bfloat16"  # the user allowed coarse products
    return {"cpu": "float32", "gpu": "tf32"}.get(device["kind"], "bfloat16")


def why_not(stage, device):
    return None


def compiled(function, device, folder):
    return jax.jit(function)


def reduced_dtypes(device):
    if device["kind"] != "gpu":
        return ["bfloat16"]
    capability = str(getattr(_native(device), "compute_capability", "0")).split(".")[0]
    # bfloat16 came with compute capability 8.0 (CUDA C++ Programming Guide, table of compute capabilities).
    return ["float16", "bfloat16"] if capability.isdigit() and int(capability) >= 8 else ["float16"]


@contextlib.contextmanager
def data_parallel(keras, devices):
    """Let Keras train on all devices: each gets a part of the rows."""
    if not hasattr(keras, "distribution"):
        yield
        return
    named = [_keras_name(device) for device in devices]
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=named))
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def _keras_name(device):
    native = _native(device)
    return "%s:%d" % (native.platform, native.id)


def sharded_step(devices, inputs, targets, weights, rate, folder):
    """Split the rows over the devices; XLA adds the gradients up. Returns loss, weights, and where the rows lay."""
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    mesh = Mesh(numpy.array([_native(device) for device in devices]), ("rows",))
    split, whole = NamedSharding(mesh, PartitionSpec("rows")), NamedSharding(mesh, PartitionSpec())
    inputs, targets = jax.device_put(inputs, split), jax.device_put(targets, split)
    weights = jax.device_put(weights, whole)

    def loss_of(weights):
        return ((jax.numpy.matmul(inputs, weights) - targets) ** 2).sum()

    @jax.jit
    def step(weights):
        loss, gradient = jax.value_and_grad(loss_of)(weights)
        return loss, weights - rate * gradient

    loss, weights = step(weights)
    return float(loss), numpy.asarray(weights), sorted(str(device) for device in inputs.devices())
