"""The library calls: what ``import envcheck`` offers to scripts and notebooks."""

import os
from collections.abc import Iterable
from pathlib import Path

from envcheck.explanation import explain_text
from envcheck.knowledge import OVERLAY_VARIABLE, use_overlay
from envcheck.model.report import Finding
from envcheck.report import DEFAULT_TIMEOUT_SECONDS, Options, Report, check as check_machine, load as load_snapshot
from envcheck.requirements import Requirements
from envcheck.words import sentence, template

FIX = template("To mend it: {title}")


class RequirementError(Exception):
    """What is required is not there: one readable message, with the fixes; ``report`` holds the rest."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


def check(
    python: str | None = None,
    backends: Iterable[str] | None = None,
    smoke: bool = True,
    *,
    kernel: str | None = None,
    devices: Iterable[str] | None = None,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    pairs: bool = False,
) -> Report:
    """Check a deep-learning environment.

    Args:
        python: an interpreter or the root of a venv or conda environment; default: the activated
            environment, else the interpreter that runs this code.
        backends: only these, such as ``["tensorflow"]``; default: all that are installed.
        smoke: train the tiny Keras model on each device.
        kernel: the name of a Jupyter kernelspec, instead of ``python``.
        devices: only these, such as ``["cpu", "gpu:0"]``.
        timeout: seconds that each child process may take.
        pairs: also import and use every two frameworks in one process, in both orders.

    Raises:
        TargetError: if the target is neither a Python interpreter nor an environment.
        KnowledgeError: if the folder that ENVCHECK_KNOWLEDGE names cannot be used; so do the other calls.
    """
    _use_own_knowledge()
    return check_machine(
        Options(
            python=python,
            kernel=kernel,
            backends=tuple(backends or ()),
            devices=tuple(devices or ()),
            smoke=smoke,
            timeout=timeout,
            pairs=pairs,
        )
    )


def load(path: str | Path) -> Report:
    """Read a saved JSON report and judge its facts by this version's rules.

    Raises:
        OSError: if the file cannot be read.
        SnapshotError: if it is no report of envcheck.
    """
    _use_own_knowledge()
    return load_snapshot(Path(path).read_bytes(), str(path))


def require(
    backends: Iterable[str] = (),
    gpu: bool = False,
    min_driver: str = "",
    min_cuda: str = "",
    smoke: bool = False,
    *,
    min_gpus: int = 0,
    min_gpu_memory_gib: float = 0.0,
    min_memory_gib: float = 0.0,
    python: str | None = None,
) -> Report:
    """Make sure that this machine has what a program needs.

    Args:
        backends: these must be installed and, with ``smoke``, pass the smoke test.
        gpu: at least one GPU must be usable.
        min_driver: the oldest NVIDIA driver that will do, such as ``"550"``.
        min_cuda: the oldest CUDA version that the driver must support, such as ``"12.3"``.
        smoke: train the tiny Keras model with the backends named.
        min_gpus: so many GPUs at least.
        min_gpu_memory_gib: each of them with so much memory, in GiB.
        min_memory_gib: main memory, in GiB.
        python: as for :func:`check`.

    Returns:
        The report, if everything is there.

    Raises:
        RequirementError: if something is not.
    """
    requirements = Requirements(
        backends=tuple(backends),
        gpu=gpu,
        min_gpus=min_gpus,
        min_gpu_memory_gib=min_gpu_memory_gib,
        min_driver=min_driver,
        min_cuda=min_cuda,
        min_memory_gib=min_memory_gib,
    )
    options = Options(python=python, backends=requirements.backends, smoke=smoke, requirements=requirements)
    _use_own_knowledge()
    report = check_machine(options)
    if any(finding.id == "requirement-not-met" for finding in report.findings):
        raise RequirementError(_message(report.findings), report)
    return report


def explain(text: str) -> tuple[Finding, ...]:
    """Name the causes of an error message or log, the most likely root cause first."""
    _use_own_knowledge()
    return explain_text(text).findings


def _use_own_knowledge() -> None:
    """Let the folder that ENVCHECK_KNOWLEDGE names add to the knowledge base.

    Raises:
        KnowledgeError: if it cannot be used.
    """
    use_overlay(os.environ.get(OVERLAY_VARIABLE))


def _message(findings: Iterable[Finding]) -> str:
    """Put what is missing, and the root causes that were found with their fixes, into one message."""
    causes = [finding for finding in findings if finding.severity == "error" and finding.explained_by is None]
    lines = []
    for finding in causes:
        lines.append(finding.message)
        for fix in finding.fixes[:1]:
            lines.append("  " + sentence(FIX, title=fix.title))
            lines.extend(f"    {command}" for command in fix.commands)
    return "\n".join(lines)
