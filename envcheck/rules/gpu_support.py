"""Whether driver, GPU and the build of a framework go together."""

from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes import forward_compatibility, gpu_builds, shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.nvidia import install_driver
from envcheck.knowledge import cuda
from envcheck.model.facts import Backend, Facts, NvidiaGpu
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import (
    error_unless_proven,
    for_each_framework,
    in_use,
    listed,
    meant_for_gpu,
    title_of,
    usable_gpus,
    version_of,
)
from envcheck.words import template

NEWER_BUILD = template("Install a newer release of {framework}, whose build knows this GPU")
OTHER_FRAMEWORK = template("Let Keras use another framework, whose build supports this GPU")
KEEP_CACHE = template("Wait once, and keep the compiled code: let the cache grow")
KERAS = "https://keras.io/getting_started/"
JIT = "https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html"


# --- driver and build -----------------------------------------------------------------------------


@rule(
    "nvidia-driver-too-old",
    severity="error",
    layer="driver",
    title=template("The NVIDIA driver {driver} is too old for {framework} (CUDA {cuda})"),
    message=template(
        "{framework} {version} was built with CUDA {cuda}, which needs the driver {needed} or newer. Installed is "
        "{driver}, which supports CUDA up to {supported}. {framework} cannot use the GPU with it."
    ),
)
def nvidia_driver_too_old(facts: Facts) -> Iterator[Failure]:
    """The framework's CUDA is newer than the driver can serve.

    What counts is the CUDA major version: programs built with any 12.x run on every driver for 12.0 and newer. The
    wheels bring CUDA with them; the driver belongs to the system. Signs: 'The NVIDIA driver on your system is too old',
    'CUDA driver version is insufficient for CUDA runtime version'. Update the driver, or take a build for an older
    CUDA; on GPUs of data centres NVIDIA's package cuda-compat can bring the newer CUDA to certain older drivers. It is
    a warning where Keras uses another framework.
    """
    driver = facts.driver.nvidia
    installed = version_of(need(driver.version))
    if installed is None:
        raise NotApplicable("no NVIDIA driver is installed")
    windows = need(facts.platform.system) == "Windows"

    def check(index: int, found: Backend) -> Iterator[Failure]:
        built = cuda.release(need(found.built_for.cuda))
        row = cuda.minimum_driver(built) if built else None
        if built is None or row is None:
            return
        supported = version_of(known(driver.cuda_driver_api_version, None))
        needed = row.windows if windows else row.linux
        # A CUDA of the same or a newer release may have come with the forward-compatibility package.
        if installed >= Version(needed) or (supported is not None and supported >= built):
            return
        if _all_too_old(facts, built):
            return  # then a newer driver would help no more
        yield Failure(
            evidence=(
                "/driver/nvidia/version",
                "/driver/nvidia/cuda_driver_api_version",
                f"/backends/{index}/built_for/cuda",
            ),
            fields={
                "driver": driver.version,
                "framework": title_of(found.name),
                "version": known(found.version, None) or "",
                "cuda": found.built_for.cuda,
                "needed": needed,
                "supported": supported or "an older release",
            },
            fixes=(install_driver(facts), *_older_build(facts, found), *_compatibility(facts, built)),
            subject=found.name,
            severity="error" if in_use(facts, found.name) else "warning",
        )

    yield from for_each_framework(facts, check)


def _all_too_old(facts: Facts, built: Version) -> bool:
    """Say whether every GPU is known to be older than those for which this CUDA release compiles."""
    oldest = cuda.oldest_gpu(built)
    able = [cuda.capability(known(gpu.compute_capability, "")) for gpu in known(facts.driver.nvidia.gpus, ())]
    return oldest is not None and bool(able) and all(found is not None and found < oldest for found in able)


def _compatibility(facts: Facts, cuda: Version) -> tuple[Fix, ...]:
    fix = forward_compatibility.compatibility(facts, cuda)
    return (fix,) if fix else ()


def _older_build(facts: Facts, found: Backend) -> tuple[Fix, ...]:
    fix = gpu_builds.fitting(facts, found.name) if found.name in gpu_builds.CHECKS else None
    return (fix,) if fix else ()


# --- GPU and build --------------------------------------------------------------------------------


def _unserved(facts: Facts, found: Backend) -> Iterator[tuple[int, NvidiaGpu, tuple[int, int], list[str]]]:
    """Yield the GPUs for which a build has no machine code, with their capability and how the build serves them.

    Of several equal ones only the first.
    """
    if need(found.built_for.cuda) is None:
        return
    codes = need(found.built_for.compute_capabilities)
    if not codes:
        return
    seen: set[str] = set()
    for place, gpu in usable_gpus(facts):
        capability = cuda.capability(need(gpu.compute_capability))
        name = known(gpu.name, str(place))
        if capability is None or name in seen:
            continue
        seen.add(name)
        ways = [way for way in (cuda.code_runs_on(code, capability) for code in codes) if way]
        if "native" not in ways:
            yield place, gpu, capability, ways


