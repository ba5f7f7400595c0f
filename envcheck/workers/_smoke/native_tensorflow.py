"""TensorFlow without Keras."""

import tensorflow as tf

from .use_tensorflow import arithmetic, devices, notes, put, sharded_step, version, where

__all__ = ["arithmetic", "devices", "notes", "put", "sharded_step", "version", "where"]


def product(left, right):
    return tf.matmul(left, right)


def values_of(tensor):
    return tensor.numpy()


def why_not(stage, device):
    return None
