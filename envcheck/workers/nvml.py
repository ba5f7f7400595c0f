"""Ask NVML, NVIDIA's management library. Runs in envcheck's own interpreter, never in the user's.

Request: ``pynvml`` (the file of the module, which ``-I`` may hide), ``skip`` (indices of GPUs to leave out).
Facts: ``library`` (file or null), ``load_error`` (the loader's words), ``init_error``, ``count``, and
``value`` with [GPU index or null, key, answer]. An answer is {"value": ...} or {"code": ..., "name": ..., "text": ...}.
Every call is announced before it is made: drivers hang and crash.
"""

import ctypes
import importlib.util
import os
import sys

from . import _maps


def main(request, channel):
    channel.stage("load the library")
    if os.name == "posix":
        try:
            ctypes.CDLL("libnvidia-ml.so.1")
        except OSError as error:
            channel.fact("load_error", str(error))
            return
        channel.fact("library", _maps.loaded_file("libnvidia-ml.so"))
    nvml = _pynvml(request["pynvml"])
    channel.stage("nvmlInit")
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        channel.fact("init_error", _error(nvml, error))
        return
    asked = _Asked(nvml, channel)
    for key, call in SYSTEM:
        asked.ask(None, key, call, ())
    count = asked.ask(None, "count", "nvmlDeviceGetCount", ())
    for index in range(count or 0):
        if index not in request["skip"]:
            _gpu(asked, index)


def _pynvml(path):
    spec = importlib.util.spec_from_file_location("pynvml", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["pynvml"] = module
    spec.loader.exec_module(module)
    return module


def _error(nvml, error):
    code = int(error.value)
    names = [name for name in dir(nvml) if name.startswith("NVML_ERROR_") and getattr(nvml, name) == code]
    try:
        words = _plain(nvml.nvmlErrorString(code))  # those of nvidia-smi, which people know
    except Exception:
        words = str(error)
    return {"code": code, "name": names[0] if names else "NVML error %d" % code, "text": words}


class _Asked(object):
    """Makes calls and reports each answer as it comes."""

    def __init__(self, nvml, channel):
        self.nvml = nvml
        self.channel = channel

    def ask(self, index, key, call, arguments):
        """Make one call: a name of NVML or a function of (nvml, *arguments). Returns None where it failed."""
        where = "" if index is None else "gpu %d: " % index
        self.channel.stage(where + key)
        try:
            if callable(call):
                value = call(self.nvml, *arguments)
            else:
                value = _plain(getattr(self.nvml, call)(*arguments))
        except self.nvml.NVMLError as error:
            answer = _error(self.nvml, error)
        except Exception as error:  # this pynvml lacks the function, or speaks to a driver that it does not know
            answer = {"code": 13, "name": "NVML_ERROR_FUNCTION_NOT_FOUND", "text": "pynvml: %s" % error}
        else:
            self.channel.fact("value", [index, key, {"value": value}])
            return value
        self.channel.fact("value", [index, key, answer])
        return None


def _plain(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _gpu(asked, index):
    asked.channel.stage("gpu %d: handle" % index)
    try:
        handle = asked.nvml.nvmlDeviceGetHandleByIndex(index)
    except asked.nvml.NVMLError as error:
        asked.channel.fact("value", [index, "handle", _error(asked.nvml, error)])
        return
    for key, call in GPU:
        asked.ask(index, key, call, (handle,))
    _mig_devices(asked, index, handle)


def _mig_devices(asked, index, handle):
    most = asked.ask(index, "mig_max", "nvmlDeviceGetMaxMigDeviceCount", (handle,))
    for number in range(most or 0):
        asked.ask(index, "mig_device", _mig_device, (handle, number))


def _mig_device(nvml, handle, number):
    mig = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
    return {
        "index": number,
        "name": _plain(nvml.nvmlDeviceGetName(mig)),
        "uuid": _plain(nvml.nvmlDeviceGetUUID(mig)),
        "memory_total_bytes": int(nvml.nvmlDeviceGetMemoryInfo(mig).total),
        "gpu_instance": nvml.nvmlDeviceGetGpuInstanceId(mig),
        "compute_instance": nvml.nvmlDeviceGetComputeInstanceId(mig),
    }


# --- calls that need more than a name -----------------------------------------------------------


def _cuda_driver_version(nvml):
    call = getattr(nvml, "nvmlSystemGetCudaDriverVersion_v2", nvml.nvmlSystemGetCudaDriverVersion)
    try:
        return call()
    except nvml.NVMLError_FunctionNotFound:
        return nvml.nvmlSystemGetCudaDriverVersion()


def _memory(nvml, handle):
    try:
        # As nvidia-smi does since 510: the first version counts what the driver keeps for itself as used.
        memory = nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2)
    except (nvml.NVMLError, TypeError, AttributeError):
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return {"total": int(memory.total), "free": int(memory.free), "used": int(memory.used)}


def _pci_address(nvml, handle):
    return _plain(nvml.nvmlDeviceGetPciInfo(handle).busId)


def _capability(nvml, handle):
    return "%d.%d" % tuple(nvml.nvmlDeviceGetCudaComputeCapability(handle))


def _throttle_reasons(nvml, handle):
    newer = getattr(nvml, "nvmlDeviceGetCurrentClocksEventReasons", None)
    try:
        if newer is not None:
            return newer(handle)
    except nvml.NVMLError_FunctionNotFound:
        pass
    return nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)


def _processes(kind):
    def ask(nvml, handle):
        error = None
        for version in ("_v3", "_v2"):
            call = getattr(nvml, "nvmlDeviceGet%sRunningProcesses%s" % (kind, version), None)
            try:
                if call is not None:
                    return [[process.pid, process.usedGpuMemory] for process in call(handle)]
            except nvml.NVMLError_FunctionNotFound as missing:
                error = missing
        raise error or nvml.NVMLError(nvml.NVML_ERROR_FUNCTION_NOT_FOUND)

    return ask


