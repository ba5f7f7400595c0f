"""JAX that dies in a convolution on its first device; the second one is well."""

from stand_in import behind, come_to

jax = behind(__name__, __file__)
_real = jax.lax.conv_general_dilated


def _conv(*arguments, **options):
    if jax.config.jax_default_device == jax.local_devices()[0]:
        come_to("segfault")
    return _real(*arguments, **options)


jax.lax.conv_general_dilated = _conv
