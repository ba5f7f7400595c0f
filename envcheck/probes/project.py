"""The project that an environment belongs to, where uv, Poetry, PDM or pixi made both."""

import base64
import hashlib
import os
import re
from collections.abc import Iterator

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envcheck.host import Host
from envcheck.model.facts import Project
from envcheck.model.facts.kinds import OptionalText, Texts
from envcheck.model.unknown import Unknown

LOCKS = {"uv": "uv.lock", "poetry": "poetry.lock", "pdm": "pdm.lock"}
LOCK_BYTES = 16 * 1024 * 1024
NOT_FOUND = Unknown("unsupported", "the folder of the project was not found")
_LOCKED = re.compile(r'^\[\[package\]\]\s*\nname = "([^"\n]+)"\nversion = "([^"\n]+)"', re.MULTILINE)
"""How lock files begin a package: seen in those that uv 0.13, Poetry 2.5 and PDM 2.29 write (2026-11-23)."""
_NONE = Project(tool=None, folder=None, asked_for=(), locked=(), other_environment_active=False)


def find(host: Host, prefix: str | None, installer: OptionalText) -> Project:
    """Return the project of the environment ``prefix``, whose packages were installed by ``installer``.

    uv's environments belong to a project only if its lock file lies beside them. Poetry and PDM keep environments
    elsewhere too; of those the project is found from the working directory, or from one below it.
    """
    if prefix is None or not isinstance(installer, str):
        return _NONE
    if installer == "pixi":  # pixi.prefix.dev/latest/workspace/environment: FOLDER/.pixi/envs/NAME
        place = os.path.dirname(os.path.dirname(os.path.dirname(prefix)))
        return _seen(host, "pixi", place if prefix.startswith(f"{place}{os.sep}.pixi{os.sep}envs") else None, prefix)
    if installer not in LOCKS:
        return _NONE
    # PDM lets uv install where its setting 'use_uv' says so (pdm-project.org/latest/usage/uv, 2026-11-23).
    for tool in ("uv", "pdm") if installer == "uv" else (installer,):
        folder = next((place for place in _places(host, prefix, tool) if _is_project(host, place, tool)), None)
        if folder is not None and (tool == installer or _python_of_pdm(host, folder).startswith(prefix + os.sep)):
            return _seen(host, tool, folder, prefix)
    return _NONE if installer == "uv" else _seen(host, installer, None, prefix)


def _places(host: Host, prefix: str, tool: str) -> Iterator[str]:
    """Return the folders whose environment this one is."""
    if os.path.basename(prefix) == ".venv":
        yield os.path.dirname(prefix)
    folder = os.path.realpath(host.cwd)
    while True:
        if tool == "poetry" and _poetry_mark(folder) in os.path.basename(prefix):
            yield folder
        if tool == "pdm" and _python_of_pdm(host, folder).startswith(prefix + os.sep):
            yield folder
        if folder == os.path.dirname(folder):
            return
        folder = os.path.dirname(folder)


def _is_project(host: Host, folder: str, tool: str) -> bool:
    return host.unrooted().is_file(os.path.join(folder, LOCKS[tool]))


def _poetry_mark(folder: str) -> str:
    """Return what stands in the name of an environment that Poetry made for a project in this folder.

    After poetry/utils/env/env_manager.py, generate_env_name (Poetry 2.5.1, 2026-11-23).
    """
    digest = hashlib.sha256(os.path.normcase(folder).encode(errors="surrogateescape")).digest()
    return f"-{base64.urlsafe_b64encode(digest).decode()[:8]}-py"


def _python_of_pdm(host: Host, folder: str) -> str:
    """Return the interpreter that PDM noted for a project (pdm-project.org/latest/usage/venv, 2026-11-23)."""
    text = host.unrooted().read_text(os.path.join(folder, ".pdm-python"))
    return text.strip() if isinstance(text, str) else ""


def _seen(host: Host, tool: str, folder: str | None, prefix: str) -> Project:
    return Project(
        tool=tool,
        folder=folder,
        asked_for=_asked_for(host, os.path.join(folder, "pyproject.toml")) if folder and tool != "pixi" else NOT_FOUND,
        locked=_locked(host, os.path.join(folder, LOCKS[tool])) if folder and tool != "pixi" else NOT_FOUND,
        other_environment_active=_other_is_active(host, prefix),
    )


def _other_is_active(host: Host, prefix: str) -> bool:
    """Say whether Poetry would take another environment for that of the project.

    After poetry/utils/env/env_manager.py, get (Poetry 2.5.1, 2026-11-23).
    """
    active = host.environ.get("VIRTUAL_ENV", host.environ.get("CONDA_PREFIX"))
    if not active or host.environ.get("CONDA_DEFAULT_ENV") == "base":
        return False
    return os.path.realpath(active) != os.path.realpath(prefix)


# --- what the files of a project say --------------------------------------------------------------


class _PoetryTable(msgspec.Struct):
    dependencies: dict[str, object] = {}


class _Tools(msgspec.Struct):
    poetry: _PoetryTable = msgspec.field(default_factory=_PoetryTable)


class _ProjectTable(msgspec.Struct):
    dependencies: list[str] = []


class _ProjectFile(msgspec.Struct):
    """``pyproject.toml`` (packaging.python.org/specifications/pyproject-toml, python-poetry.org/docs/pyproject)."""

    project: _ProjectTable = msgspec.field(default_factory=_ProjectTable)
    tool: _Tools = msgspec.field(default_factory=_Tools)


def _asked_for(host: Host, path: str) -> Texts:
    data = host.unrooted().read_bytes(path)
    if not isinstance(data, bytes):
        return data or NOT_FOUND
    try:
        content = msgspec.toml.decode(data, type=_ProjectFile)
        names = [Requirement(text).name for text in content.project.dependencies]
    except (msgspec.DecodeError, InvalidRequirement, ValueError) as error:
        return Unknown("failed", f"pyproject.toml: {error}")
    names += [name for name in content.tool.poetry.dependencies if name != "python"]
    return tuple(sorted({str(canonicalize_name(name)) for name in names}))


def _locked(host: Host, path: str) -> Texts:
    text = host.unrooted().read_text(path, LOCK_BYTES)
    if not isinstance(text, str):
        return text or NOT_FOUND
    found = _LOCKED.findall(text.replace("\r\n", "\n"))
    return tuple(sorted({f"{canonicalize_name(name)}=={version}" for name, version in found}))
