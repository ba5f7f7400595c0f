"""The tools that install packages: too old, or two of them at once."""

import re
from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes import conda
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.packages import python
from envcheck.model.facts import Backend, Facts
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import for_each_framework, last_words, listed, package, proven, title_of, version_of
from envcheck.words import template

MANYLINUX = "https://github.com/pypa/manylinux#manylinux"
FIRST_FOR_MANYLINUX_X_Y = Version("20.3")
"""The first pip that takes wheels with the tag manylinux_2_28 and the like, which all frameworks' Linux wheels have now
(pypa/manylinux README, table of client versions; 2026-11-23)."""
CONDA_AND_PIP = "https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html"
UPDATE_PIP = template("Update pip")
ONE_INSTALLER = template("Remove what pip installed, then let conda write {package} again")
CONDA_CHANNELS = "https://conda-forge.org/docs/user/tipsandtricks/"
ONE_CHANNEL = template(
    "Make a new environment from one channel: conda create -n dl -c conda-forge --override-channels PACKAGES"
)
VERSIONED = re.compile(r"(?P<library>lib(?:absl_\w+|protobuf\w*|flatbuffers|grpc\S*?|re2)\.so\.[\d.]+): cannot open .*")
"""Libraries that carry their release in the name (conda-forge/tensorflow-feedstock#277, #350)."""
WRITTEN_TWICE = {
    "tensorflow": ("tensorflow", "tensorflow-base"),
    "torch": ("pytorch",),
    "jax": ("jax",),
    "jaxlib": ("jaxlib",),
    "keras": ("keras",),
    "numpy": ("numpy",),
}
"""Distributions, and the conda packages that bring the same files (conda-forge and defaults; 2026-11-23)."""
FRAMEWORK = {"tensorflow": "tensorflow", "torch": "torch", "jax": "jax", "jaxlib": "jax"}


@rule(
    "pip-too-old",
    severity="warning",
    layer="python",
    title=template("pip {version} is too old to find the frameworks' packages"),
    message=template(
        "No framework is installed here, and pip {version} does not know the form in which they are published for "
        "Linux. It says 'No matching distribution found', or fetches a release that is years old."
    ),
)
def pip_too_old(facts: Facts) -> Iterator[Failure]:
    """The target's pip is older than the names that present packages carry.

    Packages for Linux are marked with the C library that they need, such as manylinux_2_28; pip understands that from
    20.3 on. Nothing is said where a framework is installed, or where another tool manages the environment.
    """
    if need(facts.platform.system) != "Linux":
        raise NotApplicable("the tags in question are those of Linux")
    if known(facts.python.installer, None) not in (None, "pip"):
        raise NotApplicable("another tool than pip manages this environment")
    found = package(facts, "pip")
    version = version_of(need(found[1].version)) if found else None
    if found is None or version is None or any(need(backend.installed) for backend in need(facts.backends)):
        raise NotApplicable("there is no pip, or a framework is there already")
    if version < FIRST_FOR_MANYLINUX_X_Y:
        update = f"{python(facts)} -m pip install --upgrade pip"
        check = f"{python(facts)} -m pip --version"
        yield Failure(
            evidence=(f"/python/packages/{found[0]}/version",),
            fields={"version": version},
            fixes=(in_shell(UPDATE_PIP, update, source=MANYLINUX, risk="environment", verify=check),),
        )


@rule(
    "conda-channels-mixed",
    severity="error",
    layer="python",
    title=template("conda packages below {framework} are of another release than it was built with"),
    message=template(
        "{framework} looks for {library}, whose name carries the release, and the environment has another one. conda "
        "keeps these in step within one channel; here packages come from {channels}. It said: {said}"
    ),
)
def conda_channels_mixed(facts: Facts) -> Iterator[Failure]:
    """A package of conda asks for a library of a release that is not there, because channels are mixed.

    The libraries of protobuf, Abseil, flatbuffers, gRPC and re2 change their names with each release. A package of one
    channel, or one that was updated alone, then misses its own. The environment has to be solved again as a whole.
    """
    if need(facts.python.environment) != "conda":
        raise NotApplicable("the target is no conda environment")
    channels = sorted({known(found.channel, None) or "elsewhere" for found in need(facts.python.conda_packages)})

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        for pointer, words in last_words(facts, index, backend):
            match = VERSIONED.search(words)
            if match:
                yield Failure(
                    evidence=(pointer, "/python/conda_packages"),
                    fields={
                        "framework": title_of(backend.name),
                        "library": match["library"],
                        "channels": listed(channels) or "an unknown channel",
                        "said": match[0],
                    },
                    fixes=(by_hand(ONE_CHANNEL, CONDA_CHANNELS),),
                    subject=backend.name,
                )
                return

    yield from for_each_framework(facts, check)


@rule(
    "conda-pip-mixed-install",
    severity="warning",
    layer="python",
    title=template("conda and pip both installed {package}"),
    message=template(
        "conda installed {package} {conda}, and pip wrote {pip} over it. conda does not know that and builds on its "
        "own: packages that it adds or updates may not fit, and an update of conda leaves a mixture."
    ),
)
def conda_pip_mixed_install(facts: Facts) -> Iterator[Failure]:
    """pip replaced a package that conda had installed, in the same environment.

    Each keeps its own list. What conda installs later is chosen for the release that it believes to be there, and the
    libraries below (MKL, OpenMP, CUDA) come from both. It is a note where the smoke test passes all the same.
    """
    if need(facts.python.environment) != "conda":
        raise NotApplicable("the target is no conda environment")
    listed = {found.name: (place, found) for place, found in enumerate(need(facts.python.conda_packages))}
    prefix = known(facts.python.prefix, None)
    for place, found in enumerate(need(facts.python.packages)):
        twice = next((name for name in WRITTEN_TWICE.get(found.name, ()) if name in listed), None)
        if twice is None or need(found.installer) in ("conda", None) or not prefix:
            continue
        where, of_conda = listed[twice]
        framework = FRAMEWORK.get(found.name)
        again = conda.again(facts, twice)
        remove = f"{python(facts)} -m pip uninstall -y {found.name}"
        works = proven(facts, framework) if framework else any(proven(facts, name) for name in FRAMEWORK.values())
        yield Failure(
            evidence=(f"/python/packages/{place}/installer", f"/python/conda_packages/{where}/version"),
            fields={
                "package": found.name,
                "conda": known(of_conda.version, None) or "",
                "pip": known(found.version, None) or "another release",
            },
            fixes=(
                in_shell(ONE_INSTALLER, remove, again, source=CONDA_AND_PIP, risk="environment", package=found.name),
            ),
            subject=framework,
            severity="info" if works else "warning",
        )
