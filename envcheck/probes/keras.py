"""Keras: which one is installed, and which backend it will take and why, without importing it."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from envcheck.host import Host
from envcheck.model.facts import Backend, BackendSource, Keras, KernelKeras, Package, Python
from envcheck.model.unknown import Unknown, known
from envcheck.probes import keras_config
from envcheck.probes.framework_reading import Files, locate, release, text_or_none
from envcheck.probes.frameworks import agreeing_version, leftover, providers

DISTRIBUTIONS = ("keras", "keras-nightly", "keras-mxnet", "keras-core-nightly")
DEFAULT_BACKEND = "tensorflow"
LEGACY_WORDS = ("true", "True", "1")  #: tensorflow/python/util/lazy_loader.py of 2.16 to 2.21
NO_BACKENDS = frozenset(("common", "tests", "__pycache__"))  #: folders beside those of the backends in Keras 3

KERAS_3 = "keras-3"
TENSORFLOW_ONLY = "keras-2-tensorflow"
MULTI_BACKEND = "keras-2-multi-backend"


def probe(host: Host, python: Python, backends: tuple[Backend, ...] | Unknown) -> Keras:
    """Look at Keras in the target, at keras.json and at the variables that choose the backend."""
    path = known(python.path, known(python.site_packages, ()))
    packages = known(python.packages, ())
    files = host.unrooted()
    distributions = providers(packages, "keras", DISTRIBUTIONS)
    location = locate(files, path, "keras")
    keras = Files(files, location, path, tuple(distributions), packages) if location else None
    version, how = _version(keras) if keras else (None, None)
    metadata_version = agreeing_version(distributions, version)
    flavour = _flavour(version) if keras else None
    choice = _choose(host, flavour)
    config = choice.config
    return Keras(
        installed=keras is not None or bool(distributions),
        version=version,
        how=how,
        location=location,
        distributions=tuple(package.name for package in distributions),
        backends_available=_backends_available(keras, flavour) if keras else (),
        backend=choice.taken.value if keras else None,
        backend_chosen_by=choice.taken.source if keras else None,
        backend_sources=choice.sources,
        config_path=config.path,
        config_status=config.status,
        config_error=config.error,
        config_writable=config.writable,
        tf_keras_version=_tf_keras_version(files, path, packages),
        legacy_requested=_legacy_requested(host),
        flavour=flavour,
        metadata_version=metadata_version,
        leftover=None if keras else leftover(files, path, "keras"),
        config_fallback=config.fallback,
    )


def in_kernel(host: Host, path: Sequence[str]) -> KernelKeras:
    """Look at Keras as a kernel will meet it: ``host`` has its variables, ``path`` are its Python's folders."""
    files = host.unrooted()
    location = locate(files, path, "keras")
    keras = Files(files, location, path, (), ()) if location else None
    version, _ = _version(keras) if keras else (None, None)
    flavour = _flavour(version) if keras else None
    choice = _choose(host, flavour)
    module = (choice.taken.value or "").partition(".")[0]
    return KernelKeras(
        version=version,
        location=location,
        backends_available=_backends_available(keras, flavour) if keras else (),
        backend=choice.taken.value if keras else None,
        backend_chosen_by=choice.taken.source if keras else None,
        backend_sources=choice.sources,
        backend_installed=locate(files, path, module) is not None,
        config_path=choice.config.path,
        config_status=choice.config.status,
        legacy_requested=_legacy_requested(host),
    )


@dataclass(frozen=True)
class _Choice:
    """Everything that can name the backend, and what Keras takes."""

    config: keras_config.Config
    sources: tuple[BackendSource, ...]
    taken: BackendSource


def _choose(host: Host, flavour: str | None | Unknown) -> _Choice:
    config = keras_config.read(host, falls_back=flavour != TENSORFLOW_ONLY)
    sources = _sources(host, config)
    taken = next(source for source in sources if source.value is not None)
    if flavour == TENSORFLOW_ONLY:
        taken = BackendSource(source="this Keras", value=DEFAULT_BACKEND, detail="it runs on TensorFlow alone")
    return _Choice(config, sources, taken)


def _legacy_requested(host: Host) -> bool:
    return host.environ.get("TF_USE_LEGACY_KERAS") in LEGACY_WORDS


def _version(keras: Files) -> tuple[str | None, str | None]:
    for name in ("src/version.py", "__init__.py", "src/__init__.py"):
        version = text_or_none(keras.values(name).get("__version__"))
        if version:
            return version, os.path.join(keras.folder, name)
    return None, None


def _flavour(version: str | None) -> str | None | Unknown:
    numbers = release(version)
    if not numbers:
        return Unknown("failed", "its version is not known")
    if numbers >= (3,):
        return KERAS_3
    # Keras 2.4 gave up Theano and CNTK: github.com/keras-team/keras, release notes of 2.4.0.
    return TENSORFLOW_ONLY if numbers >= (2, 4) else MULTI_BACKEND


def _backends_available(keras: Files, flavour: str | None | Unknown) -> tuple[str, ...] | Unknown:
    if flavour == KERAS_3:
        folder = "src/backend"
        names = [name for name in keras.names(folder) if name not in NO_BACKENDS]
        return tuple(name for name in names if keras.first(f"{folder}/{name}/__init__.py"))
    if flavour == TENSORFLOW_ONLY:
        return (DEFAULT_BACKEND,)
    if flavour == MULTI_BACKEND:
        found = (re.fullmatch(r"(\w+)_backend\.py", name) for name in keras.names("backend"))
        # load_backend.py chooses among the others; numpy_backend.py of 2.3 serves Keras's own tests.
        return tuple(match[1] for match in found if match and match[1] not in ("load", "numpy"))
    return Unknown("failed", "its version is not known")


def _sources(host: Host, config: keras_config.Config) -> tuple[BackendSource, ...]:
    """Return what can name the backend, strongest first, and what changes the meaning of ``tf.keras``."""
    variable = host.environ.get("KERAS_BACKEND")
    legacy = host.environ.get("TF_USE_LEGACY_KERAS")
    in_file = str(config.values["backend"]) if "backend" in config.values else None
    return (
        BackendSource(
            source="KERAS_BACKEND",
            value=variable or None,
            detail="set, but empty: Keras passes it over" if variable == "" else None,
        ),
        BackendSource(source="keras.json", value=in_file, detail=_about(config)),
        BackendSource(source="default", value=DEFAULT_BACKEND, detail=None),
        BackendSource(source="TF_USE_LEGACY_KERAS", value=None, detail=_about_legacy(legacy)),
    )


def _about_legacy(value: str | None) -> str | None:
    if value is None:
        return None
    if value in LEGACY_WORDS:
        return "tf.keras is the package tf-keras (Keras 2); 'import keras' takes no notice"
    return f"set to {value!r}, which TensorFlow passes over: it knows {', '.join(LEGACY_WORDS)}"


def _about(config: keras_config.Config) -> str | None:
    if config.status == "ok":
        return config.path
    return f"{config.path}: {config.status}" + (f" ({config.error})" if config.error else "")


def _tf_keras_version(files: Host, path: Sequence[str], packages: Sequence[Package]) -> str | None | Unknown:
    location = locate(files, path, "tf_keras")
    if location is None:
        return None
    own = Files(files, location, path, (), tuple(packages))
    version = text_or_none(own.values("__init__.py").get("__version__"))
    return version or agreeing_version(providers(packages, "tf_keras", ("tf-keras", "tf-keras-nightly")), None)
