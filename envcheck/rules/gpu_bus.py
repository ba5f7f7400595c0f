"""Between the processor and the GPU: slot, power, and the PCI Express link."""

from collections.abc import Iterator

from envcheck.fixes import hardware
from envcheck.fixes.files import by_hand, look
from envcheck.fixes.nvidia import by_system
from envcheck.model.facts import Facts, NvidiaGpu, PciDevice
from envcheck.model.report import Fix
from envcheck.model.unknown import Undecided, Unknown, need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.gpus import (
    MESSAGES,
    NVIDIA_SMI,
    Sign,
    failures,
    label,
    logged,
    messages,
    nvidia_cards,
    on_host,
    on_host_with_gpu,
    works,
)
from envcheck.rules.shared import RESERVING, for_each, in_container, is_wsl, usable_gpus
from envcheck.words import template

OFF_BUS_XIDS = (79,)
POWER_XIDS = (54,)
"""Xid 79 'GPU has fallen off the bus', 54 'Auxiliary power is not connected' (docs.nvidia.com/deploy/xid-errors)."""
LOST = "GPU_IS_LOST"
"""NVML's name of its error 15: 'The GPU has fallen off the bus or has otherwise become inaccessible' (nvml.h)."""
KERNEL_PCI = "https://docs.kernel.org/admin-guide/kernel-parameters.html"
PLUG_IN = template("Turn the machine off and connect every power plug of the GPU, each with a cable of its own")
CAP_POWER = template("To find out whether it is the power supply: let the GPU draw less, and watch")
HALF = 2
"""Laptops show 8 of 16 lanes by design, and a GPU may use fewer while it is idle ('pcie.link.width.current' of
'nvidia-smi --help-query-gpu', 2026-11-23)."""
FIRST_SLOT = template(
    "Put the GPU into the first long slot, without a riser, and look at the slot's settings in the BIOS"
)
SHOW_LINK = template("See the link's width and generation")
ABOVE_4G = template("Turn on 'Above 4G Decoding' in the BIOS; in a virtual machine, enlarge its 64-bit MMIO window")
REALLOC = template(
    "Let Linux give out the memory windows itself: add pci=realloc to the kernel command line and restart"
)
UPDATE_VBIOS = template("Try the GPU in another slot or machine, ask its vendor for new firmware, or replace it")


@rule(
    "gpu-fallen-off-bus",
    severity="error",
    layer="hardware",
    title=template("{gpu} no longer answers: it has fallen off the bus"),
    message=template(
        "{gpu} stopped answering on the PCI Express bus. No setting of software brings it back without a cold start; "
        "power, heat, a loose card or a dying board are the usual reasons."
    ),
    after=("gpu-power-cable-missing", "gpu-pcie-errors"),
)
def gpu_fallen_off_bus(facts: Facts) -> Iterator[Failure]:
    """A GPU is there no more for the driver: it does not answer on the bus.

    nvidia-smi says 'Unable to determine the device handle' or 'GPU is lost'; the kernel's log has 'GPU has fallen off
    the bus' and Xid 79. The other GPUs of the machine go on, until a program touches the lost one. A message about a
    GPU that NVML and CUDA list again is history, and not reported.
    """

    def silent(facts: Facts) -> Iterator[Sign]:
        if in_container(facts):
            return
        undecided = None
        for index, device in nvidia_cards(facts):
            try:
                asleep = device.kernel_driver in RESERVING or device.volatile.power_state == "suspended"
                if not asleep and not need(device.answers) and not works(facts, device):
                    yield Sign(device.address, f"/hardware/pci/{index}/answers")
            except Undecided as reason:
                undecided = undecided or reason
        if undecided is not None and not is_wsl(facts):
            raise undecided

    yield from failures(
        facts,
        _lost,
        silent,
        logged("gpu-off-bus", over_when_it_works=True),
        logged("xid", codes=OFF_BUS_XIDS, over_when_it_works=True),
        fixes=lambda which: (hardware.cold_start(), hardware.reseat(), _less_power(which)),
    )


def _lost(facts: Facts) -> Iterator[Sign]:
    """See the GPUs that NVML counts and cannot reach; the address of one is what no other GPU has."""
    gpus = usable_gpus(facts)
    lost = [index for index, gpu in gpus if isinstance(gpu.name, Unknown) and LOST in gpu.name.detail]
    told_of = {gpu.pci_address for _, gpu in gpus if isinstance(gpu.pci_address, str)}
    left = [device.address for _, device in nvidia_cards(facts) if device.address not in told_of] if lost else []
    for index in lost:
        yield Sign(left[0] if len(left) == len(lost) == 1 else None, f"/driver/nvidia/gpus/{index}/name")


def _less_power(which: str) -> Fix:
    commands = (f"sudo nvidia-smi{which} -pl 200", f"sudo nvidia-smi{which} -lgc 300,1200")
    return by_system(CAP_POWER, commands, NVIDIA_SMI, restart="none")


@rule(
    "gpu-power-cable-missing",
    severity="error",
    layer="hardware",
    title=template("{gpu} lacks power: a cable is not connected"),
    message=template(
        "The driver says that {gpu} does not get the power that it needs: a plug on the card is empty or loose, or "
        "the power supply does not deliver."
    ),
)
def gpu_power_cable_missing(facts: Facts) -> Iterator[Failure]:
    """The card reports that its power plugs are not all connected.

    The kernel's log says 'does not have the necessary power cables connected' or Xid 54; nvidia-smi ends with the exit
    status 8.
    """
    yield from failures(
        facts,
        logged("power-cable-missing"),
        logged("xid", codes=POWER_XIDS),
        fixes=lambda which: (by_hand(PLUG_IN, NVIDIA_SMI),),
    )


