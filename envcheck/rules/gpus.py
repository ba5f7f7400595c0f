"""Signs that one GPU gives of a fault: what NVML tells of it, and what the kernel's log says about its address."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from envcheck.model.facts import CudaDriver, Facts, KernelMessage, NvidiaGpu, PciDevice
from envcheck.model.report import Fix, Severity
from envcheck.model.unknown import Undecided, Unknown, known, need
from envcheck.rules.engine import Failure, NotApplicable
from envcheck.rules.shared import (
    DISPLAY_CLASS,
    NVIDIA_VENDOR_ID,
    RESERVING,
    in_container,
    is_wsl,
    outdated,
    usable_gpus,
)

MESSAGES = "/driver/kernel_log/volatile/messages"
CUDA_STATUS = "/driver/nvidia/cuda/status"
CUDA_CODE = "/driver/nvidia/cuda/error_code"
NVML_STATUS = "/driver/nvidia/nvml/status"
MODULE_LOADED = "/driver/nvidia/kernel_module_loaded"
KERNEL = "/driver/nvidia/kernel"
XID_CATALOGUE = "https://docs.nvidia.com/deploy/xid-errors/index.html"
NVIDIA_SMI = "https://docs.nvidia.com/deploy/nvidia-smi/index.html"


@dataclass(frozen=True)
class Sign:
    """A fact that speaks of a fault, and the address of the GPU that it is about; None: it names none."""

    address: str | None
    pointer: str


Look = Callable[[Facts], Iterable[Sign]]


def messages(facts: Facts, kinds: Sequence[str], codes: Sequence[int] = ()) -> list[tuple[int, KernelMessage]]:
    """Return messages of the kernel's log with their places. A container hears of all GPUs of its host.

    Raises:
        Undecided: if the log could not be read.
    """
    found = need(facts.driver.kernel_log.volatile.messages)
    return [
        (index, message)
        for index, message in enumerate(found)
        if message.kind in kinds and (not codes or message.code in codes) and _concerns(facts, message)
    ]


def _concerns(facts: Facts, message: KernelMessage) -> bool:
    address = message.pci_address
    if not in_container(facts) or not isinstance(address, str):
        return True
    return any(known(gpu.pci_address, address) == address for _, gpu in usable_gpus(facts))


def logged(*kinds: str, codes: Sequence[int] = (), words: str = "", over_when_it_works: bool = False) -> Look:
    """Look for messages of the kernel; ``codes`` are numbers of Xids, ``words`` what the message must hold.

    ``over_when_it_works``: the message is about a state in which the GPU does nothing at all, so that a GPU that works
    was brought back since (by a reset, without a restart of the machine), and the message is history.
    """

    def look(facts: Facts) -> Iterator[Sign]:
        for index, message in messages(facts, kinds, codes):
            if words in message.text and not (over_when_it_works and _works_again(facts, message)):
                yield Sign(known(message.pci_address, None), f"{MESSAGES}/{index}/text")

    return look


def _works_again(facts: Facts, message: KernelMessage) -> bool:
    """Say whether NVML and CUDA both list the GPU of a message now, and NVML asks for no recovery of it."""
    driver = facts.driver.nvidia
    if known(driver.nvml.status, None) != "ok" or known(driver.cuda.status, None) != "ok":
        return False
    address = known(message.pci_address, None)
    told = [gpu for gpu in known(driver.gpus, ()) if gpu.pci_address == address and isinstance(gpu.name, str)]
    in_cuda = {device.uuid for device in known(driver.cuda.devices, ()) if isinstance(device.name, str)}
    return any(known(gpu.recovery_action, None) is None and gpu.uuid in in_cuda for gpu in told)


def told(check: Callable[[NvidiaGpu], Iterable[str]]) -> Look:
    """Look at what NVML tells; ``check`` returns the fields of a GPU that speak of the fault."""

    def look(facts: Facts) -> Iterator[Sign]:
        undecided = None
        for index, gpu in usable_gpus(facts):
            try:
                for field in check(gpu):
                    yield Sign(known(gpu.pci_address, None), f"/driver/nvidia/gpus/{index}/{field}")
            except Undecided as reason:
                undecided = undecided or reason
        if undecided is not None:
            raise undecided

    return look


def failures(
    facts: Facts,
    *looks: Look,
    fixes: Callable[[str], tuple[Fix, ...]],
    severity: Severity | None = None,
) -> Iterator[Failure]:
    """Yield one failure for each GPU that gives a sign. ``fixes`` gets the option that names it to nvidia-smi.

    Raises:
        Undecided: at the end, if one of the looks could not be taken.
    """
    signs: dict[str | None, list[Sign]] = {}
    undecided = None
    for look in looks:
        try:
            for sign in look(facts):
                signs.setdefault(sign.address, []).append(sign)
        except Undecided as reason:
            undecided = undecided or reason
    for address, found in signs.items():
        yield Failure(
            evidence=tuple(sign.pointer for sign in found),
            fields={"gpu": label(facts, address)},
            fixes=fixes(f" -i {address}" if address else ""),
            subject=address,
            severity=severity,
        )
    if undecided is not None:
        raise undecided


def label(facts: Facts, address: str | None) -> str:
    """Return a GPU's name with its address; only the address where nobody tells the name."""
    if address is None:
        return "GPU at an unknown address"
    gpus = known(facts.driver.nvidia.gpus, ())
    name = next((known(gpu.name, None) for gpu in gpus if known(gpu.pci_address, None) == address), None)
    return f"{name} ({address})" if name else f"GPU {address}"


