"""What happened when two frameworks shared one process."""

from collections.abc import Iterator

from envcheck.fixes.files import by_hand
from envcheck.model.facts import Company, Facts
from envcheck.model.unknown import Unknown, known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import title_of
from envcheck.words import sentence, template

DIED = ("raised", "crashed", "exited", "timed-out")
OTHER_ORDER = template("Import {second} before {first}, in every program that uses both")
APART = template("Use {first} and {second} in separate processes, or in separate environments")
OTHER_WORKS = template("In the other order it works.")
NEITHER_WORKS = template("The other order does not work either, and each of the two works alone.")
SOURCE = "https://github.com/tensorflow/tensorflow/issues/10338"


@rule(
    "native-library-import-order-clash",
    severity="warning",
    layer="python",
    title=template("{first} and {second} break each other when {first} is imported first"),
    message=template(
        "In a process that imports first {first} and then {second}, this step failed: {step} ({reason}). {other} "
        "Programs that use only one of the two are not touched by it."
    ),
    after=("openmp-runtime-duplicate", "cudnn-shadowed-by-other-copy", "protobuf-too-new"),
)
def native_library_import_order_clash(facts: Facts) -> Iterator[Failure]:
    """Two frameworks cannot share one process, or only in one order ('envcheck report --pairs').

    Both bring native libraries of the same names or symbols (OpenMP, protobuf, the C++ library, cuDNN); the first one
    that is loaded wins, and the other framework gets functions that it was not built for. The process dies with
    messages such as 'free(): invalid pointer', or hangs.
    """
    if isinstance(facts.pairs, Unknown) and facts.pairs.reason == "skipped":
        raise NotApplicable("not asked for (--pairs)")
    pairs = need(facts.pairs)
    if not pairs:
        raise NotApplicable("there are no two frameworks")
    for index, pair in enumerate(pairs):
        place = _other_order(pairs, pair)
        if pair.status not in DIED or place is None:
            continue
        works = pairs[place].status == "ok"
        if not works and (pairs[place].status not in DIED or not _both_work_alone(facts, pair)):
            continue
        yield _failure(index, pair, place, works)


def _failure(index: int, pair: Company, place: int, works: bool) -> Failure:
    names = {"first": title_of(pair.first), "second": title_of(pair.second)}
    swap = (by_hand(OTHER_ORDER, SOURCE, **names),) if works else ()
    return Failure(
        evidence=(
            f"/pairs/{index}/status",
            f"/pairs/{index}/step",
            f"/pairs/{index}/reason",
            f"/pairs/{place}/status",
        ),
        fields={
            **names,
            "step": known(pair.step, None) or "",
            "reason": (known(pair.reason, None) or "").strip().partition("\n")[0],
            "other": sentence(OTHER_WORKS if works else NEITHER_WORKS),
        },
        fixes=(*swap, by_hand(APART, SOURCE, **names)),
        subject=f"{pair.first}, {pair.second}",
    )


def _other_order(pairs: tuple[Company, ...], pair: Company) -> int | None:
    return next(
        (place for place, other in enumerate(pairs) if (other.first, other.second) == (pair.second, pair.first)), None
    )


def _both_work_alone(facts: Facts, pair: Company) -> bool:
    """Say whether both were imported well alone.

    Raises:
        Undecided: if that was not tried, because the smoke test was switched off.
    """
    found = {backend.name: backend for backend in need(facts.backends)}
    return all(name in found and need(found[name].imported.status) == "ok" for name in (pair.first, pair.second))
