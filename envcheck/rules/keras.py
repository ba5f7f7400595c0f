"""Keras: is it there, does it fit the framework below it."""

from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes.packages import shows
from envcheck.fixes.solved import change
from envcheck.knowledge.frameworks import (
    FIRST_TENSORFLOW_WITH_KERAS_3,
    FIRST_TENSORFLOW_WITH_SEPARATE_KERAS,
    minimum_backend,
)
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Fix, Severity
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.requirements import wrong_version
from envcheck.rules.shared import (
    backend,
    distribution,
    error_unless_proven,
    for_each_framework,
    in_use,
    minor_of,
    title_of,
    version_of,
)
from envcheck.words import sentence, template

KERAS = "https://keras.io/getting_started/"
KERAS_3 = Version("3")
LEGACY = "https://keras.io/getting_started/#tensorflow--keras-2-backwards-compatibility"
NO_TF_KERAS = template("TensorFlow from 2.6 on takes tf.keras from that package, so tf.keras fails.")
NOTHING_MISSING = template("If you do not use Keras, nothing is missing.")
INSTALL_KERAS = template("Install Keras")
MATCHING_KERAS = template("Install the Keras that TensorFlow {version} was made for")
NEWER_TENSORFLOW = template("Update TensorFlow to a release for Keras 3")
NEWER_BACKEND = template("Update {framework} to {minimum} or newer")
MATCHING_TF_KERAS = template("Install the tf-keras of TensorFlow {minor}")


def _tensorflow(facts: Facts) -> tuple[int, Version]:
    """Return TensorFlow's place and version, or leave the rule."""
    found = backend(facts, "tensorflow")
    version = version_of(need(found[1].version)) if found else None
    if found is None or version is None:
        raise NotApplicable("TensorFlow is not installed")
    return found[0], version


@rule(
    "keras-not-installed",
    severity="info",
    layer="keras",
    title=template("Keras is not installed"),
    message=template(
        "{frameworks} is installed without Keras, so envcheck could not train its small Keras model. {consequence}"
    ),
    after=("framework-not-installed", "venv-configuration-missing"),
)
def keras_not_installed(facts: Facts) -> Iterator[Failure]:
    """There is a framework, and no Keras.

    Keras is a package of its own. It is an error beside TensorFlow 2.6 and newer, whose tf.keras is that package; older
    TensorFlow has Keras inside, and then nothing is said. Beside other frameworks it is a note.
    """
    if need(facts.keras.installed):
        return
    there = [(index, found) for index, found in enumerate(need(facts.backends)) if need(found.installed)]
    if not there:
        raise NotApplicable("no framework is installed either")
    severity: Severity = "info"
    tensorflow = backend(facts, "tensorflow")
    if tensorflow:
        version = version_of(need(tensorflow[1].version))
        if version is None or version < FIRST_TENSORFLOW_WITH_SEPARATE_KERAS:
            return
        severity = "error"
    yield Failure(
        evidence=("/keras/installed", *(f"/backends/{index}/installed" for index, _ in there)),
        fields={
            "frameworks": title_of(there[0][1].name),
            "consequence": sentence(NO_TF_KERAS if severity == "error" else NOTHING_MISSING),
        },
        fixes=(change(facts, INSTALL_KERAS, add=("keras",), source=KERAS, verify=shows(facts, "keras")),),
        severity=severity,
    )


@rule(
    "keras-tensorflow-version-mismatch",
    severity="error",
    layer="keras",
    title=template("Keras {keras} does not go with TensorFlow {tensorflow}"),
    message=template(
        "TensorFlow {tensorflow} asks for {wanted}, and Keras {keras} is installed. The two share their insides: "
        "with "
        'another Keras, imports fail with "cannot import name ..." or parts are registered twice.'
    ),
    after=("keras-duplicate-distributions", "user-site-shadows-environment"),
)
def keras_tensorflow_version_mismatch(facts: Facts) -> Iterator[Failure]:
    """Keras and TensorFlow are of releases that do not belong together.

    From 2.6 to 2.15 both must be of the same minor release; from 2.16 on TensorFlow needs Keras 3. TensorFlow's own
    metadata say which. It is a warning where Keras uses another framework, or where the smoke test passes all the same.
    """
    index, tensorflow = _tensorflow(facts)
    for _, conflict, framework in wrong_version(facts, "keras"):
        if framework != "tensorflow":
            continue
        ways = [
            change(
                facts,
                MATCHING_KERAS,
                {"version": tensorflow},
                add=(conflict.wanted,),
                source=LEGACY,
                verify=shows(facts, "keras"),
            )
        ]
        installed = version_of(conflict.found_version)
        if installed and installed >= KERAS_3 and tensorflow < FIRST_TENSORFLOW_WITH_KERAS_3:
            ways.append(_newer_tensorflow(facts))
        yield Failure(
            evidence=(*conflict.evidence(), f"/backends/{index}/version"),
            fields={"keras": conflict.found_version, "tensorflow": tensorflow, "wanted": conflict.wanted},
            fixes=tuple(ways),
            subject="tensorflow",
            severity=error_unless_proven(facts, "tensorflow") if in_use(facts, "tensorflow") else "warning",
        )


