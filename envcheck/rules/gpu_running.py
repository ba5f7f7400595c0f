"""A GPU at work: heat, power, its system processor, its links to other GPUs, and programs that it blames."""

from collections.abc import Iterator

from envcheck.fixes import hardware
from envcheck.fixes.files import by_hand, look
from envcheck.fixes.nvidia import by_system
from envcheck.fixes.system import commands
from envcheck.model.facts import Facts, NvidiaGpu
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.gpus import MESSAGES, NVIDIA_SMI, XID_CATALOGUE, failures, label, logged, messages, told
from envcheck.rules.shared import for_each, usable_gpus
from envcheck.words import template

GSP_XIDS = (119, 120)
NVLINK_XIDS = (74, 136, 155)
NVLINK_5_XIDS = (144, 145, 146, 149, 150)
APPLICATION_XIDS = (13, 31, 43)
"""Xids by their meaning in docs.nvidia.com/deploy/xid-errors (knowledge/xid.json). Of those of NVLink 5 the message
says whether the error is fatal."""
THERMAL = ("hardware-thermal", "software-thermal")
GSP_README = "https://download.nvidia.com/XFree86/Linux-x86_64/580.95.05/README/gsp.html"

COOL = template("Clean fans and filters, give the machine more air, or let the GPU draw less power")
CHECK_SUPPLY = template("Check the power supply and its cables, and see what holds the GPU back")
GSP_OFF = template("If it comes back: let the driver work without this processor (not possible with the open module)")
OTHER_DRIVER = template("Install another release of the NVIDIA driver, and replace the GPU if that does not help")
LINKS = template("See the links' states and errors, then check bridges and the fabric manager")
FIND_KERNEL = template(
    "Run the program with CUDA_LAUNCH_BLOCKING=1 in its environment, so that the error shows where it arises"
)


@rule(
    "gpu-overheating",
    severity="warning",
    layer="hardware",
    title=template("{gpu} slows down because it is too hot"),
    message=template(
        "{gpu} has reached the temperature at which it protects itself: its clock is held down. Programs run slower, "
        "and not always equally slow; a GPU that gets hotter still switches itself off."
    ),
)
def gpu_overheating(facts: Facts) -> Iterator[Failure]:
    """The GPU holds its clock down because of its temperature, at the moment at which envcheck looked.

    NVML tells the reason ('HW Thermal Slowdown' or 'SW Thermal Slowdown' in nvidia-smi -q -d PERFORMANCE).
    """

    def hot(gpu: NvidiaGpu) -> Iterator[str]:
        if any(reason in THERMAL for reason in need(gpu.volatile.slowdown_reasons)):
            yield "volatile/slowdown_reasons"
            yield "volatile/temperature_celsius"

    yield from failures(facts, told(hot), fixes=lambda which: (_show(COOL, which, "TEMPERATURE,PERFORMANCE"),))


@rule(
    "gpu-power-throttling",
    severity="warning",
    layer="hardware",
    title=template("The power supply holds {gpu} back"),
    message=template(
        "{gpu} gets the signal 'power brake' from the machine, and halves its clock or worse. The power supply is "
        "overloaded or not connected as it should be."
    ),
)
def gpu_power_throttling(facts: Facts) -> Iterator[Failure]:
    """The machine tells the GPU by wire to draw less power ('HW Power Brake Slowdown').

    That a GPU under full load stays at its power limit ('SW Power Cap') is normal, and so is a limit that somebody set.
    """

    def braked(gpu: NvidiaGpu) -> Iterator[str]:
        if "power-brake" in need(gpu.volatile.slowdown_reasons):
            yield "volatile/slowdown_reasons"

    yield from failures(facts, told(braked), fixes=lambda which: (_show(CHECK_SUPPLY, which, "POWER,PERFORMANCE"),))


def _show(title: str, which: str, what: str) -> Fix:
    return look(title, f"nvidia-smi -q -d {what}{which}", source=NVIDIA_SMI)


@rule(
    "gpu-gsp-firmware-timeout",
    severity="error",
    layer="hardware",
    title=template("The system processor of {gpu} stopped answering"),
    message=template(
        "The small processor on {gpu} that carries out the driver's orders (GSP) does not answer. Every program that "
        "touches the GPU waits for long and then fails. The program that the kernel's log names is a victim, not "
        "the cause."
    ),
    after=("gpu-fallen-off-bus",),
)
def gpu_gsp_firmware_timeout(facts: Facts) -> Iterator[Failure]:
    """The GPU's system processor hangs: Xid 119 or 120 in the kernel's log, 'Timeout waiting for RPC from GSP'.

    A message about a GPU that NVML and CUDA list again is history, and not reported. A restart of the machine helps,
    for good only another release of the driver or another GPU.
    """
    proprietary = known(facts.driver.nvidia.kernel_module_flavour, None) == "proprietary"
    yield from failures(
        facts,
        logged("xid", codes=GSP_XIDS, over_when_it_works=True),
        fixes=lambda which: (
            hardware.restart(),
            *((_gsp_off(facts),) if proprietary else ()),
            by_hand(OTHER_DRIVER, XID_CATALOGUE),
        ),
    )


