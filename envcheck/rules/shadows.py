"""Files that an import meets before the package that is meant."""

from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes import conda, shell
from envcheck.fixes.environments import CONDA_VARIABLES
from envcheck.fixes.files import by_hand, in_shell, move_aside
from envcheck.fixes.packages import python
from envcheck.model.facts import Facts, Shadow
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import listed, variable, version_of
from envcheck.words import sentence, template

SEARCH_PATH = "https://docs.python.org/3/library/sys_path_init.html"
ENVIRONMENT = "https://docs.python.org/3/using/cmdline.html#environment-variables"
RENAME = template("Give {path} another name, and do not import it under the old one")
SAFE_START = template("Start programs with an option that keeps Python from looking there: {command} PROGRAM.py")
UNSET = template("Remove {name} from the environment, also where it is set (shell profile, job script, ROS set-up)")
IGNORE_USER_SITE = template("Let this environment ignore the packages in the home folder")
IGNORE_USER_SITE_CONDA = template("Let this conda environment ignore the packages in the home folder, then activate it")

SITE = "https://docs.python.org/3/library/site.html"
SOME_FILE = template("A .pth file or sitecustomize.py")
FIND_FILE = template("Look through the .pth files and sitecustomize.py, and take the line out that names the folder")
MOVE_STARTUP = template("Move the file away, or take the line out of it that names the folder: {path}")

STOP_PYTHON = (
    "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHASHSEED", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONMALLOC",
    "PYTHONTRACEMALLOC", "PYTHONINTMAXSTRDIGITS", "PYTHONPLATLIBDIR",
)  # fmt: skip
"""Variables with which Python may not come to its first line (Python/initconfig.c and preconfig.c of 3.11)."""
FIRST_WITH_SAFE_PATH = Version("3.11")
FRAMEWORKS = ("tensorflow", "jax", "jaxlib", "torch", "openvino")
STANDARD_LIBRARY = "standard library"


def _shadows(facts: Facts, found_in: str) -> list[tuple[int, Shadow]]:
    return [(index, found) for index, found in enumerate(need(facts.python.shadows)) if found.found_in == found_in]


def _subject(shadow: Shadow) -> str | None:
    """Return the framework that a shadow hides; None for what all of them need."""
    name = "jax" if shadow.module == "jaxlib" else shadow.module
    return name if name in FRAMEWORKS else None


@rule(
    "module-shadowed-by-local-file",
    severity="error",
    layer="python",
    title=template("{path} hides {what}"),
    message=template(
        "Python looks into the folder of the script, and for notebooks into the working directory, before everything "
        "else. There lies {path}, so 'import {module}' gets that instead of {hidden}."
    ),
)
def module_shadowed_by_local_file(facts: Facts) -> Iterator[Failure]:
    """A file or folder in the working directory has the name of a package or of a module of the standard library.

    A script called tensorflow.py imports itself. A random.py breaks packages that have nothing to do with it, because
    they need the standard module. Signs: "'tensorflow' is not a package", 'partially initialized module', "has no
    attribute". The same happens in the folder of a framework's own source code. Start Python from another folder, or
    rename the file; from Python
    3.11 on, 'python -P' does not look there.
    """
    for index, shadow in _shadows(facts, "working-directory"):
        yield Failure(
            evidence=(f"/python/shadows/{index}/path", f"/python/shadows/{index}/hides"),
            fields=_fields(shadow),
            fixes=_rename(facts, shadow),
            subject=_subject(shadow),
        )


def _fields(shadow: Shadow) -> dict[str, object]:
    hidden = known(shadow.hides, None)
    standard = hidden == STANDARD_LIBRARY
    return {
        "module": shadow.module,
        "path": shadow.path,
        "what": f"{shadow.module} ({STANDARD_LIBRARY})" if standard else shadow.module,
        "hidden": f"{shadow.module} ({STANDARD_LIBRARY})" if standard else hidden or shadow.module,
    }


def _rename(facts: Facts, shadow: Shadow) -> tuple[Fix, ...]:
    verify = f"{python(facts)} -c {shell.words(f'import {shadow.module}; print({shadow.module}.__file__)')}"
    return (
        move_aside(facts, RENAME, shadow.path, source=SEARCH_PATH, verify=verify),
        by_hand(SAFE_START, SEARCH_PATH, command=f"{python(facts)} {_safe_option(facts)}"),
    )


def _safe_option(facts: Facts) -> str:
    """Return -P where the target knows it (Python 3.11), else -I, which leaves out more."""
    version = version_of(known(facts.python.version, None))
    return "-P" if version and version >= FIRST_WITH_SAFE_PATH else "-I"


@rule(
    "pythonpath-shadows-environment",
    severity="warning",
    layer="python",
    title=template("PYTHONPATH puts other packages before those of the environment: {modules}"),
    message=template(
        "The environment variable PYTHONPATH is set, and its folders hold {modules}. Every Python that is started "
        "from here takes them from there ({path}) instead of from its own packages."
    ),
)
def pythonpath_shadows_environment(facts: Facts) -> Iterator[Failure]:
    """PYTHONPATH brings in packages or modules that hide those of the environment.

    Set-up scripts of ROS, Spark, modules systems and old profiles set it; every interpreter then sees the packages of
    another one, compiled for another Python or of another release.
    """
    found = _shadows(facts, "PYTHONPATH")
    if not found:
        return
    yield Failure(
        evidence=tuple(f"/python/shadows/{index}/path" for index, _ in found),
        fields={"modules": listed(shadow.module for _, shadow in found), "path": found[0][1].path},
        fixes=(_unset(facts, "PYTHONPATH"),),
    )


