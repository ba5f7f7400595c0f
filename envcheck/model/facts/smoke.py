"""The tiny Keras model on each device."""

from envcheck.model.facts.kinds import NOT_RECORDED, Number, OptionalText, Text
from envcheck.model.facts.platform import EnvironmentVariable
from envcheck.model.record import Record
from envcheck.model.unknown import Unknown


class StageVolatile(Record, frozen=True, kw_only=True):
    deviation: float | None | Unknown  #: from the known answer, in the unit that ``detail`` names
    seconds_first_step: float | None | Unknown = None
    seconds_steady_step: float | None | Unknown = None


class Stage(Record, frozen=True, kw_only=True):
    name: str
    status: str  #: ``passed``, ``failed``, ``skipped``
    seconds: Number
    detail: str
    tolerance: float | None | Unknown
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
