"""Which CUDA libraries a framework asks for, and which of its files asks.

PyTorch's stand in the headers of its files; TensorFlow and JAX open theirs while they run, which is known of them.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from envcheck.host import Host
from envcheck.knowledge import cuda_libraries
from envcheck.model.facts import Backend
from envcheck.probes import elf_dynamic, torch_preloads
from envcheck.probes.loader import Asker

TORCH_FILES = (
    "libtorch_global_deps.so",
    "libc10_cuda.so",
    "libtorch_cuda.so",
    "libtorch_cuda_linalg.so",
    "libcaffe2_nvrtc.so",
)
"""In the order in which 'import torch' loads them; the first is opened by torch/__init__.py, for all that follow."""


@dataclass(frozen=True)
class Request:
    """A library that a framework asks for on behalf of ``asker``."""

    soname: str
    asker: Asker
    required: bool = True
    opens: str | None = None  #: the file that the framework opens itself, if CUDA's runtime is there already


@dataclass(frozen=True)
class Requests:
    """What one framework asks for; ``wheels``: when it looks into them itself (``first``, ``last``, ``never``)."""

    framework: str
    requests: tuple[Request, ...]
    wheels: str


def of(host: Host, backend: Backend, path: Sequence[str]) -> Requests | None:
    """Return what a framework asks for; None for one that was not built for CUDA or whose ways are not known.

    ``path`` is the target's sys.path.
    """
    cuda, location = backend.built_for.cuda, backend.location
    if backend.installed is not True or not isinstance(cuda, str) or not isinstance(location, str):
        return None
    if backend.name == "torch":
        return _torch(host, location, path, cuda)
    if backend.name == "tensorflow":
        return _tensorflow(host, backend, location, cuda)
    return _jax(host, backend, location, cuda) if backend.name == "jax" else None


def asker(host: Host, path: str) -> Asker | None:
    dynamic = elf_dynamic.read(host, path)
    return Asker(path, host, dynamic) if dynamic is not None else None


def _torch(host: Host, location: str, path: Sequence[str], cuda: str) -> Requests:
    askers = [found for name in TORCH_FILES if (found := asker(host, f"{location}/lib/{name}"))]
    requests = [Request(name, found) for found in askers for name in found.dynamic.needed]
    wanted = {request.soname for request in requests}
    first = [request for request in requests if request.asker is askers[0]]
    opened = [
        Request(name, askers[0], opens=file)
        for file in (torch_preloads.files(host, location, path, cuda) if askers else ())
        if (name := posixpath.basename(file)) in wanted or name.startswith("libnvJitLink.so")
    ]
    return Requests("torch", (*first, *opened, *requests), wheels="last")


def _tensorflow(host: Host, backend: Backend, location: str, cuda: str) -> Requests | None:
    # 1.15, 2.0 and 2.1 keep their libraries in a package beside.
    folders = (location, posixpath.join(posixpath.dirname(location), "tensorflow_core"))
    names = [f"{folder}/libtensorflow_framework.so.{number}" for folder in folders for number in (2, 1)]
    first = next((found for name in names if (found := asker(host, name))), None)
    if first is None:
        return None
    other = asker(host, posixpath.join(posixpath.dirname(first.path), "libtensorflow_cc.so.2"))
    if other is not None:
        # Both parts open libraries (cuSOLVER since 2.21 only the second), and which does is not seen from outside.
        folders_of_both = tuple(dict.fromkeys((*first.dynamic.runpath, *other.dynamic.runpath)))
        first = Asker(first.path, host, _with_runpath(first.dynamic, folders_of_both))
    named = cuda_libraries.sonames(cuda)
    wanted = [named[name] for name in cuda_libraries.TENSORFLOW_OPENS if name in named]
    wanted += _cudnn(backend.built_for.cudnn)
    opened = tuple(Request(name, first) for name in ("libcuda.so.1", *wanted))
    needed = tuple(Request(name, first) for name in first.dynamic.needed)
    return Requests("tensorflow", needed + opened, wheels="never")


def _with_runpath(dynamic: elf_dynamic.Dynamic, runpath: tuple[str, ...]) -> elf_dynamic.Dynamic:
    return elf_dynamic.Dynamic(dynamic.needed, dynamic.soname, dynamic.rpath, runpath)


def _jax(host: Host, backend: Backend, location: str, cuda: str) -> Requests | None:
    site = posixpath.dirname(location)
    plugin = asker(host, f"{site}/jax_plugins/xla_cuda{cuda.partition('.')[0]}/xla_cuda_plugin.so")
    if plugin is None:
        return None
    named = cuda_libraries.sonames(cuda)
    wanted = [named[name] for name in cuda_libraries.JAX_OPENS if name in named]
    names = ("libcuda.so.1", *plugin.dynamic.needed, *wanted, *_cudnn_of_jax(backend))
    optional = {named.get(name) for name in cuda_libraries.JAX_DOES_WITHOUT}
    return Requests("jax", tuple(Request(name, plugin, name not in optional) for name in names), wheels="first")


def _cudnn(version: object) -> list[str]:
    match = re.match(r"\d+", version) if isinstance(version, str) else None
    return [f"libcudnn.so.{match[0]}"] if match else []


def _cudnn_of_jax(backend: Backend) -> list[str]:
    try:
        version = Version(backend.version) if isinstance(backend.version, str) else None
    except InvalidVersion:
        version = None
    if version is None:
        return []
    return ["libcudnn.so.9" if version >= Version(cuda_libraries.FIRST_JAX_WITH_CUDNN_9) else "libcudnn.so.8"]
