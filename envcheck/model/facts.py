"""What envcheck can see: the records of one snapshot, floor by floor.

Every field of a record can be ``Unknown``. Facts that change from minute to minute stand under a
``volatile`` key, so that two snapshots of one machine have equal stable facts
(:func:`stable_facts`). Sizes are in bytes, times in seconds.
"""

from typing import Any

import msgspec

from envcheck.model.record import Record, all_unknown
from envcheck.model.unknown import Unknown

Text = str | Unknown
OptionalText = str | None | Unknown
Flag = bool | Unknown
Count = int | Unknown
OptionalCount = int | None | Unknown
Number = float | Unknown
Texts = tuple[str, ...] | Unknown
OptionalFlag = bool | None | Unknown

NOT_RECORDED = Unknown("skipped", "not recorded")  #: for facts that older snapshots do not hold


# --- platform ---------------------------------------------------------------------------------


class EnvironmentVariable(Record, frozen=True, kw_only=True):
    """One variable that matters to the stack (an allow-list decides, see ``probes/platform.py``)."""

    name: str
    value: str


class FileSystemVolatile(Record, frozen=True, kw_only=True):
    available_bytes: Count


class FileSystem(Record, frozen=True, kw_only=True):
    """Where something that matters is stored."""

    purpose: str  #: ``target``, ``home``, ``temporary`` or ``shared-memory``
    path: str
    total_bytes: Count
    writable: Flag
    volatile: FileSystemVolatile


class ProbeFailure(Record, frozen=True, kw_only=True):
    """A probe of envcheck that ended with an error of its own."""

    name: str
    error: str


class Tool(Record, frozen=True, kw_only=True):
    """envcheck itself."""

    version: Text
    executable: Text
    python_version: Text
    probe_failures: tuple[ProbeFailure, ...] = ()  #: filled by the report builder


class CdiSpecification(Record, frozen=True, kw_only=True):
    """A file that tells container engines how to pass devices through (Container Device Interface)."""

    path: str
    kind: OptionalText  #: such as ``nvidia.com/gpu``
    driver_versions: Texts  #: of the driver files that it names


class ContainerDevices(Record, frozen=True, kw_only=True):
    """What a container gets of the GPUs, or what this host could pass to one."""

    nvidia_visible_devices: OptionalText  #: the variable; ``void`` and ``none`` ask for no GPU
    nvidia_driver_capabilities: OptionalText  #: the variable; without ``compute`` or ``all`` there is no libcuda
    nvidia_requirement: OptionalText  #: NVIDIA_REQUIRE_CUDA of the image
    driver_mounts: Texts  #: files of NVIDIA's driver that the container runtime mounted
    driver_files_in_image: Texts  #: files of NVIDIA's driver that belong to the image itself
    toolkit: OptionalText  #: the program nvidia-ctk or nvidia-container-cli
    docker_runtimes: Texts  #: of /etc/docker/daemon.json
    cdi_specifications: tuple[CdiSpecification, ...] | Unknown


class Scheduler(Record, frozen=True, kw_only=True):
    """The batch system or orchestrator that started this process."""

    name: OptionalText  #: ``slurm``, ``kubernetes``, ``lsf``, ``pbs``, ``grid-engine``, ``ray``; None: none
    how: OptionalText
    gpus_allocated: OptionalText  #: as the scheduler writes it; None: it gave none, or does not tell
    gpus_allocated_how: OptionalText
    cpus_allocated: OptionalText


class Cloud(Record, frozen=True, kw_only=True):
    """Whose machine this is, as files and variables tell. Nothing is asked over the network."""

    provider: OptionalText  #: ``aws``, ``gcp``, ``azure``, ``oracle``, ...; None: no sign of any
    provider_how: OptionalText
    machine_type: OptionalText  #: the firmware's name of the product
    hosted: OptionalText  #: ``colab``, ``kaggle``, ``sagemaker``, ``databricks``, ``codespaces``, ...; None: none
    hosted_how: OptionalText


