"""Accelerators that a framework does not offer although they are there."""

import re
from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.model.facts import Backend, Facts
from envcheck.model.unknown import known, need
from envcheck.rules.causes import GPU_FAULTS
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.environment import UNSET
from envcheck.rules.other_gpus import INTEL_VENDOR_ID, install_intel_runtime
from envcheck.rules.shared import (
    RESERVING,
    backend,
    for_each_framework,
    is_first_choice,
    last_words,
    title_of,
    usable_gpus,
    variable,
)
from envcheck.words import template

TORCH_XPU = "https://docs.pytorch.org/docs/stable/notes/get_start_xpu.html"
ROCM_MATRIX = "https://rocm.docs.amd.com/en/latest/compatibility/compatibility-matrix.html"
TORCHRUN = "https://docs.pytorch.org/docs/stable/elastic/run.html"
KERAS_TORCH = "https://github.com/keras-team/keras/blob/master/keras/src/backend/torch/core.py"
SELECTORS = ("ONEAPI_DEVICE_SELECTOR", "ZE_AFFINITY_MASK", "SYCL_DEVICE_FILTER")
"""Variables that hide devices from SYCL (intel.github.io/llvm/EnvironmentVariables) and from Level Zero."""
NO_CODE_FOR_GFX = (
    "invalid device function",
    "hipErrorNoBinaryForGpu",
    "Unable to find code object for all current devices",
    "TensileLibrary",
)
"""HIP's names of the error, and rocBLAS's (pytorch/pytorch#132570, ROCm/rocBLAS#1339)."""
MISSING_HIP = re.compile(r"(lib(?:amdhip64|rocblas|MIOpen|hipblas|rccl|hsa-runtime64)[\w.-]*\.so[\d.]*): cannot open")
SIBLING = {"gfx103": "10.3.0", "gfx110": "11.0.0"}
"""The chip of a family whose code its siblings can run (pytorch/pytorch#132570, ROCm/tensorflow-upstream#1187)."""

PRETEND = template("Let the GPU run the code of its close relative; AMD does not support it, and it often works")
OTHER_BUILD = template("Use a build that lists {gfx}; AMD's matrix tells which releases of ROCm support it")
FIT_ROCM = template("Install the release of ROCm that the wheel was made for, or the wheel for the ROCm that is there")
ONE_EACH = template("Start one process for each GPU, and let each take the GPU of its number (LOCAL_RANK)")
NAME_DEVICE = template("Name a device that PyTorch has, or leave the choice to Keras")


def _intel_gpu(facts: Facts) -> tuple[int, str]:
    """Return the place and address of an Intel GPU with a driver, or leave the rule."""
    for index, device in enumerate(need(facts.hardware.pci)):
        bound = device.class_code.startswith("03") and known(device.kernel_driver, None) not in (None, *RESERVING)
        if device.vendor_id == INTEL_VENDOR_ID and bound:
            return index, device.address
    raise NotApplicable("no Intel GPU with a driver")


@rule(
    "openvino-device-unavailable",
    severity="info",
    layer="backend",
    title=template("OpenVINO does not offer the Intel GPU {device}"),
    message=template(
        "OpenVINO has its part for Intel GPUs and lists {listed}; the GPU at {device} is not among them, because the "
        "system has no OpenCL driver for it. Models run on the processor."
    ),
    after=("intel-gpu-not-visible",),
)
def openvino_device_unavailable(facts: Facts) -> Iterator[Failure]:
    """OpenVINO's plug-in for GPUs finds no device, although an Intel GPU with a kernel driver is there.

    It reaches the GPU through OpenCL, whose driver is a package of its own. It is a note, since nearly every laptop has
    such a GPU, and a warning where Keras runs on OpenVINO.
    """
    openvino = backend(facts, "openvino")
    if openvino is None:
        raise NotApplicable("OpenVINO is not installed")
    place, device = _intel_gpu(facts)
    index, found = openvino
    if "intel_gpu" not in need(found.plugins) or need(facts.driver.intel.opencl_drivers):
        return
    devices = need(found.devices)
    if not any(each.name.startswith("gpu") for each in devices):
        yield Failure(
            evidence=(
                f"/backends/{index}/devices",
                f"/hardware/pci/{place}/kernel_driver",
                "/driver/intel/opencl_drivers",
            ),
            fields={"device": device, "listed": ", ".join(each.framework_name for each in devices) or "none"},
            fixes=(install_intel_runtime(facts),),
            subject="openvino",
            severity="warning" if is_first_choice(facts, "openvino") else "info",
        )


