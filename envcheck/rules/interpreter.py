"""Whether the target Python starts."""

from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.environments import remake, write_cfg
from envcheck.fixes.files import by_hand, in_shell, look
from envcheck.fixes.solved import new_environment
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import listed
from envcheck.words import template

USING = "https://docs.python.org/3/using/index.html"
OTHER_TARGET = template("Name another Python: envcheck report --python PATH")
INSTALL_LIBRARY = template("Install the package of the system that brings the missing library, or install Python again")
ALLOW = template("Give this user the right to execute it")
RIGHT_PYTHON = template("Install a Python for this processor ({machine}) and make the environment again")
READ_OUTPUT = template("Start it by hand and read what it says")


def _failure(facts: Facts, *words: str) -> Iterator[Failure]:
    """Yield the failure of a target whose start ended with one of ``words``."""
    if need(facts.python.runs) or need(facts.python.failure) not in words:
        return
    yield Failure(
        evidence=("/python/failure", "/python/failure_detail"),
        fields={
            "python": known(facts.python.executable, None) or known(facts.python.target, "the target"),
            "detail": _told(facts),
            "version": known(facts.python.version, None) or "an old release",
            "home": known(facts.python.venv_home, None) or "its home folder",
        },
        fixes=_fixes(facts, words[0]),
    )


def _told(facts: Facts) -> str:
    lines = (known(facts.python.failure_detail, None) or "").strip().splitlines()
    return lines[-1] if lines else "no message"


def _fixes(facts: Facts, word: str) -> tuple[Fix, ...]:
    executable = known(facts.python.executable, None) or known(facts.python.target, "python")
    in_environment = known(facts.python.environment, None) in ("venv", "conda")
    again = remake(facts) if in_environment else ()
    other = by_hand(OTHER_TARGET, USING)
    if word == "missing-library":
        return (by_hand(INSTALL_LIBRARY, USING), *again)
    if word == "wrong-architecture":
        machine = known(facts.platform.machine, "")
        return (by_hand(RIGHT_PYTHON, "https://www.python.org/downloads/", machine=machine), *again)
    if word == "not-executable":
        return (
            in_shell(
                ALLOW,
                f"chmod u+x {shell.path(facts, executable)}",
                source=USING,
                verify=f"{shell.program(facts, executable)} --version",
            ),
        )
    if word == "too-old":
        return (new_environment(facts, "keras", "tensorflow"),)
    if word == "failed-to-start":
        return (look(READ_OUTPUT, f"{shell.program(facts, executable)} -c pass", source=USING), *again)
    return again or (other,)


@rule(
    "venv-base-interpreter-missing",
    severity="error",
    layer="python",
    title=template("The Python that this environment was made from is gone"),
    message=template(
        "A virtual environment borrows its interpreter from the Python that made it. This one points to {home}, and "
        "there is none any more; an update or a removal took it away. The packages in the environment are still "
        "there, and cannot be used."
    ),
)
def venv_base_interpreter_missing(facts: Facts) -> Iterator[Failure]:
    """The virtual environment's interpreter is a link to a Python that was removed or updated.

    Updates of Homebrew, pyenv and distributions replace Python 3.X.1 by 3.X.2 in another folder. Signs: 'No Python at',
    'bad interpreter: No such file or directory'. The environment has to be made again; it cannot be repaired by hand.
    """
    yield from _failure(facts, "base-interpreter-missing")


@rule(
    "python-interpreter-missing",
    severity="error",
    layer="python",
    title=template("There is no Python at {python}"),
    message=template("{python} was named as the Python to check, and nothing that can be started is there: {detail}"),
)
def python_interpreter_missing(facts: Facts) -> Iterator[Failure]:
    """The target is a link that leads nowhere, or an environment without an interpreter in it.

    The environment was deleted in part, moved, or is of another operating system.
    """
    yield from _failure(facts, "not-found", "dangling-link")


@rule(
    "python-library-missing",
    severity="error",
    layer="python",
    title=template("The target Python misses a library of the system"),
    message=template("{python} does not start: {detail}. A library that it is linked with is not there, or too old."),
)
def python_library_missing(facts: Facts) -> Iterator[Failure]:
    """The system's loader refuses to start the interpreter, because a shared library is missing or too old.

    'error while loading shared libraries: libpython3.11.so.1.0' is the usual form: Python was built with a library of
    its own that is not on the loader's path any more. After an update of the system it can be libssl, libffi or
    libcrypt.
    """
    yield from _failure(facts, "missing-library", "library-too-old")


