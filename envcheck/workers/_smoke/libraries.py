"""The shared libraries that this process has loaded, those that matter to the stack."""

import os
import re
import struct

MAPS = "/proc/self/maps"
#: File names. What is left out (libc, codecs, extension modules of no interest) is the large rest.
MATTERS = re.compile(
    r"^lib(cuda|cudart|cudnn\w*|cublas\w*|cufft\w*|curand|cusolver\w*|cusparse\w*|cupti|nccl|nvrtc\S*|nvJitLink|nvToolsExt"
    r"|nvinfer\w*|nvidia-\S+|amdhip64|MIOpen|rocblas|hipblas\w*|rccl|hsa-runtime64|ze_loader|sycl"
    r"|mkl_\w+|openblas\w*|scipy_openblas\w*|blas|cblas|lapack|iomp5|gomp|omp|dnnl|mkldnn|onednn\w*|tbb\w*"
    r"|stdc\+\+|gcc_s|protobuf\w*|tensorflow\w*|torch\w*|c10\w*|openvino\w*|jax\w*|xla\w*|pjrt\w*|mpi\w*)"
    r"([-.]\S*)?\.(so|dylib)(\.\S+)?$"
    r"|^(_pywrap_tensorflow_internal|xla_extension|xla_cuda_plugin)\.so$"
)
VERSION = re.compile(r"\.so\.(\d+(?:\.\d+)+)$")


def loaded():
    """Return the libraries in the order of their paths, or None where the system has no /proc."""
    try:
        with open(MAPS, errors="surrogateescape") as stream:
            lines = stream.readlines()
    except OSError:
        return None
    mapped = {line.rstrip("\n").split(None, 5)[-1] for line in lines}
    return [_described(path) for path in sorted(mapped) if MATTERS.match(os.path.basename(path))]


def _described(path):
    version = VERSION.search(path)
    return {
        "soname": _soname(path) or os.path.basename(path),
        "path": path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        "version": version.group(1) if version else None,
    }


def _soname(path):
    """Read DT_SONAME of a 64-bit little-endian ELF file; None if there is none or it is another kind of file."""
    try:
        with open(path, "rb") as stream:
            return _read_soname(stream)
    except (OSError, struct.error, ValueError):
        return None


def _read_soname(stream):
    header = stream.read(64)
    if header[:6] != b"\x7fELF\x02\x01":
        return None
    (table,) = struct.unpack_from("<Q", header, 32)
    entry_size, count = struct.unpack_from("<HH", header, 54)
    stream.seek(table)
    segments = [struct.unpack("<IIQQQQQQ", stream.read(entry_size)[:56]) for _ in range(count)]
    loads = [segment for segment in segments if segment[0] == 1]  # PT_LOAD
    dynamic = [segment for segment in segments if segment[0] == 2]  # PT_DYNAMIC
    if not dynamic:
        return None
    stream.seek(dynamic[0][2])
    data = stream.read(dynamic[0][5])
    entries = dict(struct.iter_unpack("<qQ", data))
    if 14 not in entries or 5 not in entries:  # DT_SONAME, DT_STRTAB
        return None
    for _, _, offset, address, _, size, _, _ in loads:
        if address <= entries[5] < address + size:
            stream.seek(entries[5] - address + offset + entries[14])
            return stream.read(256).split(b"\0")[0].decode("utf-8", "replace")
    return None
