"""CUDA's compilers, which XLA needs while a program runs: ptxas and libdevice.

Whether a framework misses them is only judged by what it said itself when the smoke test failed on a GPU: which of
several compilers it takes differs from release to release.
"""

import re
from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.solved import change
from envcheck.model.facts import Backend, CudaToolkit, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.searches import computes_on_gpu
from envcheck.rules.shared import (
    for_each_framework,
    is_first_choice,
    listed,
    nvidia_gpus,
    runs_of,
    title_of,
    version_of,
)
from envcheck.words import sentence, template

TOOLKITS = "/driver/cuda_toolchain/toolkits"
XLA = "https://openxla.org/xla/flags_guidance"
FIRST_SOUND_PTXAS, MISCOMPILING_PTXAS = (11, 1), (12, 3, 103)
"""Named in xla/stream_executor/cuda/subprocess_compilation.cc (kBuggyPtxAsVersions) and, before, in asm_compiler.cc."""
OTHER_PTXAS = template("Put a sound release of ptxas first on PATH, or take the other CUDA toolkit away")
INSTALL = template("Install the wheel with ptxas and libdevice")
POINT_AT = template("Tell XLA where it lies")

NO_PTXAS = re.compile(
    r"No PTX compilation provider is available|Couldn't find a suitable version of ptxas"
    r"|Neither ptxas/nvlink nor nvjtlink is available"
)
NO_LIBDEVICE = re.compile(
    r"libdevice not found at|Can't find libdevice directory|libdevice is required by this HLO module but was not found"
)
OLD_PTXAS = re.compile(r"Unsupported \.version|ptxas does not support CC|ptxas too old|but TF requires ptxas")
"""Messages of XLA: xla/stream_executor/cuda and xla/service/gpu in openxla/xla."""


def _said(facts: Facts, backend: Backend, pattern: re.Pattern[str]) -> str | None:
    """Return the pointer of a failed smoke test's words on a GPU that hold the pattern."""
    for place, run in runs_of(facts, backend.name):
        if not run.device.startswith("gpu") or known(run.status, "passed") == "passed":
            continue
        for field in ("reason", "stderr_tail"):
            text = getattr(run, field)
            if isinstance(text, str) and pattern.search(text):
                return f"/smoke/{place}/{field}"
    return None


def _failures(facts: Facts, pattern: re.Pattern[str]) -> Iterator[tuple[Backend, str]]:
    """Yield the frameworks that said so, with the pointer of their words."""
    if not nvidia_gpus(facts):
        raise NotApplicable("no NVIDIA GPU")
    for backend in need(facts.backends):
        if known(backend.installed, False) and known(backend.built_for.cuda, None) is not None:
            pointer = _said(facts, backend, pattern)
            if pointer is not None:
                yield backend, pointer


def _toolkits(facts: Facts) -> tuple[CudaToolkit, ...]:
    return need(facts.driver.cuda_toolchain.toolkits)


def _bring(facts: Facts, backend: Backend) -> Fix:
    version = re.match(r"\d+", known(backend.built_for.cuda, None) or "12")
    major = int(version[0]) if version else 12
    name = "nvidia-cuda-nvcc" if major >= 13 else f"nvidia-cuda-nvcc-cu{major}"
    return change(facts, INSTALL, add=(name,), source=XLA)


@rule(
    "ptxas-missing",
    severity="error",
    layer="driver",
    title=template("{framework} has no PTX assembler to compile for the GPU with"),
    message=template(
        "{framework}'s compiler XLA looked for the program ptxas, found none, and gave up; envcheck finds none either: "
        "not on PATH, not in the environment, not in a CUDA toolkit."
    ),
)
def ptxas_missing(facts: Facts) -> Iterator[Failure]:
    """XLA compiles for the GPU with ptxas, which is neither part of the driver nor of CUDA's runtime.

    Images with CUDA's runtime alone do not have it. 'No PTX compilation provider is available' and "Couldn't find a
    suitable version of ptxas" are the signs. A line that ptxas is not found which is followed by success is harmless.
    """
    for backend, pointer in _failures(facts, NO_PTXAS):
        if not any(need(toolkit.ptxas) is not None for toolkit in _toolkits(facts)):
            yield Failure(
                evidence=(pointer, TOOLKITS),
                fields={"framework": title_of(backend.name)},
                fixes=(_bring(facts, backend),),
                subject=backend.name,
                severity="error" if is_first_choice(facts, backend.name) else "warning",
            )


