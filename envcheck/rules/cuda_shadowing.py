"""Which CUDA libraries a framework gets: damaged ones, those of another CUDA, or of several at once."""

from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.packages import again
from envcheck.knowledge import cuda_libraries
from envcheck.model.facts import Backend, Facts, LibraryCandidate
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.searches import Found, for_each_search, has_them, is_cudnn, severity
from envcheck.rules.shared import is_first_choice, runs_of, title_of, version_of
from envcheck.words import sentence, template

LOADER = "https://man7.org/linux/man-pages/man8/ld.so.8.html"
JAX = "https://docs.jax.dev/en/latest/installation.html"
AGAIN = template("Install {package} anew")
REPLACE = template("Install what brings {path} anew, or remove that file")
WITHOUT_VARIABLE = template("Start without the variable; also where it is set: shell profile, module, job script")
ONE_CUDA = template("Keep one CUDA in this process: an environment of its own, and no other CUDA on the loader's path")
DAMAGED = {
    "truncated": template("ends before its own header says"),
    "no-library": template("is no shared library at all"),
}
"""What stops the loader: it does not go on to the next copy (open_verify in elf/dl-load.c of glibc)."""


@rule(
    "cuda-library-damaged",
    severity="error",
    layer="driver",
    title=template("A CUDA library that {framework} loads is damaged"),
    message=template(
        "For {soname} the loader takes {path}, which {problem}. It does not go on to another copy after that: "
        "{framework} fails with 'file too short' or 'invalid ELF header', or dies when it reads beyond the end."
    ),
    after=("disk-full", "library-file-damaged", "package-install-incomplete"),
)
def cuda_library_damaged(facts: Facts) -> Iterator[Failure]:
    """The first copy of a CUDA library in the loader's order is cut short or not a library.

    A full disk, a broken download and a text file of a large-file store in the place of the library leave such files
    behind.
    """

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        for found in searches:
            problem = need(found.winner.problem) if found.winner is not None else None
            if found.winner is None or problem not in DAMAGED or has_them(backend):
                continue
            name = known(found.winner.package, None)
            package = next((one for one in known(facts.python.packages, ()) if one.name == name), None)
            yield Failure(
                evidence=(f"{found.winner_pointer}/path", f"{found.winner_pointer}/problem"),
                fields={
                    "framework": title_of(backend.name),
                    "soname": found.search.soname,
                    "path": found.winner.path,
                    "problem": sentence(DAMAGED[problem]),
                },
                fixes=(again(facts, AGAIN, package) if package else by_hand(REPLACE, LOADER, path=found.winner.path),),
                subject=backend.name,
                severity=severity(facts, backend),
            )
            return

    yield from for_each_search(facts, check)


# --- others than those that were meant ----------------------------------------------------------------


def _failed(facts: Facts, backend: Backend) -> bool:
    """Say whether the framework cannot be imported, or its smoke test failed on a GPU."""
    runs = [run for _, run in runs_of(facts, backend.name) if run.device.startswith("gpu")]
    failed = any(known(run.status, "passed") != "passed" for run in runs)
    return failed or known(backend.imported.status, "ok") != "ok"


def older(version: str | None, other: str | None) -> bool:
    """Say whether a version is older than another in its first three numbers; the fourth counts builds."""
    first, second = version_of(version), version_of(other)
    return first is not None and second is not None and first.release[:3] < second.release[:3]


