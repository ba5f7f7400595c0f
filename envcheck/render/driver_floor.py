"""The driver's floor: one line for each vendor whose driver runs here, or whose device waits for one."""

from envcheck.model.facts import PciDevice
from envcheck.model.report import Report
from envcheck.model.unknown import Unknown
from envcheck.render import words
from envcheck.words import sentence

DISPLAY_CLASS = "03"  #: the first digits of the class code of a display controller
INTEL_GPU_MODULES = ("i915", "xe")


def lines(report: Report) -> tuple[str, tuple[str, ...]]:
    """Return the mark of a floor without findings, and its lines."""
    driver = report.facts.driver
    found = [line for line in (_nvidia(report), _amd(report), _intel(report), _apple(report)) if line]
    if found:
        return "ok", tuple(found)
    if isinstance(driver.nvidia.version, Unknown):
        return "unknown", (sentence(words.COULD_NOT_SEE, why=words.why(driver.nvidia.version)),)
    if isinstance(report.facts.hardware.pci, Unknown) or _on_bus(report, "10de"):
        return "none", (sentence(words.NO_NVIDIA_DRIVER),)
    if _on_bus(report, "1002"):
        return "none", (sentence(words.NO_AMD_DRIVER),)
    return "none", (sentence(words.NO_NVIDIA_DRIVER_NEEDED),)


def _on_bus(report: Report, vendor_id: str) -> bool:
    pci: tuple[PciDevice, ...] | Unknown = report.facts.hardware.pci
    return not isinstance(pci, Unknown) and any(
        device.vendor_id == vendor_id and device.class_code.startswith(DISPLAY_CLASS) for device in pci
    )


def _nvidia(report: Report) -> str | None:
    nvidia = report.facts.driver.nvidia
    if not isinstance(nvidia.version, str):
        return None
    parts = [sentence(words.NVIDIA_DRIVER, version=nvidia.version)]
    if isinstance(nvidia.cuda_driver_api_version, str):
        parts.append(sentence(words.SUPPORTS_CUDA, version=nvidia.cuda_driver_api_version))
    return words.listed(parts)


def _amd(report: Report) -> str | None:
    amd = report.facts.driver.amd
    if amd.module_loaded is not True:
        return None
    version = amd.module_version
    own = sentence(words.AMD_DRIVER, version=version) if isinstance(version, str) else sentence(words.AMD_KERNEL_DRIVER)
    nodes = () if isinstance(amd.compute_nodes, Unknown) else amd.compute_nodes
    targets = dict.fromkeys(node.gfx_target for node in nodes if isinstance(node.gfx_target, str))
    parts = [own]
    if targets:
        parts.append(sentence(words.OFFERS_TARGETS, targets=words.listed(list(targets))))
    if isinstance(amd.rocm_version, str):
        parts.append(sentence(words.ROCM, version=amd.rocm_version))
    elif amd.rocm_version is None:
        parts.append(sentence(words.NO_ROCM))
    return words.listed(parts)


def _intel(report: Report) -> str | None:
    intel = report.facts.driver.intel
    loaded = () if isinstance(intel.modules_loaded, Unknown) else intel.modules_loaded
    modules = [name for name in loaded if name in INTEL_GPU_MODULES]
    if not modules:
        return None
    parts = [sentence(words.INTEL_DRIVER, modules=words.listed(modules))]
    if intel.level_zero_drivers == ():
        parts.append(sentence(words.NO_LEVEL_ZERO))
    elif not isinstance(intel.level_zero_drivers, Unknown):
        parts.append(sentence(words.LEVEL_ZERO))
    return words.listed(parts)


def _apple(report: Report) -> str | None:
    metal = report.facts.hardware.apple.metal
    if isinstance(metal, str):
        return sentence(words.METAL, version=metal.removeprefix("metal").strip())
    return sentence(words.NO_METAL) if metal is None and report.facts.platform.system == "Darwin" else None
