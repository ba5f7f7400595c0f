"""What happened when the frameworks were imported."""

from collections.abc import Iterator
from dataclasses import replace

from envcheck.fixes import shell
from envcheck.fixes.files import by_hand, look
from envcheck.fixes.missing_modules import install_missing
from envcheck.fixes.packages import python
from envcheck.model.facts import Backend, Facts
from envcheck.model.unknown import known, need
from envcheck.rules.causes import CUDA_LIBRARY_FAULTS
from envcheck.rules.engine import Failure, rule
from envcheck.rules.shared import for_each_framework, in_use, last_words, title_of
from envcheck.words import template

KERAS = "https://keras.io/getting_started/"
READ_ERROR = template("Read all that it says")
GET_MEMORY = template("Free memory, give the machine or the container more of it, or add swap space")
OPENMP = template(
    "Install the packages that bring an OpenMP library with one installer: all from conda, or all with pip"
)
OPENMP_SOURCE = "https://github.com/joblib/threadpoolctl/blob/master/multiple_openmp.md"

PACKAGE_CAUSES = (
    "msvc-runtime-missing",
    "msvc-runtime-too-old",
    "windows-app-control-blocked",
    "cntk-openmpi-missing",
    "theano-backend-broken",
    "rocm-runtime-wheel-mismatch",
    "jetson-wheel-jetpack-mismatch",
    "tensorflow-metal-version-mismatch",
    "tensorflow-directml-version-mismatch",
    "jax-metal-unmaintained",
    "preloaded-library-breaks-framework",
    "torch-backend-plugin-broken",
    "variable-breaks-framework-import",
    "cpu-lacks-avx",
    "wheel-requires-avx2",
    "python-variables-break-start",
    "wheel-for-other-platform",
    "glibc-too-old",
    "system-library-missing",
    "library-file-damaged",
    "tensorflow-install-incomplete",
    "distribution-installed-twice",
    "package-files-unreadable",
    "package-source-damaged",
    "python-standard-library-incomplete",
    "package-install-incomplete",
    "pythonpath-shadows-environment",
    "startup-file-shadows-environment",
    "user-site-shadows-environment",
    "numpy2-abi-mismatch",
    "numpy-older-than-extension",
    "libstdcxx-too-old",
    "static-tls-exhausted",
    "protobuf-native-symbol-clash",
    "mkl-libraries-mixed",
    "conda-channels-mixed",
    "filesystem-noexec",
    "protobuf-too-new",
    "numpy-aliases-removed",
    "ml-dtypes-version-mismatch",
    "distutils-removed",
    "tensorflow-duplicate-distributions",
    "cuda-libraries-missing",
    "jax-jaxlib-version-mismatch",
    "jax-cuda-plugin-version-mismatch",
    "keras-duplicate-distributions",
    "keras-tensorflow-version-mismatch",
    "tf-keras-missing",
    "tf-keras-version-mismatch",
    "package-requirements-conflict",
    "tpu-held-by-other-process",
)
"""Findings, of packages nearly all, that explain why a framework or Keras fails."""
IMPORT_CAUSES = (*CUDA_LIBRARY_FAULTS, *PACKAGE_CAUSES, "framework-files-differ-from-metadata")
"""Findings that explain why a framework cannot be imported: PyTorch is linked with CUDA's libraries."""
DEATH_CAUSES = (
    "thread-limit-reached",
    "host-out-of-memory",
    "memory-low",
    "xla-flags-unknown",
    "openmp-runtime-duplicate",
)
"""Findings that explain why a process dies."""
HANG_CAUSES = ("nvidia-driver-unresponsive", "memory-low")
"""Findings that explain why a process does not come to an end."""
NO_SPACE = ("No space left on device", "Disk quota exceeded")
"""strerror of ENOSPC and EDQUOT."""


def _shown(error: str | None) -> str:
    """Return the last line of an error, which is the one that says what is wrong."""
    lines = (error or "").strip().splitlines()
    return lines[-1].strip() if lines else "no message"


def _import_failures(facts: Facts, status: str) -> Iterator[Failure]:
    """Yield a failure for each framework whose import ended with ``status``."""

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        if need(backend.imported.status) != status:
            return
        command = f"{python(facts)} -c {shell.words(f'import {backend.name}')}"
        yield Failure(
            evidence=(f"/backends/{index}/import/status", f"/backends/{index}/import/error"),
            fields={
                "framework": title_of(backend.name),
                "version": known(backend.version, None) or "",
                "error": _shown(known(backend.imported.error, None)),
            },
            fixes=(
                *install_missing(facts, backend.name, known(backend.imported.error, None)),
                look(READ_ERROR, command, source=KERAS),
            ),
            subject=backend.name,
            severity="error" if in_use(facts, backend.name) else "warning",
        )

    yield from for_each_framework(facts, check)