def _gsp_off(facts: Facts) -> Fix:
    write = "echo 'options nvidia NVreg_EnableGpuFirmware=0' | sudo tee /etc/modprobe.d/nvidia-gsp.conf"
    return by_system(GSP_OFF, (write, *commands(facts, "initramfs"), "sudo reboot"), GSP_README)


@rule(
    "gpu-nvlink-error",
    severity="error",
    layer="hardware",
    title=template("The direct link of {gpu} to other GPUs reports errors"),
    message=template(
        "The kernel's log holds errors of NVLink, the direct link between GPUs, for {gpu}. Training on several GPUs "
        "may hang, fail, or be slow."
    ),
)
def gpu_nvlink_error(facts: Facts) -> Iterator[Failure]:
    """NVLink failed: Xid 74 on GPUs up to Hopper; on later ones Xid 144 to 150 with the word 'Fatal'.

    Lines with 'Nonfatal' are left out: the link repaired itself.
    """
    yield from failures(
        facts,
        logged("xid", codes=NVLINK_XIDS),
        logged("xid", codes=NVLINK_5_XIDS, words="Fatal"),
        logged("sxid", words=", Fatal"),
        fixes=lambda which: (
            look(LINKS, "nvidia-smi nvlink -s", "nvidia-smi nvlink -e", source=NVIDIA_SMI),
            hardware.reset(which),
            hardware.diagnose(),
        ),
    )


@rule(
    "gpu-nvlink-inactive",
    severity="warning",
    layer="hardware",
    title=template("{gpu} has {active} active NVLinks, its neighbours have {peers}"),
    message=template(
        "Of the direct links (NVLink) of {gpu} {active} are active, while an equal GPU of this machine has {peers}. "
        "Training on several GPUs goes around by PCI Express, and is slower."
    ),
    after=("gpu-nvlink-error", "fabric-manager-version-mismatch", "fabric-manager-not-running"),
)
def gpu_nvlink_inactive(facts: Facts) -> Iterator[Failure]:
    """Some links of one GPU are down that are up on its equals.

    Only unequal GPUs of one kind count: cards without a bridge have no active link at all, and that is no fault.
    """
    gpus = usable_gpus(facts)
    switched = known(facts.driver.nvidia.kernel.nvswitches, 0) > 0

    def check(_: int, place: tuple[int, NvidiaGpu]) -> Iterator[Failure]:
        index, gpu = place
        active = need(gpu.nvlinks_active)
        if active is None or (active == 0 and not switched):
            return
        counts = [known(other.nvlinks_active, None) or 0 for _, other in gpus if other.name == gpu.name]
        if active < max(counts):
            address = need(gpu.pci_address)
            commands = ("nvidia-smi nvlink -s", "nvidia-smi topo -m")
            yield Failure(
                evidence=(
                    f"/driver/nvidia/gpus/{index}/nvlinks_active",
                    f"/driver/nvidia/gpus/{index}/nvlinks",
                ),
                fields={"gpu": label(facts, address), "active": active, "peers": max(counts)},
                fixes=(look(LINKS, *commands, source=NVIDIA_SMI),),
                subject=address,
            )

    yield from for_each(gpus, check)


@rule(
    "gpu-xid-application-error",
    severity="info",
    layer="hardware",
    title=template("A program made an error on {gpu} (Xid {code})"),
    message=template(
        "The kernel's log has Xid {code} ({meaning}; seen: {count}) for {gpu}, from the program {process}. That is "
        "nearly always a fault of the program's own code for the GPU, not of the GPU. Only if many different "
        "programs do it, the GPU is suspect."
    ),
)
def gpu_xid_application_error(facts: Facts) -> Iterator[Failure]:
    """The kernel's log blames a program: Xid 13, 31 or 43.

    An index out of range in a kernel of the program's own does this. Programs say 'an illegal memory access was
    encountered'.
    """
    for index, message in messages(facts, ("xid",), APPLICATION_XIDS):
        address = known(message.pci_address, None)
        yield Failure(
            evidence=(f"{MESSAGES}/{index}/text", f"{MESSAGES}/{index}/count"),
            fields={
                "gpu": label(facts, address),
                "code": message.code,
                "count": message.count,
                "meaning": known(message.meaning, None) or "a fault of a program",
                "process": known(message.process, None) or "that it does not name",
            },
            fixes=(by_hand(FIND_KERNEL, XID_CATALOGUE),),
            subject=address,
        )
