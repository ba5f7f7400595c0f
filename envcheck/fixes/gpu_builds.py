"""Commands that bring a build of a framework that can use the NVIDIA GPU of this machine."""

from packaging.version import InvalidVersion, Version

from envcheck.fixes import conda, packages, projects, shell, solved
from envcheck.fixes.files import in_shell
from envcheck.knowledge import cuda
from envcheck.knowledge.frameworks import FIRST_TENSORFLOW_WITH_CUDA_EXTRA
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known
from envcheck.words import template, title_of

TORCH = "https://pytorch.org/get-started/locally/"
TENSORFLOW = "https://www.tensorflow.org/install/pip"
JAX = "https://docs.jax.dev/en/latest/installation.html"
SOURCES = {"torch": TORCH, "tensorflow": TENSORFLOW, "jax": JAX}
CHECKS = {
    "torch": "import torch; print(torch.cuda.is_available())",
    "tensorflow": "import tensorflow as tf; print(tf.config.list_physical_devices('GPU'))",
    "jax": "import jax; print(jax.devices())",
}
GET = template("Install a build of {framework} that can use the NVIDIA GPU")
NEWEST_CUDA_MAJOR = 13
CONDA_PACKAGES = {"torch": "pytorch", "tensorflow": "tensorflow", "jax": "jaxlib"}
"""conda's packages that come in variants (the build strings of conda-forge's packages on anaconda.org, 2026-11-23)."""
VIRTUAL_PACKAGES = "https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-virtual.html"


def cuda_major(facts: Facts) -> int:
    """Return the newest CUDA major version that driver and GPUs allow; the newest of all if they are not known."""
    supported = known(facts.driver.nvidia.cuda_driver_api_version, None)
    try:
        major = Version(supported).major if supported else NEWEST_CUDA_MAJOR
    except InvalidVersion:
        major = NEWEST_CUDA_MAJOR
    capabilities = [cuda.capability(known(gpu.compute_capability, "")) for gpu in known(facts.driver.nvidia.gpus, ())]
    oldest = cuda.oldest_gpu(Version(str(NEWEST_CUDA_MAJOR)))
    if oldest and any(found is not None and found < oldest for found in capabilities):
        major = min(major, NEWEST_CUDA_MAJOR - 1)
    return min(major, NEWEST_CUDA_MAJOR)


def fitting(facts: Facts, framework: str, remove: tuple[str, ...] = (), version: str | None = None) -> Fix | None:
    """Return the fix that brings a build of a framework for the GPUs and the driver; None if it cannot be computed.

    ``version`` is kept if a build of it fits, and so is the release that is installed and not removed.
    """
    by_conda = _of_conda(facts, framework)
    if by_conda is not None:
        return by_conda
    names = (framework, *(_companions(facts) if framework == "torch" else ()))
    for pin in (f"=={version}", "") if version else ("",):
        fix = solved.computed(
            facts,
            GET,
            {"framework": title_of(framework)},
            remove=remove,
            add=(f"{framework}{pin}", *names[1:]),
            on_gpu=(framework,),
            only_here=bool(pin),
            source=SOURCES[framework],
            verify=f"{packages.python(facts)} -c {shell.words(CHECKS[framework])}",
        )
        if fix is not None:
            return fix
    return None


def _of_conda(facts: Facts, framework: str) -> Fix | None:
    """Return the fix that lets conda choose among its builds for GPUs, where it manages the framework."""
    if not conda.manages(facts, framework):
        return None
    cuda = known(facts.driver.nvidia.cuda_driver_api_version, None)
    commands = conda.with_cuda(facts, CONDA_PACKAGES[framework], cuda)
    return in_shell(
        GET,
        *commands,
        source=VIRTUAL_PACKAGES,
        verify=f"{packages.python(facts)} -c {shell.words(CHECKS[framework])}",
        risk="environment",
        files=projects.changed_by(facts, commands),
        framework=title_of(framework),
    )


def _companions(facts: Facts) -> tuple[str, ...]:
    """Return the installed packages that have to come from the index of PyTorch together with it."""
    names = {package.name for package in known(facts.python.packages, ())}
    return tuple(name for name in packages.TORCH_PACKAGES[1:] if name in names)


def torch(facts: Facts) -> Fix:
    """Return the fix that replaces PyTorch by a build with CUDA."""
    others = _companions(facts)
    fix = fitting(facts, "torch", remove=("torch", *others))
    return fix or _torch_from_index(facts, others)


def _torch_from_index(facts: Facts, others: tuple[str, ...]) -> Fix:
    row = cuda.torch_index(cuda_major(facts), known(facts.platform.system, "Linux"))
    return packages.change(
        facts,
        GET,
        {"framework": "PyTorch"},
        remove=("torch", *others),
        add=(row.requirement if row else "torch", *others),
        index=row.index if row else None,
        source=row.source.partition(" ")[0] if row and row.index else TORCH,
        verify=f"{packages.python(facts)} -c {shell.words(CHECKS['torch'])}",
    )


def tensorflow(facts: Facts, remove: tuple[str, ...] = (), version: str | None = None) -> Fix:
    """Return the fix that installs TensorFlow with its CUDA libraries; ``version`` is kept if it has that extra."""
    keep = version is not None and Version(version) >= FIRST_TENSORFLOW_WITH_CUDA_EXTRA
    fix = fitting(facts, "tensorflow", remove, version if keep else None)
    if fix is not None:
        return fix
    pin = f"=={version}" if keep else ""
    return packages.change(
        facts,
        GET,
        {"framework": "TensorFlow"},
        remove=remove,
        add=(f"tensorflow[and-cuda]{pin}",),
        source=TENSORFLOW,
        verify=f"{packages.python(facts)} -c {shell.words(CHECKS['tensorflow'])}",
    )


def jax(facts: Facts, remove: tuple[str, ...] = (), version: str | None = None, major: int | None = None) -> Fix:
    """Return the fix that installs JAX with its CUDA plug-in, in the version that is there.

    ``major`` is the CUDA major version to keep, if the driver supports it.
    """
    fix = fitting(facts, "jax", remove, version)
    if fix is not None:
        return fix
    newest = max(cuda_major(facts), 12)
    pin = f"=={version}" if version else ""
    return packages.change(
        facts,
        GET,
        {"framework": "JAX"},
        remove=remove,
        add=(f"jax[cuda{min(major or newest, newest)}]{pin}",),
        source=JAX,
        verify=f"{packages.python(facts)} -c {shell.words(CHECKS['jax'])}",
    )
