"""Compiled packages and the NumPy that they meet."""

from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes.packages import shows
from envcheck.fixes.solved import change
from envcheck.knowledge.unstated import first_without
from envcheck.model.facts import Backend, Facts
from envcheck.model.unknown import Unknown, known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.requirements import framework_of
from envcheck.rules.shared import (
    distribution,
    error_unless_proven,
    for_each_framework,
    last_words,
    package,
    proven,
    title_of,
    version_of,
)
from envcheck.rules.tracebacks import package_that_raised, said
from envcheck.words import template

STEP_BACK = template("Go back to NumPy {major}, which {framework} {version} was built for")
UPDATE = template("Update {framework} to a release that was built for NumPy {major}")
BEFORE_ALIASES = template("Go back to a NumPy that still has the old names")
NUMPY_2 = "https://numpy.org/doc/stable/dev/depending_on_numpy.html#numpy-2-0-specific-advice"
ALIASES = "https://numpy.org/doc/stable/release/1.24.0-notes.html#expired-deprecations"
SIZE_OF_NUMPY_1 = "numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88"
"""What code that Cython compiled for NumPy 1 says under NumPy 2 on a 64-bit system (h5py 3.10.0 with NumPy 2.4.6)."""
WITHOUT_ALIASES = Version("1.24")
GONE_NAMES = ("object", "bool", "int", "float", "complex", "str", "typeDict")


def _numpy(facts: Facts) -> tuple[int, Version]:
    found = package(facts, "numpy")
    version = version_of(need(found[1].version)) if found else None
    if found is None or version is None:
        raise NotApplicable("NumPy is not installed")
    return found[0], version


def _as_it_is(backend: Backend) -> tuple[str, ...]:
    """Return the requirement that keeps a framework in its release."""
    version = version_of(known(backend.version, None))
    return (f"{distribution(backend)}=={version.public}",) if version else ()


@rule(
    "numpy2-abi-mismatch",
    severity="error",
    layer="python",
    title=template("{framework} {version} was not compiled for NumPy {numpy}"),
    message=template(
        "The compiled parts of {framework} {version} know how to talk to NumPy {abi} only, and NumPy {numpy} is "
        "installed. The import fails or prints 'A module that was compiled using NumPy 1.x cannot be run in NumPy "
        "2', and arrays cannot be exchanged."
    ),
    after=("user-site-shadows-environment", "pythonpath-shadows-environment"),
)
def numpy2_abi_mismatch(facts: Facts) -> Iterator[Failure]:
    """The framework was compiled for another major version of NumPy than the one that is installed.

    NumPy 2 changed how compiled packages talk to it. Packages built for NumPy 2 run with NumPy 1 too, packages built
    for NumPy 1 do not run with NumPy 2. Older frameworks allow any NumPy in their metadata, so pip brings the newest.
    Signs: '_ARRAY_API not found', 'Numpy is not available', 'numpy.dtype size changed' as an error.
    """
    place, numpy = _numpy(facts)

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        accepted = backend.built_for.numpy_abi
        if isinstance(accepted, Unknown) and proven(facts, backend.name):
            return
        accepted = need(accepted)
        if not accepted or str(numpy.major) in accepted:
            return
        newest = max(accepted, key=int)
        names = {"framework": title_of(backend.name), "version": known(backend.version, None) or ""}
        first = first_without(backend.name, "numpy<2")
        ways = [
            change(
                facts,
                STEP_BACK,
                {**names, "major": newest},
                add=(f"numpy<{int(newest) + 1}", *_as_it_is(backend)),
                source=NUMPY_2,
                verify=shows(facts, "numpy"),
            )
        ]
        if numpy.major == 2 and first:
            ways.append(
                change(
                    facts,
                    UPDATE,
                    {**names, "major": numpy.major},
                    add=(f"{distribution(backend)}>={first}",),
                    source=NUMPY_2,
                    verify=shows(facts, backend.name),
                )
            )
        yield Failure(
            evidence=(f"/backends/{index}/built_for/numpy_abi", f"/python/packages/{place}/version"),
            fields={**names, "numpy": numpy, "abi": newest},
            fixes=tuple(ways),
            subject=backend.name,
            severity=error_unless_proven(facts, backend.name),
        )

    yield from for_each_framework(facts, check)
    if numpy.major > 1:
        yield from _said_by_another(facts, place, numpy)


def _said_by_another(facts: Facts, place: int, numpy: Version) -> Iterator[Failure]:
    """Yield the failure of a package other than a framework, such as h5py, whose import said that it is too old."""
    for pointer, words in said(facts):
        found = package_that_raised(facts, words) if SIZE_OF_NUMPY_1 in words else None
        version = known(found[1].version, None) if found else None
        if found is None or version is None or framework_of(facts, found[1].name):
            continue
        name = found[1].name
        major = {"framework": name, "major": numpy.major}
        yield Failure(
            evidence=(pointer, f"/python/packages/{found[0]}/version", f"/python/packages/{place}/version"),
            fields={"framework": name, "version": version, "numpy": numpy, "abi": "1"},
            fixes=(change(facts, UPDATE, major, add=(f"{name}>{version}",), source=NUMPY_2),),
        )
        return


@rule(
    "numpy-aliases-removed",
    severity="error",
    layer="python",
    title=template("{framework} uses names that NumPy {numpy} no longer has"),
    message=template(
        "NumPy removed old names such as numpy.bool and numpy.object in 1.24, and {framework} {version} still uses "
        "one. It said: {said}"
    ),
)
def numpy_aliases_removed(facts: Facts) -> Iterator[Failure]:
    """The framework uses names of NumPy that were removed in NumPy 1.24.

    "module 'numpy' has no attribute 'object'" (or 'bool', 'typeDict'). TensorFlow up to 2.6, MXNet and Theano are too
    old for it and do not say so in their metadata.
    """
    place, numpy = _numpy(facts)
    if numpy < WITHOUT_ALIASES:
        raise NotApplicable("this NumPy has the old names")

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        for pointer, words in last_words(facts, index, backend):
            for line in words.splitlines():
                if any(f"module 'numpy' has no attribute '{name}'" in line for name in GONE_NAMES):
                    yield Failure(
                        evidence=(pointer, f"/python/packages/{place}/version"),
                        fields={
                            "framework": title_of(backend.name),
                            "version": known(backend.version, None) or "",
                            "numpy": numpy,
                            "said": line.strip(),
                        },
                        fixes=(change(facts, BEFORE_ALIASES, add=("numpy<1.24", *_as_it_is(backend)), source=ALIASES),),
                        subject=backend.name,
                    )
                    return

    yield from for_each_framework(facts, check)
