"""A Keras that was made for another JAX."""

raise ImportError("cannot import name 'Tracer' from 'jax.core'")
