"""Whether programs find the driver's own libcuda, and no other."""

import re
from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes import nvidia, shell
from envcheck.fixes.files import by_hand, in_shell, look
from envcheck.fixes.nvidia import by_system, install_driver
from envcheck.fixes.system import commands
from envcheck.knowledge.forward_compatibility import CompatibilityPackage, compatibility_package
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import Unknown, known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.gpus import CUDA_CODE, CUDA_STATUS, NVML_STATUS, cuda_failed
from envcheck.rules.shared import gpu_severity, in_container, usable_gpus, variable, version_of
from envcheck.words import sentence, template

STUB_LIBRARY, DRIVER_MISMATCH, COMPAT_NOT_SUPPORTED = 34, 803, 804
"""CUresult of cuda.h."""
DRIVER_API = "https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html"
COMPATIBILITY = "https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html"
INSTALL_COMPUTE = template("Install the driver's compute libraries, of exactly the version {version}")
NIXOS = template("On NixOS the driver's libraries lie in a folder of their own: let programs find it")
NO_STUBS = template("Take the folder with the stubs out of LD_LIBRARY_PATH and of /etc/ld.so.conf.d")
NO_COMPAT = template("Take the folder 'compat' off the loader's path, or update the driver of the host")
ITS_BRANCHES = template("(that of CUDA {cuda} with {listed})")
COMPAT_FOLDER = re.compile(r"/cuda-(?P<cuda>\d+\.\d+)/compat/")
REMOVE_COPIES = template("Remove the foreign copy of libcuda, and let the system's loader find the driver's own")


@rule(
    "libcuda-not-loadable",
    severity="error",
    layer="driver",
    title=template("The driver runs, but its CUDA library cannot be loaded"),
    message=template(
        "NVIDIA's management library works, and libcuda.so.1, the library through which every program computes, "
        "cannot be loaded: {error}. The compute part of the driver is not installed, or not where the system's "
        "loader looks."
    ),
    after=(
        "container-driver-capabilities-missing",
        "wsl-no-gpu-passthrough",
        "kubernetes-pod-without-gpu",
        "container-gpu-not-requested",
    ),
)
def libcuda_not_loadable(facts: Facts) -> Iterator[Failure]:
    """nvidia-smi works, and libcuda.so.1 is missing or damaged.

    Packages for headless machines come in parts, and the one with libcuda can be left out. On NixOS the driver's folder
    has to be on the loader's path. In containers the variable NVIDIA_DRIVER_CAPABILITIES leaves it out.
    """
    if not usable_gpus(facts):
        raise NotApplicable("NVML lists no GPU")
    cuda = facts.driver.nvidia.cuda
    if isinstance(cuda.status, Unknown) and cuda.status.reason in ("timed-out", "crashed"):
        return
    if need(cuda.status) not in ("library-missing", "library-unusable"):
        return
    capabilities = variable(facts, "NVIDIA_DRIVER_CAPABILITIES") if in_container(facts) else None
    if capabilities and not {"compute", "all"} & {word.strip() for word in capabilities[1].split(",")}:
        raise NotApplicable("NVIDIA_DRIVER_CAPABILITIES leaves the compute libraries out")
    yield Failure(
        evidence=(CUDA_STATUS, "/driver/nvidia/cuda/error", NVML_STATUS),
        fields={"error": known(cuda.error, None) or "it is missing"},
        fixes=_bring_libcuda(facts),
        severity=gpu_severity(facts),
    )


def _bring_libcuda(facts: Facts) -> tuple[Fix, ...]:
    if in_container(facts):
        return (by_hand(RUN_WITH_COMPUTE, nvidia.CONTAINER),)
    if known(facts.platform.os_id, None) == "nixos":
        return (
            in_shell(
                NIXOS,
                shell.export(facts, "LD_LIBRARY_PATH", "/run/opengl-driver/lib"),
                source="https://wiki.nixos.org/wiki/CUDA",
            ),
        )
    version = known(facts.driver.nvidia.version, None) or ""
    install = commands(facts, "cuda-library", branch=version.split(".")[0])
    if not install or not version:
        return (install_driver(facts),)
    return (by_system(INSTALL_COMPUTE, install, nvidia.GUIDE, "none", version=version),)


RUN_WITH_COMPUTE = template("Start the container with the GPU and its compute libraries: docker run --gpus all IMAGE")


# --- another libcuda than the driver's --------------------------------------------------------------


@rule(
    "libcuda-stub-loaded",
    severity="error",
    layer="driver",
    title=template("Programs find a stub instead of the driver's CUDA library"),
    message=template(
        "The loader takes {library} for libcuda.so.1. That file has the right name and nothing behind it: it is made "
        "for compiling on machines without a GPU."
    ),
)
def libcuda_stub_loaded(facts: Facts) -> Iterator[Failure]:
    """A folder named 'stubs' of the CUDA toolkit is on the loader's path; cuInit returns 34."""
    cuda = facts.driver.nvidia.cuda
    if cuda_failed(facts, STUB_LIBRARY) is None and known(cuda.library_kind, None) != "stub":
        return
    yield Failure(
        evidence=("/driver/nvidia/cuda/library", CUDA_CODE),
        fields={"library": known(cuda.library, None) or "a stub"},
        fixes=(by_system(NO_STUBS, ("grep -rl stubs /etc/ld.so.conf.d", "sudo ldconfig"), DRIVER_API, "none"),),
        severity=gpu_severity(facts),
    )


