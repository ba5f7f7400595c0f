"""Whether NVIDIA's kernel module is there for the running kernel, and whether it may be loaded."""

from collections.abc import Iterator

from envcheck.fixes.files import by_hand, look
from envcheck.fixes.nvidia import GUIDE, REBOOT, by_system, install_driver
from envcheck.fixes.system import commands, packaged
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.gpus import (
    KERNEL,
    MESSAGES,
    MODULE_LOADED,
    messages,
    modules_for_running_kernel,
    on_host_with_gpu,
)
from envcheck.rules.shared import gpu_severity, listed
from envcheck.words import sentence, template

MOK = "https://wiki.debian.org/SecureBoot"
DKMS = "https://manpages.debian.org/dkms.8"
PRIME = "https://wiki.archlinux.org/title/NVIDIA_Optimus"

BUILD_MODULE = template("Install the kernel's headers and build the module for the running kernel")
OLD_KERNEL = template("Until then: start the previous kernel from the boot menu")
NEWER_DRIVER = template("Install a release of the NVIDIA driver that supports this kernel")
LOOK_AT_BUILD = template("See with which compiler the kernel was built, and what DKMS has built")
ENROL = template(
    "Enrol the key that signs the module: choose a password, restart, and pick 'Enroll MOK' on the blue screen"
)
SECURE_BOOT_OFF = template("Turn Secure Boot off in the machine's firmware settings")
SWITCH_ON = template("Switch the NVIDIA GPU on again and restart")


@rule(
    "nvidia-module-missing-for-kernel",
    severity="error",
    layer="driver",
    title=template("There is no NVIDIA module for the running kernel {kernel}"),
    message=template(
        "The NVIDIA kernel module is on the disk for {others}, but not for the kernel {kernel} that is running. A "
        "kernel update was installed for which the module was not built. {headers}"
    ),
    after=("nvidia-dkms-build-failed",),
)
def nvidia_module_missing_for_kernel(facts: Facts) -> Iterator[Failure]:
    """After a kernel update the driver's module exists for the old kernel only.

    'modprobe nvidia' says 'Module nvidia not found in directory'. Usually the package with the kernel's headers is
    missing, so that DKMS could not build the module. The previous kernel in the boot menu still works.
    """
    on_host_with_gpu(facts)
    driver = facts.driver.nvidia
    if need(driver.kernel_module_loaded) or modules_for_running_kernel(facts):
        return
    others = sorted({file.kernel for file in need(driver.kernel.module_files)})
    if others:
        headers = HEADERS_MISSING if known(driver.kernel.kernel_headers, None) is False else NOT_BUILT
        yield Failure(
            evidence=("/platform/release", f"{KERNEL}/module_files", MODULE_LOADED),
            fields={"kernel": facts.platform.release, "others": listed(others), "headers": sentence(headers)},
            fixes=(*_build(facts), by_hand(OLD_KERNEL, GUIDE)),
            severity=gpu_severity(facts),
        )


NOT_BUILT = template("Whatever builds it did not run, or failed.")
HEADERS_MISSING = template("The kernel's headers, which the build needs, are not installed.")


def _build(facts: Facts) -> tuple[Fix, ...]:
    row = packaged(facts, "driver-module")
    if row is None:
        return (by_hand(BUILD_MODULE, DKMS),)
    return (by_system(BUILD_MODULE, row.commands, row.source, "none"),)


@rule(
    "nvidia-dkms-build-failed",
    severity="error",
    layer="driver",
    title=template("The NVIDIA module {version} could not be compiled"),
    message=template(
        "DKMS, which compiles the driver's module for each kernel, failed on {name} {version}: {said}. So the "
        "running kernel {kernel} has no NVIDIA module. Nearly always the kernel is newer than this release of the "
        "driver knows."
    ),
)
def nvidia_dkms_build_failed(facts: Facts) -> Iterator[Failure]:
    """The source of the driver's module does not compile for the running kernel.

    /var/lib/dkms/nvidia/VERSION/build/make.log holds the error. Either the kernel is too new for this driver, or the
    compiler is another one than that of the kernel.
    """
    on_host_with_gpu(facts)
    driver = facts.driver.nvidia
    if need(driver.kernel_module_loaded) or modules_for_running_kernel(facts):
        return
    for index, module in enumerate(need(driver.kernel.dkms)):
        if module.state == "failed":
            yield Failure(
                evidence=(f"{KERNEL}/dkms/{index}/error", f"{KERNEL}/dkms/{index}/state", MODULE_LOADED),
                fields={
                    "name": module.name,
                    "version": module.version,
                    "said": known(module.error, None) or "it left no reason",
                    "kernel": known(facts.platform.release, ""),
                },
                fixes=(
                    _newer_driver(facts),
                    look(LOOK_AT_BUILD, "cat /proc/version", "dkms status", source=DKMS),
                    by_hand(OLD_KERNEL, GUIDE),
                ),
                severity=gpu_severity(facts),
            )


