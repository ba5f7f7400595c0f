"""Whether the loader finds the CUDA libraries of a framework, and which ones."""

import posixpath
from collections.abc import Iterator

from envcheck.fixes import conda, shell
from envcheck.fixes.environments import CONDA_VARIABLES
from envcheck.fixes.files import in_shell
from envcheck.fixes.system import by_system
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.causes import GPU_FAULTS
from envcheck.rules.engine import Failure, rule
from envcheck.rules.searches import Found, bring, for_each_search, has_them, is_cudnn, severity
from envcheck.rules.shared import listed, title_of
from envcheck.words import template

LOADER = "https://man7.org/linux/man-pages/man8/ld.so.8.html"
CONDA = "https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html"
TENSORFLOW = "https://www.tensorflow.org/install/pip"
TO_CACHE = template("Tell the loader of the folder, for every program")
CONDA_VARIABLE = template("Let the environment tell the loader of its folder, then activate it anew")
FOR_THIS_SHELL = template("Tell the loader of the folder in this shell")
AT_WHEELS = template("Point the loader at the folders of the wheels")


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
            if not is_cudnn(found) and not need(found.search.candidates) and need(found.search.other_versions)
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
    after=("ld-library-path-not-inherited",),
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
        # Of a tilde inside a word only bash makes the home folder.
        folder = f'"$HOME"{place[1:]}/lib' if place.startswith("~") else f"{place}/lib"
        if not conda.keeps_variables(facts):
            return (in_shell(FOR_THIS_SHELL, _export(folder), source=LOADER),)
        command = f"{conda.program(facts)} env config vars set -p {place} LD_LIBRARY_PATH={folder}"
        return (
            in_shell(
                CONDA_VARIABLE,
                command,
                source=CONDA,
                risk="environment",
                files=(f"{prefix}/{CONDA_VARIABLES}",),
                verify=f"{conda.program(facts)} env config vars list -p {place}",
            ),
        )
    lines = " ".join(shell.words(folder) for folder in folders)
    command = f"printf '%s\\n' {lines} | sudo tee /etc/ld.so.conf.d/envcheck-cuda.conf"
    return (
        by_system(TO_CACHE, (command, "sudo ldconfig"), LOADER, restart="kernel", verify="envcheck report"),
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
