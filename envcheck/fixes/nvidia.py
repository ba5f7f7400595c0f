"""Commands for the NVIDIA driver, in the words of the distribution."""

from envcheck.model.facts import Facts
from envcheck.model.report import Fix, Restart
from envcheck.model.unknown import known
from envcheck.words import sentence, template

REBOOT = "sudo reboot"

GUIDE = "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/"
UBUNTU = "https://documentation.ubuntu.com/server/how-to/graphics/install-nvidia-drivers/"
DEBIAN = "https://wiki.debian.org/NvidiaGraphicsDrivers"
FEDORA = "https://rpmfusion.org/Howto/NVIDIA"
ARCH = "https://wiki.archlinux.org/title/NVIDIA"
WSL = "https://docs.nvidia.com/cuda/wsl-user-guide/"
WINDOWS = "https://www.nvidia.com/en-us/drivers/"
CONTAINER = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html"

INSTALL = template("Install the NVIDIA driver of your distribution, then restart the machine")
INSTALL_DEBIAN = template(
    "Install the NVIDIA driver of Debian (its package sources need 'contrib', 'non-free' and 'non-free-firmware'), "
    "then restart the machine"
)
INSTALL_FEDORA = template("Install the NVIDIA driver from RPM Fusion, wait until its module is built, then restart")
INSTALL_WINDOWS = template("Install the current NVIDIA driver on Windows; inside WSL no driver is installed")
INSTALL_BY_HAND = template("Install the NVIDIA driver as NVIDIA's installation guide tells for {system}")

DRIVERS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "ubuntu": (INSTALL, ("sudo ubuntu-drivers install",), UBUNTU),
    "debian": (INSTALL_DEBIAN, ("sudo apt update", "sudo apt install -y nvidia-driver firmware-misc-nonfree"), DEBIAN),
    "fedora": (INSTALL_FEDORA, ("sudo dnf install -y akmod-nvidia xorg-x11-drv-nvidia-cuda",), FEDORA),
    "arch": (INSTALL, ("sudo pacman -S --needed nvidia-open nvidia-utils",), ARCH),
}
"""Title, commands and source for each ID of /etc/os-release."""

REBUILD_INITRAMFS = {
    "ubuntu": "sudo update-initramfs -u",
    "debian": "sudo update-initramfs -u",
    "fedora": "sudo dracut --force",
    "rhel": "sudo dracut --force",
    "rocky": "sudo dracut --force",
    "almalinux": "sudo dracut --force",
    "arch": "sudo mkinitcpio -P",
}
"""The command that writes the initial RAM disk again (update-initramfs(8), dracut(8), mkinitcpio(8))."""


def install_driver(facts: Facts) -> Fix:
    """Return the fix that installs the driver, or a newer one."""
    if known(facts.platform.wsl, None):
        return by_system(INSTALL_WINDOWS, (), WSL)
    system = known(facts.platform.os_id, None) or ""
    if system in DRIVERS:
        title, commands, source = DRIVERS[system]
        return by_system(title, (*commands, REBOOT), source)
    name = known(facts.platform.os_name, None) or known(facts.platform.system, "")
    return by_system(INSTALL_BY_HAND, (), WINDOWS if name.startswith("Windows") else GUIDE, system=name)


def by_system(
    title: str,
    commands: tuple[str, ...],
    source: str,
    restart: Restart = "machine",
    verify: str = "nvidia-smi",
    **fields: object,
) -> Fix:
    """Return a fix that changes the operating system."""
    return Fix(
        title=sentence(title, fields),
        commands=commands,
        needs_root=True,
        restart=restart,
        risk="system",
        source=source,
        verify=verify,
    )
