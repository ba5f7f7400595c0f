"""The kernel module of NVIDIA's driver: whether there is one for this kernel, and whether it goes with the GPU."""

from collections.abc import Iterable, Iterator

from envcheck.fixes import nvidia
from envcheck.fixes.files import by_hand
from envcheck.fixes.nvidia import ARCH, FEDORA, GUIDE, REBUILD_INITRAMFS, UBUNTU, by_system, install_driver
from envcheck.knowledge.cuda import capability
from envcheck.model.facts import Facts, PciDevice
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.gpus import (
    MESSAGES,
    label,
    messages,
    modules_for_running_kernel,
    nvidia_cards,
    on_host_with_gpu,
    works,
)
from envcheck.rules.shared import RESERVING, for_each, gpu_severity, listed, version_of
from envcheck.words import sentence, template

MODULE_LOADED = "/driver/nvidia/kernel_module_loaded"
KERNEL = "/driver/nvidia/kernel"
TURING = (7, 5)
"""The first generation with a system processor (GSP), which the open module needs (README of
NVIDIA/open-gpu-kernel-modules: 'Turing or later')."""
LAST_BRANCH = {"Kepler": 470, "Maxwell": 580, "Pascal": 580, "Volta": 580}
"""The last branch of the driver for a generation (nvidia.custhelp.com 'Support Plan for Kepler' and 'for Maxwell,
Pascal, and Volta series')."""
FIRST_BRANCH = {"Blackwell": 570}
"""The first branch of the driver that knows a generation: CUDA 12.8, the first with Blackwell, comes with 570 (CUDA
Toolkit release notes, table 3)."""
OPEN_ONLY = ("Blackwell",)
"""Generations that the proprietary module refuses (Data Center Driver Installation Guide, 'Open kernel modules')."""
MISMATCH_CODES = {"nvml": 18, "cuda": 803}
"""NVML_ERROR_LIB_RM_VERSION_MISMATCH of nvml.h, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH of cuda.h."""
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
SECURE_BOOT_OFF = template("Or turn Secure Boot off in the machine's firmware settings")
OPEN_FLAVOUR = template("Install the open flavour of the NVIDIA kernel module, then restart")
CLOSED_FLAVOUR = template("Install the proprietary flavour of the NVIDIA kernel module, then restart")
LEGACY_BRANCH = template("Install the driver branch {branch}, the last one that knows this GPU, then restart")
SWITCH_ON = template("Switch the NVIDIA GPU on again and restart")
ONE_SOURCE = template("Remove every part of the NVIDIA driver, and install it from one source")


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
    system = known(facts.platform.os_id, None)
    if system in ("ubuntu", "debian"):
        headers = "sudo apt install -y linux-headers-$(uname -r) dkms"
        return (by_system(BUILD_MODULE, (headers, "sudo dkms autoinstall", "sudo modprobe nvidia"), UBUNTU, "none"),)
    if system == "fedora":
        return (by_system(BUILD_MODULE, ("sudo akmods --force", "sudo modprobe nvidia"), FEDORA, "none"),)
    if system == "arch":
        command = "sudo pacman -S --needed nvidia-open-dkms linux-headers"
        return (by_system(BUILD_MODULE, (command, "sudo modprobe nvidia"), ARCH, "none"),)
    return (by_hand(BUILD_MODULE, DKMS),)


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
                    by_system(LOOK_AT_BUILD, ("cat /proc/version", "dkms status"), DKMS, restart="none"),
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
            rebuild = () if ubuntu else (REBUILD_INITRAMFS.get(known(facts.platform.os_id, None) or ""),)
            commands = (switch, *(command for command in rebuild if command), "sudo reboot")
            yield Failure(
                evidence=(f"{KERNEL}/modprobe/{index}/line", f"{KERNEL}/modprobe/{index}/path", MODULE_LOADED),
                fields={"line": f"'{entry.line}' in {entry.path}"},
                fixes=(by_system(SWITCH_ON, commands, PRIME),),
            )
            return


