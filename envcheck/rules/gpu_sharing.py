"""GPUs that are divided, numbered anew, or shared: MIG, vGPU, device files, CUDA_VISIBLE_DEVICES."""

from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell, look
from envcheck.fixes.nvidia import GUIDE, by_system
from envcheck.model.facts import Facts, NvidiaGpu, NvidiaProcGpu
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.environment import CUDA_ENVIRONMENT
from envcheck.rules.gpus import NVIDIA_SMI, label, on_host
from envcheck.rules.shared import for_each, gpu_severity, has_gpu_build, usable_gpus, variable
from envcheck.words import sentence, template

MIG_GUIDE = "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/"
VGPU_LICENSING = "https://docs.nvidia.com/vgpu/latest/grid-licensing-user-guide/index.html"
CGROUPS = "https://www.freedesktop.org/software/systemd/man/latest/systemd.resource-control.html"
NODES = "/driver/device_nodes"

CREATE_SLICE = template("Divide the GPU: see the profiles, then create slices that can compute")
LEAVE_MIG = template("Take the GPU out of MIG mode, while nothing uses it")
RESTART_LICENSING = template("Install the licence's client token and start the licensing service again")
ASK_PROVIDER = template("On a rented machine: install the provider's own driver, or ask the provider")
NEW_NODES = template("Make the device files anew")
ALLOW_DEVICES = template("See which devices the session may use, and have an administrator allow the GPU")
BUS_ORDER = template("Let CUDA count as nvidia-smi does, or name GPUs by their UUID (nvidia-smi -L)")
NAME_EXISTING = template("Name only GPUs that exist here; nvidia-smi -L lists them")
KEEP_AWAKE = template("Run the persistence daemon")


@rule(
    "gpu-mig-instance-not-selected",
    severity="error",
    layer="driver",
    title=template("{gpu} is in MIG mode, and no slice of it exists"),
    message=template(
        "An administrator switched {gpu} to MIG, which divides a GPU into slices. Programs can use slices only, and "
        "none was created, so CUDA has no device on this GPU."
    ),
)
def gpu_mig_instance_not_selected(facts: Facts) -> Iterator[Failure]:
    """A GPU in MIG mode without instances cannot compute, although nvidia-smi shows it.

    A slice needs a GPU instance and a compute instance in it. A process sees one slice: the first, or the one that
    CUDA_VISIBLE_DEVICES names by its UUID.
    """
    gpus = usable_gpus(facts)

    def check(_: int, place: tuple[int, NvidiaGpu]) -> Iterator[Failure]:
        index, gpu = place
        if need(gpu.mig_mode) == "enabled" and not need(gpu.mig_devices):
            others = any(known(other.mig_mode, None) != "enabled" for _, other in gpus)
            create = ("nvidia-smi mig -lgip", f"sudo nvidia-smi mig -i {gpu.index} -cgi 0 -C")
            yield Failure(
                evidence=(f"/driver/nvidia/gpus/{index}/mig_mode", f"/driver/nvidia/gpus/{index}/mig_devices"),
                fields={"gpu": label(facts, known(gpu.pci_address, None))},
                fixes=(
                    by_system(CREATE_SLICE, create, MIG_GUIDE, restart="none"),
                    by_system(LEAVE_MIG, (f"sudo nvidia-smi -i {gpu.index} -mig 0",), MIG_GUIDE, restart="none"),
                ),
                severity="warning" if others else gpu_severity(facts),
            )

    yield from for_each(gpus, check)


@rule(
    "vgpu-unlicensed",
    severity="error",
    layer="driver",
    title=template("{gpu} is a virtual GPU without a licence"),
    message=template(
        "{gpu} is a part of a GPU that the host lends to this virtual machine (vGPU), and the driver has no licence "
        "for it. It works at first; after a while the driver slows it down, and then refuses new programs."
    ),
)
def vgpu_unlicensed(facts: Facts) -> Iterator[Failure]:
    """A virtual GPU needs a licence from NVIDIA's licence server, and got none.

    'nvidia-smi -q' shows 'Unlicensed'. The service nvidia-gridd fetches the licence with a client token.
    """

    def check(_: int, place: tuple[int, NvidiaGpu]) -> Iterator[Failure]:
        index, gpu = place
        if need(gpu.virtualization) == "vgpu" and need(gpu.vgpu_licensed) is False:
            commands = ("sudo systemctl restart nvidia-gridd", "nvidia-smi -q | grep -i license")
            yield Failure(
                evidence=(f"/driver/nvidia/gpus/{index}/virtualization", f"/driver/nvidia/gpus/{index}/vgpu_licensed"),
                fields={"gpu": label(facts, known(gpu.pci_address, None))},
                fixes=(
                    by_system(RESTART_LICENSING, commands, VGPU_LICENSING, restart="none"),
                    by_hand(ASK_PROVIDER, VGPU_LICENSING),
                ),
                severity=gpu_severity(facts),
            )

    yield from for_each(usable_gpus(facts), check)