class Platform(Record, frozen=True, kw_only=True):
    system: Text  #: ``Linux``, ``Darwin`` or ``Windows``
    release: Text  #: of the kernel
    machine: Text  #: the kernel's name of the processor architecture, such as ``x86_64``
    os_id: OptionalText  #: ID of /etc/os-release, such as ``debian``
    os_version: OptionalText
    os_name: OptionalText  #: for people, such as ``Debian GNU/Linux 12 (bookworm)``
    libc_name: OptionalText  #: ``glibc`` or ``musl``
    libc_version: OptionalText
    container: OptionalText  #: ``docker``, ``podman``, ``kubernetes``, ``apptainer``, ``lxc``, ...; None: not in one
    container_how: OptionalText  #: the file or variable that tells
    wsl: OptionalText  #: ``1`` or ``2``; None: not under WSL
    home: OptionalText  #: the user's home folder; None: there is none
    environment: tuple[EnvironmentVariable, ...] | Unknown
    filesystems: tuple[FileSystem, ...] | Unknown
    board: OptionalText = NOT_RECORDED  #: of a device-tree machine, such as ``NVIDIA Jetson AGX Orin``
    secure_boot: OptionalText = NOT_RECORDED  #: ``enabled`` or ``disabled``; None: the machine has no UEFI
    lockdown: OptionalText = NOT_RECORDED  #: of the kernel: ``none``, ``integrity`` or ``confidentiality``
    container_devices: ContainerDevices = msgspec.field(
        default_factory=lambda: all_unknown(ContainerDevices, NOT_RECORDED)
    )
    scheduler: Scheduler = msgspec.field(default_factory=lambda: all_unknown(Scheduler, NOT_RECORDED))
    cloud: Cloud = msgspec.field(default_factory=lambda: all_unknown(Cloud, NOT_RECORDED))
    tool: Tool


# --- hardware ---------------------------------------------------------------------------------


class CpuVolatile(Record, frozen=True, kw_only=True):
    load_average: tuple[float, ...] | Unknown  #: over 1, 5 and 15 minutes


class Cpu(Record, frozen=True, kw_only=True):
    vendor: OptionalText  #: ``Intel``, ``AMD``, ``Arm``, ``Apple``, ...
    model: OptionalText
    architecture: Text
    cores_physical: OptionalCount
    cores_logical: OptionalCount
    cores_usable: Number  #: what affinity and the cgroup leave; 0.5 is half a core
    instruction_sets: Texts  #: names of ``probes/cpu.py``: ``sse4_1 avx avx2 fma avx512f amx_tile ...``
    virtual: Flag = NOT_RECORDED  #: a hypervisor stands between, and may hide instructions
    volatile: CpuVolatile


class MemoryVolatile(Record, frozen=True, kw_only=True):
    available_bytes: OptionalCount
    swap_free_bytes: OptionalCount


class Memory(Record, frozen=True, kw_only=True):
    total_bytes: OptionalCount
    limit_bytes: OptionalCount  #: the cgroup's limit; None: no limit
    swap_total_bytes: OptionalCount
    volatile: MemoryVolatile


class PciVolatile(Record, frozen=True, kw_only=True):
    link_speed_gts: Number | None  #: gigatransfers per second; falls when the device is idle
    link_width: OptionalCount
    power_state: OptionalText  #: ``active``, ``suspended``, ...


