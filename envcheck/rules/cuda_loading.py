"""Whether the loader finds the CUDA libraries of a framework, and which ones."""

import posixpath
from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.nvidia import by_system
from envcheck.fixes.packages import again
from envcheck.knowledge import cuda_libraries
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.causes import GPU_FAULTS
from envcheck.rules.engine import Failure, rule
from envcheck.rules.searches import Found, bring, for_each_search, has_them, severity
from envcheck.rules.shared import is_first_choice, listed, runs_of, title_of, version_of
from envcheck.words import sentence, template

LOADER = "https://man7.org/linux/man-pages/man8/ld.so.8.html"
CONDA = "https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html"
TENSORFLOW = "https://www.tensorflow.org/install/pip"
JAX = "https://docs.jax.dev/en/latest/installation.html"
TO_CACHE = template("Tell the loader of the folder, for every program")
CONDA_VARIABLE = template("Let the environment tell the loader of its folder, then activate it anew")
FOR_THIS_SHELL = template("Or tell the loader of the folder in this shell")
AT_WHEELS = template("Point the loader at the folders of the wheels")
AGAIN = template("Install {package} anew")
REPLACE = template("Install what brings {path} anew, or remove that file")
WITHOUT_VARIABLE = template("Start without the variable; also where it is set: shell profile, module, job script")
ONE_CUDA = template("Keep one CUDA in this process: an environment of its own, and no other CUDA on the loader's path")


def _is_cudnn(found: Found) -> bool:
    return found.short_name.startswith("cudnn")


def _absent(backend: Backend, searches: list[Found]) -> list[Found]:
    """Return the searches that end without a library."""
    return [] if has_them(backend) else [found for found in searches if found.winner is None]


@rule(
    "cuda-libraries-wrong-version",
    severity="error",
    layer="driver",
    title=template("{framework} needs other CUDA libraries than those on this machine"),
    message=template(
        "{framework} {version} was built with CUDA {cuda} and asks for {wanted}. There are files of another version "
        "only: {there}. The numbers are part of the names, so these do not serve."
    ),
    after=(*GPU_FAULTS, "nvidia-driver-too-old"),
)
def cuda_libraries_wrong_version(facts: Facts) -> Iterator[Failure]:
    """A CUDA toolkit is installed, but its libraries carry other numbers than those that the framework asks for.

    'Could not load dynamic library libcudart.so.11.0' beside a CUDA 12 is the sign. The wheels of the CUDA libraries
    bring the right ones into the environment, beside any toolkit. It is a warning where nobody asked TensorFlow to use
    the GPU.
    """

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        wrong = [
            found
            for found in _absent(backend, searches)
            if not _is_cudnn(found) and not need(found.search.candidates) and need(found.search.other_versions)
        ]
        if wrong:
            there = [path for found in wrong for path in known(found.search.other_versions, ())]
            yield Failure(
                evidence=(
                    f"/backends/{index}/built_for/cuda",
                    *(f"{found.pointer}/other_versions" for found in wrong[:3]),
                ),
                fields={
                    "framework": title_of(backend.name),
                    "version": known(backend.version, None) or "",
                    "cuda": backend.built_for.cuda,
                    "wanted": listed(found.search.soname for found in wrong),
                    "there": listed(there, 3),
                },
                fixes=(bring(facts, backend),),
                subject=backend.name,
                severity=severity(facts, backend),
            )

    yield from for_each_search(facts, check)


def _out_of_reach(backend: Backend, searches: list[Found], *places: str) -> list[tuple[Found, str, str]]:
    """Return searches that end without a library although one lies in such a place: with its pointer and path."""
    found = []
    for search in _absent(backend, searches):
        for pointer, candidate in search.others():
            if not candidate.reachable and candidate.found_via in places:
                found.append((search, pointer, candidate.path))
                break
    return found


@rule(
    "cuda-libraries-not-on-loader-path",
    severity="error",
    layer="driver",
    title=template("The loader does not find the CUDA libraries that {framework} needs, although they are there"),
    message=template(
        "{framework} asks for {wanted}. The files lie in {folders}, but the system's loader does not look there: the "
        "folder is neither in its cache nor in LD_LIBRARY_PATH."
    ),
)
def cuda_libraries_not_on_loader_path(facts: Facts) -> Iterator[Failure]:
    """The right libraries exist in a toolkit's or conda's folder that the loader does not search.

    The word 'drivers' in TensorFlow's message 'Could not find cuda drivers' means these libraries. A folder in the
    loader's cache serves every program, also services and notebooks, which do not read a shell's settings.
    """

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        found = _out_of_reach(backend, searches, "toolkit", "conda")
        if found:
            folders = tuple(dict.fromkeys(posixpath.dirname(path) for _, _, path in found))
            yield Failure(
                evidence=tuple(f"{pointer}/path" for _, pointer, _ in found[:4]),
                fields={
                    "framework": title_of(backend.name),
                    "wanted": listed(search.search.soname for search, _, _ in found),
                    "folders": listed(folders),
                },
                fixes=_tell_loader(facts, folders),
                subject=backend.name,
                severity=severity(facts, backend),
            )

    yield from for_each_search(facts, check)


