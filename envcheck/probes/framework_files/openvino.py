"""OpenVINO. Layouts seen in the wheels of 2023.3 to 2026.4."""

import os
import re

from envcheck.probes.framework_reading import NOT_TOLD, Build, Files, Framework, numpy_abi, wheel_processor

VERSION_FILE = "cmake/OpenVINOConfig-version.cmake"


def read(files: Files) -> Build:
    text = files.text(VERSION_FILE) or ""
    numbers = dict(re.findall(r"set\(PACKAGE_VERSION_(MAJOR|MINOR|PATCH) (\d+)\)", text))
    whole = len(numbers) == 3
    libraries = files.names("libs")
    plugins = (re.fullmatch(r"(?:lib)?openvino_(\w+)_plugin\.(?:so|dll|dylib)", name) for name in libraries)
    return Build(
        version=".".join(numbers[part] for part in ("MAJOR", "MINOR", "PATCH")) if whole else None,
        how=os.path.join(files.folder, VERSION_FILE) if whole else None,
        cuda=None,
        cudnn=None,
        rocm=None,
        compute_capabilities=(),
        numpy_abi=numpy_abi(
            files.host, files.first(*(name for name in files.names("") if name.startswith("_pyopenvino.")))
        ),
        # 2026.4 ran on a Westmere, which has no AVX (QEMU, 2026-11).
        instruction_sets=() if wheel_processor(files.distributions, ("openvino",)) else NOT_TOLD,
        plugins=tuple(match[1] for match in plugins if match),
        library=next(
            (
                os.path.join(files.folder, "libs", name)
                for name in libraries
                if re.fullmatch(r"(lib)?openvino\.(so[\d.]*|dll|dylib|[\d.]+dylib)", name)
            ),
            None,
        ),
    )


FRAMEWORK = Framework(
    name="openvino",
    module="openvino",
    position=3,
    read=read,
    distributions=("openvino", "openvino-nightly"),
    guests=("openvino-dev",),
    keras_backend=True,
    always_listed=True,
)
