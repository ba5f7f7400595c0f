"""What envcheck can see: the records of one snapshot, floor by floor.

Every field of a record can be ``Unknown``. Facts that change from minute to minute stand under a
``volatile`` key, so that two snapshots of one machine have equal stable facts
(:func:`stable_facts`). Sizes are in bytes, times in seconds.
"""

from typing import Any

import msgspec

from envcheck.model.facts.backends import (
    Backend as Backend,
    BuiltFor as BuiltFor,
    Component as Component,
    Device as Device,
    Import as Import,
    MainLibrary as MainLibrary,
)
from envcheck.model.facts.driver import (
    AmdDriver as AmdDriver,
    AmdNode as AmdNode,
    CudaToolchain as CudaToolchain,
    CudaToolkit as CudaToolkit,
    Driver as Driver,
    IntelDriver as IntelDriver,
    TritonAssembler as TritonAssembler,
)
from envcheck.model.facts.hardware import (
    Apple as Apple,
    Cpu as Cpu,
    CpuVolatile as CpuVolatile,
    Hardware as Hardware,
    Memory as Memory,
    MemoryVolatile as MemoryVolatile,
    PciDevice as PciDevice,
    PciVolatile as PciVolatile,
)
from envcheck.model.facts.keras import (
    BackendSource as BackendSource,
    Keras as Keras,
)
from envcheck.model.facts.kinds import (
    NOT_RECORDED as NOT_RECORDED,
    Count as Count,
    Flag as Flag,
    Number as Number,
    OptionalCount as OptionalCount,
    OptionalFlag as OptionalFlag,
    OptionalText as OptionalText,
    Text as Text,
    Texts as Texts,
)
from envcheck.model.facts.libraries import (
    LibraryCandidate as LibraryCandidate,
    LibrarySearch as LibrarySearch,
    ThreadPool as ThreadPool,
)
from envcheck.model.facts.notebook import (
    Kernel as Kernel,
    KernelKeras as KernelKeras,
    Notebook as Notebook,
    StaleModule as StaleModule,
)
from envcheck.model.facts.nvidia import (
    CudaDevice as CudaDevice,
    CudaDriver as CudaDriver,
    DeviceNode as DeviceNode,
    DkmsModule as DkmsModule,
    DriverLibrary as DriverLibrary,
    GpuProcess as GpuProcess,
    KernelLog as KernelLog,
    KernelLogVolatile as KernelLogVolatile,
    KernelMessage as KernelMessage,
    KernelModuleFile as KernelModuleFile,
    MigDevice as MigDevice,
    ModprobeLine as ModprobeLine,
    NvidiaDriver as NvidiaDriver,
    NvidiaGpu as NvidiaGpu,
    NvidiaGpuVolatile as NvidiaGpuVolatile,
    NvidiaKernel as NvidiaKernel,
    NvidiaProcGpu as NvidiaProcGpu,
    Nvml as Nvml,
    VisibleDevices as VisibleDevices,
)
from envcheck.model.facts.platform import (
    CdiSpecification as CdiSpecification,
    Cloud as Cloud,
    ContainerDevices as ContainerDevices,
    EnvironmentVariable as EnvironmentVariable,
    FileSystem as FileSystem,
    FileSystemVolatile as FileSystemVolatile,
    Platform as Platform,
    PlatformVolatile as PlatformVolatile,
    Preload as Preload,
    ProbeFailure as ProbeFailure,
    RuntimeLibrary as RuntimeLibrary,
    Scheduler as Scheduler,
    ServerProcess as ServerProcess,
    StartupFile as StartupFile,
    Tool as Tool,
    Windows as Windows,
)
from envcheck.model.facts.python import (
    Certificates as Certificates,
    CondaPackage as CondaPackage,
    MarkerEnvironment as MarkerEnvironment,
    Package as Package,
    Project as Project,
    Python as Python,
    Shadow as Shadow,
)
from envcheck.model.facts.smoke import (
    Company as Company,
    LoadedLibrary as LoadedLibrary,
    Parity as Parity,
    ParityVolatile as ParityVolatile,
    SmokeRun as SmokeRun,
    Stage as Stage,
    StageVolatile as StageVolatile,
)
from envcheck.model.record import Record
from envcheck.model.unknown import Unknown


class Facts(Record, frozen=True, kw_only=True):
    platform: Platform
    hardware: Hardware
    driver: Driver
    python: Python
    backends: tuple[Backend, ...] | Unknown
    keras: Keras
    notebook: Notebook
    smoke: tuple[SmokeRun, ...] | Unknown
    parity: tuple[Parity, ...] | Unknown = NOT_RECORDED  #: every two runs of the smoke test that gave answers
    pairs: tuple[Company, ...] | Unknown = NOT_RECORDED  #: frameworks in one process (``--pairs``)


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