def _newer_tensorflow(facts: Facts) -> Fix:
    wanted = f"tensorflow>={FIRST_TENSORFLOW_WITH_KERAS_3}"
    return change(facts, NEWER_TENSORFLOW, add=(wanted,), source=KERAS, verify=shows(facts, "tensorflow"))


@rule(
    "keras-backend-version-too-old",
    severity="error",
    layer="keras",
    title=template("{framework} {version} is older than Keras {keras} needs"),
    message=template(
        "Keras {keras} names {framework} {minimum} as the oldest release that it works with, and {version} is "
        "installed. Keras calls functions that the old release does not have yet."
    ),
)
def keras_backend_version_too_old(facts: Facts) -> Iterator[Failure]:
    """The installed framework is older than the oldest that this release of Keras names.

    Sign: "has no attribute" somewhere inside keras/src/backend. It is a warning where Keras uses another framework, or
    where the smoke test passes all the same. Keras publishes these minima from 3.13 on; of older releases little is
    known.
    """
    if not need(facts.keras.installed):
        raise NotApplicable("Keras is not installed")
    keras = version_of(need(facts.keras.version))
    if keras is None:
        raise NotApplicable("the version of Keras is not a number")

    def check(index: int, found: Backend) -> Iterator[Failure]:
        row = minimum_backend(keras, found.name)
        if row is None:
            return
        version = version_of(need(found.version))
        if version is None or version >= Version(row.minimum):
            return
        yield Failure(
            evidence=("/keras/version", f"/backends/{index}/version"),
            fields={"framework": title_of(found.name), "version": version, "keras": keras, "minimum": row.minimum},
            fixes=(
                change(
                    facts,
                    NEWER_BACKEND,
                    {"framework": title_of(found.name), "minimum": row.minimum},
                    add=(f"{distribution(found)}>={row.minimum}",),
                    source=KERAS,
                    verify=shows(facts, found.name),
                ),
            ),
            subject=found.name,
            severity=error_unless_proven(facts, found.name) if in_use(facts, found.name) else "warning",
        )

    yield from for_each_framework(facts, check)


@rule(
    "tf-keras-missing",
    severity="error",
    layer="keras",
    title=template("Legacy Keras is asked for, and tf-keras is not installed"),
    message=template(
        "The variable TF_USE_LEGACY_KERAS tells TensorFlow {version} to use Keras 2, which is the separate package "
        "tf-keras. It is not installed, so tf.keras fails."
    ),
)
def tf_keras_missing(facts: Facts) -> Iterator[Failure]:
    """TF_USE_LEGACY_KERAS is set, and the package that it asks for is not there.

    TensorFlow 2.16 and newer bring Keras 3. Programs for Keras 2 use the package tf-keras, with that variable set
    before TensorFlow is imported. Sign: "No module named 'tf_keras'".
    """
    if not need(facts.keras.legacy_requested):
        raise NotApplicable("legacy Keras is not asked for")
    index, version = _tensorflow(facts)
    if version >= FIRST_TENSORFLOW_WITH_KERAS_3 and need(facts.keras.tf_keras_version) is None:
        yield Failure(
            evidence=("/keras/legacy_requested", "/keras/tf_keras_version", f"/backends/{index}/version"),
            fields={"version": version},
            fixes=(_matching_tf_keras(facts, version),),
            subject="tensorflow",
        )


def _matching_tf_keras(facts: Facts, tensorflow: Version) -> Fix:
    minor = minor_of(tensorflow)
    return change(
        facts,
        MATCHING_TF_KERAS,
        {"minor": minor},
        add=(f"tf-keras~={minor}.0",),
        source=LEGACY,
        verify=shows(facts, "tf_keras"),
    )


@rule(
    "tf-keras-version-mismatch",
    severity="warning",
    layer="keras",
    title=template("tf-keras {tf_keras} does not go with TensorFlow {tensorflow}"),
    message=template(
        "tf-keras, the Keras 2 for programs that need it, follows TensorFlow's numbering and fits its own minor "
        "release only. Installed are tf-keras {tf_keras} and TensorFlow {tensorflow}."
    ),
)
def tf_keras_version_mismatch(facts: Facts) -> Iterator[Failure]:
    """tf-keras is of another minor release than TensorFlow.

    An update of one without the other does this. It is an error where TF_USE_LEGACY_KERAS asks for tf-keras.
    """
    legacy = version_of(need(facts.keras.tf_keras_version))
    if legacy is None:
        raise NotApplicable("tf-keras is not installed")
    index, tensorflow = _tensorflow(facts)
    if minor_of(legacy) != minor_of(tensorflow):
        yield Failure(
            evidence=("/keras/tf_keras_version", f"/backends/{index}/version"),
            fields={"tf_keras": legacy, "tensorflow": tensorflow},
            fixes=(_matching_tf_keras(facts, tensorflow),),
            subject="tensorflow",
            severity="error" if known(facts.keras.legacy_requested, False) else "warning",
        )