@rule(
    "cuda-compat-unsupported-gpu",
    severity="error",
    layer="driver",
    title=template("A newer CUDA library is in front of the driver's, and this GPU does not allow that"),
    message=template(
        "The loader takes {library}, a package for newer CUDA versions on an older driver (cuda-compat). It works "
        "with GPUs of data centres only; on this one CUDA ends with error 804."
    ),
)
def cuda_compat_unsupported_gpu(facts: Facts) -> Iterator[Failure]:
    """Images with a newer CUDA bring their own libcuda, which only data-centre GPUs accept on an older driver.

    nvidia-smi then even shows the newer CUDA version. Update the host's driver, or take an image with an older CUDA.
    """
    cuda = cuda_failed(facts, COMPAT_NOT_SUPPORTED)
    if cuda is not None:
        yield Failure(
            evidence=(CUDA_CODE, "/driver/nvidia/cuda/library"),
            fields={"library": known(cuda.library, None) or "a library of cuda-compat"},
            fixes=(by_hand(NO_COMPAT, COMPATIBILITY), *(() if in_container(facts) else (install_driver(facts),))),
            severity=gpu_severity(facts),
        )


@rule(
    "cuda-compat-driver-too-old",
    severity="error",
    layer="driver",
    title=template("The driver is too old even for the compatibility library that is in front of its own"),
    message=template(
        "The loader takes {library}, a package for newer CUDA versions on an older driver (cuda-compat). Each release "
        "of it works with certain branches of the driver{branches}; the kernel module here is of version {module}, and "
        "CUDA refuses both together (error 803)."
    ),
)
def cuda_compat_driver_too_old(facts: Facts) -> Iterator[Failure]:
    """A libcuda of cuda-compat talks only to the driver branches that its release supports.

    Images with a newer CUDA bring it; NVIDIA_DISABLE_REQUIRE switches off the check that would say so at the start of
    the container. Update the host's driver, or take an image with an older CUDA. Nothing is said of a driver that this
    release of cuda-compat does work with.
    """
    cuda = cuda_failed(facts, DRIVER_MISMATCH)
    if cuda is not None and need(cuda.library_kind) == "compat":
        module = version_of(known(facts.driver.nvidia.kernel_module_version, None))
        package = _package_of(known(cuda.library, None) or "")
        if package and module and not _is_too_old(module, package):
            return
        told = {"cuda": package.cuda, "listed": ", ".join(package.branches)} if package else {}
        yield Failure(
            evidence=(CUDA_CODE, "/driver/nvidia/cuda/library", "/driver/nvidia/kernel_module_version"),
            fields={
                "library": known(cuda.library, None) or "a library of cuda-compat",
                "branches": " " + sentence(ITS_BRANCHES, told) if told else "",
                "module": module or "not told",
            },
            fixes=(by_hand(NO_COMPAT, COMPATIBILITY), *(() if in_container(facts) else (install_driver(facts),))),
            severity=gpu_severity(facts),
        )


def _package_of(library: str) -> CompatibilityPackage | None:
    """Return the package cuda-compat that a library is of, by the folder that it lies in."""
    folder = COMPAT_FOLDER.search(library)
    return compatibility_package(Version(folder["cuda"])) if folder else None


def _is_too_old(module: Version, package: CompatibilityPackage) -> bool:
    return module.major < Version(package.driver).major and str(module.major) not in package.branches


@rule(
    "libcuda-kernel-module-mismatch",
    severity="error",
    layer="driver",
    title=template("The CUDA library is of another version than the driver's kernel module"),
    message=template(
        "The loader takes {library}, the kernel module is of version {module}, and CUDA refuses to start with both "
        "(error 803). A foreign copy of libcuda is in front, or an update of the driver is half done."
    ),
    after=(
        "cuda-compat-driver-too-old",
        "nvidia-driver-mixed-versions",
        "nvidia-driver-reboot-pending",
        "container-image-bundles-driver",
        "wsl-linux-driver-installed",
    ),
)
def libcuda_kernel_module_mismatch(facts: Facts) -> Iterator[Failure]:
    """CUDA's form of the version mismatch: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803).

    The copy of libcuda that the loader finds first is not that of the running driver: from an image, from cuda-compat,
    from conda or Nix, or from an update that waits for a restart.
    """
    cuda = cuda_failed(facts, DRIVER_MISMATCH)
    if cuda is not None:
        commands = ("ldconfig -p | grep libcuda", "cat /proc/driver/nvidia/version")
        yield Failure(
            evidence=(CUDA_CODE, "/driver/nvidia/cuda/library", "/driver/nvidia/kernel_module_version"),
            fields={
                "library": known(cuda.library, None) or "a libcuda",
                "module": known(facts.driver.nvidia.kernel_module_version, None) or "not told",
            },
            fixes=(look(REMOVE_COPIES, *commands, source=COMPATIBILITY),),
            severity=gpu_severity(facts),
        )