@rule(
    "intel-xpu-runtime-mismatch",
    severity="warning",
    layer="backend",
    title=template("PyTorch for Intel GPUs counts none"),
    message=template(
        "PyTorch {version} is a build for Intel GPUs, the GPU at {device} has its driver and Level Zero is installed, "
        "and PyTorch lists no such device. The variable {name} is set to '{value}', which selects devices."
    ),
    after=("intel-gpu-not-visible",),
)
def intel_xpu_runtime_mismatch(facts: Facts) -> Iterator[Failure]:
    """A variable that selects devices hides the Intel GPU from PyTorch.

    ONEAPI_DEVICE_SELECTOR, SYCL_DEVICE_FILTER and ZE_AFFINITY_MASK are set for one program and stay. Sign: 'XPU device
    count is zero!'. Without such a variable the runtime of the wheel and the driver do not fit; that cannot be told
    from here.
    """
    torch = backend(facts, "torch")
    if torch is None or "xpu" not in need(torch[1].plugins):
        raise NotApplicable("no PyTorch for Intel GPUs is installed")
    place, device = _intel_gpu(facts)
    seen = any(each.name.startswith("xpu") for each in need(torch[1].devices))
    if seen or not need(facts.driver.intel.level_zero_drivers):
        return
    for name in SELECTORS:
        found = variable(facts, name)
        if found:
            yield Failure(
                evidence=(
                    f"/backends/{torch[0]}/devices",
                    f"/hardware/pci/{place}/kernel_driver",
                    f"/platform/environment/{found[0]}/value",
                ),
                fields={
                    "version": known(torch[1].version, None) or "",
                    "device": device,
                    "name": name,
                    "value": found[1],
                },
                fixes=(in_shell(UNSET, shell.unset(facts, name), source=TORCH_XPU, name=name),),
                subject="torch",
            )
            return


@rule(
    "rocm-gfx-not-in-build",
    severity="error",
    layer="backend",
    title=template("{framework} has no code for the AMD GPU ({gfx})"),
    message=template(
        "ROCm's code is made for each chip, and there is nothing in between that the driver could translate. The build "
        "of {framework} has none for {gfx}. It said: {said}"
    ),
    after=("amd-gpu-unsupported", "rocm-gfx-override-wrong"),
)
def rocm_gfx_not_in_build(facts: Facts) -> Iterator[Failure]:
    """A framework for ROCm was built without code for this AMD GPU.

    The first kernel fails: 'invalid device function', 'hipErrorNoBinaryForGpu', or a missing TensileLibrary file. Some
    chips can run a close relative's code with HSA_OVERRIDE_GFX_VERSION.
    """
    nodes = [(index, need(node.gfx_target)) for index, node in enumerate(need(facts.driver.amd.compute_nodes))]
    if not nodes:
        raise NotApplicable("no AMD GPU that computes")

    def check(index: int, found: Backend) -> Iterator[Failure]:
        for pointer, words in last_words(facts, index, found):
            said = next((line for line in words.splitlines() if any(sign in line for sign in NO_CODE_FOR_GFX)), None)
            if said is None:
                continue
            place, gfx = nodes[0]
            sibling = SIBLING.get(gfx[:-1])
            pretend = shell.export(facts, "HSA_OVERRIDE_GFX_VERSION", sibling) if sibling else None
            yield Failure(
                evidence=(f"/driver/amd/compute_nodes/{place}/gfx_target", pointer),
                fields={"framework": title_of(found.name), "gfx": gfx, "said": said.strip()},
                fixes=(
                    *((in_shell(PRETEND, pretend, source=ROCM_MATRIX),) if pretend else ()),
                    by_hand(OTHER_BUILD, ROCM_MATRIX, gfx=gfx),
                ),
                subject=found.name,
            )
            return

    yield from for_each_framework(facts, check)


