"""Variables that keep a framework from working, or its messages from being read."""

from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import in_shell
from envcheck.model.facts import Backend, Facts, Preload
from envcheck.model.unknown import known, need
from envcheck.rules.causes import CUDA_LIBRARY_FAULTS, GPU_FAULTS
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.environment import UNSET
from envcheck.rules.shared import backend, for_each, for_each_framework, last_words, runs_of, title_of, variable
from envcheck.words import sentence, template

JAX_OPTIONS = "https://docs.jax.dev/en/latest/config_options.html"
VARIABLES = "https://docs.python.org/3/library/os.html#os.environ"
LOADER = "https://man7.org/linux/man-pages/man8/ld.so.8.html"
LOGGING = "https://github.com/tensorflow/tensorflow/blob/master/third_party/xla/xla/tsl/platform/default/logging.cc"
JAX_SIGN, JAX_WORDLESS = "Unable to initialize backend", "assert _default_backend is not None"
"""jax/_src/xla_bridge.py of 0.10: the second is what 'cuda' ends with where the machine has no CUDA device."""
WORDLESS = template("nothing but 'AssertionError'")
HIDDEN = {"2": template("warnings"), "3": template("warnings and errors")}
"""What TensorFlow and XLA keep back at these levels (xla/tsl/platform/default/logging.cc)."""


@rule(
    "jax-platform-unavailable",
    severity="error",
    layer="backend",
    title=template("{name} asks JAX for '{value}', which it cannot use here"),
    message=template(
        "The environment variable {name} names the platforms that JAX may use: '{value}'. JAX got none of them going, "
        "and it takes no other, not even the processor. It said: {said}"
    ),
    after=(
        "no-nvidia-gpu",
        "jax-jaxlib-version-mismatch",
        "jax-cuda-plugin-missing",
        "jax-cuda-plugin-version-mismatch",
        *GPU_FAULTS,
        *CUDA_LIBRARY_FAULTS,
    ),
)
def jax_platform_unavailable(facts: Facts) -> Iterator[Failure]:
    """A variable forces JAX onto a platform that this machine or this installation does not have.

    JAX_PLATFORMS (before: JAX_PLATFORM_NAME) is a list; what is not in it is not tried. A profile or a job script made
    for a GPU node sets 'cuda', and JAX ends with an error elsewhere instead of using the processor. With 'cuda,cpu' it
    would go on. Sign: "Unable to initialize backend", or a bare AssertionError in xla_bridge.py.
    """
    name = next((name for name in ("JAX_PLATFORMS", "JAX_PLATFORM_NAME") if variable(facts, name)), None)
    found = variable(facts, name) if name else None
    jax = backend(facts, "jax")
    if name is None or found is None or not found[1] or jax is None:
        raise NotApplicable("JAX is not installed, or no variable names its platforms")
    need(facts.smoke)
    for pointer, words in last_words(facts, *jax):
        said = next((line.strip() for line in words.splitlines() if JAX_SIGN in line), None)
        if said is not None or JAX_WORDLESS in words:
            yield Failure(
                evidence=(f"/platform/environment/{found[0]}/value", pointer),
                fields={"name": name, "value": found[1], "said": said or sentence(WORDLESS)},
                fixes=(in_shell(UNSET, shell.unset(facts, name), source=JAX_OPTIONS, name=name),),
                subject="jax",
            )
            return


@rule(
    "preloaded-library-unusable",
    severity="info",
    layer="platform",
    title=template("LD_PRELOAD names a library that cannot be preloaded: {name}"),
    message=template(
        "LD_PRELOAD asks the loader to put {name} into every program, and {why}. The loader says so at every start and "
        "goes on without; what the library was meant to cure is not cured."
    ),
)
def preloaded_library_unusable(facts: Facts) -> Iterator[Failure]:
    """LD_PRELOAD names a file that does not exist, or one for another processor.

    Sign: "ERROR: ld.so: object ... from LD_PRELOAD cannot be preloaded: ignored". The line was made for another machine
    or another release: a memory allocator, a libgomp against 'cannot allocate memory in static TLS block', a profiler.
    """

    def check(index: int, preload: Preload) -> Iterator[Failure]:
        file = need(preload.file)
        machine = need(preload.machine)
        if file is not None and machine in (None, need(facts.python.machine)):
            return
        yield Failure(
            evidence=(f"/platform/preloads/{index}/name", f"/platform/preloads/{index}/machine"),
            fields={"name": preload.name, "why": _why(machine)},
            fixes=(in_shell(UNSET, shell.unset(facts, "LD_PRELOAD"), source=LOADER, name="LD_PRELOAD"),),
        )

    yield from for_each(need(facts.platform.preloads), check)


def _why(machine: str | None) -> str:
    return sentence(NOT_THERE) if machine is None else sentence(OTHER_MACHINE, machine=machine)


NOT_THERE = template("there is no such file")
OTHER_MACHINE = template("it was made for another processor ({machine})")