def _gpu_and_build(facts: Facts, kind: str) -> Iterator[Failure]:
    """Yield the GPUs that a build does not serve: ``newer`` and ``older`` than it, between its entries, or by PTX."""

    def check(index: int, found: Backend) -> Iterator[Failure]:
        for place, gpu, capability, ways in _unserved(facts, found):
            codes = need(found.built_for.compute_capabilities)
            targets = sorted(target for target in (cuda.built_for(code) for code in codes) if target)
            if not targets:
                continue
            if ways:
                what = "ptx"
            elif capability < targets[0]:
                what = "older"
            else:
                what = "newer" if capability > targets[-1] else "between"
            if what != kind:
                continue
            only_gpu = len(usable_gpus(facts)) == 1
            yield Failure(
                evidence=(
                    f"/driver/nvidia/gpus/{place}/compute_capability",
                    f"/backends/{index}/built_for/compute_capabilities",
                ),
                fields={
                    "gpu": known(gpu.name, "The GPU"),
                    "capability": f"{capability[0]}.{capability[1]}",
                    "framework": title_of(found.name),
                    "version": known(found.version, None) or "",
                    "codes": listed(codes, 12),
                },
                fixes=_builds_for(facts, found, kind),
                subject=found.name,
                severity=(
                    "info"
                    if kind == "ptx" or not meant_for_gpu(facts, found)
                    else error_unless_proven(facts, found.name)
                    if only_gpu and in_use(facts, found.name)
                    else "warning"
                ),
            )

    yield from for_each_framework(facts, check)


def _builds_for(facts: Facts, found: Backend, kind: str) -> tuple[Fix, ...]:
    if kind == "ptx":
        return (in_shell(KEEP_CACHE, shell.export(facts, "CUDA_CACHE_MAXSIZE", "4294967296"), source=JIT),)
    other = by_hand(OTHER_FRAMEWORK, KERAS)
    # A build that left a generation out is none of those that the tables know, whatever its version says.
    gone = tuple(known(found.distributions, ())) if kind == "between" else ()
    fix = gpu_builds.fitting(facts, found.name, remove=gone) if found.name in gpu_builds.CHECKS else None
    if fix is None and kind == "newer":
        fix = by_hand(NEWER_BUILD, gpu_builds.TENSORFLOW, framework=title_of(found.name))
    return (fix, other) if fix else (other,)


@rule(
    "gpu-newer-than-framework-build",
    severity="error",
    layer="backend",
    title=template("{gpu} is newer than the build of {framework} {version}"),
    message=template(
        "{gpu} has compute capability {capability}. The installed build of {framework} has code for {codes}, none of "
        "which runs on it. The GPU is listed, and the first computation fails with 'no kernel image is available'."
    ),
    after=("nvidia-driver-too-old",),
)
def gpu_newer_than_framework_build(facts: Facts) -> Iterator[Failure]:
    """The GPU is of a generation that the framework's build does not know yet.

    Machine code runs on GPUs of the same major compute capability; portable code (PTX) on all later ones, where the
    build has any. Signs: 'is not compatible with the current PyTorch installation', 'no kernel image is available',
    'CUDA_ERROR_INVALID_PTX'. It is a warning where another GPU is there, or where the smoke test passes all the same.
    """
    yield from _gpu_and_build(facts, "newer")


@rule(
    "gpu-older-than-framework-build",
    severity="error",
    layer="backend",
    title=template("{gpu} is too old for the build of {framework} {version}"),
    message=template(
        "{gpu} has compute capability {capability}. The installed build of {framework} has code for {codes}; support "
        "for older GPUs was left out."
    ),
)
def gpu_older_than_framework_build(facts: Facts) -> Iterator[Failure]:
    """The framework's build dropped the generation of this GPU.

    Builds with CUDA 13 need compute capability 7.5 (Turing); PyTorch from the index 'cu126' keeps older cards up to
    release 2.14. Signs: 'The minimum required Cuda capability is', 'no kernel image is available'.
    """
    yield from _gpu_and_build(facts, "older")


@rule(
    "gpu-arch-missing-from-build",
    severity="error",
    layer="backend",
    title=template("The build of {framework} {version} left out the generation of {gpu}"),
    message=template(
        "{gpu} has compute capability {capability}. The installed build of {framework} has code for {codes}: for "
        "older and for newer GPUs, but not for this one."
    ),
)
def gpu_arch_missing_from_build(facts: Facts) -> Iterator[Failure]:
    """A build of the framework serves older and newer GPUs, and not this one.

    Builds of third parties and special wheels are made for a short list of GPUs. The official build usually has it.
    """
    yield from _gpu_and_build(facts, "between")


@rule(
    "gpu-kernels-jit-from-ptx",
    severity="info",
    layer="backend",
    title=template("{framework} compiles its code for {gpu} at first use"),
    message=template(
        "{gpu} has compute capability {capability}. The installed build of {framework} has only portable code (PTX) "
        "for it, among {codes}. The driver translates that at the first start, which takes minutes, and keeps the "
        "result."
    ),
    after=("nvidia-driver-too-old",),
)
def gpu_kernels_jit_from_ptx(facts: Facts) -> Iterator[Failure]:
    """The build has no machine code for this GPU, and portable code that the driver can translate.

    Everything works after a first start of several minutes. Where the cache (~/.nv/ComputeCache) is small, off, or
    thrown away with a container, every start takes that long. Sign: 'CUDA kernels will be jit-compiled from PTX'.
    """
    yield from _gpu_and_build(facts, "ptx")
