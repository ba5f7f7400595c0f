"""NVIDIA's package that lets a newer CUDA run on an older driver."""

from packaging.version import Version

from envcheck.fixes import nvidia
from envcheck.fixes.system import commands
from envcheck.knowledge.forward_compatibility import compatibility_package, is_data_center
from envcheck.model.facts import Facts, NvidiaGpu
from envcheck.model.report import Fix
from envcheck.model.unknown import known
from envcheck.words import template

PAGE = "https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html"
IN_FRONT = "export LD_LIBRARY_PATH=/usr/local/cuda-{}/compat${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
WITHOUT_NEW_DRIVER = template(
    "Keep the driver: on GPUs of data centres, NVIDIA's compatibility package brings CUDA {cuda} (libraries of the "
    "driver {libraries}; NVIDIA's own package source has to be there). Start programs with its folder in "
    "LD_LIBRARY_PATH. It works with the driver branches {listed}; here is {branch}."
)


def compatibility(facts: Facts, cuda: Version) -> Fix | None:
    """Return the way to run a CUDA on the driver that is there; None where it is closed, or not known to be open.

    The GPUs are told by their names. A container takes the package from its image, and Windows has none.
    """
    platform = facts.platform
    if platform.system != "Linux" or known(platform.wsl, None) or known(platform.container, None):
        return None
    gpus = known(facts.driver.nvidia.gpus, ())
    branch = (known(facts.driver.nvidia.version, None) or "").partition(".")[0]
    package = compatibility_package(cuda)
    if package is None or branch not in package.branches or not gpus or not all(map(_may_use_it, gpus)):
        return None
    install = commands(facts, "cuda-compat", cuda=f"{cuda.major}-{cuda.minor}")
    if not install or known(platform.os_variant, None) in nvidia.IMMUTABLE:
        return None
    return nvidia.by_system(
        WITHOUT_NEW_DRIVER,
        (*install, IN_FRONT.format(f"{cuda.major}.{cuda.minor}")),
        PAGE,
        restart="none",
        verify="envcheck report",
        cuda=f"{cuda.major}.{cuda.minor}",
        libraries=package.driver,
        listed=", ".join(package.branches),
        branch=branch,
    )


def _may_use_it(gpu: NvidiaGpu) -> bool:
    """Say whether a GPU is certainly one of a data centre, and not a share of one in a virtual machine."""
    return is_data_center(known(gpu.name, "")) and known(gpu.virtualization, "not known") in (None, "pass-through")
