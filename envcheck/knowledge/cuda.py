"""Which driver a CUDA version needs, which GPUs it compiles for, and which GPUs a build has code for."""

import re
from dataclasses import dataclass
from typing import ClassVar

from packaging.version import Version

from envcheck import knowledge
from envcheck.knowledge.builds import newest_with_cuda
from envcheck.knowledge.releases import releases

CODE = re.compile(r"(?:(sm|compute)_)?(\d+)[._]?(\d)([af]?)(\+PTX)?", re.IGNORECASE)


class Driver(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("cuda",)

    cuda: str
    linux: str
    windows: str

    def __post_init__(self) -> None:
        super().__post_init__()
        Version(self.linux)
        Version(self.windows)


class ComputeCapability(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("compute_capability",)

    compute_capability: str
    family: str  #: such as ``Turing``
    first_cuda: str | None  #: None: not known
    last_cuda: str | None  #: None: the newest release still compiles for it
    last_driver_branch: int | None  #: None: no branch has left it out yet


@dataclass(frozen=True)
class TorchIndex:
    """Where a PyTorch with CUDA comes from."""

    requirement: str
    index: str | None  #: None: the package index
    source: str


def minimum_driver(cuda: Version) -> Driver | None:
    """Return the oldest driver that runs programs built with this CUDA; None if nothing is known of it."""
    rows = {row.cuda: row for row in knowledge.load("cuda_drivers", Driver)}
    return rows.get(f"{cuda.major}.{cuda.minor}") or rows.get(str(cuda.major))


def torch_index(cuda_major: int, system: str) -> TorchIndex | None:
    """Return where the newest PyTorch for drivers of this CUDA major version comes from; None if none is known."""
    build = newest_with_cuda("torch", cuda_major, f"{system.lower()}-x86_64")
    newest = releases("torch")
    if build is None or not newest:
        return None
    last = build.last
    current = last == Version(newest[0].version)
    return TorchIndex("torch" if current else f"torch<{last.major}.{last.minor + 1}", build.index, build.source)


def oldest_gpu(cuda: Version) -> tuple[int, int] | None:
    """Return the lowest compute capability that a CUDA release compiles for; None if nothing is known of it."""
    if minimum_driver(cuda) is None:
        return None
    able = [
        found
        for row in knowledge.load("compute_capabilities", ComputeCapability)
        if (found := capability(row.compute_capability))
        and (row.last_cuda is None or _minor(cuda) <= Version(row.last_cuda))
        and (row.first_cuda is None or _minor(cuda) >= Version(row.first_cuda))
    ]
    return min(able, default=None)


def release(text: str | None) -> Version | None:
    """Return the CUDA release that a build names, such as ``12.5.1`` or ``13``; None if it names none."""
    match = re.match(r"\d+(\.\d+)?", text or "")
    return Version(match[0]) if match else None


def last_driver_branch(family: str) -> int | None:
    """Return the last branch of NVIDIA's driver that knows a family of GPUs, such as 470 for Kepler; None if all do."""
    rows = knowledge.load("compute_capabilities", ComputeCapability)
    return next((row.last_driver_branch for row in rows if row.family == family), None)


def _minor(cuda: Version) -> Version:
    return Version(f"{cuda.major}.{cuda.minor}")


def capability(text: str) -> tuple[int, int] | None:
    """Return a compute capability such as ``8.9`` as two numbers; None if the text is none."""
    match = re.fullmatch(r"(\d+)\.(\d+)", text.strip())
    return (int(match[1]), int(match[2])) if match else None


def code_runs_on(code: str, gpu: tuple[int, int]) -> str | None:
    """Say how an entry of a build's list serves a GPU: ``native``, ``ptx`` (compiled at first use) or None.

    Machine code runs on GPUs of the same major capability whose minor is not lower; code for ``sm_90a`` on that
    capability alone; PTX on every GPU that is not older (``ptxas --help`` of CUDA 13.5; docs.nvidia.com, "CUDA
    Compatibility").
    """
    match = CODE.fullmatch(code.strip())
    if match is None:
        return None
    kind, major, minor, suffix, ptx = match.groups()
    built_for = (int(major), int(minor))
    if kind != "compute" and built_for[0] == gpu[0]:
        exact = suffix and suffix.lower() == "a"
        if built_for == gpu or (not exact and built_for <= gpu):
            return "native"
    if (kind == "compute" or ptx) and not suffix and built_for <= gpu:
        return "ptx"
    return None


def built_for(code: str) -> tuple[int, int] | None:
    """Return the capability that an entry of a build's list is made for; None if it is no such entry."""
    match = CODE.fullmatch(code.strip())
    return (int(match[2]), int(match[3])) if match else None
