"""cuDNN: the library of neural networks' operations, which comes apart from CUDA."""

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.packages import again
from envcheck.fixes.solved import change
from envcheck.knowledge import cuda_libraries
from envcheck.model.facts import Backend, Facts, Package
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.cuda_shadowing import cuda_major, older
from envcheck.rules.engine import Failure, rule
from envcheck.rules.searches import Found, for_each_search, has_them, severity
from envcheck.rules.shared import listed, title_of, variable, version_of
from envcheck.words import template

CUDNN = "https://docs.nvidia.com/deeplearning/cudnn/installation/latest/linux.html"
INSTALL = template("Install cuDNN of the version that {framework} needs")
WHOLE = template("Install cuDNN anew and whole ({package})")
NOT_IN_PARTS = template("Install cuDNN as a package, not single files of it")
OTHER_AWAY = template("Start without the folder of the other copy, or remove that copy")
WITHOUT_VARIABLE = template("Start without the variable; also where it is set: shell profile, module, job script")


def _dispatcher(searches: list[Found]) -> Found | None:
    return next((found for found in searches if found.short_name == "cudnn"), None)


def _wheel(searches: list[Found], soname: str) -> str | None:
    """Return the requirement of the wheel that has this cuDNN for the framework's CUDA."""
    majors = (cuda_major(found.search.soname) for found in searches if found.short_name == "cudart")
    cuda = next((major for major in majors if major is not None), None)
    name = cuda_libraries.wheel_of(soname, cuda) if cuda is not None and cuda >= 11 else None
    number = soname.partition(".so.")[2]
    return f"{name}>={number},<{int(number) + 1}" if name and number.isdecimal() else None


@rule(
    "cudnn-missing",
    severity="error",
    layer="driver",
    title=template("{framework} finds CUDA, but no cuDNN of the version that it needs"),
    message=template(
        "{framework} {version} asks for {wanted}; the loader finds CUDA's other libraries, but no file of this name. "
        "{framework} does not use the GPU without it, or cannot be imported."
    ),
    after=("cuda-libraries-missing",),
)
def cudnn_missing(facts: Facts) -> Iterator[Failure]:
    """CUDA's libraries are found and cuDNN is not: it is a package of its own, and its name carries its major version.

    'Could not load dynamic library libcudnn.so.8' and 'libcudnn.so.9: cannot open shared object file' are the signs.
    """

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        cudnn = _dispatcher(searches)
        if cudnn is None or cudnn.winner is not None or has_them(backend) or any(cudnn.others()):
            return
        if not any(found.winner is not None and found.short_name == "cudart" for found in searches):
            return
        wheel = _wheel(searches, cudnn.search.soname)
        fields = {
            "framework": title_of(backend.name),
            "version": known(backend.version, None) or "",
            "wanted": cudnn.search.soname,
        }
        yield Failure(
            evidence=(f"{cudnn.pointer}/winner", f"{cudnn.pointer}/other_versions"),
            fields=fields,
            fixes=(change(facts, INSTALL, fields, add=(wheel,)) if wheel else by_hand(INSTALL, CUDNN, **fields),),
            subject=backend.name,
            severity=severity(facts, backend),
        )

    yield from for_each_search(facts, check)


@rule(
    "cudnn-sublibrary-missing",
    severity="error",
    layer="driver",
    title=template("Parts of cuDNN are missing"),
    message=template(
        "{framework} loads {library}. That file only hands work on to others, which it opens at the first operation, "
        "and of these the loader does not find {missing}."
    ),
    after=("pip-cuda-libraries-not-found",),
)
def cudnn_sublibrary_missing(facts: Facts) -> Iterator[Failure]:
    """From version 8 on libcudnn.so is a small dispatcher; the work is in its parts, and some are not there.

    Somebody copied a single file, or an install broke off. 'Could not load library libcudnn_cnn_infer.so.8' and 'Unable
    to load any of {libcudnn_graph.so.9...' are the signs. CUDNN_LIB_CONFIG allows some parts to be left out.
    """

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        cudnn = _dispatcher(searches)
        if cudnn is None or cudnn.winner is None or variable(facts, "CUDNN_LIB_CONFIG") is not None:
            return
        missing = [found for found in searches if found.short_name.startswith("cudnn_") and found.winner is None]
        if missing:
            yield Failure(
                evidence=(f"{cudnn.winner_pointer}/path", *(f"{found.pointer}/winner" for found in missing[:4])),
                fields={
                    "framework": title_of(backend.name),
                    "library": cudnn.winner.path,
                    "missing": listed(found.search.soname for found in missing),
                },
                fixes=(_whole(facts, known(cudnn.winner.package, None)),),
                subject=backend.name,
                severity=severity(facts, backend),
            )

    yield from for_each_search(facts, check)


def _whole(facts: Facts, name: str | None) -> Fix:
    package = next((found for found in known(facts.python.packages, ()) if found.name == name), None)
    return again(facts, WHOLE, package, source=CUDNN) if package else by_hand(NOT_IN_PARTS, CUDNN)


# --- versions ---------------------------------------------------------------------------------------


