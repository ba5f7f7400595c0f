"""What the backends of Keras 2.3 and older need from the machine."""

import re
from collections.abc import Iterator

from envcheck.fixes.files import by_hand
from envcheck.fixes.system import by_system, commands
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import backend, is_first_choice, last_words
from envcheck.words import sentence, template

CNTK_SETUP = "https://learn.microsoft.com/en-us/cognitive-toolkit/setup-linux-python"
THEANO_SETUP = "https://theano-pymc.readthedocs.io/en/latest/install.html"
OPEN_MPI = ("libmpi_cxx.so.1", "libmpi.so.12", "libmpi.so.1")
"""Of Open MPI 1.10, which cntk 2.7 of PyPI asks for (microsoft/CNTK#3775; its import on Debian 12, 2026-11-23)."""
MISSING_LIBRARY = re.compile(r"(lib[\w.+-]+): cannot open shared object file")
NO_COMPILER = ("g++ not detected", "MissingGXX")
"""theano/configdefaults.py and theano/gof/cmodule.py of 1.0.5."""
NO_GPU_ARRAY = ("Could not initialize pygpu", "Error loading library")
"""theano/gpuarray/__init__.py of 1.0.5; pygpu's GpuArrayException."""

BUILD_MPI = template(
    "Build Open MPI 1.10 into a folder of your own and add its lib folder to LD_LIBRARY_PATH; newer releases have "
    "other file names"
)
OTHER_BACKEND = template("Let Keras use another backend: KERAS_BACKEND=tensorflow, or Keras 3")
COMPILER = template("Install a C++ compiler")
NO_GPU = template("Let Theano use the processor: THEANO_FLAGS=device=cpu. pygpu works with the CUDA of its days only")
SLOW = template("It works, many times slower: every operation runs in Python.")
FAILS = template("It does not run as it is.")


@rule(
    "cntk-openmpi-missing",
    severity="error",
    layer="backend",
    title=template("CNTK does not find {library} of the old Open MPI 1.10"),
    message=template(
        "CNTK's compiled half asks for {library}, and the system has no such file, so 'import cntk' fails. The name is "
        "that of Open MPI 1.10; today's packages bring files of other names."
    ),
)
def cntk_openmpi_missing(facts: Facts) -> Iterator[Failure]:
    """The wheels of CNTK need a release of Open MPI from 2016, and no current system has it.

    CNTK needs it even for one process. The name stands in the header of CNTK's library, so this is told before anything
    is imported. Sign: 'libmpi_cxx.so.1: cannot open shared object file'. It is a warning where Keras takes another
    backend.
    """
    cntk = backend(facts, "cntk")
    if cntk is None:
        raise NotApplicable("CNTK is not installed")
    seen = _missing_open_mpi(facts, *cntk)
    if seen:
        yield Failure(
            evidence=(seen[0],),
            fields={"library": seen[1]},
            fixes=(by_hand(BUILD_MPI, CNTK_SETUP), by_hand(OTHER_BACKEND, CNTK_SETUP)),
            subject="cntk",
            severity=None if is_first_choice(facts, "cntk") else "warning",
        )


def _missing_open_mpi(facts: Facts, index: int, cntk: Backend) -> tuple[str, str] | None:
    """Return the library that is missing, after the fact that shows it: the file's header, or else the import."""
    if known(cntk.imported.status, None) == "ok":
        return None
    listed = next((name for name in known(cntk.main_library.missing, ()) if name in OPEN_MPI), None)
    if listed:
        return f"/backends/{index}/main_library/missing", listed
    for pointer, words in last_words(facts, index, cntk):
        missing = MISSING_LIBRARY.search(words)
        if missing and missing[1] in OPEN_MPI:
            return pointer, missing[1]
    return None


@rule(
    "theano-backend-broken",
    severity="warning",
    layer="backend",
    title=template("Theano has {what}"),
    message=template("Theano compiles every model when it runs, and it has {what}. {consequence} It said: {said}"),
)
def theano_backend_broken(facts: Facts) -> Iterator[Failure]:
    """Theano finds no C++ compiler, or its GPU part pygpu does not start.

    Without g++ it falls back to Python and is many times slower: a warning. It is an error where the test model fails.
    Theano's own settings (THEANO_FLAGS, .theanorc: cxx, device) count; envcheck does not change them but for the folder
    of compiled code.
    """
    theano = backend(facts, "theano")
    if theano is None:
        raise NotApplicable("Theano is not installed")
    index, found = theano
    need(found.imported.status)
    failing = list(last_words(facts, index, found))
    heard = [*failing, (f"/backends/{index}/import/stderr_tail", known(found.imported.stderr_tail, None) or "")]
    for pointer, words in heard:
        for line in words.splitlines():
            compiler = any(sign in line for sign in NO_COMPILER)
            if not compiler and not any(sign in line for sign in NO_GPU_ARRAY):
                continue
            yield Failure(
                evidence=(pointer,),
                fields={
                    "what": sentence(COMPILER_MISSING if compiler else PYGPU_BROKEN),
                    "consequence": sentence(FAILS if failing else SLOW) if compiler else sentence(FAILS),
                    "said": line.partition(" !")[0].strip(),
                },
                fixes=(_compiler(facts),) if compiler else (by_hand(NO_GPU, THEANO_SETUP),),
                subject="theano",
                severity="error" if failing else "warning",
            )
            return


COMPILER_MISSING = template("no C++ compiler")
PYGPU_BROKEN = template("a GPU part (pygpu) that does not start")


def _compiler(facts: Facts) -> Fix:
    install = commands(facts, "cpp-compiler")
    if not install:
        return by_hand(COMPILER, THEANO_SETUP)
    return by_system(COMPILER, install, THEANO_SETUP, restart="none", verify="g++ --version")