# --- module and GPU -------------------------------------------------------------------------------


def _flavour(facts: Facts) -> tuple[str, str | None]:
    """Return the flavour of the module that runs or else would run, and the fact that tells."""
    driver = facts.driver.nvidia
    if need(driver.kernel_module_loaded):
        return "/driver/nvidia/kernel_module_flavour", need(driver.kernel_module_flavour)
    for index in modules_for_running_kernel(facts):
        return f"{KERNEL}/module_files/{index}/flavour", need(need(driver.kernel.module_files)[index].flavour)
    raise NotApplicable("no NVIDIA module for the running kernel")


def _branch(facts: Facts) -> tuple[str, str, int]:
    """Return the fact that tells the version of the module that runs or else would run, the version, and its branch."""
    driver = facts.driver.nvidia
    if need(driver.kernel_module_loaded):
        return "/driver/nvidia/kernel_module_version", *_version(need(driver.kernel_module_version))
    for index in modules_for_running_kernel(facts):
        version = need(need(driver.kernel.module_files)[index].version)
        return f"{KERNEL}/module_files/{index}/version", *_version(version)
    raise NotApplicable("no NVIDIA module for the running kernel")


def _version(text: str | None) -> tuple[str, int]:
    version = version_of(text)
    if text is None or version is None:
        raise NotApplicable("the NVIDIA module tells no version")
    return text, version.major


def _idle_cards(facts: Facts) -> list[tuple[int, PciDevice]]:
    """Return the cards that the driver does not bring to work and that no virtual machine has."""
    return [
        (index, device)
        for index, device in nvidia_cards(facts)
        if device.kernel_driver not in RESERVING and not works(facts, device)
    ]


@rule(
    "nvidia-open-module-on-pre-turing",
    severity="error",
    layer="driver",
    title=template("The open NVIDIA module cannot drive {gpu} ({family})"),
    message=template(
        "The installed kernel module is the open flavour, which needs a system processor that GPUs have only since "
        "the generation Turing. {gpu} is of the generation {family}; it needs the proprietary flavour."
    ),
    after=("nvidia-driver-dropped-gpu",),
)
def nvidia_open_module_on_pre_turing(facts: Facts) -> Iterator[Failure]:
    """The open flavour of the kernel module drives GPUs from Turing on; this one is older.

    The kernel's log says that the GPU is 'not supported by open nvidia.ko'. Install the proprietary flavour of a branch
    that still knows the GPU: 580 or older.
    """
    on_host_with_gpu(facts)
    pointer, flavour = _flavour(facts)
    if flavour != "open":
        return

    def check(_: int, place: tuple[int, PciDevice]) -> Iterator[Failure]:
        index, device = place
        able = capability(need(device.compute_capability) or "")
        if able is not None and able < TURING:
            yield Failure(
                evidence=(pointer, f"/hardware/pci/{index}/compute_capability"),
                fields={"gpu": label(facts, device.address), "family": known(device.family, None) or "before Turing"},
                fixes=(_branch_fix(facts, CLOSED_FLAVOUR, LAST_BRANCH.get(known(device.family, None) or "", 580)),),
                severity=gpu_severity(facts),
            )

    yield from for_each(_idle_cards(facts), check)


def _branch_fix(facts: Facts, title: str, branch: int, flavour: str = "") -> Fix:
    if known(facts.platform.os_id, None) == "ubuntu":
        return by_system(
            title, (f"sudo apt install -y nvidia-driver-{branch}{flavour}", "sudo reboot"), UBUNTU, branch=branch
        )
    return by_system(title, (), GUIDE, branch=branch)


