"""WSL: what goes wrong between Linux programs, the driver of Windows, and programs of Windows."""

import re
from collections.abc import Iterator

from envcheck.fixes import nvidia
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.system import commands
from envcheck.model.facts import Backend, Facts
from envcheck.model.unknown import Unknown, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.gpus import CUDA_STATUS, NVML_STATUS
from envcheck.rules.searches import severity
from envcheck.rules.shared import for_each_framework, in_container, last_words, title_of
from envcheck.words import template

WSL_COMMANDS = "https://learn.microsoft.com/windows/wsl/basic-commands"
INTEROPERABILITY = "https://learn.microsoft.com/windows/wsl/filesystems#run-windows-tools-from-linux"
NO_LIBCUDA = re.compile(r"\blibcuda\.so: cannot open shared object file")
NO_CONTEXT = re.compile(
    r"CUDA-capable devices? (?:is|are|\(s\) is/are) busy or unavailable|CUDA_ERROR_DEVICE_UNAVAILABLE"
)
"""Words of the loader (dlerror), and of cudaGetErrorString for cudaErrorDevicesUnavailable (46)."""
WSL_LIBRARIES = "/usr/lib/wsl/lib"
NAME_FOLDER = template("Tell the loader of WSL's own folder")
OTHER_DRIVER = template("Install another release of the NVIDIA driver on Windows; frameworks work meanwhile")
UPDATE_BOTH = template("On Windows: run 'wsl --update' and 'wsl --shutdown', and install the current NVIDIA driver")
FROM_LINUX = template("Install Python and Jupyter inside Linux, and start those")


def _in_wsl(facts: Facts) -> None:
    if need(facts.platform.wsl) is None or in_container(facts):
        raise NotApplicable("not under WSL")


@rule(
    "wsl-libcuda-link-missing",
    severity="error",
    layer="platform",
    title=template("{framework} asks for libcuda.so, and WSL offers libcuda.so.1 only"),
    message=template(
        "A part of {framework} opens the driver's library by the name libcuda.so, without a number, and the loader "
        "finds none of that name. The library is there ({path}): WSL makes only the numbered name known."
    ),
)
def wsl_libcuda_link_missing(facts: Facts) -> Iterator[Failure]:
    """Under WSL the loader's list holds libcuda.so.1 and not libcuda.so, which some libraries ask for.

    Parts of cuDNN 8 and older releases of Triton do: 'Could not load library libcudnn_cnn_infer.so.8. Error:
    libcuda.so: cannot open shared object file'. Nothing is said before a framework fails with it: most never ask.
    """
    _in_wsl(facts)

    def check(index: int, found: Backend) -> Iterator[Failure]:
        said = next((pointer for pointer, words in last_words(facts, index, found) if NO_LIBCUDA.search(words)), None)
        if said is None:
            return
        libraries = enumerate(need(facts.driver.nvidia.libraries))
        there = next(((at, one) for at, one in libraries if one.kind == "wsl" and one.name == "libcuda.so"), None)
        if there is not None:
            yield Failure(
                evidence=(said, f"/driver/nvidia/libraries/{there[0]}/path"),
                fields={"framework": title_of(found.name), "path": there[1].path},
                fixes=(
                    in_shell(
                        NAME_FOLDER,
                        f'export LD_LIBRARY_PATH={WSL_LIBRARIES}"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"',
                        source=nvidia.WSL,
                    ),
                ),
                subject=found.name,
                severity=severity(facts, found),
            )

    yield from for_each_framework(facts, check)


