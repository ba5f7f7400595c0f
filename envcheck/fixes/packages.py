"""Commands that change the packages of the target, in the words of what manages it.

pip, uv, conda, Poetry, PDM and pixi are told apart by ``python.installer``, and a project of uv by its lock file. A
Python that belongs to the operating system (PEP 668) is left alone: an environment of its own is made instead.
"""

from collections.abc import Mapping, Sequence

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envcheck.fixes import conda, projects, shell, system
from envcheck.model.facts import Facts, Package
from envcheck.model.report import Fix, PackageChanges
from envcheck.model.unknown import Unknown, known
from envcheck.words import sentence, template

PIP = "https://pip.pypa.io/en/stable/cli/pip_install/"
PEP_668 = "https://peps.python.org/pep-0668/"
TORCH_PACKAGES = ("torch", "torchvision", "torchaudio")
TORCH_INDEX = "https://download.pytorch.org/whl/{build}"
"""Where PyTorch's builds for one kind of device come from: 'cpu', 'cu126', ... (pytorch.org/get-started/locally)."""
OWN_ENVIRONMENT = "~/envs/envcheck"
"""A name that nobody gives to an environment of theirs: a script that is run again installs into what is there."""
IN_OWN_ENVIRONMENT = template(
    "Make an environment of your own with {packages}, because the operating system manages the packages of this Python"
)

IN_IMAGE = template(
    "Make an environment of your own with {packages}, because the operating system manages the packages of this Python "
    "(best in the image with RUN: what is installed in a running container is lost with it)"
)


def python(facts: Facts) -> str:
    """Return the target's interpreter as the beginning of a command."""
    executable = known(facts.python.executable, None)
    return shell.program(facts, executable) if executable else _any_python(facts)


def interpreter(facts: Facts) -> str:
    """Return the target's interpreter as an argument of a command."""
    executable = known(facts.python.executable, None)
    return shell.path(facts, executable) if executable else _any_python(facts)


def interpreter_in(facts: Facts, environment: str) -> str:
    """Return the path of the interpreter in a virtual environment."""
    return f"{environment}\\Scripts\\python.exe" if shell.is_powershell(facts) else f"{environment}/bin/python"


def _any_python(facts: Facts) -> str:
    return "py" if shell.is_powershell(facts) else "python3"  # docs.python.org/3/using/windows.html


def change(
    facts: Facts,
    title: str,
    fields: Mapping[str, object] | None = None,
    *,
    remove: tuple[str, ...] = (),
    add: tuple[str, ...] = (),
    reinstall: bool = False,
    index: str | None = None,
    source: str = PIP,
    verify: str | None = None,
) -> Fix:
    """Return the fix that removes the distributions ``remove`` and then installs the requirements ``add``.

    ``reinstall`` writes the files of ``add`` again even if the version is there, and leaves what they need alone;
    ``index`` is the package index to take them from; ``verify`` shows whether it helped (default: a new report).
    """
    if system_managed(facts):
        return _own_environment(facts, add, index)
    changes = PackageChanges(remove=remove, add=add, reinstall=reinstall, index=index)
    calls = commands(facts, changes)
    fix = Fix(
        title=sentence(title, fields),
        commands=calls,
        needs_root=False,
        restart="kernel",
        risk="environment",
        source=source,
        verify=verify or f"envcheck report --python {interpreter(facts)}",
        files=projects.changed_by(facts, calls),
        changes=changes,
    )
    if _from_lock_file(facts, changes):
        return msgspec.structs.replace(fix, notes=(sentence(projects.OF_THE_LOCK_FILE),))
    if projects.folder(facts) is None and projects.changed_by(facts, calls):
        # In another folder the tool would change another project.
        return msgspec.structs.replace(fix, effect="shell", notes=(sentence(projects.IN_ITS_FOLDER),))
    return fix