@rule(
    "nvidia-device-node-mismatch",
    severity="error",
    layer="driver",
    title=template("The device file of {gpu} is missing or of an earlier start"),
    message=template(
        "The driver gives {gpu} the number {minor}, and there is no device file /dev/nvidia{minor} that leads to it. "
        "Programs cannot open the GPU."
    ),
)
def nvidia_device_node_mismatch(facts: Facts) -> Iterator[Failure]:
    """The files /dev/nvidia* do not go with the numbers that the driver gives its GPUs now.

    They were made by hand, or by an earlier driver. The driver's helper nvidia-modprobe makes them anew.
    """
    on_host(facts)
    if need(facts.driver.nvidia.kernel_module_loaded) is False:
        raise NotApplicable("the NVIDIA kernel module is not loaded")
    seen = {known(gpu.pci_address, None) for gpu in known(facts.driver.nvidia.gpus, ())}
    nodes = {node.path: node for node in need(facts.driver.device_nodes)}
    if "/dev/nvidiactl" not in nodes:
        return  # none was made yet: the first program that asks has them made

    def check(index: int, gpu: NvidiaProcGpu) -> Iterator[Failure]:
        minor = need(gpu.device_minor)
        if minor is None or gpu.pci_address in seen:
            return
        node = nodes.get(f"/dev/nvidia{minor}")
        expected = need(node.major_expected) if node else None
        if node is None or (need(node.major) is not None and expected is not None and node.major != expected):
            commands = ("sudo rm -f /dev/nvidia[0-9]*", f"sudo nvidia-modprobe -c {minor} -u")
            yield Failure(
                evidence=(f"/driver/nvidia/kernel/gpus/{index}/device_minor", NODES),
                fields={"gpu": label(facts, gpu.pci_address), "minor": minor},
                fixes=(by_system(NEW_NODES, commands, GUIDE, restart="none"),),
                severity=gpu_severity(facts),
            )

    yield from for_each(need(facts.driver.nvidia.kernel.gpus), check)


@rule(
    "cgroup-blocks-gpu-devices",
    severity="error",
    layer="platform",
    title=template("A device policy keeps this session from the GPU"),
    message=template(
        "The permissions of {path} ({mode}) let this user in, but the system refuses to open it ({error}): a filter "
        "on the session (systemd slice or control group) allows other devices only."
    ),
    after=("slurm-job-without-gpu", "container-gpu-access-lost"),
)
def cgroup_blocks_gpu_devices(facts: Facts) -> Iterator[Failure]:
    """The device filter of a control group denies every file of the GPU.

    NVML then says 'No devices were found'. Batch systems use such filters to give each job its own GPUs; that some GPUs
    are denied is normal, that all are is not.
    """
    nodes = [(index, node) for index, node in enumerate(need(facts.driver.device_nodes)) if "/nvidia" in node.path]
    denied = [(i, node) for i, node in nodes if need(node.open_error) == "EPERM" and _open_to_all(known(node.mode, ""))]
    gpus = [node for _, node in nodes if node.path.removeprefix("/dev/nvidia").isdecimal()]
    shut = [node.path for _, node in denied]
    control = "/dev/nvidiactl" in shut
    if denied and (control or (gpus and all(node.path in shut for node in gpus))):
        index, node = denied[0]
        command = "systemctl show user-$(id -u).slice -p DeviceAllow -p DevicePolicy"
        yield Failure(
            evidence=(f"{NODES}/{index}/open_error", f"{NODES}/{index}/mode"),
            fields={"path": node.path, "mode": node.mode, "error": node.open_error},
            fixes=(look(ALLOW_DEVICES, command, source=CGROUPS),),
            severity=gpu_severity(facts),
        )


def _open_to_all(mode: str) -> bool:
    return mode[-1:] in ("6", "7")


