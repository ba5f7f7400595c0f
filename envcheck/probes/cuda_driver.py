"""The CUDA driver API, asked in a fresh child: what NVML says proves nothing about CUDA."""

import sys

from envcheck.child import ChildResult
from envcheck.host import Host
from envcheck.model.facts import CudaDevice, CudaDriver
from envcheck.model.unknown import Unknown
from envcheck.probes.driver_libraries import kind_of
from envcheck.probes.nvml import cuda_version, why_unfinished

DRIVER = "the CUDA driver"
SECONDS = 20.0  #: cuInit wakes every GPU; without persistence mode that takes a second or two for each
NO_DEVICE = 100
NAMES = {
    2: "CUDA_ERROR_OUT_OF_MEMORY",
    3: "CUDA_ERROR_NOT_INITIALIZED",
    34: "CUDA_ERROR_STUB_LIBRARY",
    46: "CUDA_ERROR_DEVICE_UNAVAILABLE",
    100: "CUDA_ERROR_NO_DEVICE",
    101: "CUDA_ERROR_INVALID_DEVICE",
    802: "CUDA_ERROR_SYSTEM_NOT_READY",
    803: "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
    804: "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
    999: "CUDA_ERROR_UNKNOWN",
}
"""CUresult of cuda.h, for libraries that do not tell names themselves, as the stub does not."""


def ask(host: Host) -> CudaDriver:
    """Load libcuda as the user's programs would, initialise it and list its devices. Nothing is allocated on a GPU."""
    result = host.run_worker(sys.executable, "cuda_driver", {}, timeout=min(SECONDS, host.timeout), isolated=True)
    load_error = result.last("load_error")
    if load_error is not None:
        return _not_loaded(load_error)
    library = result.last("library")
    version = result.last("version")
    api_version = cuda_version(version) if version else None
    kind = kind_of(library) if library else None
    failed = result.last("failed")
    if failed is not None:
        call, code, name = failed
        words = name or NAMES.get(code) or f"CUDA error {code}"
        return CudaDriver(
            status="error", failed_call=call, error_code=code, error=words, library=library, library_kind=kind,
            api_version=api_version, devices=() if code == NO_DEVICE else Unknown("failed", f"{call}: {words}"),
        )  # fmt: skip
    if result.ending != "done" and result.last("count") is None:
        why = why_unfinished(result, DRIVER)
        return CudaDriver(
            status=why, failed_call=result.stage, error_code=None, error=why.detail, library=library,
            library_kind=kind, api_version=api_version if version is not None else why, devices=why,
        )  # fmt: skip
    return CudaDriver(
        status="ok", failed_call=None, error_code=None, error=None, library=library, library_kind=kind,
        api_version=api_version, devices=_devices(result),
    )  # fmt: skip


def _not_loaded(error: str) -> CudaDriver:
    lower = error.lower()
    named = lower.startswith("libcuda.so.1:") or "library libcuda.so.1" in lower or "nvcuda.dll" in lower
    status = (
        "library-missing" if named and ("no such file" in lower or "could not find" in lower) else "library-unusable"
    )
    devices = () if status == "library-missing" else Unknown("failed", error)
    return CudaDriver(
        status=status, failed_call=None, error_code=None, error=error, library=None, library_kind=None,
        api_version=None, devices=devices,
    )  # fmt: skip


def _devices(result: ChildResult) -> tuple[CudaDevice, ...]:
    """Return the devices; those after one that took the process with it say how it ended."""
    told = {device["index"]: device for device in result.all("device")}
    lost = (
        Unknown("failed", "the CUDA driver did not tell") if result.ending == "done" else why_unfinished(result, DRIVER)
    )
    devices = []
    for index in range(result.last("count")):
        device = told.get(index, {})
        otherwise = Unknown("failed", device["error"]) if "error" in device else lost
        devices.append(
            CudaDevice(
                index=index,
                name=device.get("name", otherwise),
                uuid=device.get("uuid", otherwise),
                pci_address=device.get("pci_address", otherwise),
                compute_capability=device.get("compute_capability", otherwise),
                memory_total_bytes=device.get("memory_total_bytes", otherwise),
            )
        )
    return tuple(devices)