class PciDevice(Record, frozen=True, kw_only=True):
    """A display or processing-accelerator device on the PCI bus, seen without any driver."""

    address: str  #: such as ``0000:01:00.0``
    vendor_id: str  #: four hexadecimal digits
    device_id: str
    class_code: str  #: six hexadecimal digits
    vendor: OptionalText  #: ``NVIDIA``, ``AMD``, ``Intel``, ...
    kernel_driver: OptionalText  #: the bound kernel driver; None: none is bound
    family: OptionalText = NOT_RECORDED  #: by device id, such as ``Hopper``; None: not in envcheck's table
    compute_capability: OptionalText = NOT_RECORDED  #: of an NVIDIA GPU, by device id
    gfx_target: OptionalText = NOT_RECORDED  #: of an AMD GPU, by device id
    link_speed_max_gts: Number | None = NOT_RECORDED
    link_width_max: OptionalCount = NOT_RECORDED
    numa_node: OptionalCount = NOT_RECORDED  #: None: the machine has one node, or the firmware names none
    iommu_group: OptionalText = NOT_RECORDED
    virtual_functions: OptionalCount = NOT_RECORDED  #: how many SR-IOV slices are switched on; None: it has none
    is_virtual_function: Flag = NOT_RECORDED
    memory_regions_assigned: Flag = NOT_RECORDED  #: the firmware gave every region an address
    answers: Flag = NOT_RECORDED  #: its configuration space can be read; a device that fell off the bus reads as ones
    shows_console: OptionalFlag = NOT_RECORDED  #: the machine started on it (boot_vga)
    volatile: PciVolatile = msgspec.field(default_factory=lambda: all_unknown(PciVolatile, NOT_RECORDED))


class Apple(Record, frozen=True, kw_only=True):
    """What only a Mac has; every field is None elsewhere."""

    rosetta: OptionalFlag  #: this process is translated from x86-64
    gpu: OptionalText  #: the GPU's name
    gpu_cores: OptionalCount
    metal: OptionalText  #: the Metal version or family that the system reports; None: no Metal device


class Hardware(Record, frozen=True, kw_only=True):
    cpu: Cpu
    memory: Memory
    pci: tuple[PciDevice, ...] | Unknown
    apple: Apple = msgspec.field(default_factory=lambda: all_unknown(Apple, NOT_RECORDED))


# --- driver -----------------------------------------------------------------------------------


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


class AmdNode(Record, frozen=True, kw_only=True):
    """One GPU of AMD's compute driver (kfd)."""

    node: int
    name: OptionalText
    gfx_target: Text  #: such as ``gfx90a``
    compute_units: OptionalCount
    memory_bytes: OptionalCount
    pci_address: OptionalText


class AmdDriver(Record, frozen=True, kw_only=True):
    module_loaded: Flag  #: amdgpu
    module_version: OptionalText  #: of the packaged driver; None: the kernel's own
    compute_nodes: tuple[AmdNode, ...] | Unknown  #: () where the kernel has no kfd
    rocm_version: OptionalText
    rocm_how: OptionalText  #: the file that tells
    user_groups: Texts  #: of ``render`` and ``video``, those that this user is in


class IntelDriver(Record, frozen=True, kw_only=True):
    modules_loaded: Texts  #: of i915, xe, intel_vpu, ivpu
    level_zero_loader: OptionalText
    level_zero_drivers: Texts
    opencl_drivers: Texts  #: the files below /etc/OpenCL/vendors
    accelerator_nodes: Texts  #: /dev/accel/*: neural processing units


class Driver(Record, frozen=True, kw_only=True):
    nvidia: NvidiaDriver
    amd: AmdDriver = msgspec.field(default_factory=lambda: all_unknown(AmdDriver, NOT_RECORDED))
    intel: IntelDriver = msgspec.field(default_factory=lambda: all_unknown(IntelDriver, NOT_RECORDED))
    device_nodes: tuple[DeviceNode, ...] | Unknown = NOT_RECORDED
    kernel_log: KernelLog = msgspec.field(default_factory=lambda: all_unknown(KernelLog, NOT_RECORDED))


# --- python -----------------------------------------------------------------------------------


