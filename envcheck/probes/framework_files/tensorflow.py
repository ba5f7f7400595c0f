"""TensorFlow. Layouts seen in the wheels of 1.10 to 2.21."""

import os
import re
from dataclasses import replace

from envcheck.model.facts import OptionalText, Texts
from envcheck.model.unknown import known
from envcheck.probes.framework_reading import (
    NOT_TOLD,
    Build,
    Files,
    Framework,
    compute_capability,
    numpy_abi,
    release,
    text_or_none,
    wheel_processor,
)

OFFICIAL = (
    "tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-intel", "tf-nightly", "tf-nightly-cpu",
    "tf-nightly-gpu",
)  # fmt: skip
OTHERS = ("tensorflow-rocm", "tensorflow-macos", "tensorflow-aarch64", "tensorflow-cpu-aws", "intel-tensorflow")
FIRST_WITH_AVX = (1, 6)
"""tensorflow.org/install/pip, 'hardware requirements'; since which version: tensorflow/tensorflow#45872."""
BUILT_WITH_AVX2_BY_MISTAKE = (2, 4, 0)
"""Seen on Linux: tensorflow/tensorflow#45744. 2.4.1 needs AVX alone again: thoth-station/adviser#1616."""


def read(files: Files) -> Build:
    # In 1.15, 2.0 and 2.1 the package 'tensorflow' is a shell around 'tensorflow_core'.
    core = files.beside("tensorflow_core")
    if core is not None:
        files = replace(core, distributions=files.distributions)
    version, how = _version(files)
    settings = dict(files.values("python/platform/build_info.py"))
    since_2_3 = settings.get("build_info")
    settings.update(since_2_3 if isinstance(since_2_3, dict) else {})
    official = bool(files.distributions) and all(package.name in OFFICIAL for package in files.distributions)
    cuda, rocm = settings.get("is_cuda_build"), settings.get("is_rocm_build")
    return Build(
        version=version,
        how=how,
        cuda=_if_built(cuda, settings.get("cuda_version") or settings.get("cuda_version_number")),
        cudnn=_if_built(cuda, settings.get("cudnn_version") or settings.get("cudnn_version_number")),
        # Before 1.15 nothing is written of ROCm, and only tensorflow-rocm was built for it.
        rocm=None if rocm is None and official else _if_built(rocm, settings.get("rocm_version")),
        compute_capabilities=_capabilities(cuda, settings.get("cuda_compute_capabilities")),
        numpy_abi=numpy_abi(
            files.host,
            files.first("python/util/_pywrap_checkpoint_reader.so", "python/framework/fast_tensor_util.so"),
        ),
        instruction_sets=_instruction_sets(files, version),
        library=files.first(
            "libtensorflow_cc.so.2",
            "libtensorflow_cc.2.dylib",
            "python/_pywrap_tensorflow_internal.so",
            "python/_pywrap_tensorflow_internal.pyd",
        ),
    )


def _version(files: Files) -> tuple[str | None, str | None]:
    header = "include/tensorflow/core/public/version.h"
    text = files.text(header) or ""
    defined = dict(re.findall(r"^#define TF_(MAJOR|MINOR|PATCH)_VERSION +(\d+)", text, re.MULTILINE))
    numbers = [defined.get(part, "") for part in ("MAJOR", "MINOR", "PATCH")]
    if all(numbers):
        suffix = re.search(r'^#define TF_VERSION_SUFFIX "([^"]*)"', text, re.MULTILINE)
        return ".".join(numbers) + (suffix[1] if suffix else ""), os.path.join(files.folder, header)
    # Since 2.19 the header has no numbers any more.
    script = "tools/pip_package/setup.py"
    assigned = re.search(r"^_VERSION = ['\"]([^'\"]+)", files.text(script) or "", re.MULTILINE)
    return (assigned[1], os.path.join(files.folder, script)) if assigned else (None, None)


def _if_built(is_built: object, version: object) -> OptionalText:
    """Return a toolkit's version; None for a build without it."""
    if is_built is False:
        return None
    return (text_or_none(version) or NOT_TOLD) if is_built else NOT_TOLD


def _capabilities(is_cuda: object, architectures: object) -> Texts:
    if is_cuda is False:
        return ()
    if not is_cuda or not isinstance(architectures, list):
        return NOT_TOLD
    return tuple(compute_capability(str(name)) for name in architectures)


def _instruction_sets(files: Files, version: str | None) -> Texts:
    processor = wheel_processor(files.distributions, OFFICIAL)
    numbers = release(version)
    if processor is None or not numbers:
        return NOT_TOLD
    if processor != "x86_64" or numbers < FIRST_WITH_AVX:
        return ()
    on_linux = any("manylinux" in tag for package in files.distributions for tag in known(package.wheel_tags, ()))
    return ("avx", "avx2") if numbers == BUILT_WITH_AVX2_BY_MISTAKE and on_linux else ("avx",)


FRAMEWORK = Framework(
    name="tensorflow",
    module="tensorflow",
    position=0,
    read=read,
    distributions=OFFICIAL + OTHERS,
    keras_backend=True,
    always_listed=True,
    native=True,
)
