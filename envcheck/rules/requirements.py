"""What installed packages require of each other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envcheck.fixes.packages import consistency
from envcheck.fixes.solved import change
from envcheck.model.facts import Facts, Package
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.shared import error_unless_proven, for_each, listed, version_of
from envcheck.words import sentence, template

NONE = template("no {name}")
FITTING = template("Install a release of {package} that goes with {kept}")
COMPANIONS = {
    "tf-keras": "tensorflow",
    "tensorflow-text": "tensorflow",
    "tensorflow-io": "tensorflow",
    "tensorflow-decision-forests": "tensorflow",
    "jaxlib": "jax",
    "torchvision": "torch",
    "torchaudio": "torch",
}
"""Packages that belong to a framework without bringing it."""
OF_SAME_MINOR = {"tensorflow-text": "tensorflow"}
"""Requires-Dist of tensorflow-text 2.10.0, 2.12.1 and 2.15.0 on PyPI (2026-11-23)."""
INSTALL_WANTED = template("Install what {package} asks for: {wanted}")


@dataclass(frozen=True)
class Unmet:
    """A requirement of an installed package that is not met."""

    place: int  #: of the package that requires
    number: int  #: of the requirement in its list
    requirement: Requirement
    found_place: int | None  #: of the package that is there instead
    found_version: str | None

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def wanted(self) -> str:
        return f"{self.requirement.name}{self.requirement.specifier}"

    def evidence(self) -> tuple[str, ...]:
        wanted = f"/python/packages/{self.place}/requires/{self.number}"
        return (wanted, f"/python/packages/{self.found_place}/version") if self.found_place is not None else (wanted,)


Places = Mapping[str, tuple[int, Package]]


def places(facts: Facts) -> Places:
    """Return the installed packages with their places, by name; of two of one name Python sees the first."""
    found: dict[str, tuple[int, Package]] = {}
    for place, installed in enumerate(need(facts.python.packages)):
        found.setdefault(installed.name, (place, installed))
    return found


def unmet(facts: Facts, installed: Places, place: int, found: Package, extra: str = "") -> Iterator[Unmet]:
    """Yield the requirements of one package that the target does not meet; with ``extra``, those of that extra alone.

    Raises:
        Undecided: if they, the installed packages or the target's environment markers are not known.
    """
    environment = {name: need(value) for name, value in msgspec.structs.asdict(facts.python.markers).items()}
    for number, text in enumerate(need(found.requires)):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # metadata of old packages do not always follow PEP 508
        if extra and "extra" not in str(requirement.marker or ""):
            continue
        if requirement.marker and not requirement.marker.evaluate({**environment, "extra": extra}):
            continue
        there = installed.get(canonicalize_name(requirement.name))
        version = version_of(need(there[1].version)) if there else None
        if there and (version is None or requirement.specifier.contains(version, prereleases=True)):
            continue
        yield Unmet(place, number, requirement, there[0] if there else None, str(version) if version else None)


def closure(facts: Facts) -> frozenset[str]:
    """Return the names of the frameworks' and Keras's packages and of everything that they require."""
    packages = {found.name: found for found in need(facts.python.packages)}
    todo = list(known(facts.keras.distributions, ()))
    for backend in known(facts.backends, ()):
        todo += known(backend.distributions, ())
    todo = [canonicalize_name(name) for name in (*todo, *COMPANIONS)]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in packages and name not in seen:
            seen.add(name)
            todo += (canonicalize_name(required) for required in _required_names(packages[name]))
    return frozenset(seen)


def _required_names(found: Package) -> Iterator[str]:
    for text in known(found.requires, ()):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if "extra" not in str(requirement.marker or ""):
            yield requirement.name


def subject_of(facts: Facts, name: str) -> str:
    """Return what a finding about a distribution is about: its framework, that of its companion, or itself."""
    return framework_of(facts, name) or COMPANIONS.get(name, name)


def framework_of(facts: Facts, name: str) -> str | None:
    """Return the framework that a distribution provides, as findings name their subject."""
    for backend in known(facts.backends, ()):
        if any(canonicalize_name(provider) == name for provider in known(backend.distributions, ())):
            return backend.name
    return None


@rule(
    "package-requirements-conflict",
    severity="warning",
    layer="python",
    title=template("{package} does not get the packages that it asks for"),
    message=template(
        "{package} {version} asks for {wanted}; there is {found}. pip allows this with a warning that is easily "
        "overlooked. It may or may not matter; where something fails, start here."
    ),
    after=(
        "venv-configuration-missing",
        "user-site-shadows-environment",
        "pythonpath-shadows-environment",
        "startup-file-shadows-environment",
        "distribution-installed-twice",
        "tensorflow-duplicate-distributions",
        "keras-duplicate-distributions",
        "keras-tensorflow-version-mismatch",
        "tf-keras-version-mismatch",
        "protobuf-too-new",
        "ml-dtypes-version-mismatch",
        "numpy2-abi-mismatch",
        "jax-jaxlib-version-mismatch",
        "h5py-too-new-for-keras",
        "cuda-version-split-across-frameworks",
        "cuda-libraries-missing",
        "keras-not-installed",
        "torchvision-torch-mismatch",
        "tensorflow-custom-op-abi-mismatch",
        "tensorflow-directml-version-mismatch",
        "tensorflow-gpu-package-removed",
    ),
)
def package_requirements_conflict(facts: Facts) -> Iterator[Failure]:
    """Installed packages contradict each other: one needs another in a version that is not the one installed.

    Installing packages one after the other lets a later one replace what an earlier one needs. 'pip check' prints the
    same list. Packages that neither a framework nor Keras needs are reported as a note.
    """
    relevant, installed = closure(facts), places(facts)

    def check(place: int, found: Package) -> Iterator[Failure]:
        conflicts = list(unmet(facts, installed, place, found))
        if conflicts:
            yield Failure(
                evidence=tuple(pointer for conflict in conflicts for pointer in conflict.evidence()),
                fields={
                    "package": found.name,
                    "version": known(found.version, None) or "",
                    "wanted": listed(conflict.wanted for conflict in conflicts),
                    "found": listed(_there(conflict) for conflict in conflicts),
                },
                fixes=(install_wanted(facts, found.name, conflicts),),
                subject=subject_of(facts, found.name),
                severity="warning" if found.name in relevant else "info",
            )

    yield from for_each(need(facts.python.packages), check)


def _there(conflict: Unmet) -> str:
    if conflict.found_version is None:
        return sentence(NONE, name=conflict.requirement.name)
    return f"{conflict.requirement.name} {conflict.found_version}"


def install_wanted(facts: Facts, name: str, conflicts: list[Unmet]) -> Fix:
    """Return the fix that installs what a package asks for; a framework stays, and the package gives way."""
    wanted = dict.fromkeys(conflict.wanted for conflict in conflicts)
    kept = {
        conflict.wanted: f"{conflict.requirement.name}=={conflict.found_version}"
        for conflict in conflicts
        if conflict.found_version and framework_of(facts, conflict.name)
    }
    if kept:
        add = (_of_minor(name, conflicts), *(kept.get(requirement, requirement) for requirement in wanted))
        return change(
            facts, FITTING, {"package": name, "kept": listed(kept.values())}, add=add, verify=consistency(facts)
        )
    return change(
        facts, INSTALL_WANTED, {"package": name, "wanted": listed(wanted)}, add=tuple(wanted), verify=consistency(facts)
    )


def _of_minor(name: str, conflicts: list[Unmet]) -> str:
    """Return the requirement that brings the release for the framework that stays.

    Left to choose, installers take one that names no framework at all in its metadata.
    """
    versions = [version_of(found.found_version) for found in conflicts if found.name == OF_SAME_MINOR.get(name)]
    return f"{name}=={versions[0].major}.{versions[0].minor}.*" if versions and versions[0] else name


def wrong_version(facts: Facts, required: str) -> Iterator[tuple[Package, Unmet, str]]:
    """Yield the framework packages that find the package ``required`` in a version that they do not accept.

    Each comes with the name of its framework.

    Raises:
        Undecided: at the end, if a framework's requirements could not be read.
    """
    installed = places(facts)
    for place, found in enumerate(need(facts.python.packages)):
        framework = framework_of(facts, found.name)
        if framework is None:
            continue
        for conflict in unmet(facts, installed, place, found):
            if conflict.name == required and conflict.found_place is not None:
                yield found, conflict, framework


@rule(
    "protobuf-too-new",
    severity="error",
    layer="python",
    title=template("protobuf {version} does not fit {package}"),
    message=template(
        "{package} {package_version} asks for {wanted}, and protobuf {version} is installed. Files that were "
        "generated for another protobuf refuse to load: 'Descriptors cannot be created directly' or a complaint "
        "about gencode."
    ),
    after=("user-site-shadows-environment",),
)
def protobuf_too_new(facts: Facts) -> Iterator[Failure]:
    """The installed protobuf is of a release that the framework's generated code was not made for.

    protobuf promises to read code of its own major release and of the one before. TensorFlow before 2.12 breaks on
    protobuf 4 and newer, later ones need at least the protobuf of their build.
    """
    yield from _wrong_version(facts, "protobuf")


@rule(
    "ml-dtypes-version-mismatch",
    severity="error",
    layer="python",
    title=template("ml_dtypes {version} does not fit {package}"),
    message=template(
        "{package} {package_version} asks for {wanted}, and ml-dtypes {version} is installed. TensorFlow and JAX "
        "take turns replacing this small package; with the wrong one they fail with \"module 'ml_dtypes' has no "
        'attribute".'
    ),
)
def ml_dtypes_version_mismatch(facts: Facts) -> Iterator[Failure]:
    """TensorFlow and JAX want different releases of ml_dtypes, the package of small number types.

    Old TensorFlow (2.14 to 2.17) holds it down, newer JAX pulls it up. Update TensorFlow to 2.18 or newer, or keep the
    two in separate environments.
    """
    yield from _wrong_version(facts, "ml-dtypes")


def _wrong_version(facts: Facts, required: str) -> Iterator[Failure]:
    for found, conflict, framework in wrong_version(facts, required):
        yield Failure(
            evidence=conflict.evidence(),
            fields={
                "package": found.name,
                "package_version": known(found.version, None) or "",
                "wanted": conflict.wanted,
                "version": conflict.found_version,
            },
            fixes=(install_wanted(facts, found.name, [conflict]),),
            subject=framework,
            severity=error_unless_proven(facts, framework),
        )
