"""From phrases in a log to causes: what speaks for each, and which one explains the others."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from envcheck.signatures.catalogue import Cause, Sign, catalogue, version_condition, version_numbers
from envcheck.signatures.derive import derived_contexts
from envcheck.signatures.scan import Hit, Scan

NEAR = 250  #: lines within which one text is the context of another
LEAST_SCORE = 45  #: below it a cause is not worth naming
CERTAIN = 75  #: from here on a cause is named without 'probably'
MOST_CAUSES = 6
MOST_LINES = 5  #: lines of evidence for a cause
_SPREAD = 30  #: a cause that scores so much less than the best one is not named
_BONUS_EACH, _BONUS_MOST = 3, 9  #: for further signs of the same cause

#: contexts: the log of another program (Java, npm, a compiler), and anything of Python, GPUs or frameworks
OTHER_PROGRAM, TOPIC = "other-program", "topic"

_COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Match:
    """One cause that a log speaks for."""

    cause: Cause
    score: int  #: 0 to 100
    lines: tuple[tuple[int, str], ...]  #: line numbers and texts that it rests on
    values: Mapping[str, str]  #: what was extracted: sonames, versions, devices
    explained_by: str | None = None  #: id of the cause among the matches that leads to this one

    @property
    def id(self) -> str:
        return self.cause.id

    @property
    def harmless(self) -> bool:
        return self.cause.severity == "harmless"

    @property
    def certain(self) -> bool:
        return self.score >= CERTAIN


def judge(found: Scan) -> tuple[Match, ...]:
    """Return the causes that a log speaks for, the most likely root cause first."""
    ground = Ground(found)
    if OTHER_PROGRAM in ground.contexts and TOPIC not in ground.contexts:
        return ()
    matches = [match for cause in catalogue().causes if (match := _match(cause, ground)) is not None]
    by_id = {match.id: match for match in matches}
    linked = [_linked(match, by_id) for match in matches]
    return _shortened(sorted(linked, key=_order))


class Ground:
    """What conditions are judged on: hits, contexts and versions of one log."""

    def __init__(self, found: Scan) -> None:
        self.hits = found.hits
        self.versions = _versions(found.hits)
        self.contexts = {
            context.name for context in catalogue().contexts if any(phrase in found.hits for phrase in context.phrases)
        }
        self.contexts |= derived_contexts(found.hits, self.versions, self.contexts)

    def places(self, sign: Sign) -> list[Hit]:
        """Return where a sign holds with all its conditions."""
        return [
            hit
            for hit in self.hits.get(sign.text, ())
            if all(self._holds(condition, hit.line) for condition in sign.beside)
            and not any(self._holds(condition, hit.line) for condition in sign.without)
            and not any(text.lower() in hit.text.lower() for text in sign.absent)
        ]

    def _holds(self, condition: str, line: int) -> bool:
        if condition.startswith("@"):
            return condition[1:] in self.contexts
        if condition.startswith("?"):
            wanted = version_condition(condition)
            return any(
                _compare(version, wanted.operator, wanted.version) for version in self.versions.get(wanted.name, ())
            )
        return any(abs(hit.line - line) <= NEAR for hit in self.hits.get(condition, ()))


def _compare(version: tuple[int, ...], sign: str, wanted: tuple[int, ...]) -> bool:
    length = max(len(version), len(wanted)) if sign not in ("==", "!=") else len(wanted)
    filled = [(*numbers, *(0,) * length)[:length] for numbers in (version, wanted)]
    return _COMPARE[sign](filled[0], filled[1])


def _versions(hits: Mapping[str, list[Hit]]) -> dict[str, set[tuple[int, ...]]]:
    found: dict[str, set[tuple[int, ...]]] = {}
    for rule in catalogue().versions:
        for phrase in rule.phrases:
            for hit in hits.get(phrase, ()):
                numbers = version_numbers(hit.values.get("version") or "")
                if numbers:
                    found.setdefault(rule.name, set()).add(numbers)
    return found


def _match(cause: Cause, ground: Ground) -> Match | None:
    holding = [(sign, places) for sign in cause.signs if (places := ground.places(sign))]
    if not holding:
        return None
    best = max(sign.score for sign, _ in holding)
    texts = {sign.text for sign, _ in holding}
    score = min(99, best + min(_BONUS_MOST, _BONUS_EACH * (len(texts) - 1)))
    if score < LEAST_SCORE:
        return None
    holding.sort(key=lambda item: -item[0].score)
    hits = [hit for _, places in holding for hit in places[:2]]
    values = dict(cause.fields)
    for hit in reversed(hits):
        values.update({name: value for name, value in hit.values.items() if value})
    lines = dict.fromkeys((hit.line, hit.text) for hit in hits)
    return Match(cause, score, tuple(sorted(list(lines)[:MOST_LINES])), values)


def _linked(match: Match, by_id: Mapping[str, Match]) -> Match:
    """Name the cause that explains this one: a known root of it that the log speaks for as clearly."""
    roots = [
        by_id[id]
        for id in match.cause.after
        if id in by_id and not by_id[id].harmless and by_id[id].score >= min(CERTAIN, match.score)
    ]
    best = max(roots, key=lambda root: root.score, default=None)
    if best is None or match.id in best.cause.after:
        return match
    return Match(match.cause, match.score, match.lines, match.values, best.id)


_GROUPS = {"error": 0, "warning": 0, "info": 2, "harmless": 2}


def _order(match: Match) -> tuple[int, int, int]:
    group = _GROUPS[match.cause.severity]
    if group == 0 and match.explained_by is not None:
        group = 1
    weight = match.score + {"error": 4, "warning": 0, "info": 3, "harmless": 0}[match.cause.severity]
    return group, -weight, match.lines[0][0]


def _shortened(matches: list[Match]) -> tuple[Match, ...]:
    """Leave out what is much weaker than the best, and links to what was left out."""
    faults = [match for match in matches if _GROUPS[match.cause.severity] == 0]
    notes = [match for match in matches if _GROUPS[match.cause.severity] != 0]
    best = max((match.score for match in faults), default=0)
    kept = [match for match in faults if match.score >= best - _SPREAD][:MOST_CAUSES]
    return (*kept, *notes[:MOST_CAUSES])
