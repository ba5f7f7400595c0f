"""CUDA's compilers for what is built on this machine: Triton's own, and those that extensions of PyTorch need.

A toolkit of another version than the framework's own runtime is in order: nothing is said of it unless a package is
installed that compiles for the GPU here.
"""

from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.knowledge import cuda
from envcheck.model.facts import Backend, CudaToolkit, Facts, Package, TritonAssembler
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import backend, is_first_choice, package, runs_of, usable_gpus, version_of
from envcheck.words import template

TRITON = "/driver/cuda_toolchain/triton"
TOOLKITS = "/driver/cuda_toolchain/toolkits"
TRITON_KNOBS = "https://github.com/triton-lang/triton/blob/main/python/triton/knobs.py"
EXTENSIONS = "https://docs.pytorch.org/docs/stable/cpp_extension.html"
BLACKWELL = (10, 0)
"""From this compute capability on Triton takes ptxas-blackwell, where it brings that (get_ptxas in its compiler.py)."""
COMPILING = ("deepspeed",)
"""Packages that compile for the GPU while they run. deepspeed refuses an nvcc of another major version
(assert_no_cuda_mismatch in its op_builder/builder.py), and asks for nvcc at its import already ('MissingCUDAException:
CUDA_HOME does not exist'). Read on 2026-11-23."""
POINT_AT = template("Let Triton take the assembler of a newer CUDA toolkit")
UPDATE_TRITON = template("Update PyTorch, which brings a newer Triton: each release goes with one of it")
INSTALL_TOOLKIT = template("Install the CUDA toolkit {cuda}, then tell where it is with CUDA_HOME")
SET_HOME = template("Point CUDA_HOME at the toolkit of PyTorch's CUDA")


# --- Triton ---------------------------------------------------------------------------------------


@rule(
    "triton-ptxas-too-old",
    severity="warning",
    layer="driver",
    title=template("Triton's own PTX assembler does not know this GPU"),
    message=template(
        "{gpu} has compute capability {capability}. Triton, the compiler behind torch.compile, takes {path}, and that "
        "program cannot assemble for it. PyTorch works otherwise; torch.compile and kernels written in Triton fail."
    ),
)
def triton_ptxas_too_old(facts: Facts) -> Iterator[Failure]:
    """Triton brings an assembler of its own, older than the GPU; which GPUs it knows the program tells itself.

    "is not defined for option 'gpu-name'" and 'Internal Triton PTX codegen error' are the signs. Where torch.compile
    passed its smoke test on the GPU nothing is said.
    """
    found = backend(facts, "torch")
    if found is None or known(found[1].built_for.cuda, None) is None or _compiled(facts):
        raise NotApplicable("no PyTorch for CUDA, or it compiles for the GPU")
    for place, gpu in usable_gpus(facts):
        capability = cuda.capability(need(gpu.compute_capability))
        taken = _taken(need(facts.driver.cuda_toolchain.triton), capability) if capability else None
        if capability is None or taken is None or not need(taken[1].targets) or _knows(taken[1], capability):
            continue
        number, assembler = taken
        yield Failure(
            evidence=(
                f"/driver/nvidia/gpus/{place}/compute_capability",
                f"{TRITON}/{number}/path",
                f"{TRITON}/{number}/targets",
            ),
            fields={
                "gpu": known(gpu.name, "The GPU"),
                "capability": gpu.compute_capability,
                "path": assembler.path,
            },
            fixes=(*_newer_assembler(facts, assembler), by_hand(UPDATE_TRITON, TRITON_KNOBS)),
            subject="torch",
        )
        return


def _newer_assembler(facts: Facts, assembler: TritonAssembler) -> tuple[Fix, ...]:
    """Return the fix that takes the assembler of the newest CUDA toolkit here, if it is newer than Triton's."""
    own = version_of(known(assembler.version, None))
    there = [
        (version, toolkit.ptxas)
        for toolkit in known(facts.driver.cuda_toolchain.toolkits, ())
        if (version := version_of(known(toolkit.ptxas_version, None))) is not None and isinstance(toolkit.ptxas, str)
    ]
    newest = max(there, default=None)
    if own is None or newest is None or newest[0] <= own:
        return ()
    name = "TRITON_PTXAS_BLACKWELL_PATH" if assembler.name == "ptxas-blackwell" else "TRITON_PTXAS_PATH"
    return (in_shell(POINT_AT, shell.export(facts, name, newest[1]), source=TRITON_KNOBS),)


def _compiled(facts: Facts) -> bool:
    """Say whether torch.compile passed on a GPU."""
    runs = [run for _, run in runs_of(facts, "torch") if run.device.startswith("gpu")]
    stages = [stage for run in runs for stage in known(run.stages, ())]
    return any(stage.name == "compile" and stage.status == "passed" for stage in stages)


def _taken(there: tuple[TritonAssembler, ...], gpu: tuple[int, int]) -> tuple[int, TritonAssembler] | None:
    """Return the assembler that Triton takes for a GPU, with its place."""
    by_name = {assembler.name: (place, assembler) for place, assembler in enumerate(there)}
    newest = by_name.get("ptxas-blackwell") if gpu >= BLACKWELL else None
    return newest or by_name.get("ptxas")


