"""Whole machines that are in order, as data: file trees, what NVIDIA's libraries tell, and variables.

``build`` writes one below a folder and returns a host that looks at it. NVIDIA's libraries are stand-ins found through
LD_LIBRARY_PATH; a machine without NVIDIA's driver finds none there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envcheck.host import Host
from simulated.gpus import GEFORCE, GIB, H100, environment, library, machine
from simulated.trees import (
    Entry,
    Folder,
    Link,
    arm_cpuinfo,
    cgroup_mount,
    linux,
    meminfo,
    pci_device,
    simulated_host,
    x86_cpuinfo,
)

RELEASE = "6.1.0-18-amd64"
DRIVER = "550.54.14"
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
INTEL_FLAGS = "sse sse2 pni ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt avx f16c abm bmi1 avx2 bmi2"
SERVER_FLAGS = INTEL_FLAGS + " avx512f avx512cd avx512dq avx512bw avx512vl avx512_vnni avx512_bf16 amx_tile amx_bf16"
GRAVITON = "fp asimd evtstrm aes pmull crc32 atomics fphp asimdhp cpuid asimddp sve bf16 i8mm"


@dataclass(frozen=True)
class Machine:
    """A simulated machine. ``told`` is what NVML and CUDA tell; None: there is no NVIDIA driver for programs."""

    trees: tuple[Mapping[str, Entry], ...]
    told: Mapping[str, object] | None = None
    environ: Mapping[str, str] = field(default_factory=dict)


def build(folder: Path, simulated: Machine) -> Host:
    """Write the machine below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    environ = {"PATH": "/nonexistent", "HOME": str(folder), **simulated.environ}
    if simulated.told is None:
        empty = folder / "no-libraries"
        empty.mkdir(exist_ok=True)
        environ["LD_LIBRARY_PATH"] = str(empty)
    else:
        stand_ins = (library("nvml.c", "libnvidia-ml.so.1"), library("cuda.c", "libcuda.so.1"))
        ours = environment(simulated.told, folder, *stand_ins)
        environ.update({name: ours[name] for name in ("LD_LIBRARY_PATH", "SIMULATED_GPUS")})
    return simulated_host(folder / "root", *simulated.trees, environ=environ)


# --- parts ------------------------------------------------------------------------------------


def bare_metal(release: str = RELEASE) -> dict[str, Entry]:
    """Return a Debian server with an Intel processor, in order."""
    return {
        **linux(release),
        "/proc/cpuinfo": x86_cpuinfo(
            vendor="GenuineIntel", model="Intel(R) Xeon(R) Platinum 8480+", flags=SERVER_FLAGS, cores=4
        ),
        "/proc/meminfo": meminfo(512 * 1024**2),
        "/proc/mounts": "tmpfs /dev/shm tmpfs rw,nosuid,nodev 0 0\n",
        "/proc/self/mountinfo": "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        + cgroup_mount("cgroup2", "rw", "/sys/fs/cgroup"),
        "/proc/cmdline": "BOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 ro quiet\n",
        "/proc/devices": "Character devices:\n  1 mem\n195 nvidia\n226 drm\n511 nvidia-uvm\n\nBlock devices:\n  8 sd\n",
        "/sys/firmware/acpi": Folder,
        f"/lib/modules/{release}/kernel": Folder,
        f"{LIBRARIES}/libc.so.6": b"GNU C Library (Debian GLIBC 2.36-9+deb12u4) stable release version 2.36.\n",
    }


def card(address: str, vendor: str, device: str, driver: str | None, class_code: str = "030200") -> dict[str, Entry]:
    """Return a PCI card that answers, with all its regions placed and its link at full width."""
    folder = f"/sys/bus/pci/devices/{address}"
    return {
        **pci_device(address, vendor, device, class_code, driver),
        f"{folder}/resource": "0x00000000a0000000 0x00000000a0ffffff 0x0000000000040200\n" + "0x0 0x0 0x0\n" * 12,
        f"{folder}/config": bytes.fromhex(vendor)[::-1] + bytes.fromhex(device)[::-1] + bytes(60),
        f"{folder}/max_link_speed": "16.0 GT/s PCIe\n",
        f"{folder}/max_link_width": "16\n",
        f"{folder}/current_link_speed": "16.0 GT/s PCIe\n",
        f"{folder}/current_link_width": "16\n",
        f"{folder}/numa_node": "-1\n",
        f"{folder}/boot_vga": "0\n",
        f"{folder}/power/runtime_status": "active\n",
    }