@rule(
    "cudnn-older-than-build",
    severity="error",
    layer="driver",
    title=template("cuDNN {found} is older than the one that {framework} was built with"),
    message=template(
        "The loader takes {path}, cuDNN {found}; {framework} {version} asks for {wanted} or newer. A framework "
        "accepts a newer minor version than that of its build, and rejects an older one."
    ),
    after=("framework-newer-than-hosted-image", "cuda-version-split-across-frameworks", "cudnn-shadowed-by-other-copy"),
)
def cudnn_older_than_build(facts: Facts) -> Iterator[Failure]:
    """cuDNN is found and rejected: it is of an older minor version than the one that the framework was compiled with.

    TensorFlow says 'Loaded runtime CuDNN library: ... but source was compiled with: ...' and then, misleadingly, 'DNN
    library is not found'. What the framework's packages require of the wheel tells what it was built with.
    """

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        cudnn = _dispatcher(searches)
        if cudnn is None or cudnn.winner is None:
            return
        there = version_of(known(cudnn.winner.version, None))
        if there is None:
            need(cudnn.winner.version)
            return
        for place, number, wheel, wanted in _wanted(facts, backend):
            if there.release[0] == wanted.release[0] and there.release[:2] < wanted.release[:2]:
                fields = {
                    "framework": title_of(backend.name),
                    "version": known(backend.version, None) or "",
                    "path": cudnn.winner.path,
                    "found": there,
                    "wanted": wanted,
                }
                from_wheel = known(cudnn.winner.package, None) == wheel.name
                fix = change(facts, INSTALL, fields, add=(str(wheel),)) if from_wheel else by_hand(OTHER_AWAY, CUDNN)
                yield Failure(
                    evidence=(
                        f"{cudnn.winner_pointer}/path",
                        f"{cudnn.winner_pointer}/version",
                        f"/python/packages/{place}/requires/{number}",
                    ),
                    fields=fields,
                    fixes=(fix,),
                    subject=backend.name,
                    severity=severity(facts, backend),
                )
                return

    yield from for_each_search(facts, check)


def _wanted(facts: Facts, backend: Backend) -> Iterator[tuple[int, int, Requirement, Version]]:
    """Yield what a framework's packages require of cuDNN: package, requirement, the wheel, the oldest version."""
    names = set(known(backend.distributions, ()))
    if backend.name == "jax":
        names |= {"jax-cuda12-plugin", "jax-cuda13-plugin"}
    for place, package in enumerate(need(facts.python.packages)):
        if package.name in names:
            yield from ((place, *found) for found in _of_package(package))


def _of_package(package: Package) -> Iterator[tuple[int, Requirement, Version]]:
    for number, text in enumerate(need(package.requires)):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if not re.fullmatch(r"nvidia-cudnn-cu\d+", requirement.name):
            continue
        oldest = [version_of(one.version) for one in requirement.specifier if one.operator in ("==", ">=")]
        if oldest and oldest[0] is not None:
            requirement.marker = None
            requirement.extras = set()
            yield number, requirement, oldest[0]


@rule(
    "cudnn-shadowed-by-other-copy",
    severity="warning",
    layer="driver",
    title=template("Another, older copy of cuDNN is in front of the one that {framework} came with"),
    message=template(
        "The loader takes {taken} (cuDNN {version}) before {meant} (cuDNN {other}), by way of {via}. Which copy wins "
        "is up to the order of the search, and parts of two must not be mixed."
    ),
    after=("ld-library-path-shadows-cuda-wheels",),
)
def cudnn_shadowed_by_other_copy(facts: Facts) -> Iterator[Failure]:
    """Several copies of cuDNN can be reached, and an older one than the framework's own is found first.

    'cuDNN version incompatibility: PyTorch was compiled against ...' and CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH are
    the signs. A newer copy in front is left alone: frameworks accept it.
    """

    def check(index: int, backend: Backend, searches: list[Found]) -> Iterator[Failure]:
        for found in searches:
            if found.winner is None or not found.short_name.startswith("cudnn"):
                continue
            meant = next(((at, one) for at, one in found.others() if "/nvidia/cudnn/" in one.path), None)
            version = known(found.winner.version, None)
            if meant is None or not older(version, known(meant[1].version, None)):
                continue
            by_variable = found.winner.found_via == "LD_LIBRARY_PATH"
            yield Failure(
                evidence=(
                    f"{found.winner_pointer}/path",
                    f"{found.winner_pointer}/version",
                    f"{meant[0]}/version",
                ),
                fields={
                    "framework": title_of(backend.name),
                    "taken": found.winner.path,
                    "version": version,
                    "meant": meant[1].path,
                    "other": known(meant[1].version, None),
                    "via": found.winner.found_via,
                },
                fixes=(
                    in_shell(WITHOUT_VARIABLE, shell.unset(facts, "LD_LIBRARY_PATH"), source=CUDNN)
                    if by_variable
                    else by_hand(OTHER_AWAY, CUDNN),
                ),
                subject=backend.name,
            )
            return

    yield from for_each_search(facts, check)
