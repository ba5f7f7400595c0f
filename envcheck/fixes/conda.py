"""Packages that conda manages: which ones, what conda calls them, and the commands that change them.

mamba and micromamba take the commands of conda that stand here, and pixi takes the same specifications
(docs.conda.io/projects/conda/en/stable/commands, mamba.readthedocs.io/en/latest/user_guide/mamba.html,
pixi.sh/latest/reference/cli; 2026-11-23).
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envcheck.fixes import projects, shell
from envcheck.fixes.solver.environment import parsed
from envcheck.knowledge.releases import releases
from envcheck.model.facts import CondaPackage, Facts
from envcheck.model.unknown import known

MANAGERS = ("conda", "pixi")
NAMES = {"torch": "pytorch", "flatbuffers": "python-flatbuffers"}
"""Distributions whose packages in conda's channels have other names, beyond hyphens
(conda-forge/pytorch-cpu-feedstock and conda-forge/tensorflow-feedstock, recipe/meta.yaml, 2026-11-23)."""
FORGE = "conda-forge"
CHANNELS = (FORGE, "pkgs/main")


def program(facts: Facts) -> str:
    """Return what takes conda's commands here, as the beginning of a command."""
    return shell.program(facts, known(facts.python.conda_program, None) or "conda")


def prefix(facts: Facts) -> str:
    """Return the root of the environment as an argument of a command."""
    folder = known(facts.python.prefix, None)
    return shell.path(facts, folder) if folder else '"$CONDA_PREFIX"'


def manages(facts: Facts, requirement: str) -> bool:
    """Say whether conda has to change what a requirement names: it installed it, or all that goes with it.

    What pip installed stays with pip, and so does what nothing of conda's needs or is needed by.
    """
    if known(facts.python.installer, None) not in MANAGERS:
        return False
    name = _name_of(requirement)
    installers = {package.name: known(package.installer, None) for package in known(facts.python.packages, ())}
    if name in installers:
        return installers[name] == "conda"
    beside = {installers[other] for other in _neighbours(facts, name) if other in installers}
    return beside == {"conda"}


def _neighbours(facts: Facts, name: str) -> set[str]:
    """Return the distributions that need ``name``, and those that its newest release needs."""
    needed_by = {
        package.name
        for package in known(facts.python.packages, ())
        if any(_name_of(text) == name for text in known(package.requires, ()))
    }
    newest = releases(name)[:1]
    return needed_by | {_name_of(text) for release in newest for text in release.requires}


def _name_of(requirement: str) -> str:
    """Return the normalised name in a requirement; empty if it is none, as in metadata of old packages."""
    found = parsed(requirement)
    return str(canonicalize_name(found.name)) if found else ""


def channels(facts: Facts, requirements: Iterable[str]) -> dict[str, str | None]:
    """Return the channel of each distribution that conda manages, the wished ones among them; None is unknown."""
    names = {package.name for package in known(facts.python.packages, ())} | {*map(_name_of, requirements)}
    return {name: channel(facts, name) for name in sorted(names) if manages(facts, name)}


def channel(facts: Facts, name: str) -> str | None:
    """Return the channel that a package came from, or would come from; None if it is none that envcheck knows."""
    record = _record(facts, name)
    if record is not None:
        return _channel_of(record)
    found = Counter(_channel_of(each) for each in known(facts.python.conda_packages, ()))
    return found.most_common(1)[0][0] if found else None


def _channel_of(record: CondaPackage) -> str | None:
    """Return the name of the channel, which conda writes as a name or as an address with the platform."""
    said = f"/{known(record.channel, None) or ''}/"
    return next((name for name in CHANNELS if f"/{name}/" in said), None)


def _record(facts: Facts, name: str) -> CondaPackage | None:
    """Return what conda-meta says of the package of a distribution."""
    wanted = {name, NAMES.get(name, name)}
    records = known(facts.python.conda_packages, ())
    return next((record for record in records if str(canonicalize_name(record.name)) in wanted), None)


def conda_name(facts: Facts, name: str) -> str:
    """Return conda's name of a distribution."""
    record = _record(facts, name)
    return record.name if record else NAMES.get(name, name)