@rule(
    "python-wrong-architecture",
    severity="error",
    layer="python",
    title=template("The target Python was made for another processor or another system"),
    message=template("{python} cannot be executed here: {detail}."),
)
def python_wrong_architecture(facts: Facts) -> Iterator[Failure]:
    """The interpreter is a program for another kind of processor or for another operating system.

    An environment was copied from another machine, or lies on a disk that machines of different kinds share. 'Exec
    format error' is the usual sign.
    """
    yield from _failure(facts, "wrong-architecture")


@rule(
    "python-not-executable",
    severity="error",
    layer="python",
    title=template("This user may not execute the target Python"),
    message=template(
        "{python} is there, and the system does not let this user execute it: {detail}. Its permission is missing, "
        "or the disk is mounted so that nothing on it can be executed (noexec)."
    ),
)
def python_not_executable(facts: Facts) -> Iterator[Failure]:
    """The interpreter exists and may not be executed.

    Copying through a Windows disk or an archive loses the permission. Disks mounted with 'noexec' refuse every program.
    """
    yield from _failure(facts, "not-executable")


@rule(
    "python-too-old",
    severity="error",
    layer="python",
    title=template("The target is Python {version}, which is too old to be examined"),
    message=template(
        "envcheck works inside Python 3.6 and newer. This one is {version}; what its files tell is in the report, "
        "and nothing was tried in it. No maintained framework runs on it."
    ),
)
def python_too_old(facts: Facts) -> Iterator[Failure]:
    """The target is a Python before 3.6, in which envcheck cannot work and no present framework runs.

    Python 2.7 is usually met as 'python' on old systems while 'python3' is the one that is meant.
    """
    yield from _failure(facts, "too-old")


@rule(
    "python-does-not-start",
    severity="error",
    layer="python",
    title=template("The target Python does not start"),
    message=template(
        "{python} ends before it has done anything: {detail}. Usually its own files are damaged or incomplete."
    ),
)
def python_does_not_start(facts: Facts) -> Iterator[Failure]:
    """The interpreter itself fails: it dies, hangs, or ends with an error before any program begins.

    'No module named encodings' means that its standard library is not where it looks. A crash means damaged files or a
    library that does not belong to it. It is tried with -I too, so variables of the user are not the reason.
    """
    yield from _failure(facts, "failed-to-start", "crashed", "timed-out", "no-answer", "not-python")


@rule(
    "environment-of-other-python",
    severity="warning",
    layer="python",
    title=template("The environment holds packages of another Python version"),
    message=template(
        "The environment runs Python {version}, and packages lie in {folders}, where only another version looks. The "
        "Python below the environment was replaced by a newer one."
    ),
)
def environment_of_other_python(facts: Facts) -> Iterator[Failure]:
    """The Python of a virtual environment was replaced by another version, and its packages were left where they were.

    Packages belong to one minor version of Python. After the base Python was updated from 3.11 to 3.12, the packages
    are still in lib/python3.11 and nothing sees them. Make the environment again. It is only a note where a framework
    is installed for the present Python.
    """
    if need(facts.python.environment) != "venv":
        raise NotApplicable("the target is no virtual environment")
    folders = need(facts.python.stranded_site_packages)
    if folders:
        used = any(known(backend.installed, False) for backend in known(facts.backends, ()))
        yield Failure(
            evidence=("/python/stranded_site_packages", "/python/version"),
            fields={"version": known(facts.python.version, None) or "", "folders": listed(folders)},
            fixes=remake(facts),
            severity="info" if used else "warning",
        )


@rule(
    "venv-configuration-missing",
    severity="error",
    layer="python",
    title=template("The virtual environment has lost its pyvenv.cfg"),
    message=template(
        "{folder} was made as a virtual environment, and its file pyvenv.cfg is gone. Without it Python does not look "
        "for packages there, and takes those of {base} instead. What pip installs goes there too."
    ),
)
def venv_configuration_missing(facts: Facts) -> Iterator[Failure]:
    """A virtual environment without pyvenv.cfg is none: Python reads in that file where its packages are.

    It gets lost when folders are copied or cleaned up by patterns such as '*.cfg'. The packages are still there. Write
    the file again before you install anything, for pip would change the Python below.
    """
    folder = need(facts.python.venv_without_cfg)
    if folder:
        yield Failure(
            evidence=("/python/venv_without_cfg", "/python/prefix"),
            fields={"folder": folder, "base": known(facts.python.base_prefix, None) or "the Python below"},
            fixes=(write_cfg(facts, folder),),
        )
