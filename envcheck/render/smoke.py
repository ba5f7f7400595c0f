"""The smoke test as a table of devices by backends."""

from collections.abc import Sequence
from dataclasses import dataclass

from envcheck.model.facts import SmokeRun, Stage
from envcheck.model.unknown import Unknown
from envcheck.render import words
from envcheck.render.values import duration, rounded
from envcheck.words import sentence, title_of

MARKS = {"passed": "ok", "failed": "error", "crashed": "error", "timed-out": "error", "skipped": "none"}

_ENDED_AT = {"failed": words.FAILED_AT, "crashed": words.CRASHED_AT, "timed-out": words.TIMED_OUT_AT}


@dataclass(frozen=True)
class Cell:
    mark: str
    text: str


def devices(runs: Sequence[SmokeRun]) -> tuple[str, ...]:
    """Return the devices in the order of the runs, each once."""
    return tuple(dict.fromkeys(run.device for run in runs))


def backends(runs: Sequence[SmokeRun]) -> tuple[str, ...]:
    """Return the backends in the order of the runs, each once."""
    return tuple(dict.fromkeys(run.backend for run in runs))


def why_not(runs: Unknown) -> str:
    """Return why the test model was not run; what was left out on purpose needs no second word for that."""
    return runs.detail if runs.reason == "skipped" and runs.detail else words.why(runs)


def cell(run: SmokeRun) -> Cell:
    """Return how one run ended: the time of a step if it passed, else the stage where it ended."""
    mark = MARKS.get(run.status, "unknown")
    if run.status == "passed":
        seconds = step_seconds(run)
        text = sentence(words.STATUS["passed"]) if seconds is None else duration(seconds)
        return Cell(mark, sentence(words.WITHOUT_KERAS, result=text) if run.through == "native" else text)
    if run.status in _ENDED_AT and isinstance(run.failed_stage, str):
        return Cell(mark, sentence(_ENDED_AT[run.status], stage=run.failed_stage))
    return Cell(mark, sentence(words.STATUS[run.status]) if run.status in words.STATUS else run.status)


def step_seconds(run: SmokeRun) -> float | None:
    """Return the time of one step of the model once it is warm, in seconds; None where no stage measured it."""
    if isinstance(run.stages, Unknown):
        return None
    times = [stage.volatile.seconds_steady_step for stage in run.stages]
    return next((time for time in reversed(times) if isinstance(time, float | int)), None)


def timed(runs: Sequence[SmokeRun]) -> bool:
    """Tell whether any cell shows a time."""
    return any(run.status == "passed" and step_seconds(run) is not None for run in runs)


def reasons(runs: Sequence[SmokeRun]) -> tuple[tuple[SmokeRun, str], ...]:
    """Return the runs that did not pass with the framework's own words for it."""
    return tuple((run, run.reason) for run in runs if run.status != "passed" and isinstance(run.reason, str))


def stage_cells(run: SmokeRun) -> tuple[tuple[str, ...], ...]:
    """Return the rows of the table of stages: see ``words.STAGE_TABLE``."""
    if isinstance(run.stages, Unknown):
        return ()
    return tuple((title_of(run.backend), run.device, *_stage(stage)) for stage in run.stages)


def _stage(stage: Stage) -> tuple[str, ...]:
    deviation, tolerance, seconds = stage.volatile.deviation, stage.tolerance, stage.seconds
    return (
        stage.name,
        sentence(words.STATUS[stage.status]) if stage.status in words.STATUS else stage.status,
        duration(seconds) if isinstance(seconds, float | int) else "",
        rounded(deviation) if isinstance(deviation, float | int) else "",
        rounded(tolerance) if isinstance(tolerance, float | int) else "",
        stage.detail,
    )
