"""Commands that change the packages of the target, in the words of what manages it.

pip, uv, conda, Poetry, PDM and pixi are told apart by ``python.installer``. A Python that belongs to the operating
system (PEP 668) is left alone: an environment of its own is made instead.
"""

import re
from collections.abc import Mapping, Sequence

from packaging.requirements import Requirement

from envcheck.fixes import conda, shell, system
from envcheck.model.facts import Facts, Package
from envcheck.model.report import Fix, PackageChanges
from envcheck.model.unknown import known
from envcheck.words import sentence, template

PIP = "https://pip.pypa.io/en/stable/cli/pip_install/"
PEP_668 = "https://peps.python.org/pep-0668/"
TORCH_PACKAGES = ("torch", "torchvision", "torchaudio")
TORCH_INDEX = "https://download.pytorch.org/whl/{build}"
"""Where PyTorch's builds for one kind of device come from: 'cpu', 'cu126', ... (pytorch.org/get-started/locally)."""
OWN_ENVIRONMENT = "~/envs/envcheck"
"""A name that nobody gives to an environment of theirs: a script that is run again installs into what is there."""
PROJECT_OPTIONS = {
    "poetry": ("", "--directory"),
    "pdm": ("", "--project"),
    "pixi": (" --pypi", "--manifest-path"),
}
"""Tools that keep a project file: what they need to take a package from the package index, and how to name the project
(python-poetry.org/docs/cli, pdm-project.org/latest/reference/cli, pixi.sh/latest/reference/cli; 2026-11-22)."""
PROJECT_FILES = {
    "poetry": ("pyproject.toml", "poetry.lock"),
    "pdm": ("pyproject.toml", "pdm.lock"),
    "pixi": ("pixi.toml", "pyproject.toml", "pixi.lock"),
}
IN_OWN_ENVIRONMENT = template(
    "Make an environment of your own with {packages}, because the operating system manages the packages of this Python"
)

IN_IMAGE = template(
    "Make an environment of its own with {packages}, because the operating system manages the packages of this Python; "
    "in the image with RUN, for what is installed in a running container is lost with it"
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
    commands = (*uninstall(facts, *remove), *install(facts, *add, reinstall=reinstall, index=index))
    return Fix(
        title=sentence(title, fields),
        commands=tuple(dict.fromkeys(commands)),
        needs_root=False,
        restart="kernel",
        risk="environment",
        source=source,
        verify=verify or f"envcheck report --python {interpreter(facts)}",
        files=_project_files(facts),
        changes=PackageChanges(remove=remove, add=add, reinstall=reinstall, index=index),
    )


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
    of_conda = tuple(text for text in requirements if index is None and conda.manages(facts, text))
    if of_conda:
        others = tuple(text for text in requirements if text not in of_conda)
        return (_from_conda(facts, of_conda, reinstall), *install(facts, *others, reinstall=reinstall))
    manager = known(facts.python.installer, None)
    if manager in PROJECT_OPTIONS and index is None and not reinstall:
        return (f"{manager} add{_project(facts, manager)} {shell.words(*requirements)}",)
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
    manager = known(facts.python.installer, None)
    of_conda = tuple(name for name in names if conda.manages(facts, name))
    if of_conda:
        others = tuple(name for name in names if name not in of_conda)
        listed = shell.words(*(conda.conda_name(facts, name) for name in of_conda))
        pixi = f"pixi remove{_project_option(facts, 'pixi')} {listed}"
        return (pixi if manager == "pixi" else conda.remove(facts, of_conda), *uninstall(facts, *others))
    if manager in PROJECT_OPTIONS:
        return (f"{manager} remove{_project(facts, manager)} {shell.words(*names)}",)
    if manager == "uv":
        return (f"uv pip uninstall -p {interpreter(facts)} {shell.words(*names)}",)
    return (*_pip_first(facts), f"{python(facts)} -m pip uninstall -y {shell.words(*names)}")


def shows(facts: Facts, module: str) -> str:
    """Return a command that imports a module of the target and prints its version."""
    return f"{python(facts)} -c {shell.words(f'import {module}; print({module}.__version__)')}"


def consistency(facts: Facts) -> str:
    """Return a command that says whether the packages of the target have what they require."""
    if known(facts.python.installer, None) == "uv":
        return f"uv pip check -p {interpreter(facts)}"
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
    """Return the command that brings pip into an environment that was made without it."""
    packages = known(facts.python.packages, ())
    if not packages or any(package.name == "pip" for package in packages):
        return ()
    return (f"{python(facts)} -m ensurepip",)


def _from_conda(facts: Facts, requirements: tuple[str, ...], reinstall: bool) -> str:
    """Return the command that installs packages that conda manages, in the words of conda or of pixi."""
    if known(facts.python.installer, None) != "pixi":
        return conda.install(facts, requirements, reinstall=reinstall)
    place = _project_option(facts, "pixi")
    if reinstall:
        names = (conda.conda_name(facts, Requirement(text).name) for text in requirements)
        return f"pixi reinstall{place} {shell.words(*names)}"
    return f"pixi add{place} {shell.words(*(conda.spec(facts, text) for text in requirements))}"


def _project(facts: Facts, manager: str) -> str:
    """Return the options that name the project's folder, where the environment lies inside it."""
    return PROJECT_OPTIONS[manager][0] + _project_option(facts, manager)


def _project_option(facts: Facts, manager: str) -> str:
    folder = _project_folder(facts)
    return f" {PROJECT_OPTIONS[manager][1]} {shell.path(facts, folder)}" if folder else ""


def _project_folder(facts: Facts) -> str | None:
    prefix = known(facts.python.prefix, None)
    folder = re.fullmatch(r"(.+)/\.(?:venv|pixi/envs/[^/]+)", prefix) if prefix else None
    return folder[1] if folder else None


def _project_files(facts: Facts) -> tuple[str, ...]:
    """Return the files in which the project's tool keeps what it installs."""
    folder = _project_folder(facts)
    names = PROJECT_FILES.get(known(facts.python.installer, None) or "", ())
    return tuple(f"{folder}/{name}" for name in names) if folder else ()
