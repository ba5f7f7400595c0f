"""JAX whose matrix products are off by one percent."""

from stand_in import behind

jax = behind(__name__, __file__)
_real = jax.numpy.matmul


def _matmul(*arguments, **options):
    return _real(*arguments, **options) * 1.01


jax.numpy.matmul = _matmul
