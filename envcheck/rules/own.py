"""About envcheck itself, and packages that have to do with it."""

from collections.abc import Iterator

from envcheck.fixes.files import by_hand
from envcheck.fixes.packages import change
from envcheck.model.facts import Facts
from envcheck.model.unknown import need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.shared import package
from envcheck.words import template

PROJECT = "https://pypi.org/project/envcheck-dl/"
NAMESAKE = "https://pypi.org/project/envcheck/"
NVIDIA_ML = "https://pypi.org/project/nvidia-ml-py/"
REPORT = template("Report it to the envcheck project, with the output of 'envcheck report --format json'")
REPLACE_NAMESAKE = template("Remove both, then install this tool under its own name")
REPLACE_PYNVML = template("Replace it by nvidia-ml-py, which brings the same module")


@rule(
    "envcheck-probe-failed",
    severity="warning",
    layer="platform",
    title=template("A part of envcheck itself failed: {probe}"),
    message=template(
        "The probe '{probe}' ended with an error of its own ({error}), so what it looks at is missing from this "
        "report. The others went on."
    ),
)
def envcheck_probe_failed(facts: Facts) -> Iterator[Failure]:
    """A probe of envcheck met something that its authors did not think of.

    It says nothing about the machine. The facts of that probe are unknown, and so is what rests on them.
    """
    for index, failure in enumerate(facts.platform.tool.probe_failures):
        yield Failure(
            evidence=(f"/platform/tool/probe_failures/{index}/error",),
            fields={"probe": failure.name, "error": failure.error},
            fixes=(by_hand(REPORT, PROJECT),),
            subject=failure.name,
        )


@rule(
    "envcheck-name-clash",
    severity="info",
    layer="python",
    title=template("The target holds another project that is also called envcheck"),
    message=template(
        "The package 'envcheck' {version} on the package index is an unrelated project. This tool is installed as "
        "'envcheck-dl'; both bring a module 'envcheck', and where both are in one environment their files overwrite "
        "each other."
    ),
)
def envcheck_name_clash(facts: Facts) -> Iterator[Failure]:
    """The unrelated project 'envcheck' of the package index is installed in the target.

    'pip install envcheck' brings it, while this tool is 'envcheck-dl'. Beside this tool it is a warning; alone it is a
    note, for it may be what you want there.
    """
    found = package(facts, "envcheck")
    if found is None:
        return
    place, namesake = found
    ours = package(facts, "envcheck-dl")
    yield Failure(
        evidence=(f"/python/packages/{place}/name", f"/python/packages/{place}/version"),
        fields={"version": need(namesake.version) or ""},
        fixes=(
            change(facts, REPLACE_NAMESAKE, remove=("envcheck", "envcheck-dl"), add=("envcheck-dl",), source=NAMESAKE),
        )
        if ours
        else (),
        severity="warning" if ours else "info",
    )


@rule(
    "harmless-pynvml-deprecated",
    severity="info",
    layer="python",
    title=template("The deprecated package pynvml is installed"),
    message=template(
        "pynvml {version} has been replaced by nvidia-ml-py, which brings the module of the same name. It works, "
        "prints a warning when it is imported, and its start-up file makes every start of this Python a little "
        "slower."
    ),
)
def harmless_pynvml_deprecated(facts: Facts) -> Iterator[Failure]:
    """The package pynvml of the package index is an old name; NVIDIA's own package is nvidia-ml-py.

    'The pynvml package is deprecated. Please install nvidia-ml-py instead.' Nothing is broken.
    """
    found = package(facts, "pynvml")
    if found is not None:
        place, pynvml = found
        yield Failure(
            evidence=(f"/python/packages/{place}/name", f"/python/packages/{place}/version"),
            fields={"version": need(pynvml.version) or ""},
            fixes=(
                change(
                    facts,
                    REPLACE_PYNVML,
                    remove=("pynvml", "nvidia-ml-py") if package(facts, "nvidia-ml-py") else ("pynvml",),
                    add=("nvidia-ml-py",),
                    source=NVIDIA_ML,
                ),
            ),
        )
