"""Parts of NVIDIA's driver that do not go together."""

from collections.abc import Iterable, Iterator

from envcheck.fixes import nvidia
from envcheck.fixes.nvidia import by_system, install_driver
from envcheck.fixes.system import commands
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.gpus import (
    KERNEL,
    idle_cards,
    messages,
    modules_for_running_kernel,
    on_host_with_gpu,
)
from envcheck.rules.shared import gpu_severity, listed
from envcheck.words import template

MISMATCH_CODES = {"nvml": 18, "cuda": 803}
"""NVML_ERROR_LIB_RM_VERSION_MISMATCH of nvml.h, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH of cuda.h."""
ONE_SOURCE = template("Remove every part of the NVIDIA driver, and install it from one source")


# --- parts that do not go together ----------------------------------------------------------------


@rule(
    "nvidia-gsp-firmware-missing",
    severity="error",
    layer="driver",
    title=template("The firmware for the NVIDIA module {version} is missing"),
    message=template(
        "The kernel module {version} brings up the GPU with a firmware file of exactly its own version, and there is "
        "none in /lib/firmware/nvidia/{version}. Nearly always the parts of the driver are of different versions."
    ),
    after=("nvidia-driver-mixed-versions",),
)
def nvidia_gsp_firmware_missing(facts: Facts) -> Iterator[Failure]:
    """The driver asks for a firmware image that is not there, and cannot start the GPU.

    The kernel's log says 'Direct firmware load for nvidia/VERSION/gsp_ga10x.bin failed'.
    """
    on_host_with_gpu(facts)
    driver = facts.driver.nvidia
    if not need(driver.kernel_module_loaded) or need(driver.kernel.gsp_firmware) is not False:
        return
    if need(driver.kernel_module_flavour) == "proprietary" and not messages(facts, ("firmware-missing",)):
        return
    if idle_cards(facts):
        yield Failure(
            evidence=(f"{KERNEL}/gsp_firmware", "/driver/nvidia/kernel_module_version"),
            fields={"version": known(driver.kernel_module_version, None) or ""},
            fixes=(install_driver(facts),),
            severity=gpu_severity(facts),
        )


@rule(
    "nvidia-driver-mixed-versions",
    severity="error",
    layer="driver",
    title=template("Parts of different NVIDIA drivers are installed"),
    message=template(
        "On the disk the kernel module is of version {module}, and the libraries for programs are of {libraries}. "
        "They refuse to work with each other, and a restart does not help: the parts came from different sources."
    ),
)
def nvidia_driver_mixed_versions(facts: Facts) -> Iterator[Failure]:
    """Module and libraries of the driver came from different places, and are of different versions on the disk.

    NVIDIA's .run file beside packages of the distribution does this, and so do two package sources. If only the loaded
    module is old and the disk is in order, a restart helps; that is another finding.
    """
    on_host_with_gpu(facts)
    driver = facts.driver.nvidia
    if driver.nvml.error_code != MISMATCH_CODES["nvml"] and driver.cuda.error_code != MISMATCH_CODES["cuda"]:
        need(driver.nvml.status)
        return
    files = need(driver.kernel.module_files)
    modules = {need(files[index].version) for index in modules_for_running_kernel(facts)} - {None}
    libraries = {found.version for found in need(driver.libraries) if found.kind == "driver"} - {None}
    if modules and libraries and not modules & libraries:
        yield Failure(
            evidence=(f"{KERNEL}/module_files", "/driver/nvidia/libraries"),
            fields={"module": _names(modules), "libraries": _names(libraries)},
            fixes=_install_once(facts),
            severity=gpu_severity(facts),
        )


def _names(versions: Iterable[object]) -> str:
    return listed(sorted(str(version) for version in versions))


def _install_once(facts: Facts) -> tuple[Fix, ...]:
    removal = commands(facts, "driver-removal")
    if not removal:
        return (by_system(ONE_SOURCE, (), nvidia.GUIDE),)
    again = install_driver(facts)
    return (by_system(ONE_SOURCE, ("sudo nvidia-uninstall || true", *removal, *again.commands), again.source),)