def commands(facts: Facts, changes: PackageChanges) -> tuple[str, ...]:
    """Return the commands that carry out a change in the target."""
    manager = projects.tool(facts)
    if manager and _from_lock_file(facts, changes):
        names = _names(changes.add)
        again = projects.install_again(facts, manager, names) if changes.reinstall else None
        gone = _uninstall_here(facts, *names) if changes.reinstall else removals(facts, changes)
        return (again,) if again else (*gone, projects.sync(facts, manager))
    wanted = install(facts, *changes.add, reinstall=changes.reinstall, index=changes.index)
    calls = (*removals(facts, changes), *wanted)
    return tuple(dict.fromkeys((*calls, *conda.pixi_environment(facts, calls))))


def removals(facts: Facts, changes: PackageChanges) -> tuple[str, ...]:
    """Return the first commands of a change: those that remove distributions."""
    if not _from_lock_file(facts, changes):
        return uninstall(facts, *changes.remove)
    back = [name for name in changes.remove if canonicalize_name(name) in _names(changes.add)]
    return (
        *uninstall(facts, *(name for name in changes.remove if name not in back)),
        *_uninstall_here(facts, *back),
    )


def _from_lock_file(facts: Facts, changes: PackageChanges) -> bool:
    return changes.index is None and projects.holds(facts, changes.add)


def _names(requirements: Sequence[str]) -> list[str]:
    return [str(canonicalize_name(Requirement(text).name)) for text in requirements]


def as_installed(package: Package) -> str:
    """Return the requirement of the release that is installed; of the name alone where the release is not known."""
    release = (known(package.version, None) or "").partition("+")[0]
    return f"{package.name}=={release}" if release else package.name


def of_same_build(package: Package) -> tuple[str, str | None]:
    """Return the requirement of the release that is installed, and the index that its build comes from if not usual."""
    version = known(package.version, None)
    build = (version or "").partition("+")[2]
    if not build or package.name not in TORCH_PACKAGES:
        return as_installed(package), None
    return f"{package.name}=={version}", TORCH_INDEX.format(build=build)


def again(facts: Facts, title: str, package: Package, *, remove: bool = False, source: str = PIP) -> Fix:
    """Return the fix that writes the files of a package again, in the release and from the index that it is of.

    The title may name ``{package}``. ``remove`` takes the package away first.
    """
    wanted, index = of_same_build(package)
    return change(
        facts,
        title,
        {"package": package.name},
        remove=(package.name,) if remove else (),
        add=(wanted,),
        reinstall=not remove,
        index=index,
        source=source,
    )


def install(facts: Facts, *requirements: str, reinstall: bool = False, index: str | None = None) -> tuple[str, ...]:
    """Return the command that installs PEP 508 requirements into the target."""
    if not requirements:
        return ()
    of_conda = tuple(text for text in requirements if conda.manages(facts, text))
    if of_conda:
        others = tuple(text for text in requirements if text not in of_conda)
        return (
            conda.install(facts, of_conda, reinstall=reinstall),
            *install(facts, *others, reinstall=reinstall, index=index),
        )
    project = projects.tool(facts)
    if project and index is None and not reinstall:
        return (projects.add(facts, project, requirements),)
    manager = known(facts.python.installer, None)
    source = index_options(requirements, index, uv=manager == "uv")
    if manager == "uv":
        again = ("--reinstall", "--no-deps") if reinstall else ()
        return (f"uv pip install -p {interpreter(facts)} {shell.words(*again, *requirements, *source)}",)
    again = ("--force-reinstall", "--no-deps") if reinstall else ()
    return (*_pip_first(facts), f"{python(facts)} -m pip install {shell.words(*again, *requirements, *source)}")


def index_options(requirements: Sequence[str], index: str | None, *, uv: bool) -> tuple[str, ...]:
    """Return the options for requirements that come from an index of PyTorch, some of them maybe from the usual one.

    uv takes a package from the first index that has it, unless it is told otherwise
    (docs.astral.sh/uv/concepts/indexes, 2026-11-23).
    """
    if index is None:
        return ()
    if all(Requirement(text).name in TORCH_PACKAGES for text in requirements):
        return ("--index-url", index)
    return ("--extra-index-url", index, *(("--index-strategy", "unsafe-best-match") if uv else ()))


