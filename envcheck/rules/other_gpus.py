"""GPUs of AMD and Intel. Nothing is said unless something here wants to compute on them."""

from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.system import by_system, commands
from envcheck.model.facts import DeviceNode, Facts, PciDevice
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.gpus import MESSAGES, messages
from envcheck.rules.shared import RESERVING, for_each, in_container, variable
from envcheck.words import sentence, template

AMD_VENDOR_ID, INTEL_VENDOR_ID = "1002", "8086"
GPU_CLASSES = ("03", "12")
"""Display controllers and processing accelerators (PCI Code and ID Assignment Specification)."""
INTEL_PACKAGES = ("intel-extension-for-pytorch", "intel-extension-for-tensorflow", "pytorch-triton-xpu", "dpctl")
"""Packages that only programs for Intel's GPUs have (PyPI, 2026-11-22)."""
ROCM_INSTALL = "https://rocm.docs.amd.com/projects/install-on-linux/en/latest/install/prerequisites.html"
ROCM_SUPPORT = "https://rocm.docs.amd.com/projects/install-on-linux/en/latest/reference/system-requirements.html"
ROCM_DOCKER = "https://rocm.docs.amd.com/projects/install-on-linux/en/latest/how-to/docker.html"
INTEL_INSTALL = "https://dgpu-docs.intel.com/driver/client/overview.html"

LOAD = template("Load the module amdgpu, and read what the kernel says about it")
JOIN = template("Join the groups that own the device files, then log in again")
GROUP = template("Start the container with the groups: --group-add video --group-add render")
PASS_DEVICES = template(
    "Start the container with the devices: docker run --device=/dev/kfd --device=/dev/dri --group-add video "
    "--group-add render IMAGE"
)
REMOVE_OVERRIDE = template("Remove the override, and use a build with code for this GPU")
OTHER_BUILD = template("Use the framework's build for processors, or a GPU from AMD's list")
INSTALL_RUNTIME = template("Install Intel's compute runtime")
PASS_INTEL = template("Start the container with the GPU: docker run --device /dev/dri IMAGE")


def _amd_cards(facts: Facts) -> list[tuple[int, PciDevice]]:
    return _cards(facts, AMD_VENDOR_ID)


def _cards(facts: Facts, vendor_id: str) -> list[tuple[int, PciDevice]]:
    return [
        (index, device)
        for index, device in enumerate(need(facts.hardware.pci))
        if device.vendor_id == vendor_id and device.class_code.startswith(GPU_CLASSES)
    ]


def _for_rocm(facts: Facts) -> list[tuple[int, PciDevice]]:
    """Return AMD's GPUs, where ROCm or a framework for it shows that somebody means to compute on them."""
    cards = _amd_cards(facts)
    if not cards:
        raise NotApplicable("no AMD GPU")
    backends = known(facts.backends, ())
    built = any(known(found.installed, False) and known(found.built_for.rocm, None) for found in backends)
    if not built and need(facts.driver.amd.rocm_version) is None:
        raise NotApplicable("neither ROCm nor a framework for it is installed")
    return cards


def _nodes(facts: Facts) -> dict[str, tuple[int, DeviceNode]]:
    return {node.path: (index, node) for index, node in enumerate(need(facts.driver.device_nodes))}


@rule(
    "amdgpu-driver-not-loaded",
    severity="error",
    layer="driver",
    title=template("The AMD GPU {device} has no driver"),
    message=template(
        "An AMD GPU is on the bus at {device}, and the kernel has no amdgpu module loaded, so ROCm finds no GPU. It "
        "is missing, kept away by a blacklist, or it failed."
    ),
)
def amdgpu_driver_not_loaded(facts: Facts) -> Iterator[Failure]:
    """The kernel module amdgpu, on which ROCm rests, is not loaded.

    'modprobe amdgpu' cures it or says why not; a blacklist in /etc/modprobe.d and 'nomodeset' on the kernel's command
    line are usual reasons.
    """
    if in_container(facts):
        raise NotApplicable("in a container: the kernel is the host's")

    def check(_: int, place: tuple[int, PciDevice]) -> Iterator[Failure]:
        index, device = place
        if need(device.kernel_driver) is None and not need(facts.driver.amd.module_loaded):
            commands = ("sudo modprobe amdgpu", "sudo dmesg | grep -i amdgpu")
            yield Failure(
                evidence=(f"/hardware/pci/{index}/kernel_driver", "/driver/amd/module_loaded"),
                fields={"device": device.address},
                fixes=(by_system(LOAD, commands, ROCM_INSTALL, restart="none", verify="envcheck report"),),
            )

    yield from for_each(_for_rocm(facts), check)


