"""The Jupyter kernelspecs that this user's Jupyter finds, in its own order.

Source: ``jupyter_path()`` of jupyter_core 5.9; ``KernelSpecManager`` and ``KernelProvisionerBase.pre_launch()`` of
jupyter_client 8.
"""

import json
import os
import re
import sys
from dataclasses import dataclass
from string import Template

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import home, prefix

SYSTEM_FOLDERS = ("/usr/local/share/jupyter", "/usr/share/jupyter")
JUPYTERS_OWN = re.compile(r"python(\d(\.\d+)?)?")  #: in the place of the program: Jupyter takes its own interpreter


@dataclass(frozen=True)
class Kernelspec:
    """One kernelspec. ``environment`` is the root of the environment whose share/jupyter holds it."""

    name: str
    path: str
    environment: str | None
    display_name: str | None = None
    language: str | None = None
    argv: tuple[str, ...] = ()
    environment_added: tuple[tuple[str, str], ...] = ()  #: its block 'env', as it stands in the file
    error: str | None = None  #: why its kernel.json is of no use; then the three before are empty


@dataclass(frozen=True)
class _Place:
    folder: str
    environment: str | None = None
    system: bool = False


def find(host: Host, target_prefix: str | None = None) -> tuple[Kernelspec, ...]:
    """Return the kernelspecs by name; of several with one name, the one that Jupyter takes."""
    found: dict[str, Kernelspec] = {}
    for place in _places(host, target_prefix):
        files = host if place.system else host.unrooted()
        folder = os.path.join(place.folder, "kernels")
        names = files.list_dir(folder)
        for name in names if isinstance(names, tuple) else ():
            path = os.path.join(folder, name)
            if name.lower() not in found and files.is_file(os.path.join(path, "kernel.json")):
                found[name.lower()] = _read(files, name.lower(), path, place.environment)
    return tuple(found[name] for name in sorted(found))


def program(host: Host, spec: Kernelspec) -> str | Unknown:
    """Return the program that a kernelspec starts; for Python kernels the interpreter."""
    argv = [_filled(argument, spec) for argument in spec.argv]
    if argv and os.path.basename(argv[0]) == "env":
        argv = argv[1:]
        while argv and "=" in argv[0]:
            argv = argv[1:]
    if not argv:
        return Unknown("failed", spec.error or "it names no program")
    first, rest = argv[0], argv[1:]
    if spec.language == "python" and "-m" not in rest[: _options(rest) + 1]:
        return Unknown("unsupported", f"it is started through {os.path.basename(first)}")
    if JUPYTERS_OWN.fullmatch(first):
        own = prefix.interpreter(host, spec.environment) if spec.environment else None
        return own or Unknown("unsupported", f"it says {first}, which Jupyter replaces by its own interpreter")
    if os.path.dirname(first):
        return first
    return host.which(first) or first


def added_variables(host: Host, spec: Kernelspec) -> dict[str, str]:
    """Return the variables that a kernelspec adds, with ``${NAME}`` filled in from the user's."""
    return {name: Template(value).safe_substitute(host.environ) for name, value in spec.environment_added}


def _places(host: Host, target_prefix: str | None) -> list[_Place]:
    own = host.environ.get("JUPYTER_PATH", "")
    places = [_Place(path) for path in own.split(os.pathsep) if path]
    active = [host.environ.get(variable) for variable in ("VIRTUAL_ENV", "CONDA_PREFIX")]
    prefixes = [path for path in (target_prefix, *active, sys.prefix) if path]
    environments = [_Place(os.path.join(path, "share", "jupyter"), path) for path in prefixes]
    user = [_Place(path) for path in (_user_folder(host),) if path]
    system = [_Place(path, system=True) for path in _system_folders(host)]
    system_folders = [place.folder for place in system]
    environments = [place for place in environments if place.folder not in system_folders]
    environment_first = any(prefix.is_environment(host, path) for path in prefixes[:1])
    if not _flag(host.environ.get("JUPYTER_PREFER_ENV_PATH"), environment_first):
        return places + user + environments + system
    return places + environments + user + system


def _system_folders(host: Host) -> tuple[str, ...]:
    if sys.platform == "win32":
        shared = host.environ.get("PROGRAMDATA")
        return (os.path.join(shared, "jupyter"),) if shared else ()
    return SYSTEM_FOLDERS


def _user_folder(host: Host) -> str | None:
    own = host.environ.get("JUPYTER_DATA_DIR")
    if own:
        return own
    if sys.platform == "win32":
        roaming = host.environ.get("APPDATA")
        return os.path.join(roaming, "jupyter") if roaming else None
    folder = home.folder(host)
    if sys.platform == "darwin":
        return os.path.join(folder, "Library", "Jupyter") if folder else None
    data = host.environ.get("XDG_DATA_HOME") or (os.path.join(folder, ".local", "share") if folder else None)
    return os.path.join(data, "jupyter") if data else None


def _read(files: Host, name: str, path: str, environment: str | None) -> Kernelspec:
    text = files.read_text(os.path.join(path, "kernel.json"))
    if not isinstance(text, str):
        detail = text.detail if isinstance(text, Unknown) else "it is gone"
        return Kernelspec(name, path, environment, error=f"kernel.json could not be read: {detail}")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Kernelspec(name, path, environment, error=f"kernel.json is no JSON: {error}")
    argv = content.get("argv") if isinstance(content, dict) else None
    if not isinstance(argv, list) or not argv or not all(isinstance(argument, str) for argument in argv):
        return Kernelspec(name, path, environment, error="kernel.json has no 'argv' with a list of words")
    return Kernelspec(
        name,
        path,
        environment,
        display_name=_text(content.get("display_name")),
        language=(_text(content.get("language")) or "").lower() or None,
        argv=tuple(argv),
        environment_added=_variables(content.get("env")),
    )


def _variables(block: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(block, dict):
        return ()
    return tuple((name, value) for name, value in block.items() if isinstance(value, str))


def _filled(argument: str, spec: Kernelspec) -> str:
    argument = argument.replace("{resource_dir}", spec.path)
    return argument.replace("{prefix}", spec.environment) if spec.environment else argument


def _options(arguments: list[str]) -> int:
    """Return how many options stand before ``-m`` or the first word that is no option."""
    for index, argument in enumerate(arguments):
        if argument == "-m" or not argument.startswith("-"):
            return index
    return len(arguments)


def _flag(value: str | None, otherwise: bool) -> bool:
    # As jupyter_core's envset(): whatever is not one of these words means yes.
    return otherwise if value is None else value.lower() not in ("no", "n", "false", "off", "0", "0.0")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
