"""Frameworks in one environment share the wheels of CUDA's libraries, of which there can be one version each."""

from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envcheck.fixes import gpu_builds, solved
from envcheck.fixes.files import by_hand
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.requirements import Places, Unmet, install_wanted, places, unmet
from envcheck.rules.searches import computes_on_gpu
from envcheck.rules.shared import (
    backend,
    distribution,
    for_each_framework,
    in_use,
    listed,
    nvidia_gpus,
    title_of,
    version_of,
)
from envcheck.words import template

EXTRAS = {"tensorflow": "and-cuda", "torch": "", "jax": "with-cuda"}
"""The extra under which a framework's packages name the wheels; PyTorch names them without one."""
ONE_SET = template("Install {frameworks} in releases that go with the same CUDA libraries")
OWN_ENVIRONMENT = template("Give each framework an environment of its own")


@rule(
    "cuda-version-split-across-frameworks",
    severity="warning",
    layer="driver",
    title=template("{framework} and {other} want different versions of the same CUDA libraries"),
    message=template(
        "{framework} asks for {wanted}; installed is {there}, which suits {other}. Both frameworks share these "
        "packages, and the last install decided. {framework} may not use the GPU with them."
    ),
)
def cuda_version_split_across_frameworks(facts: Facts) -> Iterator[Failure]:
    """PyTorch, TensorFlow and JAX in one environment pin different versions of the nvidia-* wheels.

    pip warns with 'which is incompatible' and goes on. PyTorch pins exact versions, TensorFlow and JAX name lower
    bounds, so the one that was installed last usually decides. Nothing is said where the framework passed its smoke
    test on the GPU all the same.
    """
    if not nvidia_gpus(facts):
        raise NotApplicable("no NVIDIA GPU")
    installed = places(facts)

    def check(index: int, found: Backend) -> Iterator[Failure]:
        if need(found.built_for.cuda) is None or found.name not in EXTRAS or computes_on_gpu(facts, found):
            return
        conflicts = [conflict for conflict in _conflicts(facts, installed, found) if conflict.found_version is not None]
        for other in need(facts.backends):
            suited = [conflict for conflict in conflicts if _names(facts, installed, other, conflict.name)]
            if other.name == found.name or not suited:
                continue
            yield Failure(
                evidence=tuple(pointer for conflict in suited[:3] for pointer in conflict.evidence()),
                fields={
                    "framework": title_of(found.name),
                    "other": title_of(other.name),
                    "wanted": listed(conflict.wanted for conflict in suited),
                    "there": listed(f"{conflict.name} {conflict.found_version}" for conflict in suited),
                },
                fixes=(*_one_set(facts, found, other), by_hand(OWN_ENVIRONMENT, gpu_builds.TENSORFLOW)),
                subject=found.name,
            )
            return

    yield from for_each_framework(facts, check)


def _one_set(facts: Facts, *frameworks: Backend) -> tuple[Fix, ...]:
    fix = solved.computed(
        facts,
        ONE_SET,
        {"frameworks": " and ".join(title_of(found.name) for found in frameworks)},
        add=tuple(map(distribution, frameworks)),
        on_gpu=tuple(found.name for found in frameworks),
        only_here=True,
        source=gpu_builds.TENSORFLOW,
    )
    return (fix,) if fix else ()


def _packages_of(backend: Backend) -> list[str]:
    names = [canonicalize_name(name) for name in known(backend.distributions, ())]
    return [*names, "jax-cuda12-plugin", "jax-cuda13-plugin"] if backend.name == "jax" else list(names)


def _conflicts(facts: Facts, installed: Places, backend: Backend) -> Iterator[Unmet]:
    for name in _packages_of(backend):
        if name in installed:
            for conflict in unmet(facts, installed, *installed[name], extra=EXTRAS[backend.name]):
                if conflict.name.startswith("nvidia-"):
                    yield conflict


def _names(facts: Facts, installed: Places, backend: Backend, wheel: str) -> bool:
    """Say whether a framework asks for a wheel, and is content with the version that is there."""
    if not known(backend.installed, False) or backend.name not in EXTRAS:
        return False
    if any(conflict.name == wheel for conflict in _conflicts(facts, installed, backend)):
        return False
    texts = [text for name in _packages_of(backend) if name in installed for text in need(installed[name][1].requires)]
    return any(_name_of(text) == wheel for text in texts)


def _name_of(requirement: str) -> str | None:
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return None


@rule(
    "jax-cuda-libraries-too-old",
    severity="error",
    layer="driver",
    title=template("CUDA libraries are older than JAX accepts"),
    message=template(
        "JAX's plug-in {plugin} asks for {wanted}; installed is {there}. JAX looks at the version of each library at "
        "its start, and gives up on the GPU if one is older than the one that it was built with."
    ),
    after=("cuda-version-split-across-frameworks",),
)
def jax_cuda_libraries_too_old(facts: Facts) -> Iterator[Failure]:
    """The wheels of CUDA's libraries are older than JAX's plug-in requires, often held back by the pins of PyTorch.

    'Outdated cuSPARSE installation found' and 'Unable to use CUDA because of the following issues with CUDA components'
    are the signs. Where JAX passed its smoke test on the GPU nothing is said.
    """
    if not nvidia_gpus(facts):
        raise NotApplicable("no NVIDIA GPU")
    found = backend(facts, "jax")
    if found is None or computes_on_gpu(facts, found[1]):
        return
    installed = places(facts)
    for conflict in _conflicts(facts, installed, found[1]):
        if conflict.found_version is not None and _is_older(conflict):
            plugin = need(facts.python.packages)[conflict.place]
            yield Failure(
                evidence=conflict.evidence(),
                fields={
                    "plugin": plugin.name,
                    "wanted": conflict.wanted,
                    "there": f"{conflict.name} {conflict.found_version}",
                },
                fixes=(install_wanted(facts, plugin.name, [conflict]),),
                subject="jax",
                severity="error" if in_use(facts, "jax") else "warning",
            )
            return


def _is_older(conflict: Unmet) -> bool:
    found = version_of(conflict.found_version)
    bounds = [version_of(one.version) for one in conflict.requirement.specifier if one.operator in (">=", ">", "==")]
    return found is not None and any(bound is not None and found < bound for bound in bounds)
