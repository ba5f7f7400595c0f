"""Containers: what of the driver belongs to the image, and what the host hands in."""

import re
from collections.abc import Iterator

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envcheck.fixes import nvidia
from envcheck.fixes.files import by_hand
from envcheck.fixes.nvidia import by_system
from envcheck.model.facts import Backend, CdiSpecification, Facts
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.gpus import on_host
from envcheck.rules.shared import (
    for_each,
    for_each_framework,
    gpu_severity,
    has_gpu_build,
    in_container,
    title_of,
    version_of,
)
from envcheck.words import template

CDI = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/cdi-support.html"
X86_VENDORS = ("Intel", "AMD", "Hygon", "Zhaoxin", "VIA")
CONDITION = re.compile(r"\b(cuda|driver)(>=|<=|<|>|==|!=)([\d.]+)")
"""A condition in NVIDIA_REQUIRE_CUDA (NVIDIA Container Toolkit, 'Constraints'): commas mean 'and', spaces 'or'."""
NEWER_ON_HOST = template("Update the NVIDIA driver of the host, or take an image with an older CUDA")
NATIVE_IMAGE = template("Start the image of this processor: docker run --platform linux/arm64 IMAGE")
CLEAN_IMAGE = template(
    "Take the driver's files out of the image (RUN rm -f {paths}) and build it again; the host's come in at the start"
)
NEW_CDI = template("Write the specification anew")


# --- containers ---------------------------------------------------------------------------------


@rule(
    "container-image-bundles-driver",
    severity="error",
    layer="platform",
    title=template("The container's image holds files of another NVIDIA driver"),
    message=template(
        "{path} belongs to the image and is of version {version}, while the host's kernel module is {module}. Driver "
        "files come from the host at the start of the container; those of the image stand in their way."
    ),
)
def container_image_bundles_driver(facts: Facts) -> Iterator[Failure]:
    """Somebody installed an NVIDIA driver into the image, or saved a running container as an image.

    The copies block the host's files or are found before them. It is a note where CUDA works all the same.
    """
    if not in_container(facts):
        raise NotApplicable("not in a container")
    driver = facts.driver.nvidia
    module = need(driver.kernel_module_version)
    if module is None:
        raise NotApplicable("the host runs no NVIDIA driver")
    for index, library in enumerate(need(driver.libraries)):
        if library.kind != "driver" or need(library.version) in (None, module) or need(library.mounted):
            continue
        folder = library.path.rpartition("/")[0]
        paths = f"{folder}/libcuda.so* {folder}/libnvidia-*.so*"
        works = known(driver.cuda.status, None) == "ok"
        yield Failure(
            evidence=(
                f"/driver/nvidia/libraries/{index}/path",
                f"/driver/nvidia/libraries/{index}/version",
                "/driver/nvidia/kernel_module_version",
            ),
            fields={"path": library.path, "version": library.version, "module": module},
            fixes=(by_hand(CLEAN_IMAGE, nvidia.CONTAINER, paths=paths),),
            severity="info" if works else gpu_severity(facts),
        )
        return


@rule(
    "container-cdi-spec-invalid",
    severity="warning",
    layer="platform",
    title=template("The specification of GPUs for containers is of another driver version"),
    message=template(
        "{path} tells Podman and Docker to hand in driver files of version {old}, and the driver is {driver}. Those "
        "files are gone since an update, and containers that ask for the GPU do not start."
    ),
    after=("nvidia-driver-reboot-pending",),
)
def container_cdi_spec_invalid(facts: Facts) -> Iterator[Failure]:
    """The file with which containers get the GPU (CDI) was written for an earlier driver.

    Podman says 'unresolvable CDI devices' or that a file does not exist. 'nvidia-ctk cdi generate' writes it anew.
    """
    on_host(facts)
    version = need(facts.driver.nvidia.version)
    if version is None:
        raise NotApplicable("no NVIDIA driver")

    def check(index: int, found: CdiSpecification) -> Iterator[Failure]:
        versions = need(found.driver_versions)
        if (need(found.kind) or "").startswith("nvidia.com/") and versions and version not in versions:
            yield Failure(
                evidence=(
                    f"/platform/container_devices/cdi_specifications/{index}/path",
                    f"/platform/container_devices/cdi_specifications/{index}/driver_versions",
                    "/driver/nvidia/version",
                ),
                fields={"path": found.path, "old": ", ".join(versions), "driver": version},
                fixes=(by_system(NEW_CDI, (f"sudo nvidia-ctk cdi generate --output={found.path}",), CDI, "none"),),
            )

    yield from for_each(need(facts.platform.container_devices.cdi_specifications), check)


