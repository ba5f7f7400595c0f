"""Which worker of the smoke test fits a framework and the Keras that is installed."""

from dataclasses import dataclass

from envcheck.model.facts import Backend, Keras
from envcheck.model.unknown import Unknown, known
from envcheck.probes.framework_reading import release
from envcheck.probes.frameworks import framework
from envcheck.probes.keras import KERAS_3, MULTI_BACKEND, TENSORFLOW_ONLY

#: Backends of Keras 2 whose name for Keras is not that of the framework.
KERAS_NAMES = {"plaidml": "plaidml.keras.backend"}
#: TensorFlow before this release carries Keras inside, see ``knowledge/frameworks.py``.
SEPARATE_KERAS = (2, 6)
#: From 2.9 on the package ``keras`` has the optimizers of ``tensorflow.keras`` too (keras/optimizers/__init__.py of
#: the wheels 2.6 to 2.9): before, ``keras.optimizers.SGD`` is not there.
WHOLE_KERAS = (2, 9)


@dataclass(frozen=True)
class Plan:
    """``through`` is ``keras-3``, ``keras-2`` or ``native``; ``keras`` the module that is imported, if any;
    ``backend`` the framework as Keras calls it."""

    worker: str
    through: str
    backend: str
    keras: str | None = None


def plan(backend: Backend, keras: Keras) -> Plan | None:
    """Return how to try a framework, or None where envcheck can only import it."""
    module = _keras_3_or_2(backend, keras)
    name = KERAS_NAMES.get(backend.name, backend.name)
    if module == KERAS_3:
        return Plan("smoke_keras3", "keras-3", name, "keras")
    if module is not None:
        return Plan("smoke_keras2", "keras-2", name, module)
    described = framework(backend.name)
    if described is not None and described.native:
        return Plan("smoke_native", "native", backend.name)
    return None


def _keras_3_or_2(backend: Backend, keras: Keras) -> str | None:
    """Return ``keras-3``, or the module that holds Keras 2, or None where Keras cannot use the framework."""
    tensorflow = backend.name == "tensorflow"
    legacy = known(keras.tf_keras_version, None)
    if tensorflow and legacy and (keras.legacy_requested is True or not keras.installed):
        return "tf_keras"
    if keras.installed is False:
        version = release(known(backend.version, None))
        return "tensorflow.keras" if tensorflow and version and version < SEPARATE_KERAS else None
    flavour = known(keras.flavour, KERAS_3)
    if flavour == TENSORFLOW_ONLY:
        if not tensorflow:
            return None
        return "tensorflow.keras" if SEPARATE_KERAS <= release(known(keras.version, None)) < WHOLE_KERAS else "keras"
    if flavour == MULTI_BACKEND:
        serves = backend.name in known(keras.backends_available, ()) or backend.name in KERAS_NAMES
        return "keras" if serves else None
    return KERAS_3 if backend.keras_backend and _has_code(backend, keras) else None


def _has_code(backend: Backend, keras: Keras) -> bool:
    available = keras.backends_available
    return isinstance(available, Unknown) or not available or backend.name in available
