"""Several distributions that bring the same module."""

import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from envcheck.fixes import solved
from envcheck.fixes.packages import shows
from envcheck.model.facts import Facts, Package
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import backend, error_unless_proven
from envcheck.words import template

PIP_UNINSTALL = "https://pip.pypa.io/en/stable/cli/pip_uninstall/"
ONE_OF_THEM = template("Remove all of them, then install one")


def _providers(facts: Facts, names: tuple[str, ...]) -> list[tuple[int, Package]]:
    """Return those distributions that bring files, without those that only require another of the list.

    On Windows and macOS 'tensorflow' is at times an empty distribution that requires the real one.
    """
    wanted = {canonicalize_name(name) for name in names}
    found = [(place, item) for place, item in enumerate(need(facts.python.packages)) if item.name in wanted]
    return [
        (place, item)
        for place, item in found
        if not any(
            canonicalize_name(required) in wanted - {canonicalize_name(item.name)}
            for required in (re.split(r"[\s;<>=!~\[(]", text, maxsplit=1)[0] for text in known(item.requires, ()))
        )
    ]


def _duplicates(facts: Facts, names: tuple[str, ...], module: str, keep: str) -> Iterator[Failure]:
    providers = _providers(facts, names)
    # In two folders (an environment and the Python below it) they write over nothing: the first one is imported.
    folders = dict.fromkeys(item.location for _, item in providers)
    for folder in folders:
        found = [(place, item) for place, item in providers if item.location == folder]
        if len({item.name for _, item in found}) < 2:
            continue
        distributions = [item.name for _, item in found]
        wanted = next((item for _, item in found if item.name == keep), found[0][1])
        yield Failure(
            evidence=tuple(f"/python/packages/{place}/name" for place, _ in found),
            fields={"distributions": ", ".join(distributions)},
            fixes=(
                solved.anew(
                    facts,
                    ONE_OF_THEM,
                    remove=tuple(distributions),
                    add=(wanted,),
                    source=PIP_UNINSTALL,
                    verify=shows(facts, module),
                ),
            ),
            subject="tensorflow" if module == "tensorflow" else None,
            severity=error_unless_proven(facts, "tensorflow") if module == "tensorflow" else None,
        )


@rule(
    "tensorflow-duplicate-distributions",
    severity="error",
    layer="backend",
    title=template("Several TensorFlow packages are installed over each other"),
    message=template(
        "{distributions} all bring the same folder 'tensorflow', and each wrote over the files of the other. What is "
        "there now is a mixture, and removing one of them takes files away from the other."
    ),
)
def tensorflow_duplicate_distributions(facts: Facts) -> Iterator[Failure]:
    """tensorflow, tensorflow-cpu, tensorflow-gpu, tf-nightly and their like were installed together.

    They are different names for the same folder of files. Signs: "module 'tensorflow' has no attribute '__version__'",
    a version that differs from what pip says, a GPU build that finds no GPU. On Windows (2.11 to 2.18) and macOS
    'tensorflow' itself requires another of them; that is normal and not reported.
    """
    found = backend(facts, "tensorflow")
    if found is None:
        raise NotApplicable("TensorFlow is not installed")
    yield from _duplicates(facts, need(found[1].distributions), "tensorflow", "tensorflow")


@rule(
    "keras-duplicate-distributions",
    severity="error",
    layer="keras",
    title=template("Several Keras packages are installed over each other"),
    message=template(
        "{distributions} all bring the same folder 'keras', and each wrote over the files of the other. What is "
        "there now is a mixture."
    ),
)
def keras_duplicate_distributions(facts: Facts) -> Iterator[Failure]:
    """keras and keras-nightly were installed together; they are different names for the same folder of files.

    tf-nightly brings keras-nightly. Signs: "module 'keras.src' has no attribute", a layer or metric that is registered
    twice.
    """
    if not need(facts.keras.installed):
        raise NotApplicable("Keras is not installed")
    yield from _duplicates(facts, need(facts.keras.distributions), "keras", "keras")