def _tell_loader(facts: Facts, folders: tuple[str, ...]) -> tuple[Fix, ...]:
    prefix = known(facts.python.prefix, None)
    if prefix is not None and f"{prefix}/lib" in folders:
        place = shell.path(facts, prefix)
        command = f"conda env config vars set -p {place} LD_LIBRARY_PATH={place}/lib"
        return (in_shell(CONDA_VARIABLE, command, source=CONDA, risk="environment"),)
    lines = " ".join(shell.words(folder) for folder in folders)
    command = f"printf '%s\\n' {lines} | sudo tee /etc/ld.so.conf.d/cuda.conf"
    return (
        by_system(TO_CACHE, (command, "sudo ldconfig"), LOADER, restart="kernel"),
        in_shell(FOR_THIS_SHELL, _export(":".join(shell.words(folder) for folder in folders)), source=LOADER),
    )


def _export(folders: str) -> str:
    return f'export LD_LIBRARY_PATH={folders}"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"'


@rule(
    "pip-cuda-libraries-not-found",
    severity="error",
    layer="driver",
    title=template("{framework} does not find the CUDA libraries that pip installed"),
    message=template(
        "{framework} {version} asks for {wanted}. The wheels with them are installed ({folders}), but {library} does "
        "not name their folders in its run path, and nothing else leads there."
    ),
)
def pip_cuda_libraries_not_found(facts: Facts) -> Iterator[Failure]:
    """The nvidia-* wheels lie next door, and TensorFlow's own files do not lead to them.

    TensorFlow up to 2.13 has no run path to the wheels at all; in some later releases it is incomplete. The log says
    'Cannot dlopen some GPU libraries' and 'Skipping registering GPU devices'.
    """

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        found = _out_of_reach(backend, searches, "wheel")
        if found:
            folders = tuple(dict.fromkeys(posixpath.dirname(path) for _, _, path in found))
            joined = ":".join(shell.path(facts, folder) for folder in folders)
            yield Failure(
                evidence=(f"{found[0][0].pointer}/asked_by", *(f"{pointer}/path" for _, pointer, _ in found[:3])),
                fields={
                    "framework": title_of(backend.name),
                    "version": known(backend.version, None) or "",
                    "wanted": listed(search.search.soname for search, _, _ in found),
                    "folders": listed(folders, 2),
                    "library": posixpath.basename(known(found[0][0].search.asked_by, backend.name)),
                },
                fixes=(in_shell(AT_WHEELS, _export(joined), source=TENSORFLOW),),
                subject=backend.name,
                severity=severity(facts, backend),
            )

    yield from for_each_search(facts, check)


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
            if found.winner is None or found.winner.found_via != "LD_LIBRARY_PATH" or _is_cudnn(found):
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
                fixes=(in_shell(WITHOUT_VARIABLE, "unset LD_LIBRARY_PATH", source=JAX),),
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
        "needs {need}. Some libraries keep their name over CUDA versions, so the loader cannot tell them apart."
    ),
    after=("ld-library-path-shadows-cuda-wheels",),
)
def cuda_libraries_mixed_major(facts: Facts) -> Iterator[Failure]:
    """Some CUDA libraries have the same name in two CUDA versions, and the one that is found is of the other.

    It is an error where the framework failed, otherwise a warning: what needs that library may fail later.

    libcusolver.so.11 is in CUDA 11 and 12, libcusparse.so.12 in 12 and 13. What it needs in turn tells where it
    belongs: 'libnvJitLink.so.12: cannot open shared object file' in a stack of CUDA 11 is the sign.
    """

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        own = next((cuda_major(found.search.soname) for found in searches if found.short_name == "cudart"), None)
        for found in searches:
            if own is None or found.winner is None:
                continue
            for number, soname in enumerate(need(found.winner.needs)):
                other = cuda_major(soname)
                if other is not None and other != own:
                    yield Failure(
                        evidence=(
                            f"/backends/{index}/built_for/cuda",
                            f"{found.winner_pointer}/path",
                            f"{found.winner_pointer}/needs/{number}",
                        ),
                        fields={
                            "framework": title_of(backend.name),
                            "own": own,
                            "other": other,
                            "soname": found.search.soname,
                            "path": found.winner.path,
                            "need": soname,
                        },
                        fixes=(by_hand(ONE_CUDA, JAX),),
                        subject=backend.name,
                        severity=severity(facts, backend) if _failed(facts, backend) else "warning",
                    )
                    return

    yield from for_each_search(facts, check)
