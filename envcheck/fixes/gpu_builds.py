"""Commands that bring a build of a framework that can use the NVIDIA GPU of this machine."""

from packaging.version import InvalidVersion, Version

from envcheck.fixes import packages, shell
from envcheck.knowledge import cuda
from envcheck.knowledge.frameworks import FIRST_TENSORFLOW_WITH_CUDA_EXTRA
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known
from envcheck.words import template

TORCH = "https://pytorch.org/get-started/locally/"
TENSORFLOW = "https://www.tensorflow.org/install/pip"
JAX = "https://docs.jax.dev/en/latest/installation.html"
GET = template("Install a build of {framework} that can use the NVIDIA GPU")
OLDEST_GPU_OF_CUDA_13 = (7, 5)
"""CUDA 13 has no code for older GPUs (NVIDIA, "CUDA Toolkit, Driver, and Architecture Matrix", 2026-11-22)."""
NEWEST_CUDA_MAJOR = 13


def cuda_major(facts: Facts) -> int:
    """Return the newest CUDA major version that driver and GPUs allow; the newest of all if they are not known."""
    supported = known(facts.driver.nvidia.cuda_driver_api_version, None)
    try:
        major = Version(supported).major if supported else NEWEST_CUDA_MAJOR
    except InvalidVersion:
        major = NEWEST_CUDA_MAJOR
    capabilities = [cuda.capability(known(gpu.compute_capability, "")) for gpu in known(facts.driver.nvidia.gpus, ())]
    if any(found is not None and found < OLDEST_GPU_OF_CUDA_13 for found in capabilities):
        major = min(major, 12)
    return min(major, NEWEST_CUDA_MAJOR)


def torch(facts: Facts) -> Fix:
    """Return the fix that replaces PyTorch by a build with CUDA."""
    others = tuple(
        package.name for package in known(facts.python.packages, ()) if package.name in ("torchvision", "torchaudio")
    )
    row = cuda.torch_index(cuda_major(facts), known(facts.platform.system, "Linux"))
    return packages.change(
        facts,
        GET,
        {"framework": "PyTorch"},
        remove=("torch", *others),
        add=(row.requirement if row else "torch", *others),
        index=row.index if row else None,
        source=row.source.partition(" ")[0] if row and row.index else TORCH,
        verify=f"{packages.python(facts)} -c {shell.words('import torch; print(torch.cuda.is_available())')}",
    )


def tensorflow(facts: Facts, remove: tuple[str, ...] = (), version: str | None = None) -> Fix:
    """Return the fix that installs TensorFlow with its CUDA libraries; ``version`` is kept if it has that extra."""
    keep = version is not None and Version(version) >= FIRST_TENSORFLOW_WITH_CUDA_EXTRA
    pin = f"=={version}" if keep else ""
    check = "import tensorflow as tf; print(tf.config.list_physical_devices('GPU'))"
    return packages.change(
        facts,
        GET,
        {"framework": "TensorFlow"},
        remove=remove,
        add=(f"tensorflow[and-cuda]{pin}",),
        source=TENSORFLOW,
        verify=f"{packages.python(facts)} -c {shell.words(check)}",
    )


def jax(facts: Facts, remove: tuple[str, ...] = (), version: str | None = None, major: int | None = None) -> Fix:
    """Return the fix that installs JAX with its CUDA plug-in, in the version that is there.

    ``major`` is the CUDA major version to keep, if the driver supports it.
    """
    newest = max(cuda_major(facts), 12)
    pin = f"=={version}" if version else ""
    return packages.change(
        facts,
        GET,
        {"framework": "JAX"},
        remove=remove,
        add=(f"jax[cuda{min(major or newest, newest)}]{pin}",),
        source=JAX,
        verify=f"{packages.python(facts)} -c {shell.words('import jax; print(jax.devices())')}",
    )
