"""CUDA's tools for developers: nvcc, ptxas and libdevice, which XLA, Triton and extension builds need."""

import json
import os
import posixpath
import re

from envcheck.host import Host
from envcheck.model.facts import CudaToolchain, CudaToolkit, Python
from envcheck.model.unknown import Unknown, known
from envcheck.probes import triton
from envcheck.probes.loader import resolved, system_host

VARIABLES = ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "CUDA_DIR")
XLA_DATA_DIR = re.compile(r"--xla_gpu_cuda_data_dir=(\S+)")
PTXAS_VERSION = re.compile(r"release [\d.]+, V(\d+(?:\.\d+)+)")
WHEEL_FOLDERS = ("nvidia/cuda_nvcc", "nvidia/cu13", "nvidia/cu12")
"""Where the wheels nvidia-cuda-nvcc-cu12 and nvidia-cuda-nvcc (13) put their files below site-packages."""
LIBDEVICE = "nvvm/libdevice/libdevice.10.bc"


def probe(host: Host, python: Python) -> CudaToolchain:
    """Look in every place where a compiler may find CUDA, those of the target environment among them."""
    prefix = python.prefix if isinstance(python.prefix, str) else None
    site_packages = known(python.site_packages, ())
    how = next((name for name in VARIABLES if host.environ.get(name)), None)
    home = host.environ[how] if how else None
    flags = XLA_DATA_DIR.search(host.environ.get("XLA_FLAGS", ""))
    return CudaToolchain(
        cuda_home=home,
        cuda_home_how=how,
        cuda_home_exists=home is not None and system_host(host, home).is_dir(home),
        xla_data_dir=flags.group(1) if flags else None,
        toolkits=_toolkits(host, prefix, site_packages, flags.group(1) if flags else None),
        triton=triton.assemblers(host, python),
    )


def _toolkits(
    host: Host, prefix: str | None, site_packages: tuple[str, ...], xla: str | None
) -> tuple[CudaToolkit, ...]:
    found: dict[str, list[str]] = {}
    for root, via in _places(host, prefix, site_packages, xla):
        real = resolved(system_host(host, root), root)
        ways = found.setdefault(real, [])
        if via not in ways:
            ways.append(via)
    toolkits = (_toolkit(system_host(host, root), root, tuple(ways)) for root, ways in found.items())
    return tuple(toolkit for toolkit in toolkits if toolkit is not None)


def _places(host: Host, prefix: str | None, site_packages: tuple[str, ...], xla: str | None) -> list[tuple[str, str]]:
    places = [(xla, "XLA_FLAGS")] if xla else []
    places += [(host.environ[name], name) for name in VARIABLES if host.environ.get(name)]
    for program in ("nvcc", "ptxas"):
        path = host.which(program)
        if path is not None:
            places.append((posixpath.dirname(posixpath.dirname(os.path.realpath(path))), "PATH"))
    places += [(f"{folder}/{wheel}", "wheel") for folder in site_packages for wheel in WHEEL_FOLDERS]
    if prefix is not None:
        places.append((prefix, "conda"))
    names = host.list_dir("/usr/local")
    versions = [name for name in names if name.startswith("cuda-")] if isinstance(names, tuple) else []
    usual = ["/usr/local/cuda", *(f"/usr/local/{name}" for name in reversed(versions)), "/opt/cuda", "/usr/lib/cuda"]
    return places + [(root, "usual place") for root in usual]


def _toolkit(host: Host, root: str, found_via: tuple[str, ...]) -> CudaToolkit | None:
    nvcc = _file(host, root, "bin/nvcc")
    ptxas = _file(host, root, "bin/ptxas")
    libdevice = _file(host, root, LIBDEVICE)
    version = _version(host, root)
    if nvcc is None and ptxas is None and libdevice is None and version is None:
        return None
    return CudaToolkit(
        root=root,
        found_via=found_via,
        version=version,
        nvcc=nvcc,
        ptxas=ptxas,
        ptxas_version=_ptxas_version(host, ptxas) if ptxas else None,
        libdevice=libdevice,
    )


def _file(host: Host, root: str, name: str) -> str | None:
    path = f"{root}/{name}"
    return path if host.is_file(path) else None


def _version(host: Host, root: str) -> str | None | Unknown:
    """Return the version of the file that the toolkit's installer leaves: version.json, before 11.1 version.txt."""
    text = host.read_text(f"{root}/version.json")
    if isinstance(text, str):
        try:
            return str(json.loads(text)["cuda"]["version"])
        except (ValueError, KeyError, TypeError) as error:
            return Unknown("failed", f"{root}/version.json is not understood: {error!r}")
    old = host.read_text(f"{root}/version.txt")
    match = re.match(r"CUDA Version (\d+(?:\.\d+)+)", old) if isinstance(old, str) else None
    return match.group(1) if match else None


def _ptxas_version(host: Host, path: str) -> str | Unknown:
    answer = host.run(host.real(path), "--version")
    if answer is None:
        return Unknown("denied", f"{path} is not executable")
    if isinstance(answer, Unknown):
        return answer
    match = PTXAS_VERSION.search(answer.stdout)
    return match.group(1) if match else Unknown("failed", f"{path} ended with {answer.status} and told no version")
