"""JAX that puts everything on its first device, whatever it is asked for."""

from stand_in import behind

jax = behind(__name__, __file__)
_put, _scope = jax.device_put, jax.default_device

jax.device_put = lambda values, device: _put(values, jax.local_devices()[0])
jax.default_device = lambda device: _scope(jax.local_devices()[0])