@rule(
    "ld-library-path-shadows-cuda-wheels",
    severity="warning",
    layer="driver",
    title=template("LD_LIBRARY_PATH puts other CUDA libraries before those of {framework}"),
    message=template(
        "LD_LIBRARY_PATH leads to {taken}, and the loader takes it instead of {meant}, which was installed for "
        "{framework}. Libraries of two CUDA releases in one process miss each other's functions, with messages that "
        "sound like 'not installed'."
    ),
)
def ld_library_path_shadows_cuda_wheels(facts: Facts) -> Iterator[Failure]:
    """A toolkit or a cluster's module on LD_LIBRARY_PATH wins over the CUDA libraries in the environment.

    Signs are 'undefined symbol: __nvJitLink...', 'Unable to load cuSPARSE' and 'cuSolver internal error'. It is an
    error where the framework failed; newer libraries than those of the wheels are left alone as long as nothing fails.
    """

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        failed = _failed(facts, backend)
        shadowed = []
        for found in searches:
            if found.winner is None or found.winner.found_via != "LD_LIBRARY_PATH" or is_cudnn(found):
                continue
            meant = next(((at, one) for at, one in found.others() if "/nvidia/" in one.path), None)
            if meant and (failed or older(known(found.winner.version, None), known(meant[1].version, None))):
                shadowed.append((found, *meant))
        if shadowed:
            first, pointer, meant_one = shadowed[0]
            assert first.winner is not None
            yield Failure(
                evidence=(
                    f"{first.winner_pointer}/path",
                    f"{first.winner_pointer}/version",
                    f"{pointer}/path",
                    f"{pointer}/version",
                ),
                fields={
                    "framework": title_of(backend.name),
                    "taken": first.winner.path,
                    "meant": meant_one.path,
                },
                fixes=(in_shell(WITHOUT_VARIABLE, shell.unset(facts, "LD_LIBRARY_PATH"), source=JAX),),
                subject=backend.name,
                severity="error" if failed and is_first_choice(facts, backend.name) else "warning",
            )

    yield from for_each_search(facts, check)


def cuda_major(soname: str) -> int | None:
    """Return the CUDA major version that a name belongs to; None for names that several have."""
    name = cuda_libraries.short_name(soname)
    if name not in ("cudart", "cublas", "cublasLt", "nvJitLink", "nvrtc", "cupti"):
        return None
    number = soname.partition(".so.")[2]
    return Version(number).major if number else None


@rule(
    "cuda-libraries-mixed-major",
    severity="error",
    layer="driver",
    title=template("{framework} would load libraries of CUDA {other} among those of CUDA {own}"),
    message=template(
        "{framework} works with CUDA {own}. For {soname} the loader takes {path}, which belongs to CUDA {other}: it "
        "{why}. Some libraries keep their name over CUDA versions, so the loader cannot tell them apart."
    ),
    after=("ld-library-path-shadows-cuda-wheels", "cudnn-built-for-newer-cuda"),
)
def cuda_libraries_mixed_major(facts: Facts) -> Iterator[Failure]:
    """Some CUDA libraries have the same name in two CUDA versions, and the one that is found is of the other.

    It is an error where the framework failed, otherwise a warning: what needs that library may fail later.

    libcusolver.so.11 is in CUDA 11 and 12, libcusparse.so.12 in 12 and 13. What it needs in turn tells where it
    belongs: 'libnvJitLink.so.12: cannot open shared object file' in a stack of CUDA 11 is the sign. cuDNN and NCCL have
    the same names for every CUDA, and the wheels for two of them write the same files: the last one stays. Of these it
    is only said where the framework failed.
    """

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        own = next((cuda_major(found.search.soname) for found in searches if found.short_name == "cudart"), None)
        for found in searches:
            if own is None or found.winner is None:
                continue
            foreign = _foreign(found.winner, own, _failed(facts, backend))
            if foreign is not None:
                other, fact, why = foreign
                yield Failure(
                    evidence=(
                        f"/backends/{index}/built_for/cuda",
                        f"{found.winner_pointer}/path",
                        f"{found.winner_pointer}/{fact}",
                    ),
                    fields={
                        "framework": title_of(backend.name),
                        "own": own,
                        "other": other,
                        "soname": found.search.soname,
                        "path": found.winner.path,
                        "why": why,
                    },
                    fixes=(by_hand(ONE_CUDA, JAX),),
                    subject=backend.name,
                    severity=severity(facts, backend) if _failed(facts, backend) else "warning",
                )
                return

    yield from for_each_search(facts, check)


def _foreign(library: LibraryCandidate, own: int, failed: bool) -> tuple[int, str, str] | None:
    """Return the other CUDA that a library belongs to, the fact that tells, and why in words."""
    for number, soname in enumerate(need(library.needs)):
        other = cuda_major(soname)
        if other is not None and other != own:
            return other, f"needs/{number}", sentence(NEEDS, need=soname)
    made_for = version_of(known(library.package_cuda, None))
    if failed and made_for is not None and made_for.major != own:
        return made_for.major, "package", sentence(CAME_WITH, package=known(library.package, None) or "")
    return None


NEEDS = template("needs {need}")
CAME_WITH = template("came with {package}")
