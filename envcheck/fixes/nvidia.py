"""Commands for the NVIDIA driver, in the words of the distribution."""

from collections.abc import Callable
from dataclasses import dataclass

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
AMAZON = "https://docs.aws.amazon.com/linux/al2023/ug/nvidia-drivers.html"
KERNEL_MODULES = "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/620/kernel-modules.html"
WSL = "https://docs.nvidia.com/cuda/wsl-user-guide/"
WINDOWS = "https://www.nvidia.com/en-us/drivers/"
CONTAINER = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html"
REPOSITORIES = "https://developer.download.nvidia.com/compute/cuda/repos"

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
RED_HAT = ("rhel", "centos", "rocky", "almalinux", "ol")
SUSE = {"sles": "sles15", "opensuse-leap": "opensuse15"}
"""The folder of NVIDIA's repository for release 15."""
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "sbsa"}
"""NVIDIA's names of the architectures of servers."""
IMMUTABLE = frozenset(
    ("silverblue", "kinoite", "sericea", "onyx", "sway-atomic", "budgie-atomic", "cosmic-atomic", "coreos", "iot")
)
"""VARIANT_ID of /etc/os-release of the editions of Fedora that rpm-ostree manages
(src.fedoraproject.org/rpms/fedora-release, 2026-11-23)."""


@dataclass(frozen=True)
class Driver:
    """How the driver is installed; ``open_only`` if only its open kernel module is."""

    title: str
    commands: tuple[str, ...]
    source: str
    open_only: bool = False


def _ubuntu(facts: Facts) -> Driver:
    return Driver(INSTALL, ("sudo ubuntu-drivers install",), UBUNTU)


def _debian(facts: Facts) -> Driver:
    return Driver(
        INSTALL_DEBIAN, ("sudo apt update", "sudo apt install -y nvidia-driver firmware-misc-nonfree"), DEBIAN
    )


def _fedora(facts: Facts) -> Driver:
    release = "https://mirrors.rpmfusion.org/{0}/fedora/rpmfusion-{0}-release-$(rpm -E %fedora).noarch.rpm"
    return Driver(
        INSTALL_FEDORA,
        (
            f"sudo dnf install -y {release.format('free')} {release.format('nonfree')}",
            "sudo dnf install -y akmod-nvidia xorg-x11-drv-nvidia-cuda",
        ),
        FEDORA,
    )


def _arch(facts: Facts) -> Driver:
    return Driver(INSTALL, ("sudo pacman -S --needed nvidia-open nvidia-utils",), ARCH, open_only=True)


def _red_hat(facts: Facts) -> Driver | None:
    major = _major(facts)
    architecture = ARCHITECTURES.get(known(facts.platform.machine, ""))
    if major not in ("8", "9", "10") or architecture is None:
        return None
    # DKMS, which builds the module, comes from EPEL; release 10 has no modules of dnf any more.
    stream = ("sudo dnf module enable -y nvidia-driver:open-dkms",) if major != "10" else ()
    return Driver(
        INSTALL_VENDOR,
        (
            f"sudo dnf install -y https://dl.fedoraproject.org/pub/epel/epel-release-latest-{major}.noarch.rpm",
            "sudo dnf install -y dnf-plugins-core kernel-devel-$(uname -r) kernel-headers",
            f"sudo dnf config-manager --add-repo {REPOSITORIES}/rhel{major}/{architecture}/cuda-rhel{major}.repo",
            *stream,
            "sudo dnf install -y nvidia-open",
        ),
        KERNEL_MODULES,
        open_only=True,
    )


def _suse(facts: Facts) -> Driver | None:
    folder = SUSE[known(facts.platform.os_id, None) or ""]
    architecture = ARCHITECTURES.get(known(facts.platform.machine, ""))
    if _major(facts) != "15" or architecture is None or (folder, architecture) == ("opensuse15", "sbsa"):
        return None
    add = f"sudo zypper addrepo --refresh {REPOSITORIES}/{folder}/{architecture}/cuda-{folder}.repo"
    return Driver(
        INSTALL_VENDOR,
        (
            f"zypper repos cuda-{folder}-{architecture} || {add}",
            "sudo zypper --gpg-auto-import-keys refresh",
            "sudo zypper install -y nvidia-open",
        ),
        GUIDE,
        open_only=True,
    )


def _amazon(facts: Facts) -> Driver | None:
    if known(facts.platform.os_version, None) != "2023" or facts.platform.machine != "x86_64":
        return None
    return Driver(
        INSTALL_AMAZON,
        (
            "sudo dnf install -y nvidia-release",
            "sudo dnf install -y kernel-devel-$(uname -r) kernel-headers-$(uname -r)",
            "sudo dnf install -y nvidia-driver-cuda",
        ),
        AMAZON,
        open_only=True,
    )


DRIVERS: dict[str, Callable[[Facts], Driver | None]] = {
    "ubuntu": _ubuntu,
    "debian": _debian,
    "fedora": _fedora,
    "arch": _arch,
    "amzn": _amazon,
    **dict.fromkeys(RED_HAT, _red_hat),
    **dict.fromkeys(SUSE, _suse),
}
"""By ID of /etc/os-release; None for a release that is not known. The commands are those of the sources named above;
repository of NVIDIA: developer.download.nvidia.com/compute/cuda/repos (2026-11-23)."""

REBUILD_INITRAMFS = {
    "ubuntu": "sudo update-initramfs -u",
    "debian": "sudo update-initramfs -u",
    "arch": "sudo mkinitcpio -P",
    **dict.fromkeys(("fedora", "amzn", "opensuse-tumbleweed", *RED_HAT, *SUSE), "sudo dracut --force"),
}
"""The command that writes the initial RAM disk again (update-initramfs(8), dracut(8), mkinitcpio(8))."""


def install_driver(facts: Facts) -> Fix:
    """Return the fix that installs the driver, or a newer one."""
    if known(facts.platform.wsl, None):
        return by_system(INSTALL_WINDOWS, (), WSL)
    if known(facts.platform.container, None):
        return by_system(INSTALL_ON_HOST, (), CONTAINER)
    name = known(facts.platform.os_name, None) or known(facts.platform.system, "")
    if known(facts.platform.os_variant, None) in IMMUTABLE:
        return by_system(INSTALL_IMMUTABLE, (), FEDORA, system=name)
    known_system = DRIVERS.get(known(facts.platform.os_id, None) or "")
    driver = known_system(facts) if known_system else None
    if driver is None or (driver.open_only and _has_older_gpu(facts)):
        return by_system(INSTALL_BY_HAND, (), WINDOWS if name.startswith("Windows") else GUIDE, system=name)
    return by_system(driver.title, (*driver.commands, REBOOT), driver.source)


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


def _major(facts: Facts) -> str:
    return (known(facts.platform.os_version, None) or "").partition(".")[0]


def _has_older_gpu(facts: Facts) -> bool:
    """Say whether a GPU is there that the open kernel modules do not drive."""
    capabilities = [known(device.compute_capability, None) for device in known(facts.hardware.pci, ())]
    return any(tuple(map(int, text.split("."))) < TURING for text in capabilities if text)