@rule(
    "container-requires-newer-driver",
    severity="warning",
    layer="platform",
    title=template("The container's image asks for a newer NVIDIA driver"),
    message=template(
        "The image says that it needs '{requirement}', and the driver of the host, {driver}, supports CUDA {cuda}. "
        "The check at the start of the container was switched off, or another program than NVIDIA's started it. What "
        "the image brings of CUDA may not run."
    ),
)
def container_requires_newer_driver(facts: Facts) -> Iterator[Failure]:
    """NVIDIA_REQUIRE_CUDA of the image names the driver that it needs, and the host's is older.

    Usually such a container does not start at all: 'requirement error: unsatisfied condition'. With
    NVIDIA_DISABLE_REQUIRE set it starts, and fails later. Update the host's driver, or take an older image.
    """
    if not in_container(facts):
        raise NotApplicable("not in a container")
    requirement = need(facts.platform.container_devices.nvidia_requirement)
    if not requirement:
        raise NotApplicable("the image asks for no driver")
    cuda = version_of(need(facts.driver.nvidia.cuda_driver_api_version))
    driver = version_of(need(facts.driver.nvidia.version))
    if cuda is None or driver is None:
        raise NotApplicable("no NVIDIA driver")
    if not any(_satisfied(words, cuda, driver) for words in requirement.split()):
        yield Failure(
            evidence=(
                "/platform/container_devices/nvidia_requirement",
                "/driver/nvidia/cuda_driver_api_version",
                "/driver/nvidia/version",
            ),
            fields={"requirement": requirement.split()[0], "driver": facts.driver.nvidia.version, "cuda": cuda},
            fixes=(by_hand(NEWER_ON_HOST, nvidia.CONTAINER),),
            severity=None if has_gpu_build(facts) else "info",
        )


def _satisfied(words: str, cuda: Version, driver: Version) -> bool:
    """Say whether conditions such as ``brand=tesla,driver>=470,driver<471`` hold; a brand is taken to hold."""
    for name, comparison, number in CONDITION.findall(words):
        if not SpecifierSet(f"{comparison}{number}").contains(cuda if name == "cuda" else driver):
            return False
    return True


@rule(
    "emulated-x86-container-lacks-avx",
    severity="error",
    layer="platform",
    title=template("A container for Intel processors runs on another processor"),
    message=template(
        "This container is made for x86-64, and the processor is {model}: every instruction is emulated, and the "
        "emulator offers no AVX, for which {framework} is compiled. Besides, everything is many times slower."
    ),
)
def emulated_x86_container_lacks_avx(facts: Facts) -> Iterator[Failure]:
    """An image for Intel processors was started on an Apple or another Arm processor.

    Docker warns that the image's platform does not match the host's. Take the image for the machine's own processor.
    """
    if not in_container(facts) or need(facts.platform.machine) != "x86_64":
        raise NotApplicable("not a container for x86-64")
    cpu = facts.hardware.cpu
    vendor = need(cpu.vendor)
    if vendor is None or vendor in X86_VENDORS or "avx" in need(cpu.instruction_sets):
        return

    def check(index: int, found: Backend) -> Iterator[Failure]:
        if "avx" in need(found.built_for.instruction_sets):
            yield Failure(
                evidence=("/hardware/cpu/vendor", "/platform/machine", "/hardware/cpu/instruction_sets"),
                fields={"framework": title_of(found.name), "model": known(cpu.model, None) or vendor},
                fixes=(by_hand(NATIVE_IMAGE, "https://docs.docker.com/build/building/multi-platform/"),),
                subject=found.name,
            )

    yield from for_each_framework(facts, check)
