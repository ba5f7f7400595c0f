"""Machines with one fault each, by the id of the finding that names it. The fault is made where it would really be."""

from collections.abc import Mapping

from simulated.gpus import GEFORCE, H100, machine
from simulated.hosts import (
    DRIVER,
    HEALTHY,
    RELEASE,
    Machine,
    bare_metal,
    card,
    cards,
    driver_libraries,
    nvidia_driver,
    nvidia_nodes,
)
from simulated.trees import Entry, Link

UPDATED = "550.90.07"
KERNEL_ONLY: dict[str, Entry] = {
    path: entry for path, entry in nvidia_driver(1).items() if not path.startswith("/usr/")
}
WITHOUT_MODULE: dict[str, Entry] = {
    path: entry
    for path, entry in nvidia_driver(1).items()
    if not path.startswith(("/proc/driver", "/proc/modules", "/sys"))
}
CONTAINER = HEALTHY["container-with-gpu"]
HGX = HEALTHY["hgx-with-eight-gpus"]
WSL = HEALTHY["wsl2-with-geforce"]


def workstation(changes: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Machine:
    """Return a workstation with one GeForce, of which NVML tells ``changes``."""
    told = machine(1, GEFORCE, driver=DRIVER, changes=changes)
    return Machine((bare_metal(), nvidia_driver(1), cards(1, "2684", "030000")), told, environ or {})


def changed(simulated: Machine, **changes: object) -> Machine:
    """Return a machine of which NVIDIA's libraries tell something else; dots are written as two underscores."""
    told = {name.replace("__", "."): value for name, value in changes.items()}
    return Machine(simulated.trees, {**(simulated.told or {}), **told}, simulated.environ)


FAULTY: dict[str, Machine] = {
    "nouveau-bound-to-gpu": Machine(
        (
            bare_metal(),
            card("0000:01:00.0", "10de", "2684", "nouveau", "030000"),
            {"/proc/modules": "nouveau 1 0 - Live 0x0\n"},
        )
    ),
    "vfio-bound-to-gpu": Machine((bare_metal(), card("0000:01:00.0", "10de", "2684", "vfio-pci", "030000"))),
    "nvidia-driver-not-installed": Machine((bare_metal(), card("0000:01:00.0", "10de", "2684", None, "030000"))),
    "nvidia-kernel-module-not-loaded": Machine(
        (bare_metal(), WITHOUT_MODULE, card("0000:01:00.0", "10de", "2684", None, "030000")),
        machine(1, GEFORCE, changes={"init": "!9", "cuInit": "!100"}),
    ),
    "nvml-library-missing": Machine((bare_metal(), KERNEL_ONLY, cards(1, "2684", "030000"))),
    "nvidia-driver-reboot-pending": Machine(
        (
            bare_metal(),
            nvidia_driver(1),
            driver_libraries(UPDATED),
            {f"/usr/lib/x86_64-linux-gnu/libcuda.so.{DRIVER}": Link("gone")},
            cards(1, "2684", "030000"),
        ),
        machine(1, GEFORCE, changes={"init": "!18", "cuInit": "!803"}),
    ),
    "nvml-fails": workstation({"init": "!999", "cuInit": "!999"}),
    "nvml-crashes": workstation({"init": "!segfault"}),
    "nvidia-driver-unresponsive": workstation({"init": "!hang", "cuInit": "!hang"}),
    "nvidia-device-permission-denied": workstation({"init": "!4", "cuInit": "!100"}),
    "nvidia-gpu-init-failed": changed(HGX, gpus=7),
    "cuda-visible-devices-hides-gpus": workstation(environ={"CUDA_VISIBLE_DEVICES": "-1"}),
    "container-gpu-not-requested": Machine(
        tuple(
            {path: entry for path, entry in tree.items() if path not in nvidia_nodes(1) and "/libcuda" not in path}
            for tree in CONTAINER.trees
        )
    ),
    "container-gpu-access-lost": changed(CONTAINER, init="!999", cuInit="!100"),
    "container-driver-capabilities-missing": Machine(
        CONTAINER.trees, CONTAINER.told, {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "graphics"}
    ),
    "container-shm-too-small": Machine(
        (*CONTAINER.trees, cards(2, "2330"), {"/proc/mounts": "shm /dev/shm tmpfs rw,nosuid,nodev,size=65536k 0 0\n"}),
        machine(2, H100, driver=DRIVER),
        CONTAINER.environ,
    ),
    "wsl-gpu-access-blocked": changed(WSL, init="!17", cuInit="!100"),
}
"""Not every one is an error: some are only a warning where no framework is built for the GPU."""

ONE_OF_EIGHT_LOST = changed(HGX, gpu__5__lost="!15")
KERNEL_UPDATED = Machine(
    (
        bare_metal("6.1.0-19-amd64"),
        {path: entry for path, entry in WITHOUT_MODULE.items() if RELEASE in path or path.startswith("/usr/")},
        card("0000:01:00.0", "10de", "2684", None, "030000"),
    ),
    machine(1, H100, changes={"init": "!9", "cuInit": "!100"}),
)
