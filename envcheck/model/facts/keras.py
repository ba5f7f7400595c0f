"""Keras, and the backend that it will use."""

from envcheck.model.facts.kinds import NOT_RECORDED, Flag, OptionalText, Text, Texts
from envcheck.model.record import Record
from envcheck.model.unknown import Unknown


class BackendSource(Record, frozen=True, kw_only=True):
    """One place that can name the Keras backend."""

    source: str  #: ``KERAS_BACKEND``, ``keras.json``, ``default``, or ``TF_USE_LEGACY_KERAS``, which is about tf.keras
    value: OptionalText  #: None: it names none
    detail: OptionalText


class Keras(Record, frozen=True, kw_only=True):
    installed: Flag
    version: OptionalText  #: of the files
    how: OptionalText  #: the file that told the version
    location: OptionalText
    distributions: Texts
    backends_available: Texts  #: the backends that this Keras has code for
    backend: OptionalText  #: the one that a bare ``import keras`` will use
    backend_chosen_by: OptionalText
    backend_sources: tuple[BackendSource, ...] | Unknown
    config_path: OptionalText  #: keras.json, whether it exists or not
    config_status: (
        Text  #: ``ok``, ``absent``, ``malformed`` (Keras ignores it), ``invalid`` or ``unreadable`` (it dies)
    )
    config_error: OptionalText
    config_writable: Flag
    tf_keras_version: OptionalText
    legacy_requested: Flag  #: TF_USE_LEGACY_KERAS asks for Keras 2
    flavour: OptionalText = NOT_RECORDED  #: ``keras-3``, ``keras-2-tensorflow`` or ``keras-2-multi-backend``
    metadata_version: OptionalText = NOT_RECORDED  #: what the installer believes
    leftover: OptionalText = NOT_RECORDED  #: a folder called keras without its code
    config_fallback: Flag = NOT_RECORDED  #: the home folder is not writable, so Keras keeps its settings below /tmp
