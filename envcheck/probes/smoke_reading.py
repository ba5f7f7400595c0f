"""What the children of the smoke test said, as records. See ``workers/smoke_keras3.py`` for what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from envcheck.child import ChildResult, Ending
from envcheck.model.facts import Device, Import, LoadedLibrary, SmokeRun, Stage, StageVolatile
from envcheck.model.unknown import Reason, Unknown
from envcheck.probes.smoke_said import SaidDevice, SaidEnd, SaidLibrary, SaidStage

# fmt: off
STAGES = (
    "import", "devices", "place", "matmul", "conv", "recurrent", "train", "compile", "reduced-precision", "speed",
    "all-devices",
)
# fmt: on
STDERR_TAIL_CHARACTERS = 4000

#: How a run ended whose child ended before it was done.
_STATUS: Mapping[Ending, str] = {
    "raised": "failed",
    "signal": "crashed",
    "exited": "crashed",
    "timed-out": "timed-out",
    "too-old": "skipped",
    "not-started": "skipped",
}
_REASON: Mapping[str, Reason] = {"failed": "failed", "crashed": "crashed", "timed-out": "timed-out"}
#: ``Import.status`` for a child that ended while it imported.
_IMPORT_STATUS: Mapping[Ending, str] = {
    "raised": "raised",
    "signal": "crashed",
    "exited": "exited",
    "timed-out": "timed-out",
}


@dataclass
class Walk:
    """What was said about one device."""

    stages: list[SaidStage] = field(default_factory=list)
    libraries: tuple[SaidLibrary, ...] | None = None
    end: SaidEnd | None = None


@dataclass(frozen=True)
class Place:
    """Where a child was: a stage of the ladder, and the device once there is one."""

    device: str
    stage: str


def place_of(announced: str) -> Place:
    """Read an announcement: ``import NAME``, ``devices``, or ``DEVICE STAGE``."""
    first, _, second = announced.partition(" ")
    if first == "import" or not second:
        return Place("", first)
    return Place(first, second)


def ended_well(result: ChildResult) -> bool:
    return result.ending == "done"


def how_it_ended(result: ChildResult) -> str:
    """Say how a child ended that was not done, in its own words where it had any."""
    if result.ending in ("raised", "not-started") and result.error is not None:
        return f"{result.error['type'].removeprefix('builtins.')}: {result.error['message']}"
    if result.ending == "signal":
        return f"the process died of {result.signal_name}"
    if result.ending == "timed-out":
        return f"no answer within {result.seconds:.0f} s"
    if result.ending == "too-old":
        return f"Python {result.python_version} is too old for the smoke test"
    return f"the process ended with exit status {result.exit_status} before it was done"


def stderr_tail(result: ChildResult) -> str:
    traceback = (result.error or {}).get("traceback", "")
    return (result.stderr + traceback)[-STDERR_TAIL_CHARACTERS:]


# --- imports and devices ------------------------------------------------------------------------


def imported(result: ChildResult) -> Import:
    """Return how the import of the framework went; Keras is imported after it and does not count here."""
    said = result.last("framework")
    if isinstance(said, dict):
        return Import(status="ok", seconds=float(said["seconds"]), error=None, stderr_tail=stderr_tail(result))
    why = how_it_ended(result)
    return Import(
        status=_IMPORT_STATUS.get(result.ending, Unknown("failed", why)),
        seconds=Unknown("failed", "the import did not end well"),
        error=why,
        stderr_tail=stderr_tail(result),
    )


def devices(result: ChildResult) -> tuple[Device, ...] | Unknown:
    """Return the devices that the framework lists."""
    said = result.last("devices")
    if isinstance(said, dict):
        return tuple(
            Device(name=device.name, framework_name=device.framework_name, description=device.description)
            for device in msgspec.convert(said["devices"], tuple[SaidDevice, ...])
        )
    if ended_well(result):
        return Unknown("unsupported", "envcheck does not ask this framework for its devices")
    return Unknown(_REASON.get(_STATUS[result.ending], "skipped"), how_it_ended(result))


def answers(result: ChildResult) -> dict[str, dict[str, tuple[float, ...]]]:
    """Return what each device answered in each stage that it passed, as shares of the value that was expected."""
    return {
        device: {stage.name: stage.answers for stage in walk.stages if stage.answers and stage.status == "passed"}
        for device, walk in walks(result).items()
    }


# --- runs ---------------------------------------------------------------------------------------


def walks(result: ChildResult) -> dict[str, Walk]:
    """Return what was said about each device, in the order in which they were walked."""
    found: dict[str, Walk] = {}
    libraries: tuple[SaidLibrary, ...] | None = None
    current: Walk | None = None
    for key, value in result.facts:
        if key == "stage":
            stage = msgspec.convert(value, SaidStage)
            current = found.setdefault(stage.device, Walk(libraries=libraries))
            current.stages.append(stage)
        elif key == "libraries" and value is not None:
            libraries = msgspec.convert(value, tuple[SaidLibrary, ...])
            if current is not None:
                current.libraries = libraries
        elif key == "device":
            end = msgspec.convert(value, SaidEnd)
            found.setdefault(end.name, Walk(libraries=libraries)).end = end
    return found


def _early_stages(result: ChildResult) -> tuple[Stage, ...]:
    """Return the stages that all devices of a child share, as far as they went well."""
    stages = []
    keras, framework, listed = result.last("keras"), result.last("framework"), result.last("devices")
    if isinstance(keras, dict) and isinstance(framework, dict):
        seconds = float(framework["seconds"]) + float(keras["seconds"])
        stages.append(_stage("import", "passed", seconds, ""))
    if isinstance(listed, dict):
        notes = "; ".join(result.last("notes") or ())
        stages.append(_stage("devices", "passed", float(listed["seconds"]), notes))
    return tuple(stages)


def _stage(name: str, status: str, seconds: float | Unknown, detail: str, failure: str | None = None) -> Stage:
    volatile = StageVolatile(deviation=None)
    return Stage(
        name=name,
        status=status,
        seconds=seconds,
        detail=detail,
        tolerance=None,
        tolerance_reason=None,
        failure=failure,
        volatile=volatile,
    )


def runs(result: ChildResult, backend: str, left: Sequence[str]) -> list[SmokeRun]:
    """Return a run for each device that this child dealt with. ``left`` are the devices that were left to it."""
    walked = walks(result)
    done = [_ended_run(result, backend, device, walk) for device, walk in walked.items() if walk.end is not None]
    if ended_well(result):
        return done
    place = place_of(result.stage or "import")
    rest = [device for device in left if device not in {run.device for run in done}]
    if place.device in rest:
        broken = {place.device: place.stage}
    elif place.device:
        broken = dict.fromkeys(rest[:1], "place")  # it died on the way to the next device
    else:
        broken = dict.fromkeys(rest, place.stage)  # it died before any device: so it would for each of them
    return done + [
        _broken_run(result, backend, device, walked.get(device, Walk()), stage) for device, stage in broken.items()
    ]


def _ended_run(result: ChildResult, backend: str, device: str, walk: Walk) -> SmokeRun:
    """Return the run of a device that was walked to its end, well or not."""
    assert walk.end is not None
    stages = (*_early_stages(result), *(stage.record() for stage in walk.stages))
    words = next((stage.detail for stage in walk.stages if stage.status == "failed"), walk.end.reason)
    return _run(result, backend, device, walk, walk.end.status, walk.end.failed_stage, words, stages)


def _broken_run(result: ChildResult, backend: str, device: str, walk: Walk, failed_stage: str) -> SmokeRun:
    """Return the run of the device on which the child ended; the stages above it were not tried."""
    status, why = _STATUS[result.ending], how_it_ended(result)
    if status == "skipped":
        return _run(result, backend, device, walk, status, None, why, ())
    place = STAGES.index(failed_stage)
    above = f"not tried, because {failed_stage} failed"
    stages = (
        *(stage for stage in _early_stages(result) if STAGES.index(stage.name) < place),
        *(stage.record() for stage in walk.stages),
        _stage(failed_stage, "failed", Unknown(_REASON[status], why), why, "raised" if status == "failed" else status),
        *(_stage(name, "skipped", 0.0, above) for name in STAGES[place + 1 :]),
    )
    return _run(result, backend, device, walk, status, failed_stage, why, stages)


def _run(
    result: ChildResult,
    backend: str,
    device: str,
    walk: Walk,
    status: str,
    failed_stage: str | None,
    reason: str | None,
    stages: tuple[Stage, ...],
) -> SmokeRun:
    placed = [stage.placed_on for stage in walk.stages if stage.placed_on is not None and stage.name != "all-devices"]
    return SmokeRun(
        backend=backend,
        backend_version=_version(result, "framework"),
        keras_version=_version(result, "keras"),
        device=device,
        status=status,
        failed_stage=failed_stage,
        reason=reason,
        stages=stages,
        placed_on=placed[-1] if placed else None,
        libraries=_libraries(result, walk),
        environment_added=(),
        stderr_tail=stderr_tail(result),
    )


def _version(result: ChildResult, key: str) -> str | None | Unknown:
    said = result.last(key)
    if isinstance(said, dict):
        version = said["version"]
        return None if version is None else str(version)
    return Unknown("failed", "the import did not end well")


def _libraries(result: ChildResult, walk: Walk) -> tuple[LoadedLibrary, ...] | Unknown:
    if walk.libraries is None:
        reason = "it was not seen what the process had loaded"
        return Unknown("unsupported" if ended_well(result) else "failed", reason)
    return tuple(
        LoadedLibrary(
            soname=library.soname,
            path=library.path,
            version=library.version or Unknown("unsupported", "the file name does not tell"),
        )
        for library in walk.libraries
    )
