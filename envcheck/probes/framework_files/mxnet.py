"""Apache MXNet. Its distributions carry the CUDA version in their names."""

import os
import re

from envcheck.model.facts import OptionalText
from envcheck.probes.framework_reading import NOT_TOLD, Build, Files, Framework, text_or_none


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


FRAMEWORK = Framework(name="mxnet", module="mxnet", position=6, read=read, distributions=("mxnet",))
