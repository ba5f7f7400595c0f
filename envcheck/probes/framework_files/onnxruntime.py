"""ONNX Runtime. Layouts seen in the wheels of 1.10 to 1.32."""

import os
import re

from envcheck.model.facts import OptionalText
from envcheck.probes.framework_reading import (
    NOT_TOLD,
    Build,
    Files,
    Framework,
    numpy_abi,
    text_or_none,
    wheel_processor,
)

VERSION_FILE = "capi/build_and_package_info.py"


def read(files: Files) -> Build:
    values = files.values(VERSION_FILE)
    version = text_or_none(values.get("__version__"))
    names = files.names("capi")
    providers = (re.fullmatch(r"(?:lib)?onnxruntime_providers_(\w+)\.(?:so|dll|dylib)", name) for name in names)
    plugins = tuple(match[1] for match in providers if match and match[1] != "shared")
    cuda: OptionalText = text_or_none(values.get("cuda_version"))
    if cuda is None and "cuda" in plugins:
        cuda = NOT_TOLD
    binding = next((name for name in names if name.startswith("onnxruntime_pybind11_state.")), None)
    core = next((name for name in names if name.startswith("libonnxruntime.so")), binding)
    return Build(
        version=version,
        how=os.path.join(files.folder, VERSION_FILE) if version else None,
        cuda=cuda,
        cudnn=None if cuda is None else NOT_TOLD,
        rocm=NOT_TOLD if "rocm" in plugins or "migraphx" in plugins else None,
        compute_capabilities=() if cuda is None else NOT_TOLD,
        numpy_abi=numpy_abi(files.host, os.path.join(files.folder, "capi", binding) if binding else None),
        # 1.32 ran on a Westmere, which has no AVX (QEMU, 2026-11).
        instruction_sets=() if wheel_processor(files.distributions, ("onnxruntime",)) else NOT_TOLD,
        plugins=plugins,
        library=os.path.join(files.folder, "capi", core) if core else None,
    )


FRAMEWORK = Framework(
    name="onnxruntime",
    module="onnxruntime",
    position=8,
    read=read,
    native=True,
    distributions=(
        "onnxruntime",
        "onnxruntime-gpu",
        "onnxruntime-openvino",
        "onnxruntime-directml",
        "onnxruntime-rocm",
    ),
)
