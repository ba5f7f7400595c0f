"""Apache MXNet. Its distributions carry the CUDA version in their names."""

import os
import re

from envcheck.model.facts import OptionalText, Texts
from envcheck.probes.framework_reading import (
    NOT_TOLD,
    Build,
    Files,
    Framework,
    release,
    text_or_none,
    wheel_processor,
)

SEEN_WITH_AVX = (1, 9, 1)
"""mxnet 1.9.1 of PyPI is imported on a Westmere, dies there of SIGILL in its first product, and runs with AVX (QEMU,
2026-11)."""


def read(files: Files) -> Build:
    version = text_or_none(files.values("libinfo.py").get("__version__"))
    cuda = _cuda(files)
    return Build(
        version=version,
        how=os.path.join(files.folder, "libinfo.py") if version else None,
        cuda=cuda,
        cudnn=None if cuda is None else NOT_TOLD,
        rocm=None,
        compute_capabilities=() if cuda is None else NOT_TOLD,
        instruction_sets=_instruction_sets(files, version),
        library=files.first("libmxnet.so", "libmxnet.dylib", "libmxnet.dll"),
    )


def _cuda(files: Files) -> OptionalText:
    if not files.distributions:
        return NOT_TOLD
    for package in files.distributions:
        match = re.search(r"-cu(\d+)(\d)(?:mkl)?$", package.name)
        if match:
            return f"{match[1]}.{match[2]}"  # mxnet-cu112 is for CUDA 11.2
    return None


def _instruction_sets(files: Files, version: str | None) -> Texts:
    is_seen = wheel_processor(files.distributions, ("mxnet",)) == "x86_64" and release(version) == SEEN_WITH_AVX
    return ("avx",) if is_seen else NOT_TOLD


FRAMEWORK = Framework(name="mxnet", module="mxnet", position=6, read=read, distributions=("mxnet",), native=True)
