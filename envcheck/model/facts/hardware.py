"""Processor, memory and PCI devices."""

import msgspec

from envcheck.model.facts.kinds import (
    NOT_RECORDED,
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
    oom_kills: OptionalCount = NOT_RECORDED  #: processes killed in this control group; None: it does not count them


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
