"""Which driver a CUDA version needs, and which GPUs a build has code for."""

import re
from typing import ClassVar

from packaging.version import Version

from envcheck import knowledge

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


class TorchIndex(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("cuda_major", "system")

    cuda_major: int
    system: str
    requirement: str
    index: str | None


def minimum_driver(cuda: Version) -> Driver | None:
    """Return the oldest driver that runs programs built with this CUDA; None if nothing is known of it."""
    rows = {row.cuda: row for row in knowledge.load("cuda_drivers", Driver)}
    return rows.get(f"{cuda.major}.{cuda.minor}") or rows.get(str(cuda.major))


def torch_index(cuda_major: int, system: str) -> TorchIndex | None:
    """Return where a PyTorch for drivers of this CUDA major version comes from."""
    rows = knowledge.load("torch_indexes", TorchIndex)
    return next((row for row in rows if (row.cuda_major, row.system) == (cuda_major, system)), None)


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
