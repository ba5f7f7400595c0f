"""The driver layer of every vendor."""

import msgspec

from envcheck.model.facts.kinds import NOT_RECORDED, Flag, OptionalCount, OptionalText, Text, Texts
from envcheck.model.facts.libraries import LibrarySearch, ThreadPool
from envcheck.model.facts.nvidia import DeviceNode, KernelLog, NvidiaDriver
from envcheck.model.record import Record, all_unknown
from envcheck.model.unknown import Unknown


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


class CudaToolkit(Record, frozen=True, kw_only=True):
    """CUDA's tools for developers in one place. Frameworks carry their own runtime; only compilers need these."""

    root: str
    found_via: Texts  #: variables, ``PATH``, ``conda``, ``wheel`` or ``usual place``
    version: OptionalText
    nvcc: OptionalText
    ptxas: OptionalText
    ptxas_version: OptionalText  #: as the program tells
    libdevice: OptionalText


class TritonAssembler(Record, frozen=True, kw_only=True):
    """A PTX assembler that Triton, the compiler behind torch.compile, takes."""

    name: str  #: ``ptxas``, or ``ptxas-blackwell`` for GPUs of compute capability 10.0 and newer
    path: str
    how: str  #: ``triton`` (its own), or the variable that names it
    version: OptionalText
    targets: Texts  #: the GPUs that it can assemble for, as it tells itself: ``sm_90 sm_100a ...``


class CudaToolchain(Record, frozen=True, kw_only=True):
    """Where compilers will look for CUDA's tools."""

    cuda_home: OptionalText  #: of CUDA_HOME, CUDA_PATH, CUDA_ROOT or CUDA_DIR, the first that is set
    cuda_home_how: OptionalText
    cuda_home_exists: Flag
    xla_data_dir: OptionalText  #: --xla_gpu_cuda_data_dir of XLA_FLAGS
    toolkits: tuple[CudaToolkit, ...] | Unknown  #: in the order in which they are looked at
    triton: tuple[TritonAssembler, ...] | Unknown = NOT_RECORDED  #: of the target; () where Triton is not installed


class Driver(Record, frozen=True, kw_only=True):
    nvidia: NvidiaDriver
    amd: AmdDriver = msgspec.field(default_factory=lambda: all_unknown(AmdDriver, NOT_RECORDED))
    intel: IntelDriver = msgspec.field(default_factory=lambda: all_unknown(IntelDriver, NOT_RECORDED))
    device_nodes: tuple[DeviceNode, ...] | Unknown = NOT_RECORDED
    kernel_log: KernelLog = msgspec.field(default_factory=lambda: all_unknown(KernelLog, NOT_RECORDED))
    cuda_toolchain: CudaToolchain = msgspec.field(default_factory=lambda: all_unknown(CudaToolchain, NOT_RECORDED))
    libraries: tuple[LibrarySearch, ...] | Unknown = NOT_RECORDED  #: of the frameworks that were built for CUDA
    thread_pools: tuple[ThreadPool, ...] | Unknown = NOT_RECORDED  #: of the target, where it has threadpoolctl
