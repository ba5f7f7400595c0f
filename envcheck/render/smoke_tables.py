"""What the smoke test measured, as tables that every renderer shows: times and speeds, agreement, company."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from envcheck.knowledge.peak_flops import peak_gflops
from envcheck.model.facts import Company, Facts, Parity, SmokeRun, Stage
from envcheck.model.unknown import Unknown, known
from envcheck.render import words
from envcheck.render.values import duration, rounded
from envcheck.words import sentence, title_of


@dataclass(frozen=True)
class Table:
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(facts: Facts) -> tuple[Table, ...]:
    """Return the tables that have rows."""
    runs = known(facts.smoke, ())
    pairs = known(facts.pairs, ())
    every = (
        _table(words.SPEEDS, words.SPEED_TABLE, _speeds(facts, runs)),
        _table(words.PARITIES, words.PARITY_TABLE, _agreement(runs, known(facts.parity, ()))),
        _table(words.TOLERANCES, words.TOLERANCE_TABLE, _tolerances(runs)),
        _table(words.PAIRS, words.PAIRS_TABLE, (_pair(pair) for pair in pairs)),
    )
    return tuple(table for table in every if table.rows)


def _table(title: str, head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Table:
    return Table(sentence(title), tuple(sentence(word) for word in head), tuple(rows))


def summary(facts: Facts) -> tuple[str, ...]:
    """Return what stands below the table of the test model in one line each: agreement, and company if it was tried."""
    lines = []
    parity = known(facts.parity, ())
    if parity and all(run.status in ("passed", "skipped") for run in known(facts.smoke, ())):
        lines.append(_furthest(parity))
    return (*lines, *_company(known(facts.pairs, ())))


def _furthest(parity: Sequence[Parity]) -> str:
    worst = max(parity, key=lambda pair: known(pair.volatile.difference, 0.0))
    return sentence(
        words.PARITY,
        run=_run(worst.backend, worst.device),
        other=_run(worst.other_backend, worst.other_device),
        difference=rounded(known(worst.volatile.difference, 0.0)),
        stage=known(worst.volatile.stage, ""),
    )


def _company(pairs: Sequence[Company]) -> Iterator[str]:
    tried = [pair for pair in pairs if pair.status != "skipped"]
    broken = [pair for pair in tried if pair.status != "ok"]
    if tried and not broken:
        yield sentence(words.PAIRS_WORK, count=len(tried))
    for pair in broken:
        names = {"first": title_of(pair.first), "second": title_of(pair.second)}
        yield sentence(words.PAIR_BROKEN, names, status=_ended(pair), step=known(pair.step, None) or "")


def _run(backend: str, device: str) -> str:
    return sentence(words.RUN_TITLE, backend=title_of(backend), device=device)


def _ended(pair: Company) -> str:
    return sentence(words.PAIR_STATUS[pair.status]) if pair.status in words.PAIR_STATUS else pair.status


# --- rows ---------------------------------------------------------------------------------------


def _speeds(facts: Facts, runs: Sequence[SmokeRun]) -> Iterator[tuple[str, ...]]:
    for run in runs:
        stages = known(run.stages, ())
        cells = (
            _seconds(next((stage.seconds for stage in stages if stage.name == "import"), None)),
            _seconds(_last(stage.volatile.seconds_first_step for stage in stages)),
            _seconds(_last(stage.volatile.seconds_steady_step for stage in stages)),
            _number(_last(stage.volatile.gflops for stage in stages)),
        )
        if any(cells[1:]):
            yield (title_of(run.backend), run.device, *cells, _number(peak_gflops(facts, run)))


def _last(values: Iterator[float | None | Unknown]) -> float | None:
    return next((value for value in reversed(list(values)) if isinstance(value, float | int)), None)


def _seconds(value: float | None | Unknown) -> str:
    return duration(value) if isinstance(value, float | int) else ""


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else rounded(value)


def _agreement(runs: Sequence[SmokeRun], parity: Sequence[Parity]) -> Iterator[tuple[str, ...]]:
    """Yield the distance of each run from the known answer, in float64, and of each two runs."""
    for run in runs:
        judged = [stage for stage in known(run.stages, ()) if stage.name != "reduced-precision" and _deviates(stage)]
        worst = max(judged, key=_deviation, default=None)
        if worst is not None:
            answer = sentence(words.KNOWN_ANSWER)
            yield _run(run.backend, run.device), answer, rounded(_deviation(worst)), worst.name
    for pair in parity:
        yield (
            _run(pair.backend, pair.device),
            _run(pair.other_backend, pair.other_device),
            rounded(known(pair.volatile.difference, 0.0)),
            known(pair.volatile.stage, ""),
        )


def _deviates(stage: Stage) -> bool:
    return isinstance(stage.volatile.deviation, float | int)


def _deviation(stage: Stage) -> float:
    deviation = stage.volatile.deviation
    return deviation if isinstance(deviation, float | int) else 0.0


def _tolerances(runs: Sequence[SmokeRun]) -> Iterator[tuple[str, ...]]:
    """Yield each tolerance that was used, once, with its reason."""
    seen = {
        (stage.tolerance, known(stage.tolerance_reason, None)): None
        for run in runs
        for stage in known(run.stages, ())
        if isinstance(stage.tolerance, float | int)
    }
    for tolerance, reason in seen:
        if reason:
            yield rounded(tolerance), reason


def _pair(pair: Company) -> tuple[str, ...]:
    return (
        title_of(pair.first),
        title_of(pair.second),
        _ended(pair),
        known(pair.step, None) or "",
        known(pair.reason, None) or "",
    )
