"""More machines with one fault each: GPUs that are ill, modules that do not fit, CUDA that does not start."""

from simulated.faulty_hosts import CONTAINER, HGX, KERNEL_UPDATED, WITHOUT_MODULE, WSL, changed, workstation
from simulated.gpus import GEFORCE, GIB, H100, machine
from simulated.hosts import (
    DRIVER,
    HEALTHY,
    LIBRARIES,
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

GPU = "0000:01:00.0"
LOG = "/var/log/dmesg"
MIG = HEALTHY["server-with-mig"]
INSTINCT = HEALTHY["server-with-instinct"]
VGPU = HEALTHY["virtual-machine-with-vgpu"]
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {version}  Release Build\n"
MODULE = f"/lib/modules/{RELEASE}/updates/dkms/nvidia.ko"
DEAD = {"gpus": 0, "cuInit": "!100"}


def with_files(simulated: Machine, files: dict[str, Entry], **told: object) -> Machine:
    """Return a machine with other files, of which NVIDIA's libraries may tell something else."""
    return changed(Machine((*simulated.trees, files), simulated.told, simulated.environ), **told)


def saying(*entries: str, simulated: Machine | None = None, **told: object) -> Machine:
    """Return a machine whose kernel says something; a workstation unless told otherwise."""
    text = "".join(f"[  {number}.000000] {entry}\n" for number, entry in enumerate(entries, 100))
    return with_files(simulated or workstation(), {LOG: text}, **told)


def without(simulated: Machine, *parts: str) -> Machine:
    """Return a machine without the files whose path holds one of these."""
    trees = tuple(
        {path: entry for path, entry in tree.items() if not any(part in path for part in parts)}
        for tree in simulated.trees
    )
    return Machine(trees, simulated.told, simulated.environ)


def one_card(device: str, version: str = DRIVER, *, flavour: str = "", **told: object) -> Machine:
    """Return a workstation with another card, which its driver does not bring to work."""
    files: dict[str, Entry] = {}
    if flavour == "open":
        files["/proc/driver/nvidia/version"] = OPEN.format(version=version)
    trees = (bare_metal(), nvidia_driver(1, version), cards(1, device, "030000"), files)
    return Machine(trees, machine(1, GEFORCE, driver=version, changes={**DEAD, **told}))


def not_loaded(*trees: dict[str, Entry]) -> Machine:
    """Return a workstation whose module is not loaded."""
    told = machine(1, GEFORCE, changes={"init": "!9", "cuInit": "!100"})
    return Machine((bare_metal(), WITHOUT_MODULE, card(GPU, "10de", "2684", None, "030000"), *trees), told)


DKMS_FAILED: dict[str, Entry] = {
    f"/var/lib/dkms/nvidia/{DRIVER}/build/make.log": "/nv-acpi.c:84:19: error: too many arguments to function\n",
}
SIGNED_BY_NOBODY: dict[str, Entry] = {
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c": b"\6\0\0\0\1",
    LOG: "[    3.1] Loading of unsigned module is rejected\n",
}
MIXED = Machine(
    (
        bare_metal(),
        nvidia_driver(1),
        driver_libraries("550.90.07"),
        {f"{LIBRARIES}/{name}.{DRIVER}": Link("gone") for name in ("libcuda.so", "libnvidia-ml.so")},
        cards(1, "2684", "030000"),
    ),
    machine(1, GEFORCE, changes={"init": "!18", "cuInit": "!803"}),
)
XID = "NVRM: Xid (PCI:0000:01:00): "

FAULTY_GPUS: dict[str, Machine] = {
    "gpu-ecc-uncorrectable-error": changed(HGX, gpu__2__ecc_uncorrected_now=4),
    "gpu-row-remap-failed": changed(HGX, gpu__2__remapped="0 9 0 1"),
    "gpu-row-remap-pending": changed(HGX, gpu__2__remapped="0 1 1 0"),
    "gpu-inforom-corrupt": changed(HGX, gpu__2__inforom="!14"),
    "gpu-recovery-action-required": changed(HGX, gpu__2__recovery=1),
    "gpu-fallen-off-bus": changed(HGX, gpu__5__lost="!15"),
    "gpu-power-cable-missing": saying(f"NVRM: GPU {GPU} does not have the necessary power cables connected.", **DEAD),
    "gpu-vbios-boot-failed": saying("NVRM: _kgspBootGspRm: GFW_BOOT did not complete", **DEAD),
    "gpu-bar-not-assigned": with_files(
        workstation(), {f"/sys/bus/pci/devices/{GPU}/resource": "0x0 0xffffff 0x40200\n" + "0x0 0x0 0x0\n" * 12}, **DEAD
    ),
    "gpu-pcie-errors": saying(
        f"nvidia {GPU}: PCIe Bus Error: severity=Uncorrected (Non-Fatal), type=Transaction Layer"
    ),
    "gpu-pcie-link-degraded": workstation({"gpu.0.pcie_width": 4}),
    "gpu-overheating": workstation({"gpu.0.throttle": 0x48, "gpu.0.temperature": 90}),
    "gpu-power-throttling": workstation({"gpu.0.throttle": 0x88}),
    "gpu-gsp-firmware-timeout": saying(
        XID + "119, pid=71, name=python3, Timeout waiting for RPC from GSP0!", cuInit="!999"
    ),
    "gpu-nvlink-error": saying(XID + "74, pid='<unknown>', name=<unknown>, NVLink: fatal error detected on link 6"),
    "gpu-nvlink-inactive": changed(HGX, gpu__3__nvlinks="1" * 17 + "0"),
    "nvidia-module-missing-for-kernel": KERNEL_UPDATED,
    "nvidia-dkms-build-failed": without(
        not_loaded(DKMS_FAILED), MODULE, f"/var/lib/dkms/nvidia/{DRIVER}/{RELEASE}", "/kernel-"
    ),
    "secure-boot-rejects-nvidia-module": not_loaded(SIGNED_BY_NOBODY),
    "optimus-dgpu-disabled": not_loaded({"/lib/modprobe.d/blacklist-nvidia.conf": "blacklist nvidia\n"}),
    "nvidia-open-module-on-pre-turing": one_card("1b06", flavour="open"),
    "blackwell-requires-open-module": one_card("2b85", "580.95.05"),
    "nvidia-driver-dropped-gpu": one_card("1b06", "590.44.01"),
    "nvidia-driver-older-than-gpu": one_card("2b85", "550.54.14", flavour="open"),
    "nvidia-gsp-firmware-missing": without(one_card("2684", flavour="open"), "/lib/firmware"),
    "nvidia-driver-mixed-versions": MIXED,
    "nvidia-device-node-mismatch": without(workstation(DEAD), "/dev/nvidia0"),
    "nvidia-uvm-not-loaded": with_files(
        without(workstation(), "/sys/module/nvidia_uvm"), {"/proc/modules": "nvidia 1 0 - Live 0x0\n"}, cuInit="!999"
    ),
    "nvidia-uvm-stale-after-suspend": saying("PM: suspend exit", cuInit="!999"),
    "nvidia-uvm-hmm-init-failure": with_files(
        workstation(), {"/sys/module/nvidia_uvm/parameters/uvm_disable_hmm": "N\n"}, cuInit="!3"
    ),
    "system-firmware-breaks-cuda": with_files(
        workstation(), {"/sys/module/nvidia_uvm/parameters/uvm_disable_hmm": "Y\n"}, cuInit="!3"
    ),
    "cuda-init-failed-nvml-works": workstation({"cuInit": "!304"}),
    "cuda-compat-unsupported-gpu": workstation({"cuInit": "!804"}),
    "libcuda-kernel-module-mismatch": workstation({"cuInit": "!803"}),
    "fabric-manager-not-running": changed(without(HGX, "/proc/902"), gpu__0__fabric=1, cuInit="!802"),
    "gpu-mig-instance-not-selected": Machine(
        MIG.trees, machine(1, H100, driver=DRIVER, changes={"gpu.0.mig_mode": 1, "cuInit": "!100"})
    ),
    "vgpu-unlicensed": changed(VGPU, gpu__0__vgpu_licensed=0),
    "gpu-exclusive-compute-mode": workstation({"gpu.0.compute_mode": 2}),
    "gpu-memory-held-by-other-process": workstation({"gpu.0.memory_used": 24 * GIB - 4096}),
    "cuda-visible-devices-renumbered": workstation(environ={"CUDA_VISIBLE_DEVICES": "0,4"}),
    "cuda-debug-environment": workstation(environ={"CUDA_LAUNCH_BLOCKING": "1"}),
    "slurm-job-without-gpu": Machine(HGX.trees, {**(HGX.told or {}), **DEAD}, {"SLURM_JOB_ID": "4711"}),
    "kubernetes-pod-without-gpu": Machine(
        tuple(
            {path: entry for path, entry in tree.items() if path not in nvidia_nodes(1) and "/libcuda" not in path}
            for tree in CONTAINER.trees
        ),
        None,
        {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
    ),
    "container-image-bundles-driver": with_files(
        CONTAINER, {f"{LIBRARIES}/libcuda.so.535.54.03": b"\x7fELF"}, cuInit="!803"
    ),
    "container-cdi-spec-invalid": with_files(
        workstation(), {"/etc/cdi/nvidia.yaml": "kind: nvidia.com/gpu\n  - hostPath: /usr/lib/libcuda.so.535.54.03\n"}
    ),
    "wsl-no-gpu-passthrough": Machine(without(WSL, "/dev/dxg", "/usr/lib/wsl").trees, None, WSL.environ),
    "wsl-linux-driver-installed": with_files(WSL, driver_libraries(DRIVER), init="!9", cuInit="!100"),
    "wsl-multi-gpu-init-out-of-memory": Machine(
        WSL.trees, machine(2, GEFORCE, driver="555.85", changes={"cuInit": "!2"}), WSL.environ
    ),
    "amdgpu-driver-not-loaded": with_files(
        without(INSTINCT, "/driver", "/sys/class/kfd", "/dev/kfd", "/dev/dri"), {"/proc/modules": ""}
    ),
    "amd-gpu-unsupported": saying(
        "kfd kfd: amdgpu: POLARIS11 not supported in kfd", simulated=without(INSTINCT, "/sys/class/kfd")
    ),
    "rocm-device-not-in-container": with_files(without(INSTINCT, "/dev/kfd", "/dev/dri"), {"/.dockerenv": ""}),
    "no-nvidia-gpu": Machine((bare_metal(),), None, {"JAX_PLATFORMS": "cuda"}),
}
"""By the id of the finding that names the fault."""
