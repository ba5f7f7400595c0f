"""More machines in order: kinds that are common, and look like a fault to one who does not know them."""

from simulated.faulty_hosts import WSL, changed, workstation
from simulated.gpus import GEFORCE, GIB, H100, machine
from simulated.hosts import (
    DRIVER,
    GRAVITON,
    GROUPS,
    HEALTHY,
    UNPRIVILEGED,
    Machine,
    amd_node,
    bare_metal,
    card,
    cards,
    driver_libraries,
    nvidia_driver,
    nvidia_nodes,
)
from simulated.trees import Entry, arm_cpuinfo, meminfo

LAPTOP = {**GEFORCE, "name": "NVIDIA GeForce RTX 3050 Ti Laptop GPU", "capability": "8.6", "pcie_width": 8}
SMALL = {**GEFORCE, "name": "NVIDIA GeForce GT 1030", "capability": "6.1", "pcie_width": 4, "pcie_width_max": 4}
OLD = {**GEFORCE, "name": "NVIDIA GeForce GT 710", "capability": "3.5"}
T4 = {key: told for key, told in H100.items() if key not in ("nvlinks", "fabric", "mig_mode", "mig_max")} | {
    "name": "Tesla T4",
    "capability": "7.5",
    "virtualization": 1,
}
GRACE = "570.86.15"
OPEN = f"NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  {GRACE}  Release Build\n"
SHM = "shm /dev/shm tmpfs rw,nosuid,nodev,size=14680064k 0 0\n"
HANDED_IN: dict[str, Entry] = {
    "/proc/driver/nvidia/version": nvidia_driver(1)["/proc/driver/nvidia/version"],
    "/proc/modules": "nvidia 1 0 - Live 0x0\nnvidia_uvm 1 0 - Live 0x0\n",
    "/proc/mounts": SHM,
}
INTEL_GRAPHICS = card("0000:00:02.0", "8086", "9a60", "i915", "030000")
RUNTIME = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}


def asleep(address: str) -> dict[str, Entry]:
    """Return what sysfs tells of a GPU without power: the bus answers with ones alone."""
    folder = f"/sys/bus/pci/devices/{address}"
    return {
        f"{folder}/power/runtime_status": "suspended\n",
        f"{folder}/current_link_speed": "Unknown\n",
        f"{folder}/current_link_width": "63\n",
        f"{folder}/config": b"\xff" * 64,
    }


def at(address: str, gpu: dict[str, object], minor: int = 0) -> dict[str, object]:
    """Return what NVIDIA's libraries tell of one GPU at an address of its own."""
    return machine(1, gpu, driver=DRIVER, changes={"gpu.0.pci": address, "gpu.0.minor": minor})


def every(simulated: Machine, **told: object) -> Machine:
    """Return a machine of which every GPU tells the same."""
    return changed(simulated, **{f"gpu__*__{name}": value for name, value in told.items()})


