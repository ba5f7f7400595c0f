"""PaddlePaddle. Its version file says 'False' where there is no CUDA."""

import os
from collections.abc import Mapping

from envcheck.model.facts import OptionalText
from envcheck.probes.framework_reading import NOT_TOLD, Build, Files, Framework, text_or_none

VERSION_FILE = "version/__init__.py"


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
        library=files.first("base/libpaddle.so", "fluid/libpaddle.so", "fluid/core_avx.so"),
    )


def _toolkit(values: Mapping[str, object], name: str) -> OptionalText:
    if name not in values:
        return NOT_TOLD
    value = text_or_none(values[name])
    return None if value in (None, "False", "None") else value


FRAMEWORK = Framework(
    name="paddle", module="paddle", position=7, read=read, distributions=("paddlepaddle", "paddlepaddle-gpu")
)