def spec(facts: Facts, requirement: str) -> str:
    """Return a requirement (PEP 508) in conda's words: its extras do not exist there."""
    found = Requirement(requirement)
    name = str(canonicalize_name(found.name))
    record = _record(facts, name)
    there = next((each for each in known(facts.python.packages, ()) if each.name == name), None)
    pinned = {f"=={known(there.version, None)}"} if there else set()
    if record and str(found.specifier) in pinned:  # conda-forge's PyTorch 2.5.1 calls itself 2.5.1.post303 in Python
        return f"{record.name}=={known(record.version, None)}"
    # What stands behind a '+' names a build of the package index.
    bounds = sorted((str(each).partition("+")[0] for each in found.specifier), key=lambda text: text[0] != ">")
    return f"{conda_name(facts, name)}{','.join(bounds)}"


def install(facts: Facts, requirements: Sequence[str], *, reinstall: bool = False) -> str:
    """Return the command that installs requirements (PEP 508); ``reinstall`` writes their files again and no others."""
    if reinstall and _is_pixi(facts):
        return again(facts, *(conda_name(facts, _name_of(text)) for text in requirements))
    from_forge = {channel(facts, _name_of(text)) for text in requirements} == {FORGE}
    source = ("-c", FORGE) if from_forge else ()  # the user's own settings may name other channels only
    options = (*(("--force-reinstall", "--no-deps") if reinstall else ()), *source)
    return bring(facts, *(spec(facts, text) for text in requirements), options=options)


def bring(facts: Facts, *specs: str, options: Sequence[str] = ()) -> str:
    """Return the command that installs packages by conda's specifications; ``options`` are those of conda."""
    if _is_pixi(facts):
        return f"pixi add{projects.place(facts, 'pixi')} {shell.words(*specs)}"
    return f"{program(facts)} install -y -p {prefix(facts)} {shell.words(*options, *specs)}"


def with_cuda(facts: Facts, package: str, cuda: str | None) -> tuple[str, ...]:
    """Return the commands that bring the variant of a package for NVIDIA GPUs, ``cuda`` being what the driver supports.

    conda takes it only if it sees a driver, which is the virtual package ``__cuda``; here it is told of one.
    """
    command = bring(facts, f"{package}=*=cuda*", options=("-c", FORGE))
    if cuda is None:
        return (command,)
    if _is_pixi(facts):
        told = f"pixi workspace{projects.place(facts, 'pixi')} system-requirements add cuda {shell.words(cuda)}"
        return told, command
    return (shell.with_variable(facts, "CONDA_OVERRIDE_CUDA", cuda, command),)


def again(facts: Facts, *names: str) -> str:
    """Return the command that writes the files of conda's packages again."""
    if _is_pixi(facts):
        return f"pixi reinstall{projects.place(facts, 'pixi')} {shell.words(*names)}"
    return bring(facts, *names, options=("--force-reinstall",))


def remove(facts: Facts, names: Sequence[str]) -> str:
    """Return the command that removes distributions and leaves what needs them."""
    listed = shell.words(*(conda_name(facts, name) for name in names))
    if _is_pixi(facts):
        return f"pixi remove{projects.place(facts, 'pixi')} {listed}"
    return f"{program(facts)} remove -y --force -p {prefix(facts)} {listed}"


def pixi_environment(facts: Facts, commands: Iterable[str]) -> tuple[str, ...]:
    """Return the command that brings an environment of pixi to what commands made of its project.

    They do so themselves with the environment 'default' alone (pixi.sh/latest/reference/cli/pixi/install, 2026-11-23).
    """
    folder = (known(facts.python.prefix, None) or "").replace("\\", "/")
    name = folder.rpartition("/.pixi/envs/")[2] if "/.pixi/envs/" in folder else "default"
    if not _is_pixi(facts) or name == "default" or not any(command.startswith("pixi ") for command in commands):
        return ()
    return (f"pixi install{projects.place(facts, 'pixi')} --environment {shell.words(name)}",)


def keeps_variables(facts: Facts) -> bool:
    """Say whether the program keeps variables of an environment ('env config vars').

    Of those that take conda's commands it is conda alone (micromamba/src/env.cpp of mamba-org/mamba, 2026-11-23).
    """
    name = (known(facts.python.conda_program, None) or "conda").replace("\\", "/").rpartition("/")[2]
    of_conda = known(facts.python.environment, None) == "conda" and not _is_pixi(facts)
    return of_conda and name.removesuffix(".exe") == "conda"


def changes_packages(facts: Facts, commands: Iterable[str]) -> bool:
    """Say whether one of the commands of a fix changes packages of conda."""
    return any(f"{program(facts)} {verb} -y " in command for command in commands for verb in ("install", "remove"))


def _is_pixi(facts: Facts) -> bool:
    return known(facts.python.installer, None) == "pixi"
