"""Ask the CUDA driver API (libcuda). Runs in envcheck's own interpreter, in the user's environment.

Facts: ``load_error`` (the loader's words), ``library`` (file or null), ``version`` (number or null), ``failed`` with
[call, code, name], ``device`` with a table of values for each device. No context is made, so nothing
is allocated on a GPU.
"""

import ctypes
import sys

from . import _maps

ATTRIBUTE_MAJOR, ATTRIBUTE_MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_* of cuda.h


def main(request, channel):
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    channel.stage("load the library")
    try:
        cuda = ctypes.CDLL(name)
    except OSError as error:
        channel.fact("load_error", str(error))
        return
    channel.fact("library", _maps.loaded_file("libcuda.so"))
    version = ctypes.c_int(0)
    # The version needs no cuInit, and tells which CUDA the library itself belongs to even where cuInit fails.
    code = cuda.cuDriverGetVersion(ctypes.byref(version))
    channel.fact("version", version.value if code == 0 else None)
    channel.stage("cuInit")
    if not _fine(cuda, channel, "cuInit", cuda.cuInit(0)):
        return
    channel.stage("cuDeviceGetCount")
    count = ctypes.c_int(0)
    if not _fine(cuda, channel, "cuDeviceGetCount", cuda.cuDeviceGetCount(ctypes.byref(count))):
        return
    channel.fact("count", count.value)
    for index in range(count.value):
        channel.stage("device %d" % index)
        channel.fact("device", _device(cuda, index))


def _fine(cuda, channel, call, code):
    if code == 0:
        return True
    channel.fact("failed", [call, code, _name(cuda, code)])
    return False


def _name(cuda, code):
    text = ctypes.c_char_p()
    try:
        if cuda.cuGetErrorName(code, ctypes.byref(text)) == 0 and text.value:
            return text.value.decode("ascii", "replace")
    except AttributeError:  # a driver before CUDA 6
        pass
    return None


def _device(cuda, index):
    handle = ctypes.c_int(0)
    told = {"index": index}
    code = cuda.cuDeviceGet(ctypes.byref(handle), index)
    if code != 0:
        told["error"] = "cuDeviceGet: %s" % (_name(cuda, code) or code)
        return told
    name = ctypes.create_string_buffer(256)
    if cuda.cuDeviceGetName(name, 256, handle) == 0:
        told["name"] = name.value.decode("utf-8", "replace")
    address = ctypes.create_string_buffer(64)
    if cuda.cuDeviceGetPCIBusId(address, 64, handle) == 0:
        told["pci_address"] = address.value.decode("ascii", "replace").lower()
    memory = ctypes.c_size_t(0)
    if cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), handle) == 0:
        told["memory_total_bytes"] = memory.value
    told.update(_capability(cuda, handle))
    told.update(_uuid(cuda, handle, " MIG " in told.get("name", "")))
    return told


def _capability(cuda, handle):
    parts = []
    for attribute in (ATTRIBUTE_MAJOR, ATTRIBUTE_MINOR):
        value = ctypes.c_int(0)
        if cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, handle) != 0:
            return {}
        parts.append(value.value)
    return {"compute_capability": "%d.%d" % tuple(parts)}


def _uuid(cuda, handle, is_slice):
    raw = (ctypes.c_ubyte * 16)()
    for call in ("cuDeviceGetUuid_v2", "cuDeviceGetUuid"):  # only the second version knows the slices of MIG
        function = getattr(cuda, call, None)
        if function is not None and function(ctypes.byref(raw), handle) == 0:
            digits = bytes(bytearray(raw)).hex()
            parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
            return {"uuid": ("MIG-" if is_slice else "GPU-") + "-".join(parts)}
    return {}