@rule(
    "rocm-device-not-in-container",
    severity="error",
    layer="platform",
    title=template("The container was started without its host's AMD GPU"),
    message=template(
        "The host has an AMD GPU with a running driver, but this container ({container}) has no device file {missing}. "
        "ROCm needs /dev/kfd and the render nodes in /dev/dri; what tools say of the module is about the host."
    ),
)
def rocm_device_not_in_container(facts: Facts) -> Iterator[Failure]:
    """Containers get AMD's GPUs as device files that have to be named at the start."""
    if not in_container(facts):
        raise NotApplicable("not in a container")
    _for_rocm(facts)
    nodes = _nodes(facts)
    if not need(facts.driver.amd.module_loaded):
        return
    missing = "/dev/kfd" if "/dev/kfd" not in nodes else None
    if missing is None and not any(path.startswith("/dev/dri/renderD") for path in nodes):
        missing = "/dev/dri/renderD*"
    if missing is not None:
        yield Failure(
            evidence=("/platform/container", "/driver/amd/module_loaded", "/driver/device_nodes"),
            fields={"container": facts.platform.container, "missing": missing},
            fixes=(by_hand(PASS_DEVICES, ROCM_DOCKER),),
        )


@rule(
    "rocm-kfd-permission-denied",
    severity="error",
    layer="driver",
    title=template("This user may not open {path}"),
    message=template(
        "ROCm computes through {path}, which belongs to the group '{group}', and this user may not open it "
        "({error}). rocm-smi reads other files, and works all the same."
    ),
)
def rocm_kfd_permission_denied(facts: Facts) -> Iterator[Failure]:
    """The device files of AMD's GPUs belong to groups, and this user is in none of them.

    Programs say 'Unable to open /dev/kfd read-write: Permission denied'. Membership counts from the next login on.
    """
    _for_rocm(facts)
    for path, (index, node) in _nodes(facts).items():
        if (path == "/dev/kfd" or path.startswith("/dev/dri/renderD")) and need(node.open_error) == "EACCES":
            join = _join(("render", "video"), ROCM_INSTALL)
            yield Failure(
                evidence=(f"/driver/device_nodes/{index}/open_error", f"/driver/device_nodes/{index}/group"),
                fields={"path": path, "group": known(node.group, "?"), "error": node.open_error},
                fixes=(by_hand(GROUP, ROCM_DOCKER),) if in_container(facts) else (join,),
            )
            return


@rule(
    "amd-gpu-unsupported",
    severity="error",
    layer="hardware",
    title=template("AMD's driver does not offer the GPU {device} for computing"),
    message=template(
        "The driver amdgpu runs the GPU at {device}, but its part for computing (kfd) lists no GPU. The card can draw "
        "a screen, and ROCm cannot use it."
    ),
    after=("rocm-device-not-in-container",),
)
def amd_gpu_unsupported(facts: Facts) -> Iterator[Failure]:
    """The kernel's compute driver (kfd) refuses this AMD GPU: it is too old, too new, or lacks something on its slot.

    The kernel's log says 'not supported in kfd'.
    """
    cards = _for_rocm(facts)
    bound = [(index, device) for index, device in cards if need(device.kernel_driver) == "amdgpu"]
    if not bound or need(facts.driver.amd.compute_nodes):
        return
    index, device = bound[0]
    refused = known(facts.driver.kernel_log.volatile.messages, ()) and messages(facts, ("kfd-unsupported",))
    said = (f"{MESSAGES}/{refused[0][0]}/text",) if refused else ()
    yield Failure(
        evidence=(f"/hardware/pci/{index}/kernel_driver", "/driver/amd/compute_nodes", *said),
        fields={"device": device.address},
        fixes=(by_hand(OTHER_BUILD, ROCM_SUPPORT),),
    )


