"""JAX whose softmax of class scores is not a number."""

from stand_in import behind

jax = behind(__name__, __file__)

jax.nn.log_softmax = lambda scores, axis=-1: scores * float("nan")
