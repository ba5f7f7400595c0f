"""Macs: wheels that are no longer made, and a Python that mistakes the release of macOS."""

from collections.abc import Iterator

from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.packages import python, shows
from envcheck.fixes.solved import change
from envcheck.knowledge.releases import releases
from envcheck.model.facts import Facts
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import backend, minor_of, package, version_of
from envcheck.words import template

INTEL_ISSUE = "https://github.com/tensorflow/tensorflow/issues/75279"
CLASH_ISSUE = "https://github.com/tensorflow/tensorflow/issues/98563"
COMPATIBILITY = "https://github.com/tensorflow/tensorflow/issues/50108"
WITH_PARTS = {"tensorflow": "tensorflow", "torch": "torch", "jax": "jaxlib"}
"""Where the compiled parts of a framework are."""
CLASHING = "2.20"
COMPATIBILITY_VERSION = "10.16"
"""What macOS 11 and later tell programs that were built for older ones (man 7 compat, 'SYSTEM_VERSION_COMPAT')."""

LAST = template("Install the last TensorFlow that was made for these Macs")
STEP_BACK = template("Step back to the TensorFlow before, whose symbols are its own")
IMPORT_FIRST = template("Import tensorflow before pandas and pyarrow, in every program")
TELL = template("Install with the real number of the system")
NEWER_PYTHON = template("Make the environment with a Python that was built for macOS 11 or later")


def _mac(facts: Facts) -> None:
    if need(facts.platform.system) != "Darwin":
        raise NotApplicable("not a Mac")


@rule(
    "macos-intel-wheels-dropped",
    severity="error",
    layer="python",
    title=template("Frameworks are no longer made for Macs with an Intel processor"),
    message=template(
        "This is a Python for Intel processors on macOS, and no framework is installed. TensorFlow made its last "
        "wheels for them with {tensorflow}, PyTorch with {torch}, JAX with {jax}; pip finds no later ones."
    ),
    after=("rosetta-x86-python",),
)
def macos_intel_wheels_dropped(facts: Facts) -> Iterator[Failure]:
    """On a Mac with an Intel processor, current releases of the frameworks cannot be installed.

    Sign: 'No matching distribution found for tensorflow==2.17'. A Python for Intel processors on a Mac with an Apple
    processor looks the same and has a finding of its own.
    """
    _mac(facts)
    if need(facts.python.machine) != "x86_64":
        raise NotApplicable("a Python for Apple's processors")
    places = [index for index, found in enumerate(need(facts.backends)) if found.keras_backend]
    if any(need(facts.backends)[index].installed is not False for index in places):
        raise NotApplicable("a framework is installed")
    yield Failure(
        evidence=("/python/machine", *(f"/backends/{index}/installed" for index in places)),
        fields={framework: _last_for_intel(distribution) for framework, distribution in WITH_PARTS.items()},
        fixes=(change(facts, LAST, add=("tensorflow",), source=INTEL_ISSUE, verify=shows(facts, "tensorflow")),),
    )


def _last_for_intel(distribution: str) -> str:
    """Return the last release with a wheel for Macs with an Intel processor."""
    with_wheel = (
        release.version
        for release in releases(distribution)
        if any("-macosx_" in wheel and wheel.endswith("_x86_64") for wheel in release.wheels)
    )
    return next(with_wheel, "")


@rule(
    "macos-native-symbol-clash",
    severity="warning",
    layer="python",
    title=template("TensorFlow {version} and pyarrow do not get along in one process on macOS"),
    message=template(
        "Both bring the libraries protobuf and Abseil and let others see their symbols. Which is imported first "
        "decides: a program that imports pyarrow (or pandas, which does) before TensorFlow {version} aborts or hangs."
    ),
)
def macos_native_symbol_clash(facts: Facts) -> Iterator[Failure]:
    """TensorFlow 2.20 and pyarrow take each other's copies of the same functions on macOS.

    Signs: 'mutex lock failed: Invalid argument', or a line with 'RAW: Lock blocking' and then nothing.
    """
    _mac(facts)
    tensorflow, pyarrow = backend(facts, "tensorflow"), package(facts, "pyarrow")
    if tensorflow is None or pyarrow is None:
        raise NotApplicable("TensorFlow or pyarrow is not installed")
    version = version_of(need(tensorflow[1].version))
    if version is not None and minor_of(version) == CLASHING:
        yield Failure(
            evidence=(f"/backends/{tensorflow[0]}/version", f"/python/packages/{pyarrow[0]}/version"),
            fields={"version": version},
            fixes=(
                change(
                    facts,
                    STEP_BACK,
                    add=(f"tensorflow<{CLASHING}",),
                    source=CLASH_ISSUE,
                    verify=shows(facts, "tensorflow"),
                ),
                by_hand(IMPORT_FIRST, CLASH_ISSUE),
            ),
            subject="tensorflow",
        )


@rule(
    "macos-version-reported-too-old",
    severity="warning",
    layer="python",
    title=template("This Python takes macOS {real} for 10.16"),
    message=template(
        "This Python was built for an old macOS, so the system tells it 10.16 instead of {real}. pip then refuses "
        "wheels for macOS 11 and later, and finds no TensorFlow."
    ),
)
def macos_version_reported_too_old(facts: Facts) -> Iterator[Failure]:
    """Python believes that it runs on macOS 10.16, which never was: a number for programs that cannot count to 11.

    Old builds of Anaconda have this. Sign: 'Could not find a version that satisfies the requirement (from versions:
    none)'. Nothing is said where a framework is installed: it does no harm then.
    """
    _mac(facts)
    real = version_of(need(facts.platform.os_version))
    if need(facts.python.mac_version) != COMPATIBILITY_VERSION or real is None or real.major < 11:
        return
    if any(known(found.installed, False) for found in need(facts.backends)):
        return
    install = f"SYSTEM_VERSION_COMPAT=0 {python(facts)} -m pip install tensorflow"
    yield Failure(
        evidence=("/python/mac_version", "/platform/os_version"),
        fields={"real": real},
        fixes=(
            in_shell(TELL, install, source=COMPATIBILITY, risk="environment"),
            by_hand(NEWER_PYTHON, COMPATIBILITY),
        ),
    )
