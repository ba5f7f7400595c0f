"""PyTorch in NumPy, without processes of its own."""

import types

import tiny_tensor

__version__ = "0.0.tiny"

cuda = types.SimpleNamespace(is_available=lambda: False)
version = types.SimpleNamespace(cuda=None)
backends = types.SimpleNamespace()

tiny_tensor.Tensor.to = lambda tensor, name: tiny_tensor.Tensor(tensor.values, tiny_tensor.place(name, "meta"))
tiny_tensor.Tensor.requires_grad_ = tiny_tensor.Tensor.cpu = tiny_tensor.Tensor.detach = lambda tensor: tensor


def from_numpy(values):
    return tiny_tensor.Tensor(values, "cpu")


def chunk(tensor, count):
    rows = len(tensor.values) // count
    return [tensor[number * rows : (number + 1) * rows] for number in range(count)]