def _ecc(since):
    def ask(nvml, handle):
        counter = nvml.NVML_AGGREGATE_ECC if since == "ever" else nvml.NVML_VOLATILE_ECC
        return nvml.nvmlDeviceGetTotalEccErrors(handle, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, counter)

    return ask


def _retired(nvml, handle):
    return len(nvml.nvmlDeviceGetRetiredPages(handle, nvml.NVML_PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR))


def _nvlinks(nvml, handle):
    """Return the state of each link, in order. Past the last one NVML answers 'invalid argument' or 'not supported'."""
    states = []
    for link in range(nvml.NVML_NVLINK_MAX_LINKS):
        try:
            states.append(nvml.nvmlDeviceGetNvLinkState(handle, link))
        except (nvml.NVMLError_InvalidArgument, nvml.NVMLError_NotSupported):
            if not states:
                raise
            break
    return states


def _fabric(nvml, handle):
    info = nvml.c_nvmlGpuFabricInfo_v2_t()
    info.version = nvml.nvmlGpuFabricInfo_v2
    nvml.nvmlDeviceGetGpuFabricInfoV(handle, ctypes.byref(info))
    return {"state": info.state, "status": info.status}


def _recovery_action(nvml, handle):
    answer = nvml.nvmlDeviceGetFieldValues(handle, [nvml.NVML_FI_DEV_GET_GPU_RECOVERY_ACTION])[0]
    if answer.nvmlReturn:
        raise nvml.NVMLError(answer.nvmlReturn)
    return answer.value.uiVal


def _vgpu_license(nvml, handle):
    features = nvml.nvmlDeviceGetGridLicensableFeatures_v4(handle)
    if not features.isGridLicenseSupported:
        raise nvml.NVMLError(nvml.NVML_ERROR_NOT_SUPPORTED)
    count = features.licensableFeaturesCount
    return any(feature.featureEnabled for feature in features.gridLicensableFeatures[:count])


def _inforom(nvml, handle):
    nvml.nvmlDeviceValidateInforom(handle)
    return True


def _with(name, *constants):
    """Return a call of ``name`` with constants of NVML as further arguments."""

    def ask(nvml, handle):
        return getattr(nvml, name)(handle, *[getattr(nvml, constant) for constant in constants])

    return ask


SYSTEM = (
    ("driver", "nvmlSystemGetDriverVersion"),
    ("nvml", "nvmlSystemGetNVMLVersion"),
    ("cuda", _cuda_driver_version),
)
GPU = (
    ("name", "nvmlDeviceGetName"),
    ("uuid", "nvmlDeviceGetUUID"),
    ("pci_address", _pci_address),
    ("minor", "nvmlDeviceGetMinorNumber"),
    ("capability", _capability),
    ("architecture", "nvmlDeviceGetArchitecture"),
    ("vbios", "nvmlDeviceGetVbiosVersion"),
    ("gsp", "nvmlDeviceGetGspFirmwareVersion"),
    ("memory", _memory),
    ("bar1", lambda nvml, handle: int(nvml.nvmlDeviceGetBAR1MemoryInfo(handle).bar1Total)),
    ("compute_mode", "nvmlDeviceGetComputeMode"),
    ("persistence", "nvmlDeviceGetPersistenceMode"),
    ("display_active", "nvmlDeviceGetDisplayActive"),
    ("virtualization", "nvmlDeviceGetVirtualizationMode"),
    ("vgpu_licensed", _vgpu_license),
    ("ecc", lambda nvml, handle: nvml.nvmlDeviceGetEccMode(handle)[0]),
    ("ecc_ever", _ecc("ever")),
    ("ecc_since_boot", _ecc("boot")),
    ("retired_pages", _retired),
    ("retired_pending", "nvmlDeviceGetRetiredPagesPendingStatus"),
    ("remapped_rows", "nvmlDeviceGetRemappedRows"),
    ("inforom", _inforom),
    ("recovery_action", _recovery_action),
    ("pcie_generation", "nvmlDeviceGetCurrPcieLinkGeneration"),
    ("pcie_width", "nvmlDeviceGetCurrPcieLinkWidth"),
    ("pcie_generation_max", "nvmlDeviceGetMaxPcieLinkGeneration"),
    ("pcie_width_max", "nvmlDeviceGetMaxPcieLinkWidth"),
    ("pcie_replays", "nvmlDeviceGetPcieReplayCounter"),
    ("nvlinks", _nvlinks),
    ("fabric", _fabric),
    ("temperature", _with("nvmlDeviceGetTemperature", "NVML_TEMPERATURE_GPU")),
    ("temperature_slowdown", _with("nvmlDeviceGetTemperatureThreshold", "NVML_TEMPERATURE_THRESHOLD_SLOWDOWN")),
    ("power", "nvmlDeviceGetPowerUsage"),
    ("power_limit", "nvmlDeviceGetEnforcedPowerLimit"),
    ("power_limit_default", "nvmlDeviceGetPowerManagementDefaultLimit"),
    ("clock_sm", _with("nvmlDeviceGetClockInfo", "NVML_CLOCK_SM")),
    ("clock_sm_max", _with("nvmlDeviceGetMaxClockInfo", "NVML_CLOCK_SM")),
    ("throttle", _throttle_reasons),
    ("utilization", lambda nvml, handle: nvml.nvmlDeviceGetUtilizationRates(handle).gpu),
    ("compute_processes", _processes("Compute")),
    ("graphics_processes", _processes("Graphics")),
    ("mig_mode", lambda nvml, handle: nvml.nvmlDeviceGetMigMode(handle)[0]),
)