def _unset(facts: Facts, *names: str) -> Fix:
    return in_shell(UNSET, shell.unset(facts, *names), source=ENVIRONMENT, name=" ".join(names))


@rule(
    "startup-file-shadows-environment",
    severity="warning",
    layer="python",
    title=template("A start-up file of Python puts other packages before those of the environment: {modules}"),
    message=template(
        "{file} is read at every start of this Python and puts {folder} before the environment's own packages. "
        "{modules} are taken from there instead."
    ),
)
def startup_file_shadows_environment(facts: Facts) -> Iterator[Failure]:
    """A .pth file or a sitecustomize.py brings in packages that hide those of the environment.

    Python reads .pth files in site-packages, sitecustomize.py and usercustomize.py before any program. Old installers
    left an easy-install.pth that puts a checkout of the source first; administrators put folders of a module system
    there. pip, which looks at one folder only, does not show what is really used.
    """
    found = _shadows(facts, "startup-file")
    files = list(dict.fromkeys(shadow.set_by for _, shadow in found))
    for file in files:
        of_file = [(index, shadow) for index, shadow in found if shadow.set_by == file]
        yield Failure(
            evidence=tuple(f"/python/shadows/{index}/path" for index, _ in of_file),
            fields={
                "modules": listed(shadow.module for _, shadow in of_file),
                "file": known(file, None) or sentence(SOME_FILE),
                "folder": _folder(of_file[0][1].path),
            },
            fixes=(_without_file(facts, known(file, None)),),
        )


def _folder(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[0]


def _without_file(facts: Facts, file: str | None) -> Fix:
    if file is None:
        return by_hand(FIND_FILE, SITE)
    return move_aside(facts, MOVE_STARTUP, file, source=SITE, verify=f"{python(facts)} -m site")


@rule(
    "python-variables-break-start",
    severity="error",
    layer="python",
    title=template("The target Python starts only when it ignores the user's settings"),
    message=template(
        "{python} does not start as it is ({detail}), and starts with the option -I, which leaves out the variables of "
        "Python (PYTHONPATH, PYTHONHOME and others), the packages in the home folder and the working directory. One "
        "of them breaks it."
    ),
    after=("pythonpath-shadows-environment", "user-site-shadows-environment"),
)
def python_variables_break_start(facts: Facts) -> Iterator[Failure]:
    """The interpreter is in order, and something in the user's environment keeps it from starting.

    PYTHONHOME of another Python ('No module named encodings'), a module on PYTHONPATH that has the name of a standard
    one (enum34 is famous for it), a sitecustomize.py or .pth file with an error. What follows in the report was seen
    with -I.
    """
    if not need(facts.python.isolated_only):
        return
    names = _suspects(facts)
    yield Failure(
        evidence=("/python/isolated_only", "/python/failure_detail"),
        fields={
            "python": known(facts.python.executable, None) or "The target Python",
            "detail": _line_about(known(facts.python.failure_detail, None) or "no message", names),
        },
        fixes=(_unset(facts, *names),) if names else (by_hand(SAFE_START, ENVIRONMENT, command=f"{python(facts)} -I"),),
    )


def _suspects(facts: Facts) -> tuple[str, ...]:
    """Return the variables that Python's message names; if it names none, all that can keep it from starting."""
    detail = known(facts.python.failure_detail, None) or ""
    there = [name for name in STOP_PYTHON if variable(facts, name)]
    return tuple([name for name in there if name in detail] or there)


def _line_about(detail: str, names: tuple[str, ...]) -> str:
    lines = detail.strip().splitlines()
    return next((line for line in lines if any(name in line for name in names)), lines[-1])


@rule(
    "user-site-shadows-environment",
    severity="warning",
    layer="python",
    title=template("Packages in the home folder win over those of the environment: {modules}"),
    message=template(
        "{modules} of this environment are not used: Python finds copies in {folder} first, which 'pip install "
        "--user' put there for another project."
    ),
)
def user_site_shadows_environment(facts: Facts) -> Iterator[Failure]:
    """Packages that were installed with 'pip install --user' hide those of the environment.

    Environments of conda read the user's own folder (~/.local/lib/pythonX.Y) first; those of venv do not. What works in
    one environment then breaks in all of them. For a Python of the operating system it is the intended order, so that
    is not reported.
    """
    if need(facts.python.environment) not in ("venv", "conda"):
        raise NotApplicable("the target is no environment of its own")
    found = _shadows(facts, "user-site")
    if not found:
        return
    prefix = known(facts.python.prefix, None)
    kept = conda.keeps_variables(facts) and prefix is not None
    program, place = conda.program(facts), conda.prefix(facts)
    setting = f"{program} env config vars set -p {place} PYTHONNOUSERSITE=1" if kept else ""
    command = setting or shell.export(facts, "PYTHONNOUSERSITE", "1")
    files = (f"{prefix}/{CONDA_VARIABLES}",) if setting else ()
    verify = f"{python(facts)} -m site"
    title = IGNORE_USER_SITE_CONDA if setting else IGNORE_USER_SITE
    yield Failure(
        evidence=tuple(f"/python/shadows/{index}/path" for index, _ in found),
        fields={
            "modules": listed(shadow.module for _, shadow in found),
            "folder": known(facts.python.user_site, None) or found[0][1].path,
        },
        fixes=(in_shell(title, command, source=ENVIRONMENT, files=files, verify=verify),),
    )
