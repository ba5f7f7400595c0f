"""What a report of the scratch environment says of the fixes that were applied there."""

from collections.abc import Sequence

from envcheck.model.facts import SmokeRun
from envcheck.model.report import Finding, Report, Verification, VerificationStatus
from envcheck.model.unknown import known
from envcheck.words import sentence, template

STILL_THERE = template("The finding is still there: {title}")
BROUGHT = template("It brings a new finding: {title}")
RUN_FAILED = template("The test model does not run with {backend} on {device}: {reason}")
PROVED = template("The finding is gone, and the test model ran with {runs}.")
NOTHING_TO_RUN = template("The finding is gone; there was nothing to run the test model with.")
NOT_RUN = template("The finding is gone; the test model was not run, as you wished.")
LAYERS_OF_PACKAGES = ("python", "backend", "keras")


def of(findings: Sequence[Finding], before: Report, after: Report, *, smoke: bool) -> Verification:
    """Judge a fix of ``findings`` by the report of the scratch environment."""
    keys = {_key(finding) for finding in findings}
    left = next((finding for finding in after.findings if _key(finding) in keys and finding.severity != "info"), None)
    if left is not None:
        return _said("still fails", STILL_THERE, title=left.title)
    runs = _runs(findings, after)
    failed = next((run for run in runs if run.status != "passed"), None)
    if failed is not None:
        lines = (known(failed.reason, None) or failed.status).strip().splitlines()
        return _said("still fails", RUN_FAILED, backend=failed.backend, device=failed.device, reason=lines[0])
    new = _new_error(before, after)
    if new is not None:
        return _said("still fails", BROUGHT, title=new.title)
    if not smoke:
        return _said("verified", NOT_RUN)
    ran = ", ".join(f"{run.backend} on {run.device}" for run in runs)
    return _said("verified", PROVED, runs=ran) if ran else _said("verified", NOTHING_TO_RUN)


def _runs(findings: Sequence[Finding], after: Report) -> list[SmokeRun]:
    """Return the runs that the findings are about: of the backends that they name, or of all."""
    runs = [run for run in known(after.facts.smoke, ()) if run.status != "skipped"]
    names = {finding.subject for finding in findings}
    named = [run for run in runs if run.backend in names]
    return named or runs


def _new_error(before: Report, after: Report) -> Finding | None:
    known_before = {_key(finding) for finding in before.findings}
    return next(
        (
            finding
            for finding in after.findings
            if finding.severity == "error"
            and finding.explained_by is None
            and finding.layer in LAYERS_OF_PACKAGES
            and _key(finding) not in known_before
        ),
        None,
    )


def _key(finding: Finding) -> tuple[str, str | None]:
    return finding.id, finding.subject


def _said(status: VerificationStatus, text: str, **fields: object) -> Verification:
    return Verification(status=status, detail=sentence(text, fields))
