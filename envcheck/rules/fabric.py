"""The switches between the GPUs of HGX and DGX machines."""

from collections.abc import Iterator

from envcheck.fixes.files import by_hand
from envcheck.fixes.nvidia import by_system
from envcheck.fixes.system import commands
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.gpus import CUDA_CODE, cuda_failed, on_host
from envcheck.rules.shared import gpu_severity, in_container, usable_gpus
from envcheck.words import sentence, template

SYSTEM_NOT_READY = 802
"""CUresult of cuda.h."""
FABRIC = "https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/index.html"
START_FABRIC = template("Install the fabric manager of the driver's own version and start it")
HOST_FABRIC = template("The operator of the host has to start the fabric manager there")
SAME_FABRIC = template("Install the fabric manager of the version {version}, and start it again")


# --- NVSwitch ---------------------------------------------------------------------------------------


@rule(
    "fabric-manager-not-running",
    severity="error",
    layer="driver",
    title=template("The switches between the GPUs are not set up"),
    message=template(
        "The GPUs of this machine are joined by NVSwitches, and CUDA waits until the fabric manager has set these "
        "up: {sign}. nvidia-smi works meanwhile."
    ),
    after=("fabric-manager-version-mismatch",),
)
def fabric_manager_not_running(facts: Facts) -> Iterator[Failure]:
    """On HGX and DGX machines CUDA works only after the fabric manager has set up the switches.

    Until then cuInit returns 802 (CUDA_ERROR_SYSTEM_NOT_READY). The fabric manager is a service of the host and has to
    be of exactly the driver's version; nothing inside a container can mend it.
    """
    gpus = usable_gpus(facts)
    if cuda_failed(facts, SYSTEM_NOT_READY) is not None:
        pointer, sign = CUDA_CODE, SAYS_NOT_READY
    else:
        waiting = [index for index, gpu in gpus if known(gpu.fabric_state, None) in ("not-started", "in-progress")]
        running = "nv-fabricmanager" in known(facts.driver.nvidia.kernel.services, ())
        if not waiting or running or not known(facts.driver.nvidia.kernel.nvswitches, 0):
            return
        pointer, sign = f"/driver/nvidia/gpus/{waiting[0]}/fabric_state", FABRIC_WAITS
    yield Failure(
        evidence=(pointer, "/driver/nvidia/kernel/nvswitches", "/driver/nvidia/kernel/services"),
        fields={"sign": sentence(sign)},
        fixes=(by_hand(HOST_FABRIC, FABRIC),) if in_container(facts) else _start_fabric(facts),
        severity=gpu_severity(facts),
    )


SAYS_NOT_READY = template("CUDA ends with 'system not ready' (802)")
FABRIC_WAITS = template("a GPU still waits for it")


def _start_fabric(facts: Facts) -> tuple[Fix, ...]:
    branch = (known(facts.driver.nvidia.version, None) or "").split(".")[0]
    install = commands(facts, "fabric-manager", branch=branch)
    return (by_system(START_FABRIC, (*install, "sudo systemctl enable --now nvidia-fabricmanager"), FABRIC, "none"),)


@rule(
    "fabric-manager-version-mismatch",
    severity="error",
    layer="driver",
    title=template("The fabric manager is {found}, the driver {driver}"),
    message=template(
        "The fabric manager, which sets up the switches between the GPUs, works only with exactly its own version of "
        "the driver. It is {found}, the driver {driver}: it ends at once, and CUDA waits for ever (error 802)."
    ),
)
def fabric_manager_version_mismatch(facts: Facts) -> Iterator[Failure]:
    """The packages of the driver and of the fabric manager were not updated together."""
    on_host(facts)
    kernel = facts.driver.nvidia.kernel
    if not need(kernel.nvswitches):
        raise NotApplicable("no NVSwitch")
    found, driver = need(kernel.fabric_manager_version), need(facts.driver.nvidia.kernel_module_version)
    if found is not None and driver is not None and found != driver:
        install = commands(facts, "fabric-manager-release", branch=driver.split(".")[0], driver=driver)
        update = (*install, "sudo systemctl restart nvidia-fabricmanager") if install else ()
        yield Failure(
            evidence=("/driver/nvidia/kernel/fabric_manager_version", "/driver/nvidia/kernel_module_version"),
            fields={"found": found, "driver": driver},
            fixes=(by_system(SAME_FABRIC, update, FABRIC, "none", version=driver),),
            severity=gpu_severity(facts),
        )
