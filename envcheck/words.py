"""Sentences for people are templates with named fields, translated here.

Ids, keys and commands are the same in every language. A template is marked where it stands with
:func:`template`, so that gettext's tools find it, and filled with :func:`sentence`.
"""

import gettext
from collections.abc import Mapping
from pathlib import Path

FRAMEWORKS = {
    "keras": "Keras",
    "tensorflow": "TensorFlow",
    "jax": "JAX",
    "torch": "PyTorch",
    "openvino": "OpenVINO",
    "numpy": "NumPy",
    "theano": "Theano",
    "cntk": "CNTK",
    "mxnet": "MXNet",
    "paddle": "PaddlePaddle",
    "onnxruntime": "ONNX Runtime",
    "caffe": "Caffe",
    "plaidml": "PlaidML",
    "lua-torch": "Torch (Lua)",
}
"""Keras, frameworks and NumPy as their makers write them."""

_catalogue: gettext.NullTranslations = gettext.NullTranslations()


def template(text: str) -> str:
    """Mark ``text`` as a template for translation and return it unchanged."""
    return text


def sentence(text: str, fields: Mapping[str, object] | None = None, /, **more: object) -> str:
    """Translate a template and fill in its fields.

    Raises:
        KeyError: if the template names a field that was not given.
    """
    return _catalogue.gettext(text).format_map({**(fields or {}), **more}) if text else ""


def title_of(name: str) -> str:
    """Return how people write the name of a framework."""
    return FRAMEWORKS.get(name, name)


def speak(language: str | None) -> None:
    """Use the catalogue of ``language`` (such as ``de``) from now on; English where there is none."""
    global _catalogue
    folder = str(Path(__file__).parent / "locale")
    languages = [language] if language else None
    _catalogue = gettext.translation("envcheck", folder, languages=languages, fallback=True)
