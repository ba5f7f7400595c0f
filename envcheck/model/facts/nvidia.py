"""NVIDIA's GPUs, management library, CUDA driver, kernel module and kernel log."""

import msgspec

from envcheck.model.facts.kinds import (
    NOT_RECORDED,
    Count,
    Flag,
    Number,
    OptionalCount,
    OptionalFlag,
    OptionalText,
    Text,
    Texts,
)
from envcheck.model.record import Record, all_unknown
from envcheck.model.unknown import Unknown


class GpuProcess(Record, frozen=True, kw_only=True):
    """A process that uses a GPU. Inside containers and under WSL the driver hides those of others."""

    pid: int
    kind: str  #: ``compute`` or ``graphics``
    name: OptionalText  #: the program's name in /proc
    memory_used_bytes: OptionalCount


class NvidiaGpuVolatile(Record, frozen=True, kw_only=True):
    memory_free_bytes: Count
    memory_used_bytes: Count
    temperature_celsius: Count
    power_watts: Number
    utilization_percent: Count
    clock_sm_mhz: Count = NOT_RECORDED
    slowdown_reasons: Texts = NOT_RECORDED  #: names of ``probes/nvml.py``: ``idle power-cap hardware-thermal ...``
    pcie_generation: Count = NOT_RECORDED  #: falls when the GPU is idle
    pcie_width: Count = NOT_RECORDED
    pcie_replays: Count = NOT_RECORDED
    ecc_uncorrected_since_boot: OptionalCount = NOT_RECORDED
    processes: tuple[GpuProcess, ...] | Unknown = NOT_RECORDED


class MigDevice(Record, frozen=True, kw_only=True):
    """One slice of a GPU that is divided by MIG."""

    index: int
    name: Text
    uuid: Text
    memory_total_bytes: Count
    gpu_instance: Count
    compute_instance: Count


class NvidiaGpu(Record, frozen=True, kw_only=True):
    """One GPU as NVML tells it. Optional facts are None where the GPU has no such thing."""

    index: int
    name: Text
    uuid: Text
    pci_address: Text  #: as sysfs writes it: ``0000:01:00.0``
    compute_capability: Text  #: such as ``9.0``
    memory_total_bytes: Count
    compute_mode: Text  #: ``default``, ``exclusive-process`` or ``prohibited``
    mig_mode: OptionalText  #: ``enabled`` or ``disabled``; None: the GPU has no MIG
    persistence_mode: Flag
    mig_devices: tuple[MigDevice, ...] | Unknown = NOT_RECORDED
    architecture: Text = NOT_RECORDED  #: such as ``hopper``
    minor_number: Count = NOT_RECORDED  #: the N of /dev/nvidiaN
    vbios_version: Text = NOT_RECORDED
    gsp_firmware_version: OptionalText = NOT_RECORDED
    bar1_total_bytes: Count = NOT_RECORDED
    display_active: Flag = NOT_RECORDED
    virtualization: OptionalText = NOT_RECORDED  #: ``pass-through``, ``vgpu``, ``vgpu-host``, ``vsga-host``; None: none
    vgpu_licensed: OptionalFlag = NOT_RECORDED
    ecc_mode: OptionalText = NOT_RECORDED  #: ``enabled`` or ``disabled``
    ecc_uncorrected: OptionalCount = NOT_RECORDED  #: over the life of the GPU
    retired_pages: OptionalCount = NOT_RECORDED  #: for double-bit errors
    retired_pages_pending: OptionalFlag = NOT_RECORDED
    remapped_rows_uncorrectable: OptionalCount = NOT_RECORDED
    remapped_rows_correctable: OptionalCount = NOT_RECORDED
    row_remap_pending: OptionalFlag = NOT_RECORDED
    row_remap_failed: OptionalFlag = NOT_RECORDED
    inforom_valid: OptionalFlag = NOT_RECORDED
    recovery_action: OptionalText = NOT_RECORDED  #: ``reset``, ``reboot``, ...; None: no action is needed
    pcie_generation_max: Count = NOT_RECORDED
    pcie_width_max: Count = NOT_RECORDED
    nvlinks: OptionalCount = NOT_RECORDED
    nvlinks_active: OptionalCount = NOT_RECORDED
    fabric_state: OptionalText = NOT_RECORDED  #: ``not-started``, ``in-progress``, ``completed``; None: no NVSwitch
    fabric_status: OptionalText = NOT_RECORDED  #: NVML's name for the error, where the fabric completed with one
    temperature_slowdown_celsius: Count = NOT_RECORDED
    power_limit_watts: Number = NOT_RECORDED
    power_limit_default_watts: Number = NOT_RECORDED
    clock_sm_max_mhz: Count = NOT_RECORDED
    volatile: NvidiaGpuVolatile


