"""Frameworks in company: every two of them in one process, in both orders (``--pairs``)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

from envcheck import child
from envcheck.host import Host
from envcheck.model.facts import Backend, Company, Python
from envcheck.model.unknown import Unknown, known
from envcheck.probes import smoke, smoke_reading as reading

_STATUS = {"done": "ok", "signal": "crashed", "raised": "raised", "exited": "exited", "timed-out": "timed-out"}


def probe(
    host: Host,
    python: Python,
    backends: tuple[Backend, ...],
    options: smoke.SmokeOptions,
    progress: smoke.Progress | None = None,
) -> tuple[Company, ...] | Unknown:
    """Return one record for each order of two frameworks that are installed and were not left out."""
    if not options.pairs:
        return Unknown("skipped", "not asked for (--pairs)")
    if python.runs is not True or not isinstance(python.executable, str):
        return Unknown("skipped", "the target's Python does not run")
    wanted = [found for found in backends if found.installed is True and _is_wanted(found, options)]
    pool = ThreadPoolExecutor(_side_by_side(host, wanted), "pairs")
    try:
        futures = [pool.submit(_together, host, python, *two, options, progress) for two in permutations(wanted, 2)]
        found = tuple(future.result() for future in futures)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        child.end_all()
        raise
    pool.shutdown()
    return found


def _is_wanted(backend: Backend, options: smoke.SmokeOptions) -> bool:
    return options.backends is None or backend.name in options.backends


def _side_by_side(host: Host, backends: Sequence[Backend]) -> int:
    # A child holds two frameworks at once.
    return max(1, smoke.workers(host, backends) // 2)


def _together(
    host: Host,
    python: Python,
    first: Backend,
    second: Backend,
    options: smoke.SmokeOptions,
    progress: smoke.Progress | None,
) -> Company:
    for alone in (first, second):
        # Not known is no reason: without the smoke test nothing was imported.
        if known(alone.imported.status, "ok") != "ok":
            return _company(first, second, "skipped", reason=f"{alone.name} cannot be imported even alone")

    def announced(stage: str) -> None:
        if progress is not None:
            progress(f"{first.name}, {second.name}", "", stage)

    result = host.run_worker(
        str(python.executable),
        "smoke_company",
        {"frameworks": [first.name, second.name]},
        timeout=options.timeout,
        added=smoke.added_to(host.environ, first.name, second.name),
        isolated=python.isolated_only is True,
        listener=announced,
    )
    status = _STATUS.get(result.ending, "skipped")
    return _company(
        first,
        second,
        status,
        step=None if status == "ok" else result.stage,
        reason=None if status == "ok" else reading.how_it_ended(result),
        seconds=result.seconds,
        stderr_tail=reading.stderr_tail(result),
    )


def _company(
    first: Backend,
    second: Backend,
    status: str,
    *,
    step: str | None = None,
    reason: str | None = None,
    seconds: float = 0.0,
    stderr_tail: str | None = None,
) -> Company:
    return Company(
        first=first.name,
        second=second.name,
        status=status,
        step=step,
        reason=reason,
        seconds=seconds,
        stderr_tail=stderr_tail,
    )
