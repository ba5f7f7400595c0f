"""The kernel's side of NVIDIA's driver: what is loaded, what lies on disk for which kernel, what stands in its way."""

import re

from envcheck.host import Host
from envcheck.model.facts import KernelModuleFile, ModprobeLine, NvidiaKernel, NvidiaProcGpu
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import dkms, files, modules
from envcheck.probes.system import kernel_release, unless_linux

MODULES = ("nvidia", "nvidia_uvm", "nvidia_modeset", "nvidia_drm", "nvidia_peermem", "nouveau", "nova_core", "nvgpu")
MODULE_TREES = ("/lib/modules", "/usr/lib/modules")
MODULE_FOLDERS = (
    "updates/dkms",  # DKMS on Debian and Ubuntu
    "extra",  # DKMS and akmods on Fedora
    "extra/nvidia",
    "updates",
    "weak-updates/nvidia",
    "kernel/drivers/video",  # the .run installer
    "kernel/drivers/video/nvidia",
    "kernel/nvidia",  # Ubuntu's signed modules: kernel/nvidia-550/nvidia.ko
    "extramodules",  # Arch
    "misc",  # Gentoo
)
MODULE_FILE = re.compile(r"nvidia(?:-current)?\.ko(?:\.(?:gz|xz|zst))?$")
UBUNTU_FOLDER = re.compile(r"nvidia-\d+")
MODPROBE_FOLDERS = ("/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d")
MODPROBE_LINE = re.compile(
    r"^\s*(?:blacklist|install|options|alias|softdep)\s+\S*(?:nvidia|nouveau|nova|vfio|amdgpu|i915|xe)\b.*"
)
COMMAND_LINE_WORDS = re.compile(
    r"(?:modprobe\.blacklist|module_blacklist|rd\.driver\.blacklist|nouveau\.|nvidia[-_.]|vfio-pci\.|vfio_pci\.|"
    r"iommu=|intel_iommu=|amd_iommu=|pci=|nomodeset)"
)
SERVICES = ("nv-fabricmanager", "nvidia-persistenced", "nvidia-cuda-mps-control")
COMM_LENGTH = 15  #: the kernel cuts a program's name (TASK_COMM_LEN in include/linux/sched.h)


def probe(host: Host) -> NvidiaKernel:
    """Look at modules, their files, DKMS, the configuration of modprobe, firmware and services."""
    elsewhere = unless_linux(host, "{system} has no kernel modules of this kind")
    if elsewhere is not None:
        return all_unknown(NvidiaKernel, elsewhere)
    nvswitches = _nvswitches(host)
    return NvidiaKernel(
        modules_loaded=modules.loaded(host, *MODULES),
        module_files=_module_files(host),
        kernel_headers=_headers(host),
        dkms=dkms.probe(host),
        modprobe=_modprobe(host),
        command_line=_command_line(host),
        uvm_disable_hmm=_letter(files.line(host, "/sys/module/nvidia_uvm/parameters/uvm_disable_hmm")),
        gsp_firmware=_gsp_firmware(host),
        gpus=_proc_gpus(host),
        nvswitches=nvswitches,
        jetson_linux=_jetson_linux(host),
        services=_services(host),
        fabric_manager_version=_fabric_manager_version(host, nvswitches),
    )


# --- modules on disk ----------------------------------------------------------------------------


def _module_files(host: Host) -> tuple[KernelModuleFile, ...] | Unknown:
    found: dict[str, KernelModuleFile] = {}
    tree = next((tree for tree in MODULE_TREES if host.is_dir(tree)), None)
    kernels = host.list_dir(tree) if tree else ()
    if isinstance(kernels, Unknown):
        return kernels
    for kernel in kernels or ():
        for path in _modules_of(host, f"{tree}/{kernel}"):
            found[path] = _module_file(host, kernel, path)
    return tuple(found.values())


def _modules_of(host: Host, base: str) -> list[str]:
    kernel_folder = host.list_dir(f"{base}/kernel")
    names = kernel_folder if isinstance(kernel_folder, tuple) else ()
    ubuntu = [f"kernel/{name}" for name in names if UBUNTU_FOLDER.match(name)]
    paths = []
    for folder in (*MODULE_FOLDERS, *ubuntu):
        found = host.list_dir(f"{base}/{folder}")
        if isinstance(found, tuple):
            paths += [f"{base}/{folder}/{name}" for name in found if MODULE_FILE.match(name)]
    return paths


def _module_file(host: Host, kernel: str, path: str) -> KernelModuleFile:
    told = _modinfo(host, path)
    if isinstance(told, Unknown):
        return KernelModuleFile(kernel=kernel, path=path, version=told, flavour=told, signer=told)
    license_text = told.get("license")
    # The open modules are 'Dual MIT/GPL', the others 'NVIDIA' (kernel-open/nvidia/nv.c of open-gpu-kernel-modules).
    flavour = None if license_text is None else "proprietary" if license_text == "NVIDIA" else "open"
    signer = told["signer"] or None if "signer" in told else Unknown("unsupported", "no 'modinfo' here to tell it")
    return KernelModuleFile(kernel=kernel, path=path, version=told.get("version"), flavour=flavour, signer=signer)


