"""NVIDIA's packages that run a newer CUDA on an older driver (cuda-compat), and the GPUs that allow it."""

import re
from typing import ClassVar

from packaging.version import Version

from envcheck import knowledge


class CompatibilityPackage(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("cuda",)

    cuda: str
    driver: str  #: the release that the libraries of a package for this CUDA are from; later packages have later ones
    branches: tuple[str, ...]  #: of the driver, older than that release, that it works with

    def __post_init__(self) -> None:
        super().__post_init__()
        Version(self.driver)


class DataCenterGpu(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("name",)

    name: str  #: a word of the name that NVML tells, such as ``H100``


def compatibility_package(cuda: Version) -> CompatibilityPackage | None:
    """Return what is known of the package cuda-compat for a CUDA release; None if nothing is."""
    rows = knowledge.load("forward_compatibility", CompatibilityPackage)
    return next((row for row in rows if row.cuda == f"{cuda.major}.{cuda.minor}"), None)


def is_data_center(gpu: str) -> bool:
    """Say whether a GPU is certainly one that NVIDIA makes for data centres, by the name that NVML tells."""
    names = {row.name for row in knowledge.load("data_center_gpus", DataCenterGpu)}
    return not names.isdisjoint(re.split(r"[\s-]+", gpu))
