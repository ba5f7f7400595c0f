"""Builds that conda chose."""

import re
from collections.abc import Iterator

from envcheck.fixes import conda, projects
from envcheck.fixes.files import in_shell
from envcheck.model.facts import CondaPackage, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import for_each, is_first_choice, nvidia_gpus, title_of
from envcheck.words import template

VIRTUAL_PACKAGES = "https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-virtual.html"
CPU_BUILD = re.compile(r"cpu_|cpu$|mkl_py|eigen_py")
"""How conda-forge ('cpu_py311h...') and Anaconda's own channel ('mkl_py310h...', 'eigen_py39h...') name builds for the
processor (conda-forge/tensorflow-feedstock#174, ContinuumIO/anaconda-issues#13063)."""
FRAMEWORKS = {"tensorflow": "tensorflow", "tensorflow-base": "tensorflow", "pytorch": "torch", "jaxlib": "jax"}
"""conda's names of the packages that hold the compiled code."""
ASK = template("Ask conda for the variant with CUDA, for the CUDA {version} that the driver supports")


@rule(
    "conda-cpu-build-selected",
    severity="warning",
    layer="backend",
    title=template("conda chose a build of {framework} without CUDA"),
    message=template(
        "{gpu} is in this machine, and conda installed {package} {version} as the build '{build}', which is for the "
        "processor only. conda picks the variant when it solves: without a driver in sight, or in an update, it takes "
        "this one, of the same version."
    ),
)
def conda_cpu_build_selected(facts: Facts) -> Iterator[Failure]:
    """Of the builds of one version, conda took the one without CUDA.

    It sees the driver as the virtual package '__cuda'; in a container build or on a login node there is none, and
    CONDA_OVERRIDE_CUDA stands in for it. It is only a note where Keras uses another framework.
    """
    packages = need(facts.python.conda_packages)
    gpus = nvidia_gpus(facts)
    if not packages or not gpus:
        raise NotApplicable("no conda environment, or no NVIDIA GPU")
    told: set[str] = set()

    def check(index: int, found: CondaPackage) -> Iterator[Failure]:
        framework = FRAMEWORKS.get(found.name)
        if framework is None or framework in told or not CPU_BUILD.match(need(found.build) or ""):
            return
        told.add(framework)
        yield Failure(
            evidence=(f"/python/conda_packages/{index}/build", gpus[0].pointer),
            fields={
                "framework": title_of(framework),
                "gpu": gpus[0].name,
                "package": found.name,
                "version": known(found.version, None) or "",
                "build": found.build,
            },
            fixes=_ask(facts, found.name),
            subject=framework,
            severity="warning" if is_first_choice(facts, framework) else "info",
        )

    yield from for_each(packages, check)


def _ask(facts: Facts, name: str) -> tuple[Fix, ...]:
    cuda = known(facts.driver.nvidia.cuda_driver_api_version, None)
    prefix = known(facts.python.prefix, None)
    if cuda is None or prefix is None:
        return ()
    name = "tensorflow" if name == "tensorflow-base" else name
    commands = conda.with_cuda(facts, name, cuda)
    files = projects.changed_by(facts, commands)
    return (in_shell(ASK, *commands, source=VIRTUAL_PACKAGES, risk="environment", files=files, version=cuda),)