@rule(
    "preloaded-library-breaks-framework",
    severity="error",
    layer="platform",
    title=template("{framework} cannot be imported because of LD_PRELOAD"),
    message=template(
        "LD_PRELOAD puts {names} into every program. With it the import of {framework} ends badly ({ending}); envcheck "
        "tried the same without LD_PRELOAD, and it works."
    ),
)
def preloaded_library_breaks_framework(facts: Facts) -> Iterator[Failure]:
    """A library that LD_PRELOAD puts before all others breaks a framework.

    Its functions replace those of the libraries that come later: another memory allocator, another OpenMP, a profiler.
    It is said only where it was proven: the import fails with the variable and succeeds without it.
    """
    found = variable(facts, "LD_PRELOAD")
    if found is None or not found[1]:
        raise NotApplicable("LD_PRELOAD is not set")

    def check(index: int, framework: Backend) -> Iterator[Failure]:
        if need(framework.import_without_preloads) != "ok":
            return
        yield Failure(
            evidence=(
                f"/platform/environment/{found[0]}/value",
                f"/backends/{index}/import/error",
                f"/backends/{index}/import_without_preloads",
            ),
            fields={
                "framework": title_of(framework.name),
                "names": found[1],
                "ending": known(framework.imported.error, None) or known(framework.imported.status, ""),
            },
            fixes=(in_shell(UNSET, shell.unset(facts, "LD_PRELOAD"), source=LOADER, name="LD_PRELOAD"),),
            subject=framework.name,
        )

    yield from for_each_framework(facts, check)


@rule(
    "variable-breaks-framework-import",
    severity="error",
    layer="backend",
    title=template("{framework} cannot be imported because of {name}"),
    message=template(
        "The environment variable {name} is set to '{value}'. With it the import of {framework} ends badly ({ending}); "
        "envcheck tried the same without {name}, and it works."
    ),
    after=(
        *CUDA_LIBRARY_FAULTS,
        "preloaded-library-breaks-framework",
        "pythonpath-shadows-environment",
        "jax-platform-unavailable",
        "no-nvidia-gpu",
        "xla-flags-unknown",
        "libstdcxx-too-old",
    ),
)
def variable_breaks_framework_import(facts: Facts) -> Iterator[Failure]:
    """A variable of the shell, the job script or the kernel.json keeps a framework from being imported.

    JAX and PyTorch read variables of their own (JAX_..., TORCH_...) and stop at a value that they do not know. Folders
    in LD_LIBRARY_PATH hide the libraries that a package brings. PYTHONWARNINGS=error turns each warning of a library
    into an error. It is said only where it was proven: the import fails with the variable and succeeds without it.
    """

    def check(index: int, framework: Backend) -> Iterator[Failure]:
        if need(framework.imported.status) == "ok":
            return
        name = need(framework.import_mended_without)
        found = variable(facts, name) if name else None
        if name is None or found is None:
            return
        yield Failure(
            evidence=(
                f"/platform/environment/{found[0]}/value",
                f"/backends/{index}/import/error",
                f"/backends/{index}/import_mended_without",
            ),
            fields={
                "framework": title_of(framework.name),
                "name": name,
                "value": found[1],
                "ending": _line_about(found[1], known(framework.imported.error, None) or "no message"),
            },
            fixes=(in_shell(UNSET, shell.unset(facts, name), source=VARIABLES, name=name),),
            subject=framework.name,
        )

    yield from for_each_framework(facts, check)


def _line_about(value: str, error: str) -> str:
    """Return the line of an error that names a value, else its last one."""
    lines = [line.strip() for line in error.strip().splitlines()]
    return next((line for line in lines if value in line), lines[-1])


@rule(
    "framework-messages-hidden",
    severity="info",
    layer="platform",
    title=template("TF_CPP_MIN_LOG_LEVEL hides what {framework} says about its failure"),
    message=template(
        "{framework} does not work here, and TF_CPP_MIN_LOG_LEVEL={value} keeps back its {hidden} in your programs. "
        "envcheck's own tests ran without that setting, so that this report has seen them."
    ),
)
def framework_messages_hidden(facts: Facts) -> Iterator[Failure]:
    """A variable silences TensorFlow and XLA, and something is wrong with them.

    Many set it to have quiet notebooks. Then the line that tells the cause, such as a library that could not be loaded,
    is not printed. Nothing is said while all is well.
    """
    found = variable(facts, "TF_CPP_MIN_LOG_LEVEL")
    if found is None or found[1] not in HIDDEN:
        raise NotApplicable("messages are not hidden")

    def check(index: int, framework: Backend) -> Iterator[Failure]:
        if framework.name not in ("tensorflow", "jax"):
            return
        failed = need(framework.imported.status) != "ok"
        pointer = f"/backends/{index}/import/status" if failed else None
        for place, run in runs_of(facts, framework.name):
            if pointer is None and run.status != "passed":
                pointer = f"/smoke/{place}/status"
        if pointer is not None:
            yield Failure(
                evidence=(f"/platform/environment/{found[0]}/value", pointer),
                fields={"framework": title_of(framework.name), "value": found[1], "hidden": sentence(HIDDEN[found[1]])},
                fixes=(
                    in_shell(
                        UNSET, shell.unset(facts, "TF_CPP_MIN_LOG_LEVEL"), source=LOGGING, name="TF_CPP_MIN_LOG_LEVEL"
                    ),
                ),
                subject=framework.name,
            )

    yield from for_each_framework(facts, check)
