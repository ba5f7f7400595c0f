"""TensorFlow with its one CPU split into two logical devices."""

from stand_in import behind

tensorflow = behind(__name__, __file__)

_half = tensorflow.config.LogicalDeviceConfiguration
tensorflow.config.set_logical_device_configuration(
    tensorflow.config.list_physical_devices("CPU")[0], [_half(), _half()]
)