# --- the machine that holds the GPUs --------------------------------------------------------------


def on_host(facts: Facts) -> None:
    """Leave the rule where the kernel is another machine's business.

    Raises:
        NotApplicable: in a container, and under WSL.
    """
    if in_container(facts):
        raise NotApplicable("in a container: kernel and driver are the host's")
    if is_wsl(facts):
        raise NotApplicable("under WSL: the driver is that of Windows")


def on_host_with_gpu(facts: Facts) -> None:
    """Leave the rule also where the bus has no NVIDIA GPU of use."""
    on_host(facts)
    with_gpu_of_use(facts)


def with_gpu_of_use(facts: Facts) -> None:
    """Leave the rule where the bus has no NVIDIA GPU, or only such that are too old for the frameworks.

    Raises:
        NotApplicable: there.
    """
    cards = nvidia_cards(facts)
    if not cards:
        raise NotApplicable("no NVIDIA GPU on the PCI bus")
    if all(outdated(facts, device.compute_capability) for _, device in cards):
        raise NotApplicable("every NVIDIA GPU on the PCI bus is too old for the frameworks")


def nvidia_cards(facts: Facts) -> list[tuple[int, PciDevice]]:
    """Return the NVIDIA GPUs on the PCI bus with their places."""
    return [
        (index, device)
        for index, device in enumerate(need(facts.hardware.pci))
        if device.vendor_id == NVIDIA_VENDOR_ID and device.class_code.startswith(DISPLAY_CLASS)
    ]


def works(facts: Facts, device: PciDevice) -> bool:
    """Say whether NVML lists a card and can tell its name."""
    if known(facts.driver.nvidia.nvml.status, "") != "ok":
        return False
    return any(
        known(gpu.pci_address, None) == device.address and not isinstance(gpu.name, Unknown)
        for gpu in known(facts.driver.nvidia.gpus, ())
    )


def modules_for_running_kernel(facts: Facts) -> list[int]:
    """Return the places of NVIDIA's module files that belong to the running kernel."""
    release = need(facts.platform.release)
    return [i for i, file in enumerate(need(facts.driver.nvidia.kernel.module_files)) if file.kernel == release]


def cuda_failed(facts: Facts, *codes: int) -> CudaDriver | None:
    """Return the CUDA driver if it ended with one of these codes.

    Raises:
        Undecided: if it could not be asked, for another reason than a fault of its own.
    """
    cuda = facts.driver.nvidia.cuda
    if isinstance(cuda.status, Unknown) and cuda.status.reason in ("timed-out", "crashed"):
        return None
    return cuda if need(cuda.status) == "error" and cuda.error_code in codes else None


def idle_cards(facts: Facts) -> list[tuple[int, PciDevice]]:
    """Return the cards that the driver does not bring to work, that no virtual machine has and that are of use."""
    return [
        (index, device)
        for index, device in nvidia_cards(facts)
        if device.kernel_driver not in RESERVING
        and not works(facts, device)
        and not outdated(facts, device.compute_capability)
    ]
