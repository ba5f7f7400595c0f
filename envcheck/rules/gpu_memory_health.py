"""The memory of a GPU, its own records, and what the driver asks to be done after an error."""

from collections.abc import Iterator

from envcheck.fixes import hardware
from envcheck.fixes.files import by_hand, look
from envcheck.fixes.nvidia import by_system
from envcheck.model.facts import Facts, NvidiaGpu
from envcheck.model.report import Fix
from envcheck.model.unknown import need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.gpus import NVIDIA_SMI, failures, label, logged, told
from envcheck.rules.shared import for_each, usable_gpus
from envcheck.words import template

UNCORRECTABLE_XIDS = (48, 94, 95, 140, 171, 172)
"""Xids of memory errors that could not be repaired (docs.nvidia.com/deploy/xid-errors; knowledge/xid.json)."""
REMAP_FAILED_XIDS = (64,)
"""Xid 64, 'GPU memory remapping failure' (the same)."""
LOOK = template("See how many errors were counted")
UPDATE = template("Update the NVIDIA driver; if it stays, ask the vendor for new firmware or a replacement")
DRAIN = template("Follow the driver's advice '{action}': end all programs on the GPU, then restart the machine")


@rule(
    "gpu-ecc-uncorrectable-error",
    severity="error",
    layer="hardware",
    title=template("The memory of {gpu} had errors that could not be corrected"),
    message=template(
        "The memory of {gpu} delivered data, since the last start, that its error correction (ECC) could not repair. "
        "Programs that used this memory ended, or computed with wrong data. Once is bad luck; again and again means "
        "a dying GPU."
    ),
)
def gpu_ecc_uncorrectable_error(facts: Facts) -> Iterator[Failure]:
    """The GPU's memory lost data since the last start.

    GPUs with ECC repair single wrong bits. Two in one word cannot be repaired: the driver counts them and writes Xid
    48, 94 (contained: one program ends) or 95 (uncontained: the GPU needs a reset) to the kernel's log. Programs say
    'uncorrectable ECC error encountered'. The count over the life of the GPU is no fault; that since the start is.
    """

    def counted(gpu: NvidiaGpu) -> Iterator[str]:
        if (need(gpu.volatile.ecc_uncorrected_since_boot) or 0) > 0:
            yield "volatile/ecc_uncorrected_since_boot"

    yield from failures(facts, told(counted), logged("xid", codes=UNCORRECTABLE_XIDS), fixes=_count_reset_diagnose)


def _count_reset_diagnose(which: str) -> tuple[Fix, ...]:
    counts = look(LOOK, f"nvidia-smi -q -d ECC,ROW_REMAPPER{which}", source=NVIDIA_SMI)
    return counts, hardware.reset(which), hardware.diagnose()


@rule(
    "gpu-row-remap-failed",
    severity="error",
    layer="hardware",
    title=template("{gpu} can no longer replace bad memory"),
    message=template(
        "{gpu} found a bad row of memory and has no spare row left for it, or failed to put one in its place. The "
        "memory can no longer be trusted, and the GPU is to be replaced."
    ),
    after=("gpu-ecc-uncorrectable-error",),
)
def gpu_row_remap_failed(facts: Facts) -> Iterator[Failure]:
    """GPUs since Ampere replace bad rows of memory by spare ones, and this one failed to.

    NVML says so outright, and Xid 64 stands in the kernel's log. NVIDIA's guide to memory errors names it as a reason
    for replacement.
    """

    def failed(gpu: NvidiaGpu) -> Iterator[str]:
        if need(gpu.row_remap_failed):
            yield "row_remap_failed"

    yield from failures(
        facts, told(failed), logged("xid", codes=REMAP_FAILED_XIDS), fixes=lambda which: (hardware.report(),)
    )


@rule(
    "gpu-row-remap-pending",
    severity="warning",
    layer="hardware",
    title=template("{gpu} replaces bad memory at its next reset"),
    message=template(
        "{gpu} found bad memory and has noted down to replace it. That happens only when the GPU is reset or the "
        "machine restarts; until then programs may meet the bad place again."
    ),
    after=("gpu-ecc-uncorrectable-error",),
)
def gpu_row_remap_pending(facts: Facts) -> Iterator[Failure]:
    """A repair of the GPU's memory waits for a reset.

    On GPUs since Ampere it is a row that is remapped, on older ones a page that is retired.
    """

    def pending(gpu: NvidiaGpu) -> Iterator[str]:
        if need(gpu.row_remap_pending):
            yield "row_remap_pending"
        if need(gpu.retired_pages_pending):
            yield "retired_pages_pending"

    yield from failures(facts, told(pending), fixes=lambda which: (hardware.reset(which),))


@rule(
    "gpu-inforom-corrupt",
    severity="warning",
    layer="hardware",
    title=template("The InfoROM of {gpu} is damaged"),
    message=template(
        "The small store on {gpu} that holds its identity and its history of errors (InfoROM) does not pass its own "
        "check. The GPU may work, but what it tells about its health is worth little."
    ),
)
def gpu_inforom_corrupt(facts: Facts) -> Iterator[Failure]:
    """The store in which the GPU keeps its settings and its history of errors is damaged.

    nvidia-smi warns 'infoROM is corrupted at gpu' and ends with the exit status 14.
    """

    def damaged(gpu: NvidiaGpu) -> Iterator[str]:
        if need(gpu.inforom_valid) is False:
            yield "inforom_valid"

    yield from failures(facts, told(damaged), fixes=lambda which: (by_hand(UPDATE, NVIDIA_SMI),))


@rule(
    "gpu-recovery-action-required",
    severity="warning",
    layer="hardware",
    title=template("The driver wants {gpu} to be recovered first: {action}"),
    message=template(
        "After an error the driver asks for the action '{action}' before {gpu} is used again. Until then programs "
        "may fail on it, or never end."
    ),
    after=("gpu-ecc-uncorrectable-error", "gpu-gsp-firmware-timeout", "gpu-nvlink-error", "gpu-fallen-off-bus"),
)
def gpu_recovery_action_required(facts: Facts) -> Iterator[Failure]:
    """After an error of the GPU the driver recommends a reset, a restart, or to end all programs first.

    NVML tells the action, 'nvidia-smi -q' shows it as 'GPU Recovery Action', and Xid 154 in the kernel's log names it.
    """

    def check(_: int, place: tuple[int, NvidiaGpu]) -> Iterator[Failure]:
        index, gpu = place
        action = need(gpu.recovery_action)
        if action is None:
            return
        address = need(gpu.pci_address)
        advice = by_system(DRAIN, ("sudo reboot",), NVIDIA_SMI, action=action)
        yield Failure(
            evidence=(f"/driver/nvidia/gpus/{index}/recovery_action",),
            fields={"gpu": label(facts, address), "action": action},
            fixes=(hardware.reset(f" -i {address}"),) if action == "reset" else (advice,),
            subject=address,
        )

    yield from for_each(usable_gpus(facts), check)
