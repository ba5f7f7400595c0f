"""Compiled companions of a framework, which fit one release of it only."""

from collections.abc import Iterator

from envcheck.model.facts import Facts, Package
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.requirements import framework_of, install_wanted, places, unmet
from envcheck.rules.shared import for_each
from envcheck.words import template

TORCH = ("torchvision", "torchaudio")
TENSORFLOW = ("tensorflow-text", "tensorflow-io", "tensorflow-decision-forests")
"""Packages with compiled operations of their own, which load into the framework's library."""


def _mismatches(facts: Facts, names: tuple[str, ...], framework: str) -> Iterator[Failure]:
    installed = places(facts)

    def check(place: int, found: Package) -> Iterator[Failure]:
        if found.name not in names:
            return
        conflicts = [
            conflict
            for conflict in unmet(facts, installed, place, found)
            if conflict.found_place is not None and framework_of(facts, conflict.name) == framework
        ]
        if conflicts:
            yield Failure(
                evidence=conflicts[0].evidence(),
                fields={
                    "package": found.name,
                    "version": known(found.version, None) or "",
                    "wanted": conflicts[0].wanted,
                    "found": conflicts[0].found_version,
                },
                fixes=(install_wanted(facts, found.name, conflicts),),
                subject=framework,
            )

    yield from for_each(need(facts.python.packages), check)


@rule(
    "torchvision-torch-mismatch",
    severity="error",
    layer="backend",
    title=template("{package} {version} does not go with PyTorch {found}"),
    message=template(
        "{package} {version} was compiled for {wanted}, and PyTorch {found} is installed. PyTorch itself works; "
        "importing {package} fails with 'operator torchvision::nms does not exist' or an undefined symbol."
    ),
)
def torchvision_torch_mismatch(facts: Facts) -> Iterator[Failure]:
    """torchvision or torchaudio was compiled for another release of PyTorch.

    Each release of them fits exactly one release of PyTorch. Updating PyTorch alone does this. Both have to come from
    the same index, too: a build for the processor does not fit one for CUDA.
    """
    yield from _mismatches(facts, TORCH, "torch")


@rule(
    "tensorflow-custom-op-abi-mismatch",
    severity="error",
    layer="backend",
    title=template("{package} {version} does not go with TensorFlow {found}"),
    message=template(
        "{package} {version} was compiled for {wanted}, and TensorFlow {found} is installed. TensorFlow itself "
        "works; importing {package} fails with an undefined symbol."
    ),
)
def tensorflow_custom_op_abi_mismatch(facts: Facts) -> Iterator[Failure]:
    """An add-on of TensorFlow with compiled operations was built for another release of TensorFlow.

    tensorflow-text, tensorflow-io and their like fit the minor release that they were built for. Signs: 'undefined
    symbol: _ZN10tensorflow', a failure in TF_LoadLibrary.
    """
    yield from _mismatches(facts, TENSORFLOW, "tensorflow")
