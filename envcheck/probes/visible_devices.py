"""What CUDA_VISIBLE_DEVICES leaves of the GPUs.

Source: 'CUDA Environment Variables' in NVIDIA's CUDA C++ Programming Guide. Numbers count in the order of
CUDA_DEVICE_ORDER; a UUID may be cut short as long as it is unique; the first entry that names no device ends the list.
"""

from collections.abc import Mapping

from envcheck.model.facts import MigDevice, NvidiaGpu, VisibleDevices
from envcheck.model.unknown import Unknown

VARIABLE = "CUDA_VISIBLE_DEVICES"


def resolve(environ: Mapping[str, str], gpus: tuple[NvidiaGpu, ...] | Unknown) -> VisibleDevices:
    """Return which of NVML's GPUs CUDA programs of this environment will see."""
    value = environ.get(VARIABLE)
    order = "pci" if environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" else "fastest-first"
    if isinstance(gpus, Unknown):
        return VisibleDevices(value=value, order=order, gpus=gpus, mig_devices=gpus, cut_at=gpus)
    if value is None:
        return VisibleDevices(
            value=None, order=order, gpus=tuple(gpu.index for gpu in gpus), mig_devices=(), cut_at=None
        )
    by_number = _by_number(gpus, order)
    left: list[int] = []
    slices: list[str] = []
    for entry in (part.strip() for part in value.split(",")):
        if entry.isdecimal() and isinstance(by_number, Unknown) and int(entry) < len(gpus):
            return VisibleDevices(value=value, order=order, gpus=by_number, mig_devices=by_number, cut_at=by_number)
        gpu, mig = _named(entry, gpus, by_number)
        if gpu is None:
            cut_at = entry if value.strip() else None
            return VisibleDevices(value=value, order=order, gpus=tuple(left), mig_devices=tuple(slices), cut_at=cut_at)
        if gpu not in left:
            left.append(gpu)
        slices += [mig] if mig else []
    return VisibleDevices(value=value, order=order, gpus=tuple(left), mig_devices=tuple(slices), cut_at=None)


def _by_number(gpus: tuple[NvidiaGpu, ...], order: str) -> tuple[int, ...] | Unknown:
    """Return NVML's index for each of CUDA's numbers. NVML counts by PCI address, CUDA by speed unless told."""
    if order == "pci" or len({str(gpu.name) for gpu in gpus}) <= 1:
        return tuple(gpu.index for gpu in gpus)
    return Unknown("unsupported", "the GPUs are of different kinds, and only CUDA knows which of them it counts first")


def _named(
    entry: str, gpus: tuple[NvidiaGpu, ...], by_number: tuple[int, ...] | Unknown
) -> tuple[int | None, str | None]:
    """Return the GPU that an entry names and, if it names a slice of one, the UUID of that MIG device."""
    if entry.isdecimal() and not isinstance(by_number, Unknown):
        number = int(entry)
        return (by_number[number] if number < len(by_number) else None), None
    if entry.startswith("GPU-"):
        matches = [gpu.index for gpu in gpus if isinstance(gpu.uuid, str) and gpu.uuid.startswith(entry)]
        return (matches[0] if len(matches) == 1 else None), None
    if entry.startswith("MIG-"):
        for gpu in gpus:
            for device in gpu.mig_devices if isinstance(gpu.mig_devices, tuple) else ():
                if entry in (device.uuid, _old_name(gpu, device)):
                    return gpu.index, str(device.uuid)
    return None, None


def _old_name(gpu: NvidiaGpu, device: MigDevice) -> str:
    """Return the form of drivers before 470: ``MIG-GPU-UUID/GPU instance/compute instance``."""
    return f"MIG-{gpu.uuid}/{device.gpu_instance}/{device.compute_instance}"