class MarkerEnvironment(Record, frozen=True, kw_only=True):
    """The environment markers of PEP 508 in the target."""

    implementation_name: Text
    implementation_version: Text
    os_name: Text
    platform_machine: Text
    platform_python_implementation: Text
    platform_release: Text
    platform_system: Text
    platform_version: Text
    python_full_version: Text
    python_version: Text
    sys_platform: Text


class Package(Record, frozen=True, kw_only=True):
    """One installed distribution, as its metadata tell."""

    name: str  #: normalised (PEP 503)
    version: OptionalText
    location: str  #: the folder that holds the metadata
    metadata: str  #: the metadata folder or file
    installer: OptionalText  #: ``pip``, ``uv``, ``conda``, ... in lower case; None: nothing tells
    requested: Flag  #: the user asked for it by name
    editable: Flag
    wheel_tags: Texts
    requires: Texts  #: Requires-Dist, with their markers
    requires_python: OptionalText
    top_level: Texts  #: the import names that it provides
    files_missing: Texts  #: code named in RECORD but not on disk (the first few)
    files_truncated: Texts = NOT_RECORDED  #: shared libraries shorter than RECORD and their own header say (first few)
    source_url: OptionalText = NOT_RECORDED  #: what it was installed from, if not from an index (direct_url.json)


class CondaPackage(Record, frozen=True, kw_only=True):
    """One package of a conda environment, Python or not, as ``conda-meta`` tells."""

    name: str
    version: OptionalText
    build: OptionalText  #: such as ``cpu_py311h6ac8430_3`` or ``cuda120py39hc50ef5f_0``
    channel: OptionalText


class Shadow(Record, frozen=True, kw_only=True):
    """A file or folder that an import meets before the installed package or the standard library."""

    module: str
    path: str
    found_in: str  #: ``working-directory``, ``PYTHONPATH`` or ``user-site``
    hides: OptionalText  #: what it hides: a path, or ``standard library``; None: nothing else has the name


class Python(Record, frozen=True, kw_only=True):
    """The target interpreter and what is installed for it."""

    target: Text  #: what was asked for, or the environment that was found
    chosen_by: (
        Text  #: ``--python``, ``--kernel``, ``VIRTUAL_ENV``, ``CONDA_PREFIX`` or ``the interpreter that runs envcheck``
    )
    executable: OptionalText
    runs: Flag  #: it starts, and a worker of envcheck runs in it, if need be with ``-I``
    failure: OptionalText  #: why it does not start as it is: one of the words in ``probes/interpreter_start.py``
    failure_detail: OptionalText  #: what it printed, or what is missing
    isolated_only: Flag  #: it starts with ``-I`` alone: the user's own variables or folders break it
    version: OptionalText
    implementation: OptionalText
    bits: OptionalCount
    machine: OptionalText  #: the architecture that the interpreter was built for
    prefix: OptionalText
    base_prefix: OptionalText
    environment: OptionalText  #: ``venv``, ``conda`` or ``system``
    externally_managed: Flag
    installer: OptionalText  #: what the environment is managed with: ``pip``, ``uv``, ``conda``, ``poetry``, ``pdm``
    path: Texts  #: sys.path
    site_packages: Texts
    user_site: OptionalText
    user_site_enabled: Flag
    markers: MarkerEnvironment
    packages: tuple[Package, ...] | Unknown  #: in the order of sys.path
    shadows: tuple[Shadow, ...] | Unknown
    stdlib: OptionalText = NOT_RECORDED  #: the folder of the standard library
    soabi: OptionalText = NOT_RECORDED  #: what compiled modules must fit, such as ``cpython-311-x86_64-linux-gnu``
    free_threaded: Flag = NOT_RECORDED  #: built without the global interpreter lock
    venv_home: OptionalText = NOT_RECORDED  #: pyvenv.cfg: the folder of the interpreter it was made from
    venv_version: OptionalText = NOT_RECORDED  #: pyvenv.cfg: the Python it was made with
    system_site_packages: Flag = NOT_RECORDED  #: pyvenv.cfg: the packages of that interpreter are seen too
    stranded_site_packages: Texts = NOT_RECORDED  #: below the prefix, but of a Python version that does not look there
    leftovers: Texts = NOT_RECORDED  #: ``~name`` folders that an interrupted pip left behind
    conda_packages: tuple[CondaPackage, ...] | Unknown = NOT_RECORDED


