"""PaddlePaddle in NumPy."""

import tiny_tensor

__version__ = "0.0.tiny"


class CPUPlace:
    pass


class _Place:
    def __init__(self, gpu):
        self._gpu = gpu

    def is_gpu_place(self):
        return self._gpu

    def gpu_device_id(self):
        return 0


class _Tensor(tiny_tensor.Tensor):
    place = _Place(tiny_tensor.place(False, True))


def is_compiled_with_cuda():
    return False


def to_tensor(values, place):
    return _Tensor(values, place)


def matmul(left, right):
    result = left @ right
    result.place = left.place
    return result


tiny_tensor.Tensor.place = _Tensor.place