class Nvml(Record, frozen=True, kw_only=True):
    """NVIDIA's management library, called in a child."""

    status: Text  #: ``ok``, ``library-missing``, ``library-unusable`` (the loader refuses it), ``error``
    error: OptionalText  #: NVML's own name and words for the error, or the loader's words
    library: OptionalText  #: the file that was loaded
    error_code: OptionalCount = NOT_RECORDED  #: NVML's number for the error
    version: OptionalText = NOT_RECORDED  #: of the library


class CudaDevice(Record, frozen=True, kw_only=True):
    """One device as the CUDA driver API lists it: after CUDA_VISIBLE_DEVICES, in CUDA's own order."""

    index: int
    name: Text
    uuid: Text
    pci_address: Text
    compute_capability: Text
    memory_total_bytes: Count


class CudaDriver(Record, frozen=True, kw_only=True):
    """The CUDA driver API (libcuda), called in a child in the user's environment. NVML may work where it fails."""

    status: Text  #: ``ok``, ``library-missing``, ``library-unusable`` (the loader refuses it), ``error``
    failed_call: OptionalText  #: such as ``cuInit``
    error_code: OptionalCount  #: CUresult
    error: OptionalText  #: CUDA's name for the code, or the loader's words
    library: OptionalText  #: the file that was loaded
    library_kind: OptionalText  #: ``driver``, ``compat``, ``stub`` or ``wsl``
    api_version: OptionalText  #: such as ``12.4``
    devices: tuple[CudaDevice, ...] | Unknown


class DriverLibrary(Record, frozen=True, kw_only=True):
    """A file of NVIDIA's driver for programs (libcuda, libnvidia-ml), wherever one was found."""

    name: str  #: ``libcuda.so`` or ``libnvidia-ml.so``
    path: str
    version: OptionalText  #: of the driver, from the file's name
    kind: str  #: ``driver``, ``compat``, ``stub`` or ``wsl``
    size_bytes: Count
    mounted: Flag  #: it, or a folder above it, is a mount of its own: container runtimes pass the host's driver so


class VisibleDevices(Record, frozen=True, kw_only=True):
    """What the variable CUDA_VISIBLE_DEVICES leaves of the GPUs that NVML lists."""

    value: OptionalText  #: None: the variable is not set
    order: Text  #: ``fastest-first`` (CUDA's default) or ``pci``: what the numbers count
    gpus: tuple[int, ...] | Unknown  #: NVML's indices of the GPUs left, in the order of the variable's entries
    mig_devices: Texts  #: UUIDs of the MIG devices named
    cut_at: OptionalText  #: the first entry that names no device; CUDA ignores it and all that follow


class KernelModuleFile(Record, frozen=True, kw_only=True):
    """A kernel module of NVIDIA on disk."""

    kernel: str  #: the release of the kernel that it is for
    path: str
    version: OptionalText
    flavour: OptionalText  #: ``open`` or ``proprietary``
    signer: OptionalText  #: None: it is not signed


class DkmsModule(Record, frozen=True, kw_only=True):
    """What DKMS, which builds kernel modules for each kernel, knows of NVIDIA's."""

    name: str
    version: str
    kernel: OptionalText  #: None: it is built for no kernel
    state: str  #: ``added``, ``built``, ``installed`` or ``failed``
    error: OptionalText  #: the first error of the last build's log


