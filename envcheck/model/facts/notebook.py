"""Jupyter's kernels."""

import msgspec

from envcheck.model.facts.keras import BackendSource
from envcheck.model.facts.kinds import NOT_RECORDED, Flag, OptionalText, Texts
from envcheck.model.facts.platform import EnvironmentVariable
from envcheck.model.record import Record, all_unknown
from envcheck.model.unknown import Unknown


class KernelKeras(Record, frozen=True, kw_only=True):
    """What a bare ``import keras`` meets in a kernel, if its Jupyter was started with the variables of this shell."""

    version: OptionalText  #: of the files; None: the kernel's Python finds no Keras
    location: OptionalText
    backends_available: Texts  #: the backends that this Keras has code for
    backend: OptionalText
    backend_chosen_by: OptionalText
    backend_sources: tuple[BackendSource, ...] | Unknown
    backend_installed: Flag  #: the kernel's Python finds the package of that backend
    config_path: OptionalText  #: keras.json, whether it exists or not
    config_status: OptionalText  #: as in ``Keras``
    legacy_requested: Flag  #: TF_USE_LEGACY_KERAS makes ``tf.keras`` Keras 2


class Kernel(Record, frozen=True, kw_only=True):
    """One Jupyter kernelspec."""

    name: str
    display_name: OptionalText
    path: str
    argv: Texts
    interpreter: OptionalText  #: the program that it starts
    interpreter_exists: Flag
    language: OptionalText
    starts_target: Flag = NOT_RECORDED  #: its interpreter is the target
    environment: tuple[EnvironmentVariable, ...] | Unknown = NOT_RECORDED  #: what its kernel.json sets, filled in
    keras: KernelKeras = msgspec.field(default_factory=lambda: all_unknown(KernelKeras, NOT_RECORDED))


class StaleModule(Record, frozen=True, kw_only=True):
    """A package that was replaced on the disk after this process had imported it."""

    name: str
    loaded: str  #: the version in memory
    installed: str  #: the version on the disk


class Notebook(Record, frozen=True, kw_only=True):
    kernels: tuple[Kernel, ...] | Unknown
    ipykernel_version: OptionalText  #: installed in the target; None: it is not
    ipykernel_error: OptionalText = NOT_RECORDED  #: why it cannot be imported there; None: it can
    stale_modules: tuple[StaleModule, ...] | Unknown = NOT_RECORDED  #: of the notebook that called ``envcheck.check``
