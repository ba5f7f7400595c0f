"""JAX without Keras."""

import jax
import numpy

from .use_jax import arithmetic, devices, notes, put, sharded_step, version, where

__all__ = ["arithmetic", "devices", "notes", "put", "sharded_step", "version", "where"]


def product(left, right):
    return jax.numpy.matmul(left, right)


def values_of(tensor):
    return numpy.asarray(tensor)


def why_not(stage, device):
    return None
