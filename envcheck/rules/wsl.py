"""WSL: Linux inside Windows, where the driver is that of Windows."""

from collections.abc import Iterator

from envcheck.fixes import nvidia, shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.nvidia import by_system
from envcheck.fixes.system import commands
from envcheck.model.facts import Facts
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.environment import CUDA_ENVIRONMENT
from envcheck.rules.shared import (
    gpu_severity,
    has_gpu_build,
    in_container,
    usable_gpus,
)
from envcheck.words import sentence, template

WSL_INSTALL = "https://learn.microsoft.com/windows/wsl/basic-commands"
DRIVER_NAMES = ("libcuda.so", "libnvidia-ml.so")
UPDATE_WSL = template("On Windows: update WSL and the NVIDIA driver")
VERSION_2 = template("On Windows: move this distribution to WSL 2")
REMOVE_LINUX_DRIVER = template("Remove the Linux driver, then restart WSL from Windows with: wsl --shutdown")
ONE_CARD = template("Let CUDA see one card only")


# --- WSL ------------------------------------------------------------------------------------------


def _in_wsl(facts: Facts) -> str:
    version = need(facts.platform.wsl)
    if version is None:
        raise NotApplicable("not under WSL")
    if in_container(facts):
        raise NotApplicable("in a container")
    return version


@rule(
    "wsl-no-gpu-passthrough",
    severity="warning",
    layer="platform",
    title=template("WSL does not pass the GPU on"),
    message=template(
        "{what}. Frameworks inside WSL run on the processor, whatever GPU the computer has. If it has an NVIDIA GPU, "
        "WSL or the driver on Windows is too old."
    ),
)
def wsl_no_gpu_passthrough(facts: Facts) -> Iterator[Failure]:
    """WSL 1 never passes a GPU on; WSL 2 does through /dev/dxg and the files in /usr/lib/wsl/lib.

    Whether the computer has an NVIDIA GPU cannot be seen from inside, so it is a note unless a framework is built for
    GPUs and /dev/dxg is missing altogether.
    """
    version = _in_wsl(facts)
    if known(facts.driver.nvidia.nvml.status, None) == "ok":
        return
    nodes = {node.path for node in need(facts.driver.device_nodes)}
    libraries = need(facts.driver.nvidia.libraries)
    upgrade = by_hand(UPDATE_WSL, nvidia.WSL)
    if version == "1":
        what, pointer, fix = WSL_1, "/platform/wsl", by_hand(VERSION_2, WSL_INSTALL)
    elif "/dev/dxg" not in nodes:
        what, pointer, fix = NO_DXG, "/driver/device_nodes", upgrade
    elif not any(found.kind == "wsl" and found.name == "libcuda.so" for found in libraries):
        what, pointer, fix = NO_LIBRARY, "/driver/nvidia/libraries", upgrade
    else:
        return
    yield Failure(
        evidence=("/platform/wsl", pointer) if pointer != "/platform/wsl" else (pointer,),
        fields={"what": sentence(what)},
        fixes=(fix,),
        severity="warning" if has_gpu_build(facts) and what != NO_LIBRARY else "info",
    )


WSL_1 = template("This is WSL 1, which has no access to GPUs")
NO_DXG = template("The device file /dev/dxg, through which WSL 2 reaches the GPU, is missing")
NO_LIBRARY = template("Windows offers WSL no NVIDIA driver: /usr/lib/wsl/lib has no libcuda")


@rule(
    "wsl-linux-driver-installed",
    severity="error",
    layer="platform",
    title=template("A Linux driver of NVIDIA is installed inside WSL"),
    message=template(
        "{path} belongs to an NVIDIA driver for Linux. Inside WSL only the driver of Windows can reach the GPU, "
        "through the files in /usr/lib/wsl/lib; the others are found first and cannot work."
    ),
)
def wsl_linux_driver_installed(facts: Facts) -> Iterator[Failure]:
    """Packages such as nvidia-driver or cuda-drivers were installed inside WSL.

    The Linux driver has no device there: nvidia-smi 'couldn't communicate with the NVIDIA driver'. It is a warning
    where CUDA works all the same.
    """
    _in_wsl(facts)
    driver = facts.driver.nvidia
    for index, library in enumerate(need(driver.libraries)):
        if library.kind == "driver" and library.name in DRIVER_NAMES and need(library.version) is not None:
            removal = commands(facts, "driver-removal-in-wsl")
            works = known(driver.cuda.status, None) == "ok"
            yield Failure(
                evidence=(f"/driver/nvidia/libraries/{index}/path", "/platform/wsl"),
                fields={"path": library.path},
                fixes=(by_system(REMOVE_LINUX_DRIVER, removal, nvidia.WSL),),
                severity="warning" if works else gpu_severity(facts),
            )
            return


@rule(
    "wsl-multi-gpu-init-out-of-memory",
    severity="error",
    layer="platform",
    title=template("CUDA reports 'out of memory' at its start under WSL"),
    message=template(
        "CUDA ends at its very start with 'out of memory' (2), on a computer with {count} GPUs under WSL. It is no "
        "lack of memory: one of the cards cannot be started there."
    ),
)
def wsl_multi_gpu_init_out_of_memory(facts: Facts) -> Iterator[Failure]:
    """With several cards under WSL cuInit may return 2. Hide all but one, and try each."""
    _in_wsl(facts)
    gpus = usable_gpus(facts)
    cuda = facts.driver.nvidia.cuda
    if len(gpus) > 1 and need(cuda.status) == "error" and cuda.error_code == 2:
        yield Failure(
            evidence=("/driver/nvidia/cuda/error_code", "/platform/wsl"),
            fields={"count": len(gpus)},
            fixes=(in_shell(ONE_CARD, shell.export(facts, "CUDA_VISIBLE_DEVICES", "0"), source=CUDA_ENVIRONMENT),),
        )