def _modinfo(host: Host, path: str) -> dict[str, str] | Unknown:
    """Ask modinfo; without it, find the strings that an uncompressed module carries in its section .modinfo."""
    answer = host.run("modinfo", host.real(path))
    if not isinstance(answer, Unknown) and answer is not None and answer.status == 0 and "version:" in answer.stdout:
        return {"signer": "", **files.table(answer.stdout)}
    if not path.endswith(".ko"):
        return Unknown("unsupported", "there is no 'modinfo' here to read a compressed module")
    data = host.read_bytes(path, 256 * 1024 * 1024)
    if not isinstance(data, bytes):
        return data if isinstance(data, Unknown) else Unknown("failed", f"{path} went away")
    pairs = re.findall(rb"(?:^|(?<=\0))(version|license)=([\x20-\x7e]{1,64})(?=\0)", data)
    if not pairs:
        return Unknown("failed", f"{path} is no kernel module, or is damaged")
    return {key.decode("ascii"): value.decode("ascii") for key, value in reversed(pairs)}


def _headers(host: Host) -> bool | Unknown:
    release = kernel_release(host)
    if isinstance(release, Unknown):
        return release
    return any(host.exists(f"{tree}/{release}/build/Makefile") is True for tree in MODULE_TREES)


# --- configuration ------------------------------------------------------------------------------


def _modprobe(host: Host) -> tuple[ModprobeLine, ...] | Unknown:
    lines: list[ModprobeLine] = []
    seen: set[str] = set()
    for folder in MODPROBE_FOLDERS:
        names = host.list_dir(folder)
        if isinstance(names, Unknown):
            return names
        for name in names or ():
            # A file hides those of equal name in later folders (modprobe.d(5)).
            if not name.endswith(".conf") or name in seen:
                continue
            seen.add(name)
            text = host.read_text(f"{folder}/{name}")
            if isinstance(text, Unknown):
                return text
            for entry in (text or "").splitlines():
                if MODPROBE_LINE.match(entry):
                    lines.append(ModprobeLine(path=f"{folder}/{name}", line=entry.strip()))
    return tuple(lines)


def _command_line(host: Host) -> tuple[str, ...] | Unknown:
    text = files.required(files.line(host, "/proc/cmdline"), "/proc/cmdline")
    if isinstance(text, Unknown):
        return text
    return tuple(word for word in text.split() if COMMAND_LINE_WORDS.match(word))


def _letter(text: str | None | Unknown) -> bool | None | Unknown:
    return text.upper() in ("Y", "1") if isinstance(text, str) else text


# --- driver at work -----------------------------------------------------------------------------


def _gsp_firmware(host: Host) -> bool | None | Unknown:
    version = files.line(host, "/sys/module/nvidia/version")
    if not isinstance(version, str):
        return version
    names: set[str] = set()
    for base in ("/lib/firmware", "/usr/lib/firmware"):
        listed = host.list_dir(f"{base}/nvidia/{version}")
        names.update(listed if isinstance(listed, tuple) else ())
    return any(name.startswith("gsp_") for name in names)


def _proc_gpus(host: Host) -> tuple[NvidiaProcGpu, ...] | Unknown:
    addresses = host.list_dir("/proc/driver/nvidia/gpus")
    if isinstance(addresses, Unknown):
        return addresses
    gpus = []
    for address in addresses or ():
        text = host.read_text(f"/proc/driver/nvidia/gpus/{address}/information")
        table = files.table(text) if isinstance(text, str) else {}
        minor = table.get("Device Minor", "")
        gpus.append(
            NvidiaProcGpu(
                pci_address=address.lower(),
                model=text if isinstance(text, Unknown) else table.get("Model"),
                device_minor=text if isinstance(text, Unknown) else int(minor) if minor.isdecimal() else None,
                gpu_excluded=text if isinstance(text, Unknown) else table.get("GPU Excluded"),
            )
        )
    return tuple(gpus)


def _jetson_linux(host: Host) -> str | None | Unknown:
    """Return the release from a line such as ``# R36 (release), REVISION: 3.0, GCID: ...``."""
    text = files.line(host, "/etc/nv_tegra_release")
    if not isinstance(text, str):
        return text
    match = re.search(r"# R(\d+) \(release\), REVISION: ([\d.]+)", text)
    return (
        f"{match.group(1)}.{match.group(2)}" if match else Unknown("failed", "/etc/nv_tegra_release is not understood")
    )


def _nvswitches(host: Host) -> int | Unknown:
    """Count NVSwitches: bridges of class 0680 from NVIDIA, or what their driver lists."""
    listed = host.list_dir("/proc/driver/nvidia-nvswitch/devices")
    if isinstance(listed, tuple):
        return len(listed)
    devices = host.list_dir("/sys/bus/pci/devices")
    if not isinstance(devices, tuple):
        return devices if isinstance(devices, Unknown) else 0
    switches = 0
    for address in devices:
        folder = f"/sys/bus/pci/devices/{address}"
        is_bridge = str(files.line(host, f"{folder}/class")).startswith("0x0680")
        switches += is_bridge and files.line(host, f"{folder}/vendor") == "0x10de"
    return switches


def _services(host: Host) -> tuple[str, ...] | Unknown:
    """Return which of NVIDIA's services run. In a container those of the host cannot be seen."""
    processes = files.required(host.list_dir("/proc"), "/proc")
    if isinstance(processes, Unknown):
        return processes
    names = {files.line(host, f"/proc/{process}/comm") for process in processes if process.isdecimal()}
    return tuple(service for service in SERVICES if service[:COMM_LENGTH] in names)


def _fabric_manager_version(host: Host, nvswitches: int | Unknown) -> str | None | Unknown:
    """Ask the program, which prints ``Fabric Manager version is : 550.54.14``; only NVSwitches need it."""
    if nvswitches == 0:
        return None
    answer = host.run("nv-fabricmanager", "--version")
    if answer is None or isinstance(answer, Unknown):
        return answer
    match = re.search(r"version is\s*:\s*(\d+(?:\.\d+)+)", answer.stdout + answer.stderr)
    return match.group(1) if match else Unknown("failed", "nv-fabricmanager did not tell its version")