# --- backends ---------------------------------------------------------------------------------


class BuiltFor(Record, frozen=True, kw_only=True):
    """What a framework was built for, read from its files."""

    cuda: OptionalText  #: None: a build without CUDA
    cudnn: OptionalText
    rocm: OptionalText
    compute_capabilities: Texts  #: such as ``8.0`` or ``compute_90`` (PTX)
    numpy_abi: Texts  #: the NumPy majors that its extension modules accept
    instruction_sets: Texts  #: CPU instructions beyond x86-64-v2 that it cannot do without, named as in ``Cpu``


class Component(Record, frozen=True, kw_only=True):
    """A part of a framework that is installed for itself, such as ``jaxlib``."""

    name: str  #: its import name
    version: OptionalText  #: of its files
    how: OptionalText  #: the file that told the version


class MainLibrary(Record, frozen=True, kw_only=True):
    """The shared library that holds most of a framework."""

    path: OptionalText  #: None: there is none where it should be
    machine: OptionalText  #: the processor architecture that it was made for; None: not told by its header
    truncated: Flag  #: the file ends before its own header says


class Device(Record, frozen=True, kw_only=True):
    """A device as the framework itself lists it."""

    name: str  #: ``cpu`` or ``gpu:0``: envcheck's name, one for all frameworks
    framework_name: str  #: such as ``/device:GPU:0``
    description: OptionalText


class Import(Record, frozen=True, kw_only=True):
    """What happened when the framework was imported in a child."""

    status: Text  #: ``ok``, ``raised``, ``crashed``, ``timed-out``, ``exited``
    seconds: Number
    error: OptionalText
    stderr_tail: OptionalText


class Backend(Record, frozen=True, kw_only=True):
    """One framework: installed or not."""

    name: str  #: ``tensorflow``, ``jax``, ``torch``, ``openvino``, ...
    keras_backend: bool  #: Keras 3 can run on it
    installed: Flag
    version: OptionalText  #: of the files
    metadata_version: OptionalText  #: what the installer believes
    distributions: Texts  #: the distributions that provide it, such as ``tensorflow-cpu``
    how: OptionalText  #: the file that told the version
    location: OptionalText  #: the folder of its files; None: there are none
    built_for: BuiltFor
    devices: tuple[Device, ...] | Unknown
    imported: Import = msgspec.field(name="import")
    components: tuple[Component, ...] | Unknown = NOT_RECORDED
    plugins: Texts = NOT_RECORDED  #: devices or providers that its files serve, such as ``cuda13`` or ``intel_gpu``
    leftover: OptionalText = NOT_RECORDED  #: a folder of its name without its code, which Python takes for a package
    main_library: MainLibrary = all_unknown(MainLibrary, NOT_RECORDED)


# --- keras ------------------------------------------------------------------------------------


class BackendSource(Record, frozen=True, kw_only=True):
    """One place that can name the Keras backend."""

    source: str  #: ``KERAS_BACKEND``, ``keras.json`` or ``default``
    value: OptionalText  #: None: it names none
    detail: OptionalText