def _knows(assembler: TritonAssembler, gpu: tuple[int, int]) -> bool:
    return any(cuda.built_for(target) == gpu for target in need(assembler.targets))


# --- extensions -----------------------------------------------------------------------------------


def _compiling(facts: Facts) -> tuple[Backend, int, Package]:
    """Return PyTorch and the package that compiles for the GPU here, with its place.

    Raises:
        NotApplicable: if there is none, or no GPU to compile for.
    """
    found = backend(facts, "torch")
    there = next((hit for hit in (package(facts, name) for name in COMPILING) if hit is not None), None)
    if found is None or there is None or need(found[1].built_for.cuda) is None or not usable_gpus(facts):
        raise NotApplicable("nothing here compiles for an NVIDIA GPU")
    return found[1], *there


def _toolkit(facts: Facts) -> tuple[int, CudaToolkit] | None:
    """Return the toolkit that PyTorch takes, as _find_cuda_home in torch/utils/cpp_extension.py looks for it."""
    there = [(place, one) for place, one in enumerate(need(facts.driver.cuda_toolchain.toolkits)) if _has_nvcc(one)]
    for via in ("CUDA_HOME", "CUDA_PATH", "PATH", "usual place"):
        found = next(((place, one) for place, one in there if via in need(one.found_via)), None)
        if found is not None:
            return found
    return None


def _comes_with_activation(facts: Facts) -> bool:
    return any(_has_nvcc(one) and "conda" in need(one.found_via) for one in need(facts.driver.cuda_toolchain.toolkits))


def _has_nvcc(toolkit: CudaToolkit) -> bool:
    return known(toolkit.nvcc, None) is not None


@rule(
    "nvcc-torch-cuda-mismatch",
    severity="warning",
    layer="driver",
    title=template("{package} would compile with CUDA {found}, and PyTorch is built for CUDA {wanted}"),
    message=template(
        "{package} compiles code for the GPU while it runs, with the CUDA toolkit in {root}, version {found}. PyTorch "
        "is built for CUDA {wanted}, and refuses a compiler of another major version. PyTorch itself runs fine."
    ),
)
def nvcc_torch_cuda_mismatch(facts: Facts) -> Iterator[Failure]:
    """The CUDA toolkit that is found first is of another major version than PyTorch's CUDA.

    'The detected CUDA version mismatches the version that was used to compile PyTorch' is the sign. It matters to
    packages that compile extensions, and to nothing else: without such a package nothing is said.
    """
    torch, place, compiling = _compiling(facts)
    found = _toolkit(facts)
    if found is None:
        return
    number, toolkit = found
    version, wanted = version_of(need(toolkit.version)), version_of(need(torch.built_for.cuda))
    if version is None or wanted is None or version.major == wanted.major:
        return
    yield Failure(
        evidence=(f"{TOOLKITS}/{number}/version", f"{TOOLKITS}/{number}/root", f"/python/packages/{place}/name"),
        fields={"package": compiling.name, "root": toolkit.root, "found": version, "wanted": wanted},
        fixes=(_point_at(facts, wanted),),
        subject="torch",
        severity="warning" if is_first_choice(facts, "torch") else "info",
    )


def _point_at(facts: Facts, wanted: Version) -> Fix:
    for toolkit in need(facts.driver.cuda_toolchain.toolkits):
        version = version_of(known(toolkit.version, None))
        if _has_nvcc(toolkit) and version is not None and version.major == wanted.major:
            return in_shell(SET_HOME, shell.export(facts, "CUDA_HOME", toolkit.root), source=EXTENSIONS)
    return by_hand(INSTALL_TOOLKIT, EXTENSIONS, cuda=f"{wanted.major}.{wanted.minor}")


@rule(
    "cuda-home-not-set",
    severity="warning",
    layer="driver",
    title=template("{package} finds no CUDA compiler"),
    message=template(
        "{package} compiles code for the GPU while it runs, and there is no nvcc: not where CUDA_HOME points, not on "
        "PATH, not in /usr/local/cuda. The wheels bring CUDA's runtime and no compiler."
    ),
)
def cuda_home_not_set(facts: Facts) -> Iterator[Failure]:
    """A package is installed that compiles for the GPU here, and no CUDA toolkit is.

    'CUDA_HOME environment variable is not set' and 'CUDA_HOME does not exist, unable to compile CUDA op(s)' are the
    signs. Without such a package no toolkit is needed, and nothing is said. An nvcc in the environment itself counts:
    activating the environment puts it on PATH.
    """
    torch, place, compiling = _compiling(facts)
    if _toolkit(facts) is not None or _comes_with_activation(facts):
        return
    wanted = version_of(need(torch.built_for.cuda))
    assert wanted is not None
    yield Failure(
        evidence=(f"/python/packages/{place}/name", TOOLKITS, "/driver/cuda_toolchain/cuda_home"),
        fields={"package": compiling.name},
        fixes=(by_hand(INSTALL_TOOLKIT, EXTENSIONS, cuda=f"{wanted.major}.{wanted.minor}"),),
        subject="torch",
        severity="warning" if is_first_choice(facts, "torch") else "info",
    )
