"""PyTorch. Layouts seen in the wheels of 1.4 to 2.13 and in Debian's package."""

import os
import re

from packaging.requirements import InvalidRequirement, Requirement

from envcheck.model.facts import OptionalText, Texts
from envcheck.model.unknown import known
from envcheck.probes.framework_reading import (
    NOT_TOLD,
    Build,
    Files,
    Framework,
    compute_capability,
    numpy_abi,
    read_only_data,
    text_or_none,
    wheel_processor,
)

DEVICE_LIBRARIES = {"cuda": "torch_cuda", "rocm": "torch_hip", "xpu": "torch_xpu"}
ARCHITECTURES = re.compile(rb"(?<![^\0])(?:sm|compute)_\d+[a-z]?(?: (?:sm|compute)_\d+[a-z]?)*(?=\0)")
"""What torch.cuda.get_arch_list() splits into words."""


def read(files: Files) -> Build:
    values = files.values("version.py")
    version = text_or_none(values.get("__version__"))
    cuda = text_or_none(values.get("cuda"))
    bindings = files.first("lib/libtorch_python.so", "lib/libtorch_python.dylib", "lib/torch_python.dll")
    parts = (files.component(name, "version.py", "__init__.py") for name in ("torchvision", "torchaudio", "triton"))
    return Build(
        version=version,
        how=os.path.join(files.folder, "version.py") if version else None,
        cuda=cuda if "cuda" in values else NOT_TOLD,
        cudnn=_cudnn(files) if cuda else None,
        rocm=text_or_none(values.get("hip")) if "hip" in values else NOT_TOLD,
        compute_capabilities=_compute_capabilities(files, bindings) if cuda else (),
        numpy_abi=numpy_abi(files.host, bindings),
        # Kernels are chosen as the processor offers them: 2.13 ran on a Westmere, which has no AVX (QEMU, 2026-11).
        instruction_sets=() if wheel_processor(files.distributions, ("torch",)) else NOT_TOLD,
        components=tuple(part for part in parts if part is not None),
        plugins=_plugins(files),
        library=files.first("lib/libtorch_cpu.so", "lib/libtorch_cpu.dylib", "lib/torch_cpu.dll", "lib/libtorch.so"),
    )


def _cudnn(files: Files) -> OptionalText:
    """Return the cuDNN that the wheel requires, or the major version of the one that it brings along."""
    for package in files.distributions:
        for text in known(package.requires, ()):
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            pinned = [clause.version for clause in requirement.specifier if clause.operator == "=="]
            if requirement.name.startswith("nvidia-cudnn") and pinned:
                return pinned[0]
    bundled = (re.fullmatch(r"libcudnn(?:-\w+)?\.so\.(\d+)", name) for name in files.names("lib"))
    return next((match[1] for match in bundled if match), NOT_TOLD)


def _compute_capabilities(files: Files, bindings: str | None) -> Texts:
    data = read_only_data(files.host, bindings) if bindings is not None else None
    found = ARCHITECTURES.findall(data) if data is not None else []
    if not found:
        return NOT_TOLD
    return tuple(compute_capability(name) for name in max(found, key=len).decode().split())


def _plugins(files: Files) -> tuple[str, ...]:
    names = files.names("lib")
    return tuple(
        device
        for device, library in DEVICE_LIBRARIES.items()
        if any(name in (f"lib{library}.so", f"{library}.dll") for name in names)
    )


FRAMEWORK = Framework(
    name="torch",
    module="torch",
    position=2,
    read=read,
    distributions=("torch",),
    keras_backend=True,
    always_listed=True,
    native=True,
)