class Keras(Record, frozen=True, kw_only=True):
    installed: Flag
    version: OptionalText  #: of the files
    how: OptionalText  #: the file that told the version
    location: OptionalText
    distributions: Texts
    backends_available: Texts  #: the backends that this Keras has code for
    backend: OptionalText  #: the one that a bare ``import keras`` will use
    backend_chosen_by: OptionalText
    backend_sources: tuple[BackendSource, ...] | Unknown
    config_path: OptionalText  #: keras.json, whether it exists or not
    config_status: (
        Text  #: ``ok``, ``absent``, ``malformed`` (Keras ignores it), ``invalid`` or ``unreadable`` (it dies)
    )
    config_error: OptionalText
    config_writable: Flag
    tf_keras_version: OptionalText
    legacy_requested: Flag  #: TF_USE_LEGACY_KERAS asks for Keras 2
    flavour: OptionalText = NOT_RECORDED  #: ``keras-3``, ``keras-2-tensorflow`` or ``keras-2-multi-backend``
    metadata_version: OptionalText = NOT_RECORDED  #: what the installer believes
    leftover: OptionalText = NOT_RECORDED  #: a folder called keras without its code
    config_fallback: Flag = NOT_RECORDED  #: the home folder is not writable, so Keras keeps its settings below /tmp


# --- notebook ---------------------------------------------------------------------------------


class Kernel(Record, frozen=True, kw_only=True):
    """One Jupyter kernelspec."""

    name: str
    display_name: OptionalText
    path: str
    argv: Texts
    interpreter: OptionalText  #: the program that it starts
    interpreter_exists: Flag
    language: OptionalText
    starts_target: Flag = NOT_RECORDED  #: its interpreter is the target


class Notebook(Record, frozen=True, kw_only=True):
    kernels: tuple[Kernel, ...] | Unknown
    ipykernel_version: OptionalText  #: installed in the target; None: it is not


# --- smoke ------------------------------------------------------------------------------------


class StageVolatile(Record, frozen=True, kw_only=True):
    deviation: float | None | Unknown  #: from the known answer, in the unit that ``detail`` names
    seconds_first_step: float | None | Unknown = None
    seconds_steady_step: float | None | Unknown = None


class Stage(Record, frozen=True, kw_only=True):
    name: str
    status: str  #: ``passed``, ``failed``, ``skipped``
    seconds: Number
    detail: str
    tolerance: float | None | Unknown
    failure: OptionalText = (
        NOT_RECORDED  #: ``wrong-result``, ``wrong-device``, ``raised``, ``crashed``, ``timed-out``; None: no
    )
    volatile: StageVolatile


class LoadedLibrary(Record, frozen=True, kw_only=True):
    """A shared library that the process had loaded at the end."""

    soname: str
    path: str
    version: OptionalText


class SmokeRun(Record, frozen=True, kw_only=True):
    """The tiny Keras model on one device through one backend."""

    backend: str
    backend_version: OptionalText
    keras_version: OptionalText
    device: str
    status: str  #: ``passed``, ``failed``, ``crashed``, ``timed-out``, ``skipped``
    failed_stage: OptionalText
    reason: OptionalText  #: why it failed, crashed or was skipped, in the framework's own words
    stages: tuple[Stage, ...] | Unknown
    placed_on: OptionalText  #: the device that truly ran it
    libraries: tuple[LoadedLibrary, ...] | Unknown
    environment_added: tuple[EnvironmentVariable, ...] | Unknown
    stderr_tail: OptionalText


# --- all --------------------------------------------------------------------------------------


class Facts(Record, frozen=True, kw_only=True):
    platform: Platform
    hardware: Hardware
    driver: Driver
    python: Python
    backends: tuple[Backend, ...] | Unknown
    keras: Keras
    notebook: Notebook
    smoke: tuple[SmokeRun, ...] | Unknown


_VOLATILE_KEYS = frozenset({"volatile", "seconds", "stderr_tail"})


def stable_facts(facts: Facts) -> Any:
    """Return the facts as plain data without what changes from minute to minute."""
    return _without_volatile(msgspec.to_builtins(facts))


def _without_volatile(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_volatile(item) for key, item in value.items() if key not in _VOLATILE_KEYS}
    if isinstance(value, list | tuple):
        return [_without_volatile(item) for item in value]
    return value
