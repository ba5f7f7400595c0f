"""CUDA's libraries that are too new: for the driver, or for the rest of a framework's libraries."""

from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.nvidia import by_system
from envcheck.fixes.packages import again
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import Unknown, known, need
from envcheck.rules.cuda_shadowing import cuda_major
from envcheck.rules.engine import Failure, rule
from envcheck.rules.searches import Found, for_each_search, severity
from envcheck.rules.shared import minor_of, title_of, variable, version_of
from envcheck.words import template

COMPATIBILITY = "https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html"
CUDNN = "https://docs.nvidia.com/deeplearning/cudnn/installation/latest/linux.html"
MINOR_COMPATIBLE = 11
"""From this major version on a CUDA runs on every driver of its major version (NVIDIA, 'CUDA Compatibility')."""
WITHOUT_VARIABLE = template("Start without the variable; also where it is set: shell profile, module, job script")
REMOVE_COPY = template("Remove the link or the file {path}, and let the framework find its own CUDA")
RIGHT_BUILD = template("Write the build for this CUDA again ({package}); the next install can overwrite it")
OWN_ENVIRONMENT = template("For good: give each framework an environment of its own")
OLDER_BUILD = template("Install the build of {package} for CUDA {own}, choose it from this list, and hold it")
OTHER_BUILD = template("Install the build of {package} for CUDA {own}")


def _needs_newer_driver(cuda: Version, driver: Version) -> bool:
    """Say whether a CUDA needs a newer driver than one that supports ``driver``."""
    if cuda.major >= MINOR_COMPATIBLE:
        return cuda.major > driver.major
    return cuda.release[:2] > driver.release[:2]


@rule(
    "cuda-runtime-shadowed",
    severity="error",
    layer="driver",
    title=template("{framework} loads a newer CUDA than the driver supports, and not its own"),
    message=template(
        "{framework} is built for CUDA {cuda}, which the driver supports (up to {driver}). For {soname} the loader "
        "takes {path}, and that file is CUDA {found}: 'CUDA driver version is insufficient for CUDA runtime version'."
    ),
    after=("ld-library-path-shadows-cuda-wheels",),
)
def cuda_runtime_shadowed(facts: Facts) -> Iterator[Failure]:
    """Under the name of the CUDA runtime that the framework asks for lies a newer one, which the driver is too old for.

    A link such as libcudart.so.11.0 that points at another release does this, as does a copy in front of the right one.
    The driver is new enough for the framework itself.
    """
    driver = version_of(need(facts.driver.nvidia.cuda_driver_api_version))

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        own = version_of(need(backend.built_for.cuda))
        for found in searches:
            if found.short_name != "cudart" or found.winner is None or driver is None or own is None:
                continue
            there = version_of(need(found.winner.version))
            if there is None or not _needs_newer_driver(there, driver) or _needs_newer_driver(own, driver):
                continue
            by_variable = found.winner.found_via == "LD_LIBRARY_PATH" and variable(facts, "LD_LIBRARY_PATH")
            yield Failure(
                evidence=(
                    f"{found.winner_pointer}/file",
                    f"{found.winner_pointer}/version",
                    "/driver/nvidia/cuda_driver_api_version",
                    f"/backends/{index}/built_for/cuda",
                ),
                fields={
                    "framework": title_of(backend.name),
                    "cuda": own,
                    "driver": driver,
                    "soname": found.search.soname,
                    "path": found.winner.path,
                    "found": minor_of(there),
                },
                fixes=(
                    in_shell(WITHOUT_VARIABLE, "unset LD_LIBRARY_PATH", source=COMPATIBILITY)
                    if by_variable
                    else by_hand(REMOVE_COPY, COMPATIBILITY, path=found.winner.path),
                ),
                subject=backend.name,
                severity=severity(facts, backend),
            )
            return

    yield from for_each_search(facts, check)


@rule(
    "cudnn-built-for-newer-cuda",
    severity="error",
    layer="driver",
    title=template("The {library} that {framework} loads is built for a newer CUDA than the driver supports"),
    message=template(
        "{framework} works with CUDA {own}, as does the driver (up to {driver}). The loader takes {path}, which came "
        "with {package}, a build for CUDA {other}: it needs a newer driver than everything else here. Packages for two "
        "CUDA versions write this file under the same name, and the last one that was installed stays."
    ),
    after=("cuda-version-split-across-frameworks",),
)
def cudnn_built_for_newer_cuda(facts: Facts) -> Iterator[Failure]:
    """cuDNN, or NCCL, comes from a package for the next CUDA, beside libraries and a driver of the one before.

    An upgrade of libcudnn8 brought a build for CUDA 12 to a stack of CUDA 11; or a PyTorch for CUDA 13 beside a
    TensorFlow or JAX for CUDA 12 wrote over the files of their wheels, which have the same names in the same folders
    (nvidia-cudnn-cu12 and -cu13, nvidia-nccl-cu12 and -cu13). 'Possibly insufficient driver version' and
    CUDNN_STATUS_NOT_INITIALIZED are the signs. Where the driver serves both, nothing is said.
    """
    driver = version_of(need(facts.driver.nvidia.cuda_driver_api_version))

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        majors = (cuda_major(found.search.soname) for found in searches if found.short_name == "cudart")
        own = next((major for major in majors if major is not None), None)
        for found in searches:
            if own is None or driver is None or found.winner is None or not _comes_for_one_cuda(found):
                continue
            built = found.winner.package_cuda
            if isinstance(built, Unknown) and built.reason == "skipped":
                continue  # a report of an envcheck that did not look
            other = version_of(need(built))
            if other is None or other.major <= max(own, driver.major):
                continue
            package = str(need(found.winner.package))
            yield Failure(
                evidence=(
                    f"{found.winner_pointer}/path",
                    f"{found.winner_pointer}/package",
                    "/driver/nvidia/cuda_driver_api_version",
                    f"/backends/{index}/built_for/cuda",
                ),
                fields={
                    "framework": title_of(backend.name),
                    "library": "cuDNN" if found.short_name.startswith("cudnn") else "NCCL",
                    "own": own,
                    "other": other,
                    "driver": driver,
                    "path": found.winner.path,
                    "package": package,
                },
                fixes=_right_build(facts, package, own),
                subject=backend.name,
                severity=severity(facts, backend),
            )
            return

    yield from for_each_search(facts, check)


def _comes_for_one_cuda(found: Found) -> bool:
    return found.short_name.startswith("cudnn") or found.short_name == "nccl"


def _right_build(facts: Facts, package: str, own: int) -> tuple[Fix, ...]:
    wanted = package.rpartition("-cu")[0] + f"-cu{own}"
    wheel = next((one for one in known(facts.python.packages, ()) if one.name == wanted), None)
    if wheel is not None:
        return again(facts, RIGHT_BUILD, wheel), by_hand(OWN_ENVIRONMENT, CUDNN)
    if package.startswith("lib") and known(facts.platform.os_id, None) in ("ubuntu", "debian"):
        commands = (f"apt list --all-versions {package}", f"sudo apt-mark hold {package}")
        return (by_system(OLDER_BUILD, commands, CUDNN, "none", package=package, own=own),)
    return (by_hand(OTHER_BUILD, CUDNN, package=package, own=own),)