@rule(
    "wsl-nvml-crash",
    severity="warning",
    layer="platform",
    title=template("NVIDIA's management library crashes under WSL, although CUDA works"),
    message=template(
        "The process that asked NVIDIA's management library (NVML) died: {detail}. CUDA itself starts, so frameworks "
        "can compute; nvidia-smi and every tool that reads the GPU's state crash. Some releases of the Windows driver "
        "do this."
    ),
)
def wsl_nvml_crash(facts: Facts) -> Iterator[Failure]:
    """NVML of some Windows drivers crashes inside WSL; 'nvidia-smi: segmentation fault' is the sign."""
    _in_wsl(facts)
    status = facts.driver.nvidia.nvml.status
    if isinstance(status, Unknown) and status.reason == "crashed":
        if need(facts.driver.nvidia.cuda.status) == "ok":
            yield Failure(
                evidence=(NVML_STATUS, CUDA_STATUS, "/platform/wsl"),
                fields={"detail": status.detail},
                fixes=(by_hand(OTHER_DRIVER, nvidia.WSL),),
            )
    else:
        need(status)


@rule(
    "wsl-windows-driver-regression",
    severity="error",
    layer="platform",
    title=template("WSL lists the GPU, and {framework} cannot use it"),
    message=template(
        "CUDA lists the GPU, it is not reserved for a single program, and still {framework} is told that every device "
        "is busy or unavailable. Under WSL that is the work of a release of Windows, of WSL or of the driver, usually "
        "after an update."
    ),
)
def wsl_windows_driver_regression(facts: Facts) -> Iterator[Failure]:
    """Devices are listed but none can be opened: 'all CUDA-capable devices are busy or unavailable'.

    On other machines a GPU in an exclusive mode says so. Under WSL, with the usual mode, an update of Windows or of its
    driver broke it.
    """
    _in_wsl(facts)
    cuda = facts.driver.nvidia.cuda
    if need(cuda.status) != "ok" or not need(cuda.devices):
        return
    if any(need(gpu.compute_mode) != "default" for gpu in need(facts.driver.nvidia.gpus)):
        return

    def check(index: int, found: Backend) -> Iterator[Failure]:
        said = next((pointer for pointer, words in last_words(facts, index, found) if NO_CONTEXT.search(words)), None)
        if said is not None:
            yield Failure(
                evidence=(said, "/driver/nvidia/cuda/devices/0/name", "/platform/wsl"),
                fields={"framework": title_of(found.name)},
                fixes=(by_hand(UPDATE_BOTH, WSL_COMMANDS),),
                subject=found.name,
                severity=severity(facts, found),
            )

    yield from for_each_framework(facts, check)


def _of_windows(path: str) -> bool:
    """Say so by the ending alone: an environment of Linux may well lie on a disk of Windows, below /mnt/c."""
    return path.lower().endswith(".exe")


@rule(
    "wsl-runs-windows-executable",
    severity="error",
    layer="platform",
    title=template("Inside WSL a program of Windows is started: {path}"),
    message=template(
        "{path} is a program of Windows. WSL puts the folders of Windows behind its own on PATH, and starts it on "
        "Windows: it sees neither the packages nor the files that are installed in Linux."
    ),
)
def wsl_runs_windows_executable(facts: Facts) -> Iterator[Failure]:
    """The interpreter that is checked, or the one of a Jupyter kernel, is a program of Windows (.exe).

    It is a warning for a kernel beside others. The cure is a Python of Linux, from Linux's own package manager.
    """
    _in_wsl(facts)
    places = [("/python/executable", facts.python.executable), ("/python/target", facts.python.target)]
    target = next(((pointer, path) for pointer, path in places if isinstance(path, str) and _of_windows(path)), None)
    if target is not None:
        yield _started(facts, *target)
        return
    kernels = need(facts.notebook.kernels)
    for index, kernel in enumerate(kernels):
        if isinstance(kernel.interpreter, str) and _of_windows(kernel.interpreter):
            yield _started(facts, f"/notebook/kernels/{index}/interpreter", kernel.interpreter, kernel.name)


def _started(facts: Facts, pointer: str, path: str, kernel: str | None = None) -> Failure:
    make = ("python3 -m venv ~/env", "~/env/bin/python -m pip install notebook")
    return Failure(
        evidence=(pointer, "/platform/wsl"),
        fields={"path": path},
        fixes=(in_shell(FROM_LINUX, *commands(facts, "venv"), *make, source=INTEROPERABILITY, risk="environment"),),
        subject=kernel,
        severity="warning" if kernel else None,
    )
