"""Builds of frameworks without support for the GPU that is there."""

from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes import gpu_builds
from envcheck.fixes.files import by_hand
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Severity
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import Seen, backend, in_container, is_first_choice, nvidia_gpus, package, version_of
from envcheck.words import template

FIRST_WINDOWS_WITHOUT_GPU = Version("2.11")
"""From this release on TensorFlow has no GPU support on Windows (https://www.tensorflow.org/install/pip)."""
OTHER_BACKEND = template("Let Keras use another backend that can use the GPU: PyTorch, or JAX on Linux")
USE_IMAGE = template("Use NVIDIA's container image of TensorFlow, which has CUDA for ARM")
USE_WSL = template("Install TensorFlow inside WSL, where it can use the GPU")


def _gpu(facts: Facts) -> Seen:
    """Return an NVIDIA GPU that is there for this process, or leave the rule."""
    gpus = nvidia_gpus(facts)
    if not gpus:
        raise NotApplicable("no NVIDIA GPU")
    in_job = known(facts.platform.scheduler.name, None) is not None
    if (in_container(facts) or in_job) and not known(facts.driver.nvidia.gpus, ()):
        raise NotApplicable("this container or job was given no GPU, so a build without is right")
    return gpus[0]


def _without_cuda(facts: Facts, name: str) -> tuple[int, Backend] | None:
    """Return a framework that is installed and was built for no GPU."""
    found = backend(facts, name)
    if found is None:
        raise NotApplicable(f"{name} is not installed")
    built_for = found[1].built_for
    if need(built_for.cuda) is not None or known(built_for.rocm, None) is not None:
        return None
    return found


def _severity(facts: Facts, name: str) -> Severity:
    """Return how bad it is that this framework runs on the processor: a note where another one is in use."""
    return "warning" if is_first_choice(facts, name) else "info"


@rule(
    "torch-cpu-only-build",
    severity="warning",
    layer="backend",
    title=template("The installed PyTorch cannot use a GPU"),
    message=template(
        "{gpu} is in this machine, but PyTorch {version} is a build for the processor only: {how} names no CUDA. "
        "Everything works, on the processor."
    ),
    after=("jetson-generic-wheel", "conda-cpu-build-selected"),
)
def torch_cpu_only_build(facts: Facts) -> Iterator[Failure]:
    """PyTorch was installed as a build without CUDA, and the machine has an NVIDIA GPU.

    The package index has such builds for Windows, and PyTorch's own index has them under '/whl/cpu'; conda picks one
    where it sees no driver. torch.cuda.is_available() is False, and '.cuda()' says 'Torch not compiled with CUDA
    enabled'. It is only a note where Keras uses another framework.
    """
    gpu = _gpu(facts)
    found = _without_cuda(facts, "torch")
    if found:
        index, torch = found
        yield Failure(
            evidence=(f"/backends/{index}/built_for/cuda", gpu.pointer),
            fields={
                "gpu": gpu.name,
                "version": known(torch.version, None),
                "how": known(torch.how, None) or "its version",
            },
            fixes=(gpu_builds.torch(facts),),
            subject="torch",
            severity=_severity(facts, "torch"),
        )


@rule(
    "tensorflow-cpu-only-build",
    severity="warning",
    layer="backend",
    title=template("The installed TensorFlow cannot use a GPU"),
    message=template(
        "{gpu} is in this machine, but TensorFlow {version} ({distribution}) is a build for the processor only. "
        "Everything works, on the processor."
    ),
    after=(
        "tensorflow-windows-no-gpu",
        "tensorflow-aarch64-cpu-only",
        "jetson-generic-wheel",
        "conda-cpu-build-selected",
    ),
)
def tensorflow_cpu_only_build(facts: Facts) -> Iterator[Failure]:
    """TensorFlow was installed as a build without CUDA, and the machine has an NVIDIA GPU.

    The distribution tensorflow-cpu is such a build; so is the one of Linux distributions and of conda without a driver
    in sight. tf.config.list_physical_devices('GPU') is empty without a further word. It is only a note where Keras uses
    another framework.
    """
    gpu = _gpu(facts)
    found = _without_cuda(facts, "tensorflow")
    if found:
        index, tensorflow = found
        names = tuple(known(tensorflow.distributions, ()))
        yield Failure(
            evidence=(f"/backends/{index}/built_for/cuda", f"/backends/{index}/distributions", gpu.pointer),
            fields={
                "gpu": gpu.name,
                "version": known(tensorflow.version, None),
                "distribution": ", ".join(names) or "tensorflow",
            },
            fixes=(gpu_builds.tensorflow(facts, remove=names, version=known(tensorflow.version, None)),),
            subject="tensorflow",
            severity=_severity(facts, "tensorflow"),
        )


