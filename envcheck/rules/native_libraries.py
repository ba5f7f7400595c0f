"""Compiled parts that do not go together in one process, told by what the loader or the library said."""

import re
from collections.abc import Callable, Iterator

from envcheck.fixes import conda, projects, shell, solved
from envcheck.fixes.files import by_hand, in_shell
from envcheck.fixes.packages import as_installed, change
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import for_each_framework, last_words, package, title_of, variable
from envcheck.words import template

LD_SO = "https://man7.org/linux/man-pages/man8/ld.so.8.html"
GCC_ABI = "https://gcc.gnu.org/onlinedocs/libstdc++/manual/abi.html"
PROTOBUF = "https://protobuf.dev/support/cross-version-runtime-guarantee/"
CONDA_FORGE = "https://conda-forge.org/docs/user/tipsandtricks/#how-to-fix-it"
MKL = "https://docs.anaconda.com/reference/mkl-optimizations/"

WITHOUT_FOLDER = template("Start without LD_LIBRARY_PATH; also where it is set: shell profile, module, job script")
CONDA_LIBSTDCXX = template("Install a newer C++ library into the conda environment")
NEWER_LIBSTDCXX = template(
    "Update the C++ library of the system (libstdc++6), or use a release of {framework} that was built for older ones"
)
LOAD_FIRST = template("Have this library loaded first, while there is room")
NEWER_NUMPY = template("Update NumPy")
ONE_PROTOBUF = template(
    "Import {framework} before the other package, or install releases of both that were made with the same protobuf"
)
OPENBLAS = template("Take NumPy and SciPy with OpenBLAS instead of MKL")

LIBSTDCXX = re.compile(r"(?P<path>/\S*libstdc\+\+\S*): version [`'](?P<version>(?:GLIBCXX|CXXABI)_[\d.]+)' not found")
"""elf/dl-version.c of glibc."""
STATIC_TLS = re.compile(r"(?P<path>/\S+?): cannot allocate memory in static TLS block")
"""elf/dl-reloc.c of glibc."""
OLDER_NUMPY = re.compile(
    r"compiled against NumPy C-API version 0x\w+ \(NumPy (?P<wanted>[\d.]+)[^)]*\)"
    r"|compiled against API version 0x\w+ but this version of numpy is 0x\w+"
)
"""numpy/_core/code_generators/generate_numpy_api.py of NumPy 2.4, and of NumPy 1."""
PROTOBUF_CLASH = re.compile(
    r"File already exists in database|This program was compiled against version \S+ of the Protocol Buffer runtime"
)
"""google/protobuf/descriptor_database.cc and google/protobuf/stubs/common.cc."""
MKL_FATAL = re.compile(r"Intel MKL FATAL ERROR: .*")


Judged = Callable[[Backend, str, "re.Match[str]"], Failure]


def _for_each_said(facts: Facts, pattern: "re.Pattern[str]", judged: Judged) -> Iterator[Failure]:
    """Yield what ``judged`` makes of each framework whose last words hold the pattern, and the fact that holds them."""

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        for pointer, words in last_words(facts, index, backend):
            match = pattern.search(words)
            if match:
                yield judged(backend, pointer, match)
                return

    yield from for_each_framework(facts, check)


def _line(match: "re.Match[str]") -> str:
    """Return the whole line in which something was found."""
    text = match.string
    end = text.find("\n", match.end())
    return text[text.rfind("\n", 0, match.start()) + 1 : end if end >= 0 else len(text)].strip()


@rule(
    "libstdcxx-too-old",
    severity="error",
    layer="python",
    title=template("The C++ library that {framework} meets is too old"),
    message=template(
        "The loader took {path}, which lacks {version}, and a compiled part of {framework} or of what it imports "
        "needs that. An older copy of libstdc++ is found before the one that they were made for."
    ),
)
def libstdcxx_too_old(facts: Facts) -> Iterator[Failure]:
    """Compiled packages need a newer libstdc++, the library of C++ programs, than the first one that the loader finds.

    LD_LIBRARY_PATH of a module system or of another program puts an old copy in front, the environment was built on a
    newer system than it runs on, or something loaded the system's copy before conda's. Signs: "version
    `GLIBCXX_3.4.30' not found", 'CXXABI_1.3.13'.
    """

    def judged(backend: Backend, pointer: str, match: "re.Match[str]") -> Failure:
        path = match["path"]
        set_path = variable(facts, "LD_LIBRARY_PATH")
        in_front = set_path is not None and path.rpartition("/")[0] in _folders(set_path[1])
        return Failure(
            evidence=(pointer, *((f"/platform/environment/{set_path[0]}/value",) if set_path and in_front else ())),
            fields={"framework": title_of(backend.name), "path": path, "version": match["version"]},
            fixes=_newer_libstdcxx(facts, backend, in_front),
            subject=backend.name,
        )

    yield from _for_each_said(facts, LIBSTDCXX, judged)


def _folders(value: str) -> list[str]:
    return [folder.rstrip("/") for folder in re.split("[:;]", value)]


def _newer_libstdcxx(facts: Facts, backend: Backend, in_front: bool) -> tuple[Fix, ...]:
    if in_front:
        return (in_shell(WITHOUT_FOLDER, shell.unset(facts, "LD_LIBRARY_PATH"), source=LD_SO),)
    prefix = known(facts.python.prefix, None)
    if known(facts.python.environment, None) == "conda" and prefix:
        command = conda.bring(facts, "libstdcxx-ng", options=("-c", conda.FORGE))
        files = projects.changed_by(facts, (command,))
        return (in_shell(CONDA_LIBSTDCXX, command, source=CONDA_FORGE, risk="environment", files=files),)
    return (by_hand(NEWER_LIBSTDCXX, GCC_ABI, framework=title_of(backend.name)),)