@rule(
    "gpu-vbios-boot-failed",
    severity="error",
    layer="hardware",
    title=template("The firmware of {gpu} does not start"),
    message=template(
        "The driver waits for the firmware on {gpu} to report that it is ready, and it never does. That is a fault "
        "of the card, its firmware or its power, not of the installation."
    ),
)
def gpu_vbios_boot_failed(facts: Facts) -> Iterator[Failure]:
    """The firmware on the card never reports ready: lines with GFW_BOOT in the kernel's log."""
    yield from failures(
        facts,
        logged("gfw-boot-failed"),
        fixes=lambda which: (hardware.cold_start(), hardware.reseat(), by_hand(UPDATE_VBIOS, NVIDIA_SMI)),
    )


@rule(
    "gpu-bar-not-assigned",
    severity="error",
    layer="hardware",
    title=template("{gpu} was given no address space"),
    message=template(
        "A memory region of {gpu} has no address on the bus: the BIOS, the hypervisor or the kernel did not find "
        "room for it. The driver cannot talk to the GPU without."
    ),
)
def gpu_bar_not_assigned(facts: Facts) -> Iterator[Failure]:
    """The firmware left a base address register (BAR) of the GPU empty, so that the driver cannot reach it.

    GPUs want large windows above 4 GiB. Machines with many GPUs, virtual machines, and boards with 'Above 4G Decoding'
    switched off run out of room. The kernel's log says 'BAR1 is 0M' or 'This PCI I/O region assigned to your NVIDIA
    device is invalid'.
    """
    on_host_with_gpu(facts)

    def check(_: int, place: tuple[int, PciDevice]) -> Iterator[Failure]:
        index, device = place
        if device.kernel_driver in RESERVING or works(facts, device):
            return
        if not need(device.memory_regions_assigned):
            realloc = by_system(REALLOC, (), KERNEL_PCI)
            yield Failure(
                evidence=(f"/hardware/pci/{index}/memory_regions_assigned",),
                fields={"gpu": label(facts, device.address)},
                fixes=(by_hand(ABOVE_4G, KERNEL_PCI), realloc),
                subject=device.address,
            )

    yield from for_each(nvidia_cards(facts), check)


@rule(
    "gpu-pcie-errors",
    severity="warning",
    layer="hardware",
    title=template("Errors on the PCI Express link of {gpu}"),
    message=template(
        "The kernel's log holds errors on the link between the processor and {gpu} ({count} in all): {said}. "
        "Bad contact, a riser or the board are the usual reasons; data is sent again, and in the end the GPU may be "
        "lost."
    ),
)
def gpu_pcie_errors(facts: Facts) -> Iterator[Failure]:
    """The kernel reports errors of the PCI Express link (AER) for the address of a GPU.

    Corrected ones cost time only, so they are a note; others are a warning.
    """
    on_host(facts)
    addresses = {device.address for _, device in nvidia_cards(facts)}
    for index, message in messages(facts, ("pcie-error",)):
        address = message.pci_address
        if not isinstance(address, str) or address not in addresses:
            continue
        yield Failure(
            evidence=(f"{MESSAGES}/{index}/text", f"{MESSAGES}/{index}/count"),
            fields={"gpu": label(facts, address), "count": message.count, "said": message.text},
            fixes=(hardware.reseat(),),
            subject=address,
            severity="info" if "Corrected" in message.text else None,
        )


@rule(
    "gpu-pcie-link-degraded",
    severity="warning",
    layer="hardware",
    title=template("{gpu} uses {width} of {most} PCI Express lanes"),
    message=template(
        "The link of {gpu} has {width} lanes, although the GPU and this machine could have {most} together. Moving "
        "data to the GPU is slower. A card that does not sit well, a riser, another card that shares the lanes, or a "
        "BIOS setting does this."
    ),
)
def gpu_pcie_link_degraded(facts: Facts) -> Iterator[Failure]:
    """The PCI Express link of a GPU is narrower than GPU and slot allow.

    Only the width counts: the link's generation falls by itself while the GPU is idle. Half the lanes are a note only:
    laptops, boards with two GPUs and GPUs that save power have them, and training hardly notices.
    """

    def check(_: int, place: tuple[int, NvidiaGpu]) -> Iterator[Failure]:
        index, gpu = place
        if gpu.virtualization in ("vgpu", "pass-through"):
            return
        width, most = need(gpu.volatile.pcie_width), need(gpu.pcie_width_max)
        if 0 < width < most:
            address = need(gpu.pci_address)
            query = "pcie.link.width.current,pcie.link.width.max,pcie.link.gen.current,pcie.link.gen.max"
            command = f"nvidia-smi -i {address} --query-gpu={query} --format=csv"
            yield Failure(
                evidence=(
                    f"/driver/nvidia/gpus/{index}/volatile/pcie_width",
                    f"/driver/nvidia/gpus/{index}/pcie_width_max",
                ),
                fields={"gpu": label(facts, address), "width": width, "most": most},
                fixes=(
                    look(SHOW_LINK, command, source=NVIDIA_SMI),
                    hardware.reseat(),
                    by_hand(FIRST_SLOT, NVIDIA_SMI),
                ),
                subject=address,
                severity="info" if width * HALF >= most else None,
            )

    yield from for_each(usable_gpus(facts), check)