@rule(
    "rocm-runtime-wheel-mismatch",
    severity="error",
    layer="backend",
    title=template("{framework} does not find {library} of its release of ROCm"),
    message=template(
        "{framework} {version} was built for ROCm, and the library {library} that it asks for is not there{installed}. "
        "The number in the name tells the release that is wanted."
    ),
)
def rocm_runtime_wheel_mismatch(facts: Facts) -> Iterator[Failure]:
    """The wheel of a framework and the installed ROCm are of releases that do not go together.

    AMD's wheels of TensorFlow use the system's ROCm below /opt/rocm and need the release they were built with;
    PyTorch's own wheels bring theirs along. Sign: 'libamdhip64.so.6: cannot open shared object file'.
    """

    def check(index: int, found: Backend) -> Iterator[Failure]:
        for pointer, words in last_words(facts, index, found):
            missing = MISSING_HIP.search(words)
            if missing is None:
                continue
            rocm = known(facts.driver.amd.rocm_version, None)
            yield Failure(
                evidence=(pointer, "/driver/amd/rocm_version"),
                fields={
                    "framework": title_of(found.name),
                    "version": known(found.version, None) or "",
                    "library": missing[1],
                    "installed": f"; ROCm {rocm} is installed" if rocm else "",
                },
                fixes=(by_hand(FIT_ROCM, ROCM_MATRIX),),
                subject=found.name,
            )
            return

    yield from for_each_framework(facts, check)


@rule(
    "nccl-duplicate-gpu",
    severity="warning",
    layer="backend",
    title=template("{processes} processes of one job share the GPUs of this machine: {gpus}"),
    message=template(
        "LOCAL_WORLD_SIZE says that this job runs {processes} processes on this machine, and CUDA shows {gpus} of its "
        "GPUs here. NCCL, through which GPUs exchange data, refuses two processes on one GPU: 'Duplicate GPU detected'."
    ),
    after=(*GPU_FAULTS,),
)
def nccl_duplicate_gpu(facts: Facts) -> Iterator[Failure]:
    """A launcher started more processes than there are GPUs to see.

    torchrun sets LOCAL_WORLD_SIZE and LOCAL_RANK. Where every process says 'cuda:0' the message is the same although
    there are enough GPUs; that is in the program and cannot be seen from here. Nothing is said where
    CUDA_VISIBLE_DEVICES is set: some launchers (Slurm, Ray) show each process a GPU of its own with it.
    """
    found = variable(facts, "LOCAL_WORLD_SIZE")
    if found is None or not found[1].isdecimal() or not usable_gpus(facts):
        raise NotApplicable("not started by a launcher of several processes, or no NVIDIA GPU")
    if variable(facts, "CUDA_VISIBLE_DEVICES") is not None:
        raise NotApplicable("the launcher may show each process a GPU of its own")
    gpus = len(need(facts.driver.nvidia.cuda.devices))
    if int(found[1]) > gpus > 0:
        yield Failure(
            evidence=(f"/platform/environment/{found[0]}/value", "/driver/nvidia/cuda/devices"),
            fields={"processes": found[1], "gpus": gpus},
            fixes=(by_hand(ONE_EACH, TORCHRUN),),
        )


@rule(
    "keras-torch-device-default",
    severity="error",
    layer="keras",
    title=template("KERAS_TORCH_DEVICE sends Keras to '{value}', and PyTorch lists {listed}"),
    message=template(
        "On PyTorch, Keras puts every tensor on the device that KERAS_TORCH_DEVICE names. It is '{value}'; PyTorch has "
        "{listed}. Without the variable Keras takes the GPU if there is one, else the processor."
    ),
    after=("torch-cpu-only-build", *GPU_FAULTS),
)
def keras_torch_device_default(facts: Facts) -> Iterator[Failure]:
    """A variable sends Keras's tensors to a device that this PyTorch cannot use.

    Keras takes KERAS_TORCH_DEVICE, else Metal, CUDA, an Intel GPU, the processor, in this order. It is a note where the
    variable says 'cpu' and PyTorch has a GPU: models then train on the processor, which somebody may want.
    """
    found = variable(facts, "KERAS_TORCH_DEVICE")
    torch = backend(facts, "torch")
    if found is None or not found[1] or torch is None or known(facts.keras.backend, None) != "torch":
        raise NotApplicable("Keras does not run on PyTorch, or the variable is not set")
    names = [device.framework_name for device in need(torch[1].devices)]
    kinds = {name.partition(":")[0] for name in names}
    kind = found[1].partition(":")[0].strip()
    if kind != "meta" and (kind not in kinds or (kind == "cpu" and len(kinds) > 1)):
        yield Failure(
            evidence=(f"/platform/environment/{found[0]}/value", f"/backends/{torch[0]}/devices"),
            fields={"value": found[1], "listed": ", ".join(names)},
            fixes=(in_shell(NAME_DEVICE, shell.unset(facts, "KERAS_TORCH_DEVICE"), source=KERAS_TORCH),),
            subject="torch",
            severity="info" if kind in kinds else "error",
        )