def _newer_driver(facts: Facts) -> Fix:
    fix = install_driver(facts)
    return by_system(NEWER_DRIVER, fix.commands, fix.source)


@rule(
    "secure-boot-rejects-nvidia-module",
    severity="error",
    layer="driver",
    title=template("Secure Boot keeps the NVIDIA module out of the kernel"),
    message=template(
        "The module is there for the running kernel, but Secure Boot is on, and the kernel takes only modules that "
        "are signed with a key that this machine knows. {reason}"
    ),
)
def secure_boot_rejects_nvidia_module(facts: Facts) -> Iterator[Failure]:
    """With Secure Boot on the kernel refuses a module without a signature that it trusts.

    'modprobe nvidia' says 'Key was rejected by service' or 'Required key not available'. The key that signs the module
    has to be enrolled once (MOK, machine owner key), or Secure Boot switched off.
    """
    on_host_with_gpu(facts)
    driver = facts.driver.nvidia
    if need(driver.kernel_module_loaded):
        return
    lockdown = known(facts.platform.lockdown, None) in ("integrity", "confidentiality")
    if need(facts.platform.secure_boot) != "enabled" and not lockdown:
        return
    places = modules_for_running_kernel(facts)
    if not places:
        return
    files = need(driver.kernel.module_files)
    unsigned = [index for index in places if files[index].signer is None]
    rejected = [] if unsigned else messages(facts, ("module-rejected",))
    if unsigned or rejected:
        pointer = f"{KERNEL}/module_files/{unsigned[0]}/signer" if unsigned else f"{MESSAGES}/{rejected[0][0]}/text"
        yield Failure(
            evidence=("/platform/secure_boot", pointer, MODULE_LOADED),
            fields={"reason": sentence(NOT_SIGNED) if unsigned else sentence(KERNEL_SAID, said=rejected[0][1].text)},
            fixes=(*_enrol(facts), by_hand(SECURE_BOOT_OFF, MOK)),
            severity=gpu_severity(facts),
        )


NOT_SIGNED = template("This one is not signed.")
KERNEL_SAID = template("The kernel said: {said}")


def _enrol(facts: Facts) -> tuple[Fix, ...]:
    ubuntu = known(facts.platform.os_id, None) == "ubuntu"
    key = "/var/lib/shim-signed/mok/MOK.der" if ubuntu else "/var/lib/dkms/mok.pub"
    return (by_system(ENROL, (f"sudo mokutil --import {key}", "sudo reboot"), MOK),)


@rule(
    "optimus-dgpu-disabled",
    severity="warning",
    layer="driver",
    title=template("The NVIDIA GPU is switched off by the system's settings"),
    message=template(
        "The system is told not to load the NVIDIA driver: {line}. Laptops with two GPUs set this when they are "
        "switched to the economical one."
    ),
)
def optimus_dgpu_disabled(facts: Facts) -> Iterator[Failure]:
    """On a laptop with two GPUs only the economical one is switched on ('prime-select intel').

    The NVIDIA module is on a blacklist, so it is never loaded.
    """
    on_host_with_gpu(facts)
    if need(facts.driver.nvidia.kernel_module_loaded):
        return
    for index, entry in enumerate(need(facts.driver.nvidia.kernel.modprobe)):
        if entry.line.split() == ["blacklist", "nvidia"]:
            ubuntu = known(facts.platform.os_id, None) == "ubuntu"
            switch = "sudo prime-select on-demand" if ubuntu else f"sudo mv {entry.path} {entry.path}.old"
            rebuild = () if ubuntu else commands(facts, "initramfs")
            yield Failure(
                evidence=(f"{KERNEL}/modprobe/{index}/line", f"{KERNEL}/modprobe/{index}/path", MODULE_LOADED),
                fields={"line": f"'{entry.line}' in {entry.path}"},
                fixes=(by_system(SWITCH_ON, (switch, *rebuild, REBOOT), PRIME),),
            )
            return
