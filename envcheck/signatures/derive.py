"""Contexts that follow from comparing what a log says in two places."""

import re
from collections.abc import Mapping, Sequence

from packaging.version import Version

from envcheck.knowledge.builds import builds
from envcheck.knowledge.cuda import minimum_driver
from envcheck.knowledge.releases import releases
from envcheck.signatures.catalogue import version_numbers
from envcheck.signatures.scan import Hit

#: torch names the GPU's architecture in one line and those of its build in another
TORCH_GPU = "is not compatible with the current PyTorch installation"
TORCH_BUILD = "The current PyTorch install supports CUDA capabilities"
LIBRARY_WANTED = (
    "<libcudart|libcublas|libcublasLt|libcufft|libcurand|libcusolver|libcusparse|libcudnn>.so.#: cannot open"
)
LIBRARY_PATH = "cuda-#"
#: the distributions of TensorFlow with CUDA, and the platform that most of them are for
TENSORFLOWS = ("tensorflow", "tensorflow-gpu")
PLATFORM = "linux-x86_64"

#: contexts that speak for a GPU in the machine
GPU_SEEN = ("gpu-named", "gpu-new", "gpu-old", "gpu-ampere", "nvidia-ok", "pip-cuda-wheels", "wsl")

#: phrases of the running Python, as the interpreter and NumPy print it, and of the folders that modules came from
RUNNING_PYTHON = ("Python {#version}", "python{#version}")
PYTHON_FOLDER = "/python{#version}/*"

#: every context that this module can find
DERIVED = ("arch-older", "cuda-other-version", "driver-fits", "driver-too-old", "cpu-machine", "other-python-folders")

Versions = Mapping[str, set[tuple[int, ...]]]


def derived_contexts(hits: Mapping[str, Sequence[Hit]], versions: Versions, contexts: set[str]) -> set[str]:
    """Return the names of the contexts that hold, besides those that were found directly."""
    return {
        name
        for name, holds in (
            ("arch-older", _torch_is_too_new(hits)),
            ("cuda-other-version", _other_cuda(hits)),
            ("driver-fits", _driver_fits(versions)),
            ("driver-too-old", _driver_too_old(versions, windows="windows" in contexts)),
            ("other-python-folders", _other_python(hits)),
            ("cpu-machine", "for-cpu-machine" in contexts and contexts.isdisjoint(GPU_SEEN)),
        )
        if holds
    }


def gpu_architecture(hits: Mapping[str, Sequence[Hit]]) -> str | None:
    """Return the compute capability of the GPU that torch complains of, such as ``6.1``."""
    found = set(_architectures(hits.get(TORCH_GPU, ())))
    return f"{(number := found.pop()) // 10}.{number % 10}" if len(found) == 1 else None


def _torch_is_too_new(hits: Mapping[str, Sequence[Hit]]) -> bool:
    """Say whether the GPU is older than everything in torch's build."""
    gpus = _architectures(hits.get(TORCH_GPU, ()))
    builds = _architectures(hits.get(TORCH_BUILD, ()))
    return bool(gpus and builds) and min(gpus) < min(builds)


def _architectures(hits: Sequence[Hit]) -> list[int]:
    return [int(number) for hit in hits for number in re.findall(r"\bsm_(\d{2,3})", hit.text)]


def _other_cuda(hits: Mapping[str, Sequence[Hit]]) -> bool:
    """A library is wanted with one number, and the log names CUDA folders of others only."""
    wanted = {
        tuple(int(part) for part in number.split("."))
        for hit in hits.get(LIBRARY_WANTED, ())
        for number in re.findall(r"lib(?:cudart|cublas)\.so\.(\d{1,2}(?:\.\d)?)", hit.text)
    }
    folders = {
        (int(major), int(minor))
        for hit in hits.get(LIBRARY_PATH, ())
        for major, minor in re.findall(r"\bcuda-(\d{1,2})\.(\d)", hit.text)
    }
    return bool(wanted and folders) and not any(
        folder[: len(number)] == number or (number == (11, 0) and folder[0] == 11)
        for number in wanted
        for folder in folders
    )


def _other_python(hits: Mapping[str, Sequence[Hit]]) -> bool:
    """Modules come from folders of other Pythons only than the one that runs."""
    running = {
        found.group(1)
        for phrase in RUNNING_PYTHON
        for hit in hits.get(phrase, ())
        if (found := re.search(r"\bPython\s?(\d\.\d+)(?:\.\d+(?![\w.])| from )", hit.text))
    }
    folders = {
        version
        for hit in hits.get(PYTHON_FOLDER, ())
        for version in re.findall(r"/python(\d\.\d+)/(?:site|dist)-packages", hit.text)
    }
    return bool(running and folders) and running.isdisjoint(folders)


def _driver_fits(versions: Versions) -> bool:
    """The driver supports the CUDA that the TensorFlow release in the log was built with."""
    wanted = _cuda_of_tensorflow(versions)
    offered = versions.get("cuda-driver", set())
    return bool(wanted and offered) and max(offered) >= max(wanted)


def _driver_too_old(versions: Versions, *, windows: bool) -> bool:
    """The driver in the log is older than the CUDA that the framework in the log was built with needs."""
    cuda = _cuda_of_tensorflow(versions)
    cuda |= {(version[0], version[1]) for version in versions.get("torch-cuda", ()) if len(version) > 1}
    drivers = versions.get("driver", set())
    needed = [minimum_driver(Version(f"{major}.{minor}")) for major, minor in cuda]
    oldest = [version_numbers(row.windows if windows else row.linux) for row in needed if row is not None]
    return bool(oldest and drivers) and max(drivers) < min(oldest)


def _cuda_of_tensorflow(versions: Versions) -> set[tuple[int, int]]:
    """Return the CUDA that the TensorFlow releases in the log were built with; a log may name but two numbers."""
    named = {version[:2] for version in versions.get("tensorflow", ()) if len(version) > 1}
    found = {
        build.cuda
        for name in TENSORFLOWS
        for release in releases(name)
        if Version(release.version).release[:2] in named
        for build in builds(name, release.version, PLATFORM)
    }
    return {(cuda.major, cuda.minor) for cuda in (Version(text) for text in found if text)}
