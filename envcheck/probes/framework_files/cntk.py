"""Microsoft Cognitive Toolkit, last released as 2.7."""

import os

from envcheck.probes.framework_reading import NOT_TOLD, Build, Files, Framework, numpy_abi


def read(files: Files) -> Build:
    version = (files.text("VERSION") or "").strip() or None
    is_cpu = any(package.name == "cntk" for package in files.distributions)
    parent = os.path.dirname(files.folder)
    names = files.host.list_dir(parent)
    binding = next((name for name in names if name.startswith("_cntk_py.")), None) if isinstance(names, tuple) else None
    return Build(
        version=version,
        how=os.path.join(files.folder, "VERSION") if version else None,
        cuda=None if is_cpu else NOT_TOLD,
        cudnn=None if is_cpu else NOT_TOLD,
        rocm=None,
        compute_capabilities=() if is_cpu else NOT_TOLD,
        numpy_abi=numpy_abi(files.host, os.path.join(parent, binding) if binding else None),
        # 2.7 runs on a Westmere, which has no AVX (QEMU, 2026-11).
        instruction_sets=() if is_cpu and version == "2.7" else NOT_TOLD,
        library=files.first("libs/libCntk.Core-2.7.so"),
    )


FRAMEWORK = Framework(name="cntk", module="cntk", position=5, read=read, distributions=("cntk", "cntk-gpu"))