class ModprobeLine(Record, frozen=True, kw_only=True):
    """A line about NVIDIA's, AMD's or Intel's modules in the configuration of modprobe."""

    path: str
    line: str


class NvidiaProcGpu(Record, frozen=True, kw_only=True):
    """A GPU in /proc/driver/nvidia/gpus: readable even where NVML hangs."""

    pci_address: str
    model: OptionalText
    device_minor: OptionalCount
    gpu_excluded: OptionalText


class NvidiaKernel(Record, frozen=True, kw_only=True):
    """The kernel's side of NVIDIA's driver."""

    modules_loaded: Texts  #: of nvidia, nvidia_uvm, nvidia_modeset, nvidia_drm, nvidia_peermem, nouveau, nova_core
    module_files: tuple[KernelModuleFile, ...] | Unknown
    kernel_headers: Flag  #: what is needed to build modules for the running kernel is installed
    dkms: tuple[DkmsModule, ...] | Unknown
    modprobe: tuple[ModprobeLine, ...] | Unknown
    command_line: Texts  #: words of the kernel's command line about modules, vfio and the IOMMU
    uvm_disable_hmm: OptionalFlag
    gsp_firmware: OptionalFlag  #: the firmware of the loaded module's version is there; None: no module is loaded
    gpus: tuple[NvidiaProcGpu, ...] | Unknown
    nvswitches: Count
    jetson_linux: OptionalText = NOT_RECORDED  #: release of Jetson Linux (L4T), such as ``36.3.0``; None: no Jetson
    services: Texts  #: running: nv-fabricmanager, nvidia-persistenced, nvidia-cuda-mps-control
    fabric_manager_version: OptionalText


class DeviceNode(Record, frozen=True, kw_only=True):
    """A device file through which programs reach a GPU."""

    path: str
    mode: Text  #: such as ``0666``
    owner: Text
    group: Text
    major: OptionalCount
    minor: OptionalCount
    major_expected: OptionalCount  #: of /proc/devices; None: it has no entry for this kind of node
    open_error: OptionalText  #: ``EACCES``, ``EPERM``, ``EIO``, ...; None: this user can open it to read and write


class KernelMessage(Record, frozen=True, kw_only=True):
    """Something that the kernel said about a GPU or a program; equal ones are counted."""

    kind: str  #: a word of ``probes/kernel_log.py``: ``xid``, ``rm-init-failed``, ``oom-kill``, ...
    text: str  #: the first of them
    count: int
    code: OptionalCount  #: the number of an Xid or SXid
    meaning: OptionalText  #: of that number
    pci_address: OptionalText
    process: OptionalText  #: the program that it names, which may be a victim


class KernelLogVolatile(Record, frozen=True, kw_only=True):
    messages: tuple[KernelMessage, ...] | Unknown


class KernelLog(Record, frozen=True, kw_only=True):
    source: OptionalText  #: the file or program that was read
    volatile: KernelLogVolatile


class NvidiaDriver(Record, frozen=True, kw_only=True):
    version: OptionalText  #: of the driver in use, such as ``550.54.14``; None: no driver
    version_how: OptionalText  #: ``nvml`` or the file that tells
    kernel_module_loaded: Flag
    kernel_module_version: OptionalText
    kernel_module_flavour: OptionalText  #: ``open`` or ``proprietary``
    cuda_driver_api_version: OptionalText  #: the newest CUDA that the driver supports, such as ``12.4``
    nvml: Nvml
    gpus: tuple[NvidiaGpu, ...] | Unknown
    kernel: NvidiaKernel = msgspec.field(default_factory=lambda: all_unknown(NvidiaKernel, NOT_RECORDED))
    cuda: CudaDriver = msgspec.field(default_factory=lambda: all_unknown(CudaDriver, NOT_RECORDED))
    visible_devices: VisibleDevices = msgspec.field(default_factory=lambda: all_unknown(VisibleDevices, NOT_RECORDED))
    libraries: tuple[DriverLibrary, ...] | Unknown = NOT_RECORDED