@rule(
    "blackwell-requires-open-module",
    severity="error",
    layer="driver",
    title=template("{gpu} ({family}) needs the open NVIDIA module"),
    message=template(
        "The installed kernel module is the proprietary flavour, which refuses GPUs of the generation {family}. "
        "They work with the open flavour alone."
    ),
    after=("nvidia-driver-older-than-gpu",),
)
def blackwell_requires_open_module(facts: Facts) -> Iterator[Failure]:
    """GPUs of the generation Blackwell work only with the open flavour of the kernel module.

    The kernel's log says 'requires use of the NVIDIA open kernel modules', and nvidia-smi finds no devices.
    """
    on_host_with_gpu(facts)
    pointer, flavour = _flavour(facts)
    if flavour != "proprietary":
        return

    def check(_: int, place: tuple[int, PciDevice]) -> Iterator[Failure]:
        index, device = place
        if need(device.family) in OPEN_ONLY:
            yield Failure(
                evidence=(pointer, f"/hardware/pci/{index}/family"),
                fields={"gpu": label(facts, device.address), "family": device.family},
                fixes=(_branch_fix(facts, OPEN_FLAVOUR, 580, "-open"),),
                severity=gpu_severity(facts),
            )

    yield from for_each(_idle_cards(facts), check)


@rule(
    "nvidia-driver-dropped-gpu",
    severity="error",
    layer="driver",
    title=template("The NVIDIA driver {version} no longer knows {gpu} ({family})"),
    message=template(
        "The branch {branch} was the last one with support for the generation {family}, and {version} is installed. "
        "The newer driver takes no notice of {gpu}."
    ),
)
def nvidia_driver_dropped_gpu(facts: Facts) -> Iterator[Failure]:
    """An update brought a driver branch that leaves old generations out.

    Kepler ends with the branch 470; Maxwell, Pascal and Volta end with 580. Current framework packages have often
    dropped these GPUs as well.
    """
    on_host_with_gpu(facts)
    pointer, version, branch = _branch(facts)

    def check(_: int, place: tuple[int, PciDevice]) -> Iterator[Failure]:
        index, device = place
        last = LAST_BRANCH.get(need(device.family) or "")
        if last is not None and branch > last:
            yield Failure(
                evidence=(pointer, f"/hardware/pci/{index}/family"),
                fields={
                    "gpu": label(facts, device.address),
                    "family": device.family,
                    "version": version,
                    "branch": last,
                },
                fixes=(_branch_fix(facts, LEGACY_BRANCH, last),),
                severity=gpu_severity(facts),
            )

    yield from for_each(_idle_cards(facts), check)


@rule(
    "nvidia-driver-older-than-gpu",
    severity="error",
    layer="driver",
    title=template("The NVIDIA driver {version} is older than {gpu} ({family})"),
    message=template(
        "{gpu} is of the generation {family}, which drivers know from the branch {branch} on; {version} is "
        "installed and finds no GPU that it could drive."
    ),
)
def nvidia_driver_older_than_gpu(facts: Facts) -> Iterator[Failure]:
    """The card is newer than the driver. The kernel's log says 'No NVIDIA GPU found' or 'no devices probed'."""
    on_host_with_gpu(facts)
    pointer, version, branch = _branch(facts)

    def check(_: int, place: tuple[int, PciDevice]) -> Iterator[Failure]:
        index, device = place
        first = FIRST_BRANCH.get(need(device.family) or "")
        if first is not None and branch < first:
            yield Failure(
                evidence=(pointer, f"/hardware/pci/{index}/family"),
                fields={
                    "gpu": label(facts, device.address),
                    "family": device.family,
                    "version": version,
                    "branch": first,
                },
                fixes=(install_driver(facts),),
                severity=gpu_severity(facts),
            )

    yield from for_each(_idle_cards(facts), check)


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
    if _idle_cards(facts):
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
    if known(facts.platform.os_id, None) not in ("ubuntu", "debian"):
        return (by_system(ONE_SOURCE, (), nvidia.GUIDE),)
    again = install_driver(facts)
    clean = ("sudo nvidia-uninstall || true", "sudo apt purge -y '*nvidia*'")
    return (by_system(ONE_SOURCE, (*clean, *again.commands), again.source),)
