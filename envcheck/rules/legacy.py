"""Old frameworks and old releases."""

from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes import solved
from envcheck.knowledge.frameworks import Unmaintained, unmaintained
from envcheck.model.facts import Backend, Facts
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import backend, for_each_framework, last_words, package, title_of, version_of
from envcheck.words import sentence, template

BRING_DISTUTILS = template("Stop-gap: setuptools brings a copy of distutils")
OLD_H5PY = template("Go back to h5py 2, which this TensorFlow was made for")
SUCCESSOR = template("{what} took its place.")
FIRST_WITHOUT_DISTUTILS = Version("3.12")
PEP_632 = "https://peps.python.org/pep-0632/"
FIRST_TENSORFLOW_FOR_H5PY_3 = Version("2.5")
"""Requires-Dist of tensorflow 2.4.4 and 2.5.0 on PyPI; tensorflow/tensorflow#44467."""
H5PY_3 = Version("3")


@rule(
    "legacy-backend-unmaintained",
    severity="info",
    layer="keras",
    title=template("{name} is no longer maintained"),
    message=template(
        "{name} is installed. Its last release is {last}; it breaks with current Python, NumPy and CUDA, and nobody "
        "mends it.{successor}"
    ),
)
def legacy_backend_unmaintained(facts: Facts) -> Iterator[Failure]:
    """A framework that gets no releases any more is installed, such as a backend of older Keras releases.

    Theano, CNTK, MXNet, PlaidML, Caffe and the Torch of Lua have ended. An environment that works can go on working as
    long as nothing in it is updated.
    """
    for place, found in enumerate(need(facts.python.packages)):
        row = unmaintained(found.name)
        if row is not None:
            yield Failure(
                evidence=(f"/python/packages/{place}/name", f"/python/packages/{place}/version"),
                fields={"name": row.name, "last": row.last, "successor": _successor(row)},
                fixes=(solved.new_environment(facts, "keras>=3", "tensorflow"),),
                subject=found.name,
            )
    for index, framework in enumerate(known(facts.backends, ())):
        row = unmaintained(framework.name)
        if row is not None and framework.installed is True and framework.distributions == ():
            yield Failure(
                evidence=(f"/backends/{index}/location", f"/backends/{index}/version"),
                fields={"name": row.name, "last": row.last, "successor": _successor(row)},
                fixes=(solved.new_environment(facts, "keras>=3", "torch"),),
                subject=framework.name,
            )


def _successor(row: Unmaintained) -> str:
    return " " + sentence(SUCCESSOR, what=row.replaced_by) if row.replaced_by else ""


@rule(
    "distutils-removed",
    severity="error",
    layer="python",
    title=template("{framework} needs distutils, which Python {python} no longer has"),
    message=template(
        "Python removed the module distutils in 3.12, and the installed {framework} {version} still imports it. It "
        "said: {said}"
    ),
)
def distutils_removed(facts: Facts) -> Iterator[Failure]:
    """An old framework imports distutils, which left Python with release 3.12.

    "No module named 'distutils'". TensorFlow supports Python 3.12 from 2.16 on.
    """
    python = version_of(need(facts.python.version))
    if python is None or python < FIRST_WITHOUT_DISTUTILS:
        raise NotApplicable("this Python has distutils")

    def check(index: int, found: Backend) -> Iterator[Failure]:
        for pointer, words in last_words(facts, index, found):
            said = next((line.strip() for line in words.splitlines() if "No module named 'distutils'" in line), None)
            if said:
                yield Failure(
                    evidence=(pointer, "/python/version"),
                    fields={
                        "framework": title_of(found.name),
                        "version": known(found.version, None) or "",
                        "python": python,
                        "said": said,
                    },
                    fixes=(solved.change(facts, BRING_DISTUTILS, add=("setuptools<82",), source=PEP_632),),
                    subject=found.name,
                )
                return

    yield from for_each_framework(facts, check)


@rule(
    "h5py-too-new-for-keras",
    severity="warning",
    layer="keras",
    title=template("h5py {h5py} is too new for TensorFlow {tensorflow}"),
    message=template(
        "h5py 3 returns text where older releases returned bytes, and the Keras of TensorFlow {tensorflow} decodes "
        "bytes. Training works; loading weights or models from .h5 files ends with \"'str' object has no attribute "
        "'decode'\"."
    ),
)
def h5py_too_new_for_keras(facts: Facts) -> Iterator[Failure]:
    """h5py 3 is installed beside a TensorFlow before 2.5, whose Keras cannot load .h5 files with it."""
    found = backend(facts, "tensorflow")
    h5py = package(facts, "h5py")
    if found is None or h5py is None:
        raise NotApplicable("TensorFlow or h5py is not installed")
    tensorflow, version = version_of(need(found[1].version)), version_of(need(h5py[1].version))
    if tensorflow and version and tensorflow < FIRST_TENSORFLOW_FOR_H5PY_3 and version >= H5PY_3:
        yield Failure(
            evidence=(f"/python/packages/{h5py[0]}/version", f"/backends/{found[0]}/version"),
            fields={"h5py": version, "tensorflow": tensorflow},
            fixes=(
                solved.change(
                    facts, OLD_H5PY, add=("h5py<3",), source="https://github.com/tensorflow/tensorflow/issues/44467"
                ),
            ),
            subject="tensorflow",
        )
