"""Names of CUDA's shared libraries, who ships them, and what frameworks open while they run.

What a framework opens itself (``dlopen``) stands nowhere in the header of its files, so it is told here.
"""

import re
from typing import ClassVar

from envcheck import knowledge

NAME = re.compile(
    r"lib(cudart|cublas|cublasLt|cufft|cufftw|curand|cusolver|cusolverMg|cusparse|cusparseLt|cudnn\w*|nccl|nvrtc"
    r"|nvJitLink|nvfatbin|cupti|cufile|nvshmem_host|nvToolsExt|nvtx3interop|cuda|stdc\+\+)(?:-[0-9a-f]{8})?\.so(?:\.(\d+(?:\.\d+)*))?"
)
"""The libraries that a search is recorded for. Old wheels of PyTorch carry some under names with a hash."""
TENSORFLOW_OPENS = ("cudart", "cublas", "cublasLt", "cufft", "cusolver", "cusparse")
"""Without these and cuDNN TensorFlow registers no GPU ('Cannot dlopen some GPU libraries'): TryDlopenCUDALibraries in
tsl/platform/default/dlopen_checker.cc."""
JAX_OPENS = ("cudart", "nvrtc", "cublas", "cublasLt", "cupti", "cusparse", "cusolver", "cufft")
"""Opened from the wheels, by their full names, before the plug-in: jax_plugins/cuda/__init__.py. Most are asked for
their versions there, and JAX gives up on the GPU if one is missing."""
JAX_DOES_WITHOUT = ("nvrtc",)
"""Opened for cuDNN's sake only (the same file)."""
CUDNN_PARTS = {
    8: ("ops_infer", "ops_train", "cnn_infer", "cnn_train", "adv_infer", "adv_train"),
    9: ("graph", "ops", "cnn", "adv", "heuristic", "engines_precompiled", "engines_runtime_compiled"),
}
"""The parts that cuDNN opens at the first use, by its major version (files of the wheels nvidia-cudnn-cu11 8.5 and
nvidia-cudnn-cu12 9.1). 'The default usage of cuDNN requires all sub-libraries': docs.nvidia.com, cuDNN frontend,
'Odds and Ends'."""
FIRST_JAX_WITH_CUDNN_9 = "0.4.29"
"""Requirements of jax-cuda12-plugin: nvidia-cudnn-cu12 >=9.0 since 0.4.29, <9 before."""


class Sonames(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("cuda",)

    cuda: str
    sonames: dict[str, str]


class Shipped(knowledge.Row, frozen=True, kw_only=True):
    KEY: ClassVar = ("library",)

    library: str
    wheel: str
    conda: str | None


def sonames(cuda: str) -> dict[str, str]:
    """Return what the libraries of a CUDA release are called, by their short names; empty if it is not known."""
    rows = {row.cuda: row.sonames for row in knowledge.load("cuda_sonames", Sonames)}
    numbers = cuda.split(".")
    for count in range(len(numbers), 0, -1):
        found = rows.get(".".join(numbers[:count]))
        if found is not None:
            return found
    return {}


def shipped_by(soname: str) -> Shipped | None:
    """Return who ships a library."""
    library = re.sub(r"^libcudnn_\w+", "libcudnn", soname.partition(".so")[0])
    return next((row for row in knowledge.load("cuda_packages", Shipped) if row.library == library), None)


def wheel_of(soname: str, cuda_major: int) -> str | None:
    """Return the wheel of a library for a CUDA major version: since 13 most have no suffix."""
    row = shipped_by(soname)
    if row is None:
        return None
    own_folder = row.library in ("libcudnn", "libnccl", "libnvshmem_host", "libcusparseLt")
    return f"{row.wheel}-cu{cuda_major}" if cuda_major < 13 or own_folder else row.wheel


def short_name(soname: str) -> str:
    """Return ``cudnn`` for ``libcudnn.so.9``."""
    match = NAME.match(soname)
    return match[1] if match else soname


def is_driver(soname: str) -> bool:
    """Say whether a library belongs to the driver or the system and not to CUDA's runtime."""
    return short_name(soname) in ("cuda", "stdc++")