@rule(
    "cuda-visible-devices-renumbered",
    severity="warning",
    layer="platform",
    title=template("The numbers in CUDA_VISIBLE_DEVICES='{value}' mean other GPUs than they seem to"),
    message=template("CUDA_VISIBLE_DEVICES is '{value}'. {detail}"),
)
def cuda_visible_devices_renumbered(facts: Facts) -> Iterator[Failure]:
    """CUDA counts GPUs in another way than nvidia-smi, or stops counting at a number that does not exist.

    Without CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA puts the fastest GPU first, nvidia-smi the one with the lowest address.
    And an entry that names no GPU ends the list: in a container or a job the numbers begin at 0 again.
    """
    found = variable(facts, "CUDA_VISIBLE_DEVICES")
    if found is None:
        raise NotApplicable("CUDA_VISIBLE_DEVICES is not set")
    gpus = [gpu for _, gpu in usable_gpus(facts)]
    visible = facts.driver.nvidia.visible_devices
    index, value = found
    if not gpus or visible.gpus == ():
        return
    place = f"/platform/environment/{index}/value"
    cut_at = known(visible.cut_at, None)
    if cut_at and cut_at != "-1":
        detail = sentence(CUT, entry=cut_at, count=len(gpus))
        evidence: tuple[str, ...] = (place, "/driver/nvidia/visible_devices/cut_at")
    else:
        meant = _meant(facts, gpus, value)
        if meant is None:
            return
        detail = sentence(OTHER, **meant)
        evidence = (place, "/driver/nvidia/cuda/devices")
    yield Failure(
        evidence=evidence,
        fields={"value": value, "detail": detail},
        fixes=(
            look(NAME_EXISTING, "nvidia-smi -L", source=CUDA_ENVIRONMENT)
            if cut_at
            else in_shell(BUS_ORDER, shell.export(facts, "CUDA_DEVICE_ORDER", "PCI_BUS_ID"), source=CUDA_ENVIRONMENT),
        ),
        severity="warning" if has_gpu_build(facts) else "info",
    )


CUT = template(
    "The entry '{entry}' names no GPU that the driver lists here ({count} in all), and CUDA takes no notice of it and "
    "of all entries behind it."
)
OTHER = template(
    "Its number {number} is {cuda} for CUDA, which puts the fastest GPU first; for nvidia-smi the number {number} is "
    "{nvml}."
)


def _meant(facts: Facts, gpus: list[NvidiaGpu], value: str) -> dict[str, object] | None:
    """Return the first number that CUDA and NVML understand in different ways."""
    entries = [entry.strip() for entry in value.split(",")]
    if len({known(gpu.name, "") for gpu in gpus}) < 2 or not all(entry.isdecimal() for entry in entries):
        return None
    for entry, device in zip(entries, need(facts.driver.nvidia.cuda.devices), strict=False):
        told = gpus[int(entry)] if int(entry) < len(gpus) else None
        if told is not None and need(told.uuid) != need(device.uuid):
            return {"number": entry, "cuda": need(device.name), "nvml": need(told.name)}
    return None


@rule(
    "nvidia-persistence-mode-off",
    severity="info",
    layer="driver",
    title=template("The driver lets the GPUs of this server go to sleep"),
    message=template(
        "Persistence mode is off on {gpu}, to which no screen is connected. When the last program ends, the driver "
        "forgets the GPU; the next one starts some seconds later, and settings such as a power limit are lost."
    ),
)
def nvidia_persistence_mode_off(facts: Facts) -> Iterator[Failure]:
    """On a server without a screen the persistence daemon keeps the GPUs awake between programs.

    It is only worth a note, and only where every GPU is one of a server: with ECC memory and without a screen.
    """
    on_host(facts)
    gpus = usable_gpus(facts)
    if not gpus:
        raise NotApplicable("NVML lists no GPU")
    if any(known(gpu.ecc_mode, None) is None or known(gpu.virtualization, None) == "vgpu" for _, gpu in gpus):
        raise NotApplicable("not a server's GPUs")
    if any(need(gpu.persistence_mode) or need(gpu.display_active) for _, gpu in gpus):
        return
    if "nvidia-persistenced" not in need(facts.driver.nvidia.kernel.services):
        index, gpu = gpus[0]
        enable = "sudo systemctl enable --now nvidia-persistenced"
        yield Failure(
            evidence=(f"/driver/nvidia/gpus/{index}/persistence_mode", "/driver/nvidia/kernel/services"),
            fields={"gpu": label(facts, known(gpu.pci_address, None))},
            fixes=(by_system(KEEP_AWAKE, (enable,), NVIDIA_SMI, restart="none"),),
        )