def nvidia_driver(count: int, version: str = DRIVER, release: str = RELEASE) -> dict[str, Entry]:
    """Return the kernel's side of NVIDIA's driver for ``count`` GPUs, and its libraries."""
    module = f"\0license=NVIDIA\0version={version}\0".encode()
    modules = ("nvidia", "nvidia_uvm", "nvidia_modeset", "nvidia_drm")
    entries: dict[str, Entry] = {
        "/proc/driver/nvidia/version": f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {version}  Thu Feb 22 2024\n",
        "/proc/modules": "".join(f"{name} 1 0 - Live 0x0 (POE)\n" for name in modules),
        "/sys/module/nvidia/version": f"{version}\n",
        "/sys/module/nvidia_uvm/parameters/uvm_disable_hmm": "Y\n",
        f"/lib/modules/{release}/updates/dkms/nvidia.ko": module,
        f"/lib/modules/{release}/build/Makefile": "",
        f"/var/lib/dkms/nvidia/{version}/{release}/x86_64/module/nvidia.ko": module,
        f"/var/lib/dkms/nvidia/kernel-{release}-x86_64": Link(f"{version}/{release}/x86_64"),
        f"/lib/firmware/nvidia/{version}/gsp_ga10x.bin": "",
        "/etc/modprobe.d/nvidia-blacklists-nouveau.conf": "blacklist nouveau\n",
        "/proc/901/comm": "nvidia-persiste\n",
        **driver_libraries(version),
        **nvidia_nodes(count),
    }
    for index in range(count):
        entries[f"/proc/driver/nvidia/gpus/0000:{index + 1:02x}:00.0/information"] = (
            f"Model: \t\t NVIDIA\nDevice Minor: \t {index}\nGPU Excluded:\t No\n"
        )
    return entries


def driver_libraries(version: str = DRIVER, folder: str = LIBRARIES) -> dict[str, Entry]:
    """Return the files of NVIDIA's driver for programs."""
    entries: dict[str, Entry] = {}
    for name in ("libcuda.so", "libnvidia-ml.so"):
        entries[f"{folder}/{name}.{version}"] = b"\x7fELF"
        entries[f"{folder}/{name}.1"] = Link(f"{name}.{version}")
    return entries


def nvidia_nodes(count: int) -> dict[str, Entry]:
    """Return NVIDIA's device files."""
    names = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", *(f"nvidia{index}" for index in range(count)))
    return {f"/dev/{name}": "" for name in names}


def cards(count: int, device: str, class_code: str = "030200") -> dict[str, Entry]:
    """Return ``count`` NVIDIA cards at the addresses that ``machine`` tells."""
    entries: dict[str, Entry] = {}
    for index in range(count):
        entries.update(card(f"0000:{index + 1:02x}:00.0", "10de", device, "nvidia", class_code))
    return entries


def _mig() -> dict[str, object]:
    changes: dict[str, object] = {"gpu.0.mig_mode": 1}
    for number in range(2):
        changes |= {
            f"gpu.0.mig.{number}.uuid": f"MIG-0000000{number}-1111-2222-3333-444444444444",
            f"gpu.0.mig.{number}.name": "NVIDIA H100 80GB HBM3 MIG 3g.40gb",
            f"gpu.0.mig.{number}.memory": 40 * GIB,
            f"gpu.0.mig.{number}.gpu_instance": number + 1,
            f"gpu.0.mig.{number}.compute_instance": 0,
        }
    return changes


def _nvswitches() -> dict[str, Entry]:
    entries: dict[str, Entry] = {"/proc/902/comm": "nv-fabricmanage\n"}
    for number in range(4):
        entries.update(card(f"0000:c{number}:00.0", "10de", "22a3", "nvidia-nvswitch", "068000"))
        entries[f"/dev/nvidia-nvswitch{number}"] = ""
    return entries


def amd_node(number: int, target: str) -> dict[str, Entry]:
    folder = f"/sys/class/kfd/kfd/topology/nodes/{number}"
    properties = f"simd_count 1216\nsimd_per_cu 4\ngfx_target_version {target}\nlocation_id 33024\ndomain 0\n"
    return {f"{folder}/properties": properties, f"{folder}/name": "aqua_vanjaram\n"}


JETSON = {
    "name": "Orin (nvgpu)",
    "capability": "8.7",
    "architecture": 7,
    "uuid": "GPU-5e7a0000-1111-2222-3333-444444444444",
    "compute_mode": 0,
    "persistence": 0,
    "display_active": 0,
    "cuda_memory": 60 * GIB,
    "cuda_pci": "00000000:00:00.0",
}
"""NVML of a Jetson tells little: neither memory, which is that of the whole board, nor an address. CUDA tells both."""
VGPU = {
    **GEFORCE,
    "name": "NVIDIA A10-24Q",
    "capability": "8.6",
    "architecture": 7,
    "virtualization": 2,
    "vgpu_licensed": 1,
}
OLD_LAPTOP = x86_cpuinfo(vendor="GenuineIntel", model="Intel(R) Core(TM) i7-8550U", flags=INTEL_FLAGS)
UNPRIVILEGED = {"/proc/self/status": "Gid:\t1000\t1000\nGroups:\t44 105 1000\nCpus_allowed_list:\t0-7\n"}
GROUPS = {"/etc/group": "root:x:0:\nvideo:x:44:\nrender:x:105:\n"}