@rule(
    "libdevice-not-found",
    severity="error",
    layer="driver",
    title=template("{framework}'s compiler does not find libdevice"),
    message=template(
        "{framework}'s compiler XLA needs the file libdevice.10.bc with CUDA's mathematical functions, and did not "
        "find it. {there}"
    ),
)
def libdevice_not_found(facts: Facts) -> Iterator[Failure]:
    """Compiling with XLA needs nvvm/libdevice/libdevice.10.bc, which comes with CUDA's compiler.

    Keras compiles its optimizers with XLA since TensorFlow 2.11, so training fails where everything else works. XLA
    looks in the folder of --xla_gpu_cuda_data_dir, in /usr/local/cuda and in the wheel nvidia-cuda-nvcc.
    """
    for backend, pointer in _failures(facts, NO_LIBDEVICE):
        places = [
            (index, toolkit) for index, toolkit in enumerate(_toolkits(facts)) if need(toolkit.libdevice) is not None
        ]
        if places:
            index, toolkit = places[0]
            command = f'export XLA_FLAGS="--xla_gpu_cuda_data_dir={toolkit.root} $XLA_FLAGS"'
            fixes: tuple[Fix, ...] = (in_shell(POINT_AT, command, source=XLA),)
            evidence = (pointer, f"{TOOLKITS}/{index}/libdevice")
            there = sentence(THERE, path=toolkit.libdevice)
        else:
            fixes, evidence, there = (_bring(facts, backend),), (pointer, TOOLKITS), sentence(NOWHERE)
        yield Failure(
            evidence=evidence,
            fields={"framework": title_of(backend.name), "there": there},
            fixes=fixes,
            subject=backend.name,
            severity="error" if is_first_choice(facts, backend.name) else "warning",
        )


THERE = template("There is one at {path}, where XLA does not look.")
NOWHERE = template("There is none on this machine.")


@rule(
    "ptxas-too-old",
    severity="error",
    layer="driver",
    title=template("The PTX assembler that {framework} takes is too old"),
    message=template(
        "{framework} was built with CUDA {cuda}, and its compiler XLA takes {ptxas}, of version {version}: it does not "
        "understand what it is given, or does not know this GPU."
    ),
)
def ptxas_too_old(facts: Facts) -> Iterator[Failure]:
    """An older CUDA toolkit on the machine is in front of the compiler that the framework needs.

    'Unsupported .version', 'ptxas does not support CC' and 'ptxas too old' are the signs.
    """

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        pointer = next((at for found, at in said if found.name == backend.name), None)
        built = re.match(r"\d+(\.\d+)?", known(backend.built_for.cuda, None) or "")
        if pointer is None or built is None:
            return
        for place, toolkit in enumerate(_toolkits(facts)):
            version = version_of(known(toolkit.ptxas_version, None))
            if version is None:
                continue
            if version.release[:2] < Version(built[0]).release[:2]:
                yield Failure(
                    evidence=(
                        pointer,
                        f"{TOOLKITS}/{place}/ptxas_version",
                        f"/backends/{index}/built_for/cuda",
                    ),
                    fields={
                        "framework": title_of(backend.name),
                        "cuda": backend.built_for.cuda,
                        "ptxas": toolkit.ptxas,
                        "version": version,
                    },
                    fixes=(_bring(facts, backend),),
                    subject=backend.name,
                    severity="error" if is_first_choice(facts, backend.name) else "warning",
                )
            return

    said = list(_failures(facts, OLD_PTXAS))
    yield from for_each_framework(facts, check)


@rule(
    "ptxas-known-buggy",
    severity="warning",
    layer="driver",
    title=template("The only PTX assembler here is a release that is known to compile wrongly"),
    message=template(
        "XLA, the compiler of {frameworks}, translates programs for the GPU with ptxas. All that is found is {ptxas}, "
        "of version {version}. XLA names this release as one whose programs may compute wrong results: some releases "
        "of XLA refuse it, others use it all the same."
    ),
)
def ptxas_known_buggy(facts: Facts) -> Iterator[Failure]:
    """XLA knows releases of ptxas that compile wrongly: all before 11.1, and 12.3.103.

    It refuses with 'has a bug that we think can affect XLA', or warns that one 'is known to miscompile XLA code'.
    Neither line is noise. Where another ptxas is there, XLA can take that one, and nothing is said here.
    """
    if not nvidia_gpus(facts):
        raise NotApplicable("no NVIDIA GPU")
    names = [
        found.name
        for found in need(facts.backends)
        if found.name in ("tensorflow", "jax")
        and known(found.installed, False)
        and known(found.built_for.cuda, None)
        and not computes_on_gpu(facts, found)
    ]
    places = [(place, toolkit) for place, toolkit in enumerate(_toolkits(facts)) if need(toolkit.ptxas) is not None]
    versions = [version_of(need(toolkit.ptxas_version)) for _, toolkit in places]
    if names and places and all(version is not None and _compiles_wrongly(version) for version in versions):
        place, first = places[0]
        yield Failure(
            evidence=(f"{TOOLKITS}/{place}/ptxas", f"{TOOLKITS}/{place}/ptxas_version"),
            fields={
                "frameworks": listed(title_of(name) for name in names),
                "ptxas": first.ptxas,
                "version": first.ptxas_version,
            },
            fixes=(by_hand(OTHER_PTXAS, XLA),),
        )


def _compiles_wrongly(version: Version) -> bool:
    return version.release[:2] < FIRST_SOUND_PTXAS or version.release == MISCOMPILING_PTXAS
