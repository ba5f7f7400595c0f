"""PaddlePaddle. Its version file says 'False' where there is no CUDA."""

import os
from collections.abc import Mapping

from envcheck.model.facts import OptionalText, Texts
from envcheck.model.unknown import known
from envcheck.probes.framework_reading import (
    NOT_TOLD,
    Build,
    Files,
    Framework,
    release,
    text_or_none,
)

VERSION_FILE = "version/__init__.py"
DISTRIBUTIONS = ("paddlepaddle", "paddlepaddle-gpu")
FIRST_WITH_AVX, FIRST_WITH_AVX2 = (2, 6), (3, 0)
"""Wheels of PyPI under QEMU, 2026-11: 2.6.2 dies of SIGILL on a Westmere and runs on a SandyBridge, 3.0.0 and 3.3.1 run
on a SandyBridge only when it is given AVX2. Before 2.6 there were builds with and without AVX."""


def read(files: Files) -> Build:
    values = files.values(VERSION_FILE)
    version = text_or_none(values.get("full_version"))
    cuda = _toolkit(values, "cuda_version")
    return Build(
        version=version,
        how=os.path.join(files.folder, VERSION_FILE) if version else None,
        cuda=cuda,
        cudnn=_toolkit(values, "cudnn_version"),
        rocm=_toolkit(values, "hip_version"),
        compute_capabilities=() if cuda is None else NOT_TOLD,
        instruction_sets=_instruction_sets(files, version),
        library=files.first("base/libpaddle.so", "fluid/libpaddle.so", "fluid/core_avx.so"),
    )


def _toolkit(values: Mapping[str, object], name: str) -> OptionalText:
    if name not in values:
        return NOT_TOLD
    value = text_or_none(values[name])
    return None if value in (None, "False", "None") else value


def _instruction_sets(files: Files, version: str | None) -> Texts:
    # The wheels of PyPI have 'linux' in their tag, where others have 'manylinux'.
    wheels = [package for package in files.distributions if package.installer != "conda"]
    on_x86 = any("x86_64" in tag or "amd64" in tag for package in wheels for tag in known(package.wheel_tags, ()))
    numbers = release(version)
    if not on_x86 or numbers < FIRST_WITH_AVX:
        return NOT_TOLD
    return ("avx", "avx2") if numbers >= FIRST_WITH_AVX2 else ("avx",)


FRAMEWORK = Framework(name="paddle", module="paddle", position=7, read=read, distributions=DISTRIBUTIONS, native=True)