def uninstall(facts: Facts, *names: str) -> tuple[str, ...]:
    """Return the command that removes distributions from the target."""
    if not names:
        return ()
    of_conda = tuple(name for name in names if conda.manages(facts, name))
    if of_conda:
        others = tuple(name for name in names if name not in of_conda)
        return (conda.remove(facts, of_conda), *uninstall(facts, *others))
    project = projects.tool(facts)
    if project is None:
        return _uninstall_here(facts, *names)
    asked = [name for name in names if projects.asks_for(facts, name)]
    others = _uninstall_here(facts, *(name for name in names if name not in asked))
    return (*((projects.remove(facts, project, asked),) if asked else ()), *others)


def _uninstall_here(facts: Facts, *names: str) -> tuple[str, ...]:
    """Return the command that removes distributions, of which no project knows."""
    if not names:
        return ()
    if known(facts.python.installer, None) == "uv":
        return (f"uv pip uninstall -p {interpreter(facts)} {shell.words(*names)}",)
    return (*_pip_first(facts), f"{python(facts)} -m pip uninstall -y {shell.words(*names)}")


def shows(facts: Facts, module: str) -> str:
    """Return a command that imports a module of the target and prints its version."""
    return f"{python(facts)} -c {shell.words(f'import {module}; print({module}.__version__)')}"


def consistency(facts: Facts) -> str:
    """Return a command that says whether the packages of the target have what they require."""
    if known(facts.python.installer, None) == "uv":
        return f"uv pip check -p {interpreter(facts)}"
    if projects.tool(facts) and _pip_first(facts):
        return f"envcheck report --python {interpreter(facts)}"  # PDM makes environments without pip
    return f"{python(facts)} -m pip check"


def system_managed(facts: Facts) -> bool:
    """Say whether the operating system manages the target's packages (PEP 668)."""
    return known(facts.python.environment, None) == "system" and known(facts.python.externally_managed, False)


def _own_environment(facts: Facts, requirements: tuple[str, ...], index: str | None) -> Fix:
    in_container = known(facts.platform.container, None) is not None
    module = system.commands(facts, "venv-in-image" if in_container else "venv")  # where venv is a package of its own
    source = index_options(requirements, index, uv=False)
    commands = (
        *module,
        f"{python(facts)} -m venv {shell.path(facts, OWN_ENVIRONMENT)}",
        f"{shell.program(facts, interpreter_in(facts, OWN_ENVIRONMENT))} -m pip install"
        f" {shell.words(*requirements, *source)}",
    )
    return Fix(
        title=sentence(IN_IMAGE if in_container else IN_OWN_ENVIRONMENT, packages=", ".join(requirements)),
        commands=commands,
        needs_root=bool(module),
        restart="none",
        risk="system" if module else "safe",
        source=PEP_668,
        verify=f"envcheck report --python {shell.path(facts, OWN_ENVIRONMENT)}",
        changes=PackageChanges(add=requirements, index=index, environment=OWN_ENVIRONMENT),
        files=(OWN_ENVIRONMENT,),
    )


def _pip_first(facts: Facts) -> tuple[str, ...]:
    """Return the commands that bring pip into an environment that was made without it, or that has half of it left."""
    packages = facts.python.packages
    if isinstance(packages, Unknown) or not known(facts.python.runs, False):
        return ()
    pip = [package for package in packages if package.name == "pip"]
    if pip and (pip[0].installer == "conda" or not known(pip[0].files_missing, ())):
        return ()
    # ensurepip takes a pip whose metadata are there for a whole one.
    broken = [path for package in pip for path in (f"{package.location}/pip", package.metadata)]
    return (*((shell.remove(facts, *broken),) if broken else ()), f"{python(facts)} -m ensurepip")