@rule(
    "rocm-gfx-override-wrong",
    severity="error",
    layer="backend",
    title=template("HSA_OVERRIDE_GFX_VERSION={value} makes the AMD GPU run code of another family"),
    message=template(
        "The variable makes ROCm treat the GPU as {pretended}, and it is {real}. Code of another family ends in "
        "'invalid instruction' or memory faults, or computes nonsense."
    ),
)
def rocm_gfx_override_wrong(facts: Facts) -> Iterator[Failure]:
    """An override that helps a close relative (gfx1031 as gfx1030) was set for a GPU of another family.

    ROCm's code is made for each chip. The variable lends a chip the code of its sibling; across generations that fails.
    """
    found = variable(facts, "HSA_OVERRIDE_GFX_VERSION")
    if found is None:
        raise NotApplicable("HSA_OVERRIDE_GFX_VERSION is not set")
    index, value = found
    numbers = value.strip().split(".")
    if len(numbers) != 3 or not all(number.isdecimal() for number in numbers):
        return
    for place, node in enumerate(need(facts.driver.amd.compute_nodes)):
        real = need(node.gfx_target)
        if real[3:-2] != numbers[0]:
            pretended = f"gfx{numbers[0]}{int(numbers[1]):x}{int(numbers[2]):x}"
            yield Failure(
                evidence=(f"/platform/environment/{index}/value", f"/driver/amd/compute_nodes/{place}/gfx_target"),
                fields={"value": value, "pretended": pretended, "real": real},
                fixes=(in_shell(REMOVE_OVERRIDE, shell.unset(facts, "HSA_OVERRIDE_GFX_VERSION"), source=ROCM_SUPPORT),),
            )
            return


@rule(
    "intel-gpu-not-visible",
    severity="warning",
    layer="driver",
    title=template("Programs cannot reach the Intel GPU {device}"),
    message=template(
        "A package for Intel's GPUs is installed ({package}) and the GPU at {device} has its kernel driver, but "
        "{what}. Frameworks run on the processor instead."
    ),
)
def intel_gpu_not_visible(facts: Facts) -> Iterator[Failure]:
    """Between framework and Intel GPU something is missing: the device file, the right to open it, or the runtime.

    Programs reach it through a render node in /dev/dri and through Level Zero or OpenCL. Nothing is said unless a
    package for Intel's GPUs is installed: nearly every laptop has such a GPU.
    """
    cards = [place for place in _cards(facts, INTEL_VENDOR_ID) if place[1].kernel_driver not in (None, *RESERVING)]
    if not cards:
        raise NotApplicable("no Intel GPU with a driver")
    packages = need(facts.python.packages)
    wanted = next((found.name for found in packages if found.name in INTEL_PACKAGES), None)
    if wanted is None:
        raise NotApplicable("no package for Intel's GPUs is installed")
    index, device = cards[0]
    nodes = [(path, place) for path, place in _nodes(facts).items() if path.startswith("/dev/dri/renderD")]
    denied = [place for _, place in nodes if need(place[1].open_error) == "EACCES"]
    fields: dict[str, object] = {"device": device.address, "package": wanted}
    if not nodes:
        what, evidence, fix = NO_NODE, "/driver/device_nodes", by_hand(PASS_INTEL, INTEL_INSTALL)
    elif len(denied) == len(nodes):
        what, evidence = NO_RIGHT, f"/driver/device_nodes/{denied[0][0]}/open_error"
        fix = _join(("render",), INTEL_INSTALL)
    elif not need(facts.driver.intel.level_zero_drivers) and not need(facts.driver.intel.opencl_drivers):
        what, evidence = NO_RUNTIME, "/driver/intel/level_zero_drivers"
        fix = install_intel_runtime(facts)
    else:
        return
    yield Failure(
        evidence=(f"/hardware/pci/{index}/kernel_driver", evidence),
        fields={**fields, "what": sentence(what)},
        fixes=(fix,),
    )


def install_intel_runtime(facts: Facts) -> Fix:
    """Return the fix that installs what reaches Intel's GPUs through Level Zero and OpenCL."""
    install = commands(facts, "intel-gpu")
    if not install:
        return by_hand(INSTALL_RUNTIME, INTEL_INSTALL)
    return by_system(INSTALL_RUNTIME, install, INTEL_INSTALL, restart="none", verify="envcheck report")


def _join(groups: tuple[str, ...], source: str) -> Fix:
    command = f"sudo usermod -aG {','.join(groups)} $USER"
    return by_system(JOIN, (command,), source, restart="shell", verify="envcheck report")


NO_NODE = template("there is no render node in /dev/dri")
NO_RIGHT = template("this user may not open its render node in /dev/dri")
NO_RUNTIME = template("neither Level Zero nor OpenCL has a driver for it")