@rule(
    "tensorflow-windows-no-gpu",
    severity="warning",
    layer="backend",
    title=template("TensorFlow {version} has no GPU support on Windows"),
    message=template(
        "{gpu} is in this machine. TensorFlow's builds for Windows have had no GPU support since release {first}; "
        "installing CUDA does not change that."
    ),
)
def tensorflow_windows_no_gpu(facts: Facts) -> Iterator[Failure]:
    """TensorFlow gave up GPU support on Windows; the way on is WSL, or another backend for Keras.

    The last release with it is 2.10, for Python 3.7 to 3.10. tf.config.list_physical_devices('GPU') is empty without a
    further word.
    """
    if need(facts.platform.system) != "Windows":
        raise NotApplicable("not Windows")
    gpu = _gpu(facts)
    found = _without_cuda(facts, "tensorflow")
    version = version_of(known(found[1].version, None)) if found else None
    if found and version and version >= FIRST_WINDOWS_WITHOUT_GPU:
        yield Failure(
            evidence=("/platform/system", f"/backends/{found[0]}/version", gpu.pointer),
            fields={"gpu": gpu.name, "version": version, "first": FIRST_WINDOWS_WITHOUT_GPU},
            fixes=(
                by_hand(USE_WSL, gpu_builds.TENSORFLOW),
                by_hand(OTHER_BACKEND, "https://keras.io/getting_started/"),
            ),
            subject="tensorflow",
            severity=_severity(facts, "tensorflow"),
        )


@rule(
    "tensorflow-aarch64-cpu-only",
    severity="warning",
    layer="backend",
    title=template("TensorFlow's packages for ARM processors have no GPU support"),
    message=template(
        "{gpu} is in this machine. TensorFlow {version} from the package index is built for the processor only where "
        "the processor is of the ARM kind ({machine})."
    ),
)
def tensorflow_aarch64_cpu_only(facts: Facts) -> Iterator[Failure]:
    """On Linux for ARM the package index has no TensorFlow with CUDA.

    NVIDIA's container images have one for its own ARM machines (Grace, Jetson). PyTorch (from 2.11) and JAX have builds
    with CUDA for ARM on the package index.
    """
    if need(facts.platform.system) != "Linux" or need(facts.platform.machine) not in ("aarch64", "arm64"):
        raise NotApplicable("not Linux on ARM")
    gpu = _gpu(facts)
    found = _without_cuda(facts, "tensorflow")
    if found:
        source = "https://catalog.ngc.nvidia.com/orgs/nvidia/containers/tensorflow"
        yield Failure(
            evidence=("/platform/machine", f"/backends/{found[0]}/built_for/cuda", gpu.pointer),
            fields={
                "gpu": gpu.name,
                "version": known(found[1].version, None),
                "machine": facts.platform.machine,
            },
            fixes=(by_hand(USE_IMAGE, source), by_hand(OTHER_BACKEND, "https://keras.io/getting_started/")),
            subject="tensorflow",
            severity=_severity(facts, "tensorflow"),
        )


@rule(
    "jax-cuda-plugin-missing",
    severity="warning",
    layer="backend",
    title=template("JAX has no plug-in for the NVIDIA GPU"),
    message=template(
        "{gpu} is in this machine. JAX {version} itself knows the processor only; GPUs come with a plug-in package "
        "(jax-cuda12-plugin or jax-cuda13-plugin), and none is installed."
    ),
)
def jax_cuda_plugin_missing(facts: Facts) -> Iterator[Failure]:
    """JAX was installed without its CUDA plug-in, and the machine has an NVIDIA GPU.

    'pip install jax' brings the processor only. JAX then says 'An NVIDIA GPU may be present on this machine, but a
    CUDA-enabled jaxlib is not installed', which is harmless where another framework does the work: there it is only a
    note. Old releases (before 0.4.26) have CUDA inside jaxlib.
    """
    if need(facts.platform.system) != "Linux":
        raise NotApplicable("JAX's CUDA plug-in is for Linux only")
    gpu = _gpu(facts)
    found = _without_cuda(facts, "jax")
    if found and not any(package(facts, f"jax-cuda{major}-plugin") for major in (12, 13)):
        index, jax = found
        version = known(jax.version, None)
        yield Failure(
            evidence=(f"/backends/{index}/built_for/cuda", gpu.pointer),
            fields={"gpu": gpu.name, "version": version},
            fixes=(gpu_builds.jax(facts, version=version),),
            subject="jax",
            severity=_severity(facts, "jax"),
        )
