"""What to do, in the order to do it."""

from collections.abc import Sequence
from dataclasses import dataclass

from envcheck.model.report import LAYERS, SEVERITIES, Finding, Fix
from envcheck.render.structure import grouped


@dataclass(frozen=True)
class Step:
    """One thing to do for one or more root causes; ``fixes`` are ways to do it, the best first."""

    findings: tuple[Finding, ...]
    fixes: tuple[Fix, ...]


def steps(findings: Sequence[Finding]) -> tuple[Step, ...]:
    """Return a step for each root cause: errors before warnings, from the ground up, the same fix only once."""
    causes = sorted((cause.finding for cause in grouped(findings).causes), key=_rank)
    merged: dict[object, list[Finding]] = {}
    for index, finding in enumerate(causes):
        merged.setdefault(_same_fix(finding) or index, []).append(finding)
    return tuple(Step(tuple(together), together[0].fixes) for together in merged.values())


def _rank(finding: Finding) -> tuple[int, int]:
    return SEVERITIES.index(finding.severity), LAYERS.index(finding.layer)


def _same_fix(finding: Finding) -> tuple[str, ...]:
    """Return what makes two first fixes the same: their commands, or the manual step's title."""
    return (finding.fixes[0].commands or (finding.fixes[0].title,)) if finding.fixes else ()
