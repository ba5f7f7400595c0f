"""Every table of rows by its name, with the kind of its rows."""

from envcheck.knowledge import Row
from envcheck.knowledge.builds import Build
from envcheck.knowledge.conda_packages import ChannelPackage
from envcheck.knowledge.cuda import ComputeCapability, Driver
from envcheck.knowledge.cuda_libraries import Shipped, Sonames
from envcheck.knowledge.forward_compatibility import CompatibilityPackage, DataCenterGpu
from envcheck.knowledge.frameworks import InstructionSets, KerasBackend, Unmaintained
from envcheck.knowledge.hardware import AmdDevice, ArmCore, ArmVendor, IntelDevice, NvidiaDevice, PciVendor
from envcheck.knowledge.peak_flops import Peak
from envcheck.knowledge.system_packages import SystemPackage
from envcheck.knowledge.unstated import Unstated
from envcheck.knowledge.xid import Action, XidRow

TABLES: dict[str, type[Row]] = {
    "amd_devices": AmdDevice,
    "arm_cores": ArmCore,
    "arm_vendors": ArmVendor,
    "builds": Build,
    "compute_capabilities": ComputeCapability,
    "conda_packages": ChannelPackage,
    "cuda_drivers": Driver,
    "cuda_packages": Shipped,
    "cuda_sonames": Sonames,
    "data_center_gpus": DataCenterGpu,
    "forward_compatibility": CompatibilityPackage,
    "instruction_sets": InstructionSets,
    "intel_devices": IntelDevice,
    "keras_backends": KerasBackend,
    "nvidia_devices": NvidiaDevice,
    "pci_vendors": PciVendor,
    "peak_flops": Peak,
    "system_packages": SystemPackage,
    "unmaintained": Unmaintained,
    "unstated": Unstated,
    "xid": XidRow,
    "xid_actions": Action,
}
