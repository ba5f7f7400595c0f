"""A JAX of two devices that computes nothing. Sending a tensor to cpu:0 comes to the end that STAND_IN_END names."""

import contextlib
import os

from stand_in import come_to

__version__ = "0.0.hollow"


class _Device:
    platform = device_kind = "cpu"

    def __init__(self, number):
        self._name = f"HOLLOW_{number}"

    def __str__(self):
        return self._name


_devices = [_Device(0), _Device(1)]
_current = [_devices[0]]


class Tensor:
    def __init__(self, values, device):
        self.values = values
        self._device = device

    def devices(self):
        return {self._device}


def local_devices(backend=None):
    return _devices


def device_put(values, device):
    if device is _devices[0]:
        come_to(os.environ["STAND_IN_END"])
    return Tensor(values, device)


@contextlib.contextmanager
def default_device(device):
    before, _current[0] = _current[0], device
    try:
        yield
    finally:
        _current[0] = before


def here(values):
    """Return a tensor on the device of the moment."""
    return Tensor(values, _current[0])