@rule(
    "framework-import-raised",
    severity="error",
    layer="backend",
    title=template("{framework} cannot be imported"),
    message=template("{framework} {version} is installed, and its import ends with an error: {error}"),
    after=("disk-full", *IMPORT_CAUSES),
)
def framework_import_raised(facts: Facts) -> Iterator[Failure]:
    """The framework is installed, and importing it raises an exception.

    This is a symptom. Where envcheck knows the cause, it names it and this finding is listed below it. The last line of
    the error says what is wrong; a missing library, a package of another version and a file that shadows another are
    the usual reasons. It is a warning where Keras uses another framework.
    """
    for failure in _import_failures(facts, "raised"):
        no_space = any(words in str(failure.fields["error"]) for words in NO_SPACE)
        yield failure if no_space else replace(failure, after=IMPORT_CAUSES)


@rule(
    "framework-import-crashed",
    severity="error",
    layer="backend",
    title=template("Importing {framework} kills the process"),
    message=template(
        "{framework} {version} is installed, and the process that imports it dies without an exception: {error}"
    ),
    after=(*DEATH_CAUSES, *IMPORT_CAUSES),
)
def framework_import_crashed(facts: Facts) -> Iterator[Failure]:
    """The process that imports the framework dies of a signal.

    This is a symptom. SIGILL means an instruction that the processor does not have, SIGKILL that the system ran out of
    memory, SIGABRT that a library gave up with a message of its own, SIGSEGV and SIGBUS that compiled files do not go
    together or are damaged. A notebook shows no more than that the kernel died.
    """
    yield from _import_failures(facts, "crashed")


@rule(
    "framework-import-hung",
    severity="error",
    layer="backend",
    title=template("Importing {framework} does not come to an end"),
    message=template("{framework} {version} is installed, and its import did not end within the time limit ({error})."),
    after=HANG_CAUSES,
)
def framework_import_hung(facts: Facts) -> Iterator[Failure]:
    """The import of the framework gives no answer within the time limit.

    This is a symptom. A driver that does not answer holds a program that asks for GPUs; a network folder that is slow
    or gone holds one that reads thousands of files. Where the machine is only slow, '--timeout' gives it more time.
    """
    yield from _import_failures(facts, "timed-out")


@rule(
    "framework-import-exited",
    severity="error",
    layer="backend",
    title=template("Importing {framework} ends the program"),
    message=template(
        "{framework} {version} is installed, and the process that imports it ends by itself, without an exception: "
        "{error}"
    ),
    after=(*DEATH_CAUSES, *IMPORT_CAUSES),
)
def framework_import_exited(facts: Facts) -> Iterator[Failure]:
    """The process that imports the framework ends as if it had been told to.

    This is a symptom. Some library called exit(): a licence check, a start-up file (sitecustomize, a .pth file), or a
    module of another meaning under the same name.
    """
    yield from _import_failures(facts, "exited")


@rule(
    "host-out-of-memory",
    severity="error",
    layer="platform",
    title=template("The system killed the process of {framework}, most likely for lack of memory"),
    message=template(
        "The process that tried {framework} was killed from outside with SIGKILL, and not by envcheck. That is what "
        "the kernel does when the memory of the machine or of the container runs out."
    ),
    after=("memory-low",),
)
def host_out_of_memory(facts: Facts) -> Iterator[Failure]:
    """The kernel, or the limit of a container or a job, ended the process for lack of memory.

    Nothing is printed; a notebook says that the kernel died. The kernel's log has 'Out of memory: Killed process', and
    'dmesg' shows it. Schedulers and 'systemd-oomd' kill in the same way.
    """

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        for pointer, words in last_words(facts, index, backend):
            if "SIGKILL" in words and not pointer.endswith("stderr_tail"):
                memory = [f"/hardware/memory/{name}" for name in ("total_bytes", "limit_bytes")]
                yield Failure(
                    evidence=(pointer, *memory),
                    fields={"framework": title_of(backend.name)},
                    fixes=(by_hand(GET_MEMORY, "https://docs.kernel.org/admin-guide/cgroup-v2.html"),),
                    subject=backend.name,
                )
                return

    yield from for_each_framework(facts, check)


@rule(
    "openmp-runtime-duplicate",
    severity="error",
    layer="python",
    title=template("Two copies of the OpenMP library meet in the process of {framework}"),
    message=template(
        "The library that runs loops on several cores (OpenMP) came into the process twice, from two packages, and "
        "the second copy ended the process. It said: {said}"
    ),
)
def openmp_runtime_duplicate(facts: Facts) -> Iterator[Failure]:
    """Two packages brought an OpenMP library of their own, and the second one refused to run beside the first.

    Intel's libiomp5 says 'OMP: Error #15: Initializing ..., but found ... already initialized' and aborts. It happens
    where packages of conda and pip are mixed. Setting KMP_DUPLICATE_LIB_OK hides the message and can give wrong
    results. Two different OpenMP libraries side by side (libgomp and libiomp5) are common and reported only where they
    did harm.
    """

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        for pointer, words in last_words(facts, index, backend):
            said = next((line.strip() for line in words.splitlines() if "OMP: Error #15" in line), None)
            if said:
                yield Failure(
                    evidence=(pointer,),
                    fields={"framework": title_of(backend.name), "said": said},
                    fixes=(by_hand(OPENMP, OPENMP_SOURCE),),
                    subject=backend.name,
                )
                return

    yield from for_each_framework(facts, check)