@rule(
    "static-tls-exhausted",
    severity="error",
    layer="python",
    title=template("{framework} comes too late to load {path}"),
    message=template(
        "{path} wants a place in memory that is set aside when a program starts, and what was loaded before has used "
        "it up. It said: {said}"
    ),
)
def static_tls_exhausted(facts: Facts) -> Iterator[Failure]:
    """A library with thread-local data of the fixed kind is loaded when the room for such data is used up.

    'cannot allocate memory in static TLS block' is seen on ARM machines and old systems, mostly with libgomp. It
    depends on the order of imports, so a notebook can fail where the terminal works. Loaded first, there is room.
    """

    def judged(backend: Backend, pointer: str, match: "re.Match[str]") -> Failure:
        return Failure(
            evidence=(pointer,),
            fields={"framework": title_of(backend.name), "path": match["path"], "said": _line(match)},
            fixes=(in_shell(LOAD_FIRST, _preload(match["path"]), source=LD_SO),),
            subject=backend.name,
        )

    yield from _for_each_said(facts, STATIC_TLS, judged)


def _preload(path: str) -> str:
    """Return the command that puts a library in front of what LD_PRELOAD names already."""
    return f'export LD_PRELOAD={shell.words(path)}"${{LD_PRELOAD:+:$LD_PRELOAD}}"'


@rule(
    "numpy-older-than-extension",
    severity="error",
    layer="python",
    title=template("{framework} meets a NumPy that is older than the one its packages were compiled for"),
    message=template(
        "A compiled package asks for more of NumPy than NumPy {numpy} offers. It said: {said}. This happens where "
        "NumPy was set back after the other packages were installed."
    ),
    after=("pythonpath-shadows-environment", "user-site-shadows-environment", "package-requirements-conflict"),
)
def numpy_older_than_extension(facts: Facts) -> Iterator[Failure]:
    """A compiled package was made for a newer NumPy than the one that it meets.

    A package made for an older NumPy runs with newer ones of the same major version, never the other way round. Signs:
    'module compiled against API version 0x10 but this version of numpy is 0xf', 'numpy.core.multiarray failed to
    import'.
    """
    found = package(facts, "numpy")
    if found is None:
        raise NotApplicable("NumPy is not installed")
    place, numpy = found

    def judged(backend: Backend, pointer: str, match: "re.Match[str]") -> Failure:
        newer = f"numpy>={match['wanted']}" if match["wanted"] else f"numpy>{numpy.version}"
        return Failure(
            evidence=(pointer, f"/python/packages/{place}/version"),
            fields={
                "framework": title_of(backend.name),
                "numpy": known(numpy.version, None) or "",
                "said": _line(match).rstrip("."),
            },
            fixes=(solved.change(facts, NEWER_NUMPY, add=(newer,)),),
            subject=backend.name,
        )

    need(numpy.version)
    yield from _for_each_said(facts, OLDER_NUMPY, judged)


@rule(
    "protobuf-native-symbol-clash",
    severity="error",
    layer="python",
    title=template("Two compiled copies of protobuf meet in the process of {framework}"),
    message=template(
        "Several packages bring a compiled protobuf of their own, and the process ended when the second one was "
        "loaded. It said: {said}"
    ),
    after=("protobuf-too-new",),
)
def protobuf_native_symbol_clash(facts: Facts) -> Iterator[Failure]:
    """Two packages with a C++ protobuf inside share one process, and one finds the tables of the other.

    onnx, sentencepiece and frameworks built from source do this. Signs: 'File already exists in database', 'This
    program was compiled against version'. The order of imports decides who meets whom.
    """

    def judged(backend: Backend, pointer: str, match: "re.Match[str]") -> Failure:
        return Failure(
            evidence=(pointer,),
            fields={"framework": title_of(backend.name), "said": _line(match)},
            fixes=(by_hand(ONE_PROTOBUF, PROTOBUF, framework=title_of(backend.name)),),
            subject=backend.name,
        )

    yield from _for_each_said(facts, PROTOBUF_CLASH, judged)


@rule(
    "mkl-libraries-mixed",
    severity="error",
    layer="python",
    title=template("{framework} does not find the parts of Intel's MKL that belong together"),
    message=template(
        "MKL, the library in which NumPy computes here, could not load one of its own parts. It said: {said}"
    ),
    after=("conda-pip-mixed-install",),
)
def mkl_libraries_mixed(facts: Facts) -> Iterator[Failure]:
    """Parts of Intel's MKL are missing, or come from two installers.

    NumPy of conda with packages of pip, or a conda environment that is used without 'conda activate', so that its
    folder of libraries is not searched. Sign: 'Intel MKL FATAL ERROR: Cannot load'.
    """

    def judged(backend: Backend, pointer: str, match: "re.Match[str]") -> Failure:
        prefix = known(facts.python.prefix, None)
        if known(facts.python.environment, None) == "conda" and prefix:
            command = conda.bring(facts, "nomkl", "numpy", "scipy")
            files = projects.changed_by(facts, (command,))
            fix = in_shell(OPENBLAS, command, source=MKL, risk="environment", files=files)
        else:
            there = [hit[1] for hit in (package(facts, name) for name in ("numpy", "scipy")) if hit]
            fix = change(facts, OPENBLAS, add=tuple(map(as_installed, there)), reinstall=True)
        return Failure(
            evidence=(pointer,),
            fields={"framework": title_of(backend.name), "said": _line(match)},
            fixes=(fix,),
            subject=backend.name,
        )

    yield from _for_each_said(facts, MKL_FATAL, judged)
