"""Commands for the NVIDIA driver, in the words of the distribution."""

from envcheck.fixes import system
from envcheck.fixes.system import commands, packaged
from envcheck.model.facts import Facts
from envcheck.model.report import Fix, Restart
from envcheck.model.unknown import known
from envcheck.words import template

REBOOT = "sudo reboot"

GUIDE = "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/"
DEBIAN = "https://wiki.debian.org/NvidiaGraphicsDrivers"
FEDORA = "https://rpmfusion.org/Howto/NVIDIA"
AMAZON = "https://docs.aws.amazon.com/linux/al2023/ug/nvidia-drivers.html"
KERNEL_MODULES = "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/620/kernel-modules.html"
WSL = "https://docs.nvidia.com/cuda/wsl-user-guide/"
WINDOWS = "https://www.nvidia.com/en-us/drivers/"
CONTAINER = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html"

INSTALL = template("Install the NVIDIA driver of your distribution, then restart the machine")
INSTALL_DEBIAN = template(
    "Install the NVIDIA driver of Debian (its package sources need 'contrib', 'non-free' and 'non-free-firmware'), "
    "then restart the machine"
)
INSTALL_FEDORA = template("Install the NVIDIA driver from RPM Fusion, wait until its module is built, then restart")
INSTALL_VENDOR = template("Install the driver from NVIDIA's own package source, then restart the machine")
INSTALL_AMAZON = template("Install the driver from Amazon's NVIDIA package source, then restart the machine")
INSTALL_WINDOWS = template("Install the current NVIDIA driver on Windows; inside WSL no driver is installed")
INSTALL_ON_HOST = template(
    "The driver belongs to the machine that runs this container: install it there, not in the image"
)
INSTALL_BY_HAND = template("Install the NVIDIA driver as NVIDIA's installation guide tells for {system}")
INSTALL_IMMUTABLE = template(
    "Install the NVIDIA driver with the means of {system}, whose own files are not changed while it runs"
)

TURING = (7, 5)
"""The open kernel modules, which NVIDIA's packages install, drive GPUs from this compute capability on
(docs.nvidia.com/datacenter/tesla/driver-installation-guide, 'Kernel Modules', 2026-11-09)."""
IMMUTABLE = frozenset(
    ("silverblue", "kinoite", "sericea", "onyx", "sway-atomic", "budgie-atomic", "cosmic-atomic", "coreos", "iot")
)
"""VARIANT_ID of /etc/os-release of the editions of Fedora that rpm-ostree manages
(src.fedoraproject.org/rpms/fedora-release, 2026-11-23)."""


TITLES = {
    DEBIAN: INSTALL_DEBIAN,
    FEDORA: INSTALL_FEDORA,
    KERNEL_MODULES: INSTALL_VENDOR,
    GUIDE: INSTALL_VENDOR,
    AMAZON: INSTALL_AMAZON,
}
"""What is said beside the commands of a source; INSTALL beside those of every other."""


def install_driver(facts: Facts) -> Fix:
    """Return the fix that installs the driver, or a newer one."""
    if known(facts.platform.wsl, None):
        return by_system(INSTALL_WINDOWS, (), WSL)
    if known(facts.platform.container, None):
        return by_system(INSTALL_ON_HOST, (), CONTAINER)
    name = known(facts.platform.os_name, None) or known(facts.platform.system, "")
    if known(facts.platform.os_variant, None) in IMMUTABLE:
        return by_system(INSTALL_IMMUTABLE, (), FEDORA, system=name)
    driver = packaged(facts, "driver")
    if driver is None or (driver.open_only and _has_older_gpu(facts)):
        return by_system(INSTALL_BY_HAND, (), WINDOWS if name.startswith("Windows") else GUIDE, system=name)
    title = TITLES.get(driver.source, INSTALL)
    return by_system(title, (*commands(facts, "driver"), REBOOT), driver.source)


def by_system(
    title: str,
    commands: tuple[str, ...],
    source: str,
    restart: Restart = "machine",
    verify: str = "nvidia-smi",
    **fields: object,
) -> Fix:
    """Return a fix that changes the operating system for an NVIDIA GPU, which nvidia-smi shows if nothing else does."""
    return system.by_system(title, commands, source, verify=verify, restart=restart, **fields)


def _has_older_gpu(facts: Facts) -> bool:
    """Say whether a GPU is there that the open kernel modules do not drive."""
    capabilities = [known(device.compute_capability, None) for device in known(facts.hardware.pci, ())]
    return any(tuple(map(int, text.split("."))) < TURING for text in capabilities if text)