MORE_HEALTHY: dict[str, Machine] = {
    "laptop-with-sleeping-geforce": Machine(
        (bare_metal(), nvidia_driver(1), cards(1, "25a0"), asleep("0000:01:00.0"), INTEL_GRAPHICS),
        machine(1, LAPTOP, driver=DRIVER),
    ),
    "workstation-with-two-kinds": Machine(
        (
            bare_metal(),
            nvidia_driver(2),
            cards(1, "2204", "030000"),
            card("0000:02:00.0", "10de", "1d01", "nvidia", "030000"),
        ),
        machine(2, GEFORCE, driver=DRIVER, changes={f"gpu.1.{key}": told for key, told in SMALL.items()}),
    ),
    "workstation-with-second-gpu-for-a-virtual-machine": Machine(
        (*workstation().trees, card("0000:02:00.0", "10de", "2684", "vfio-pci", "030000")), workstation().told
    ),
    "desktop-with-nouveau-and-fermi": Machine(
        (
            bare_metal(),
            card("0000:01:00.0", "10de", "0de1", "nouveau", "030000"),
            {"/proc/modules": "nouveau 1 0 - Live 0x0\n", "/dev/dri/renderD128": ""},
        )
    ),
    "desktop-with-kepler-for-the-screen": Machine(
        (bare_metal(), nvidia_driver(1, "470.256.02"), cards(1, "128b", "030000")),
        machine(1, OLD, driver="470.256.02", cuda=11040),
    ),
    "grace-hopper": Machine(
        (
            bare_metal("6.8.0-1014-nvidia-64k"),
            nvidia_driver(1, GRACE, "6.8.0-1014-nvidia-64k"),
            {
                "/proc/sys/kernel/arch": "aarch64\n",
                "/proc/cpuinfo": arm_cpuinfo([("0x41", "0xd4f")] * 8, GRAVITON),
                "/proc/driver/nvidia/version": OPEN,
            },
            card("0009:01:00.0", "10de", "2342", "nvidia"),
        ),
        {
            **{key: told for key, told in at("00000009:01:00.0", H100).items() if key.split(".")[-1] != "nvlinks"},
            "driver": GRACE, "cuda": 12080, "gpu.*.name": "NVIDIA GH200 480GB",
        },
    ),
    "busy-hgx": every(
        HEALTHY["hgx-with-eight-gpus"], utilization=100, throttle=4, temperature=78, memory_used=60 * GIB
    ),
    "slurm-job-with-one-gpu-of-eight": Machine(
        HEALTHY["hgx-with-eight-gpus"].trees,
        at("00000000:04:00.0", H100, minor=3),
        {"SLURM_JOB_ID": "4711", "SLURM_JOB_GPUS": "3", "SLURM_GPUS_ON_NODE": "1", "CUDA_VISIBLE_DEVICES": "0"},
    ),
    "pod-with-one-gpu-of-eight": Machine(
        (bare_metal(), HANDED_IN, driver_libraries(), cards(8, "2330"), nvidia_nodes(0), {"/dev/nvidia3": ""}),
        at("00000000:04:00.0", H100, minor=3),
        {**RUNTIME, "KUBERNETES_SERVICE_HOST": "10.0.0.1"},
    ),
    "rootless-podman": Machine(
        (
            bare_metal(),
            HANDED_IN,
            {"/run/.containerenv": 'engine="podman-5.0"\nrootless=1\n'},
            driver_libraries(folder="/usr/lib64"),
            nvidia_nodes(1),
            cards(1, "2684", "030000"),
        ),
        machine(1, GEFORCE, driver=DRIVER),
        {"container": "podman", "NVIDIA_VISIBLE_DEVICES": "void"},
    ),
    "kaggle-with-two-gpus": Machine(
        (
            bare_metal("6.6.56+"),
            HANDED_IN,
            {"/.dockerenv": ""},
            driver_libraries(folder="/usr/local/nvidia/lib64"),
            nvidia_nodes(2),
            cards(2, "1eb8"),
        ),
        machine(2, T4, driver=DRIVER),
        {**RUNTIME, "KAGGLE_KERNEL_RUN_TYPE": "Interactive"},
    ),
    "docker-in-wsl2": Machine(
        (
            bare_metal("5.15.153.1-microsoft-standard-WSL2"),
            {"/.dockerenv": "", "/dev/dxg": "", "/proc/mounts": SHM},
            driver_libraries("555.85", "/usr/lib/wsl/drivers/nv_dispi.inf_amd64_1"),
            card("0000:00:00.0", "1414", "008e", "dxgkrnl", "030200"),
        ),
        WSL.told,
        RUNTIME,
    ),
    "desktop-with-two-radeons": Machine(
        (
            bare_metal(),
            GROUPS,
            UNPRIVILEGED,
            card("0000:03:00.0", "1002", "744c", "amdgpu", "030000"),
            card("0000:16:00.0", "1002", "164e", "amdgpu", "030000"),
            amd_node(1, "110000"),
            amd_node(2, "100306"),
            {"/proc/modules": "amdgpu 1 0 - Live 0x0\n", "/dev/kfd": "", "/dev/dri/renderD128": "",
             "/dev/dri/renderD129": "", "/opt/rocm/.info/version": "6.4.1-83\n"},
        )
    ),
    "desktop-with-arc-and-no-runtime": Machine(
        (
            bare_metal("6.12.9"),
            card("0000:03:00.0", "8086", "e20b", "xe", "030000"),
            {"/proc/modules": "xe 1 0 - Live 0x0\n", "/dev/dri/renderD128": ""},
        )
    ),
    "raspberry-pi": Machine(
        (
            bare_metal("6.6.51+rpt-rpi-v8"),
            {
                "/proc/sys/kernel/arch": "aarch64\n",
                "/proc/cpuinfo": arm_cpuinfo([("0x41", "0xd08")] * 4, "fp asimd evtstrm crc32 cpuid"),
                "/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.5\0",
                "/proc/meminfo": meminfo(3885396),
                "/proc/modules": "v3d 1 0 - Live 0x0\n",
                "/dev/dri/renderD128": "",
            },
        )
    ),
}  # fmt: skip
"""By what they are. Every one of them gave a false alarm once, or is of a kind that was never looked at."""
