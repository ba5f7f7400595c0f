"""Apache MXNet in NumPy."""

import contextlib
import types

import tiny_tensor

__version__ = "0.0.tiny"

context = types.SimpleNamespace(num_gpus=lambda: 0)


def cpu(number):
    return tiny_tensor.place(f"cpu({number})", "gpu(0)")


tiny_tensor.Tensor.context = property(lambda tensor: tensor.device)
tiny_tensor.Tensor.asnumpy = tiny_tensor.Tensor.numpy
tiny_tensor.Tensor.asscalar = tiny_tensor.Tensor.__float__
tiny_tensor.Tensor.attach_grad = lambda tensor: None

nd = types.SimpleNamespace(
    array=lambda values, ctx: tiny_tensor.Tensor(values, ctx), dot=lambda left, right: left @ right
)
autograd = types.SimpleNamespace(record=contextlib.suppress)
