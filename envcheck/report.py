"""The report builder: look, judge, and put both into one report."""

from dataclasses import dataclass
from datetime import datetime, timezone

import msgspec

import envcheck
from envcheck import child, redact
from envcheck.host import Host
from envcheck.identity import identity
from envcheck.model import report as model
from envcheck.model.facts import Facts
from envcheck.probes import smoke, target
from envcheck.probes.collect import collect
from envcheck.requirements import Requirements, unmet
from envcheck.rules.engine import judge
from envcheck.snapshot import load_report

DEFAULT_TIMEOUT_SECONDS = 180.0  #: importing a framework from a slow network file system takes minutes


class Report(model.Report, frozen=True, kw_only=True):
    """A report that shows itself: as text in a terminal, as HTML in a notebook, both redacted."""

    @property
    def ok(self) -> bool:
        """Whether nothing worse than a note was found."""
        return self.verdict == "ok"

    def __repr__(self) -> str:
        from envcheck.render import terminal  # here, because 'rich' and 'jinja2' take their time to import
        from envcheck.render.style import Style

        return terminal.render(redacted(self), Style(width=80, colour=False, unicode=True, verbose=False, quiet=False))

    def _repr_html_(self) -> str:
        from envcheck.render import html

        return html.fragment(redacted(self))


@dataclass(frozen=True)
class Options:
    """What to check. Names are those of the command line's options; ``timeout`` is in seconds for each child."""

    python: str | None = None
    kernel: str | None = None
    backends: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    smoke: bool = True
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    pairs: bool = False
    requirements: Requirements | None = None


def check(options: Options, progress: smoke.Progress | None = None) -> Report:
    """Look at this machine and judge what was seen.

    Raises:
        TargetError: if the target is neither a Python interpreter nor an environment.
    """
    child.start_afresh()
    host = Host.current(timeout=options.timeout)
    found = target.find(host, options.python, options.kernel)
    smoke_options = smoke.SmokeOptions(
        backends=options.backends or None,
        devices=options.devices,
        smoke=options.smoke,
        timeout=options.timeout,
        pairs=options.pairs,
    )
    created = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return build(collect(host, found, smoke_options, progress), created, options.requirements)


def build(facts: Facts, created: str, requirements: Requirements | None = None) -> Report:
    """Judge the facts; what is required and not there comes first among the findings."""
    judgement = judge(facts)
    missing = unmet(facts, requirements) if requirements else ()
    findings = (*missing, *judgement.findings)
    return Report(
        schema=model.REPORT_SCHEMA,
        envcheck=envcheck.__version__,
        created=created,
        verdict=model.verdict_of(findings),
        facts=facts,
        findings=findings,
        outcomes=judgement.outcomes,
    )


def load(data: bytes, name: str, requirements: Requirements | None = None) -> Report:
    """Read a saved report and judge its facts by today's rules.

    Raises:
        SnapshotError: if ``data`` is no report of envcheck.
    """
    saved = load_report(data, name)
    return build(saved.facts, saved.created, requirements)


def redacted(report: Report) -> Report:
    """Return the report without what identifies a person or a machine."""
    return msgspec.convert(msgspec.to_builtins(redact.redact(report, identity())), Report)
