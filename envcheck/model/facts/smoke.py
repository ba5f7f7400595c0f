"""The tiny Keras model on each device."""

from envcheck.model.facts.kinds import NOT_RECORDED, Number, OptionalCount, OptionalText, Text
from envcheck.model.facts.platform import EnvironmentVariable
from envcheck.model.record import Record
from envcheck.model.unknown import Unknown


class StageVolatile(Record, frozen=True, kw_only=True):
    deviation: float | None | Unknown  #: from the known answer, in the unit that ``detail`` names
    seconds_first_step: float | None | Unknown = None
    seconds_steady_step: float | None | Unknown = None
    gflops: float | None | Unknown = None  #: billions of floating-point operations per second that a product reached
    matrix_size: OptionalCount = None  #: rows and columns of the matrices of that product


class Stage(Record, frozen=True, kw_only=True):
    name: str
    status: str  #: ``passed``, ``failed``, ``skipped``
    seconds: Number
    detail: str
    tolerance: float | None | Unknown
    tolerance_reason: OptionalText = NOT_RECORDED  #: why it is as large as it is; None: the stage has no known answer
    failure: OptionalText = (
        NOT_RECORDED  #: ``wrong-result``, ``wrong-device``, ``raised``, ``crashed``, ``timed-out``; None: no
    )
    volatile: StageVolatile


class LoadedLibrary(Record, frozen=True, kw_only=True):
    """A shared library that the process had loaded at the end."""

    soname: str
    path: str
    version: OptionalText


class SmokeRun(Record, frozen=True, kw_only=True):
    """The tiny Keras model on one device through one backend."""

    backend: str
    backend_version: OptionalText
    keras_version: OptionalText
    device: str
    status: str  #: ``passed``, ``failed``, ``crashed``, ``timed-out``, ``skipped``
    failed_stage: OptionalText
    reason: OptionalText  #: why it failed, crashed or was skipped, in the framework's own words
    stages: tuple[Stage, ...] | Unknown
    placed_on: OptionalText  #: the device that truly ran it
    libraries: tuple[LoadedLibrary, ...] | Unknown
    environment_added: tuple[EnvironmentVariable, ...] | Unknown
    stderr_tail: OptionalText
    through: Text = NOT_RECORDED  #: ``keras-3``, ``keras-2``, or ``native``: a step without Keras, see ``smoke_plan``


class ParityVolatile(Record, frozen=True, kw_only=True):
    difference: Number  #: the largest one, as a share of the largest value of the known answer
    stage: Text  #: where it is that large


class Parity(Record, frozen=True, kw_only=True):
    """How far apart two runs are that started from the same numbers."""

    backend: str
    device: str
    other_backend: str
    other_device: str
    compared: tuple[str, ...]  #: the stages whose answers both gave
    volatile: ParityVolatile


class Company(Record, frozen=True, kw_only=True):
    """Two frameworks imported and used in one process, in this order."""

    first: str
    second: str
    status: str  #: ``ok``, ``raised``, ``crashed``, ``exited``, ``timed-out``, ``skipped``
    step: OptionalText  #: the one that it ended in, such as ``import torch``, ``use jax``; None: it came to the end
    reason: OptionalText  #: why it did not come to the end, in the framework's own words
    seconds: Number
    stderr_tail: OptionalText