HEALTHY: dict[str, Machine] = {
    "cpu-only-server": Machine((bare_metal(),)),
    "graviton-instance": Machine(
        (
            bare_metal("6.1.79-99.167.amzn2023.aarch64"),
            {
                "/proc/sys/kernel/arch": "aarch64\n",
                "/proc/cpuinfo": arm_cpuinfo([("0x41", "0xd40")] * 4, GRAVITON),
                "/sys/class/dmi/id/sys_vendor": "Amazon EC2\n",
                "/sys/class/dmi/id/product_name": "c7g.xlarge\n",
            },
        )
    ),
    "laptop-with-intel-graphics": Machine(
        (
            bare_metal(),
            {"/proc/cpuinfo": OLD_LAPTOP, "/proc/modules": "i915 1 0 - Live 0x0\n", "/dev/dri/renderD128": ""},
            card("0000:00:02.0", "8086", "5917", "i915", "030000"),
        )
    ),
    "workstation-with-geforce": Machine(
        (bare_metal(), nvidia_driver(1), cards(1, "2684", "030000")), machine(1, GEFORCE, driver=DRIVER)
    ),
    "hgx-with-eight-gpus": Machine(
        (bare_metal(), nvidia_driver(8), cards(8, "2330"), _nvswitches()), machine(8, H100, driver=DRIVER)
    ),
    "server-with-mig": Machine(
        (bare_metal(), nvidia_driver(1), cards(1, "2330")),
        machine(1, H100, driver=DRIVER, changes=_mig()),
        {"CUDA_VISIBLE_DEVICES": "MIG-00000001-1111-2222-3333-444444444444"},
    ),
    "virtual-machine-with-vgpu": Machine(
        (bare_metal(), nvidia_driver(1), cards(1, "2236", "030000")), machine(1, VGPU, driver=DRIVER)
    ),
    "wsl2-with-geforce": Machine(
        (
            bare_metal("5.15.153.1-microsoft-standard-WSL2"),
            {"/dev/dxg": ""},
            driver_libraries("555.85", "/usr/lib/wsl/lib"),
            card("0000:00:00.0", "1414", "008e", "dxgkrnl", "030200"),
        ),
        machine(1, GEFORCE, driver="555.85", cuda=12050),
        {"WSL_INTEROP": "/run/WSL/8_interop", "WSL_DISTRO_NAME": "Ubuntu"},
    ),
    "jetson-orin": Machine(
        (
            bare_metal("5.15.136-tegra"),
            {
                "/proc/sys/kernel/arch": "aarch64\n",
                "/proc/cpuinfo": arm_cpuinfo([("0x41", "0xd42")] * 8, "fp asimd aes crc32 atomics fphp asimdhp"),
                "/proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0",
                "/proc/driver/nvidia/version": (
                    "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.3.0  Release Build\n"
                ),
                "/proc/modules": "nvgpu 1 0 - Live 0x0\nnvidia 1 0 - Live 0x0\n",
                "/sys/module/nvidia/version": "540.3.0\n",
                "/dev/nvmap": "",
                "/dev/nvidiactl": "",
                "/dev/nvidia0": "",
            },
            driver_libraries("1.1", "/usr/lib/aarch64-linux-gnu/nvidia"),
        ),
        {"driver": "540.3.0", "cuda": 12020, "gpus": 1, **{f"gpu.0.{key}": value for key, value in JETSON.items()}},
    ),
    "container-with-gpu": Machine(
        (
            bare_metal(),
            {
                "/.dockerenv": "",
                "/proc/driver/nvidia/version": nvidia_driver(1)["/proc/driver/nvidia/version"],
                "/proc/modules": "nvidia 1 0 - Live 0x0\nnvidia_uvm 1 0 - Live 0x0\n",
                "/proc/self/mountinfo": "".join(
                    f"70 60 8:1 /x {LIBRARIES}/{name}.{DRIVER} ro - ext4 /dev/sda1 ro\n"
                    for name in ("libcuda.so", "libnvidia-ml.so")
                ),
                "/proc/mounts": "shm /dev/shm tmpfs rw,nosuid,nodev,size=8388608k 0 0\n",
            },
            driver_libraries(),
            nvidia_nodes(1),
            cards(1, "2330"),
        ),
        machine(1, H100, driver=DRIVER),
        {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"},
    ),
    "server-with-instinct": Machine(
        (
            bare_metal(),
            GROUPS,
            UNPRIVILEGED,
            card("0000:81:00.0", "1002", "740f", "amdgpu", "038000"),
            amd_node(1, "90010"),
            {"/proc/modules": "amdgpu 1 0 - Live 0x0\n", "/dev/kfd": "", "/dev/dri/renderD128": "",
             "/opt/rocm/.info/version": "6.1.2-98\n"},
        )
    ),
    "workstation-with-arc": Machine(
        (
            bare_metal(),
            card("0000:03:00.0", "8086", "56a0", "i915", "030000"),
            {"/proc/modules": "i915 1 0 - Live 0x0\n", "/dev/dri/renderD128": "",
             f"{LIBRARIES}/libze_loader.so.1": "", f"{LIBRARIES}/libze_intel_gpu.so.1": ""},
        )
    ),
}  # fmt: skip
