"""What a file of ``framework_files`` is made of: the description of one framework, and ways to read its files."""

import ast
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from envcheck.host import Host
from envcheck.model.facts import Component, OptionalText, Package, Texts
from envcheck.model.unknown import Unknown
from envcheck.probes import elf

TEXT_BYTES = 256 * 1024
WHOLE_LIBRARY_BYTES = 64 * 1024 * 1024

NOT_TOLD = Unknown("unsupported", "its files do not tell")


@dataclass(frozen=True)
class Build:
    """What the files of an installed framework tell."""

    version: str | None = None
    how: str | None = None  #: the file that told the version
    cuda: OptionalText = NOT_TOLD
    cudnn: OptionalText = NOT_TOLD
    rocm: OptionalText = NOT_TOLD
    compute_capabilities: Texts = NOT_TOLD
    numpy_abi: Texts = NOT_TOLD
    instruction_sets: Texts = NOT_TOLD
    components: tuple[Component, ...] = ()
    plugins: Texts = ()
    library: str | None = None  #: the shared library that holds most of it


@dataclass(frozen=True)
class Files:
    """The files of one framework: ``folder`` is its own, ``path`` the folders that imports are served from."""

    host: Host
    folder: str
    path: Sequence[str]
    distributions: tuple[Package, ...]  #: those that provide it
    packages: tuple[Package, ...]  #: all that are installed

    def text(self, name: str) -> str | None:
        """Return the beginning of a text file, or None if it can't be had."""
        text = self.host.read_text(os.path.join(self.folder, name), TEXT_BYTES)
        return text if isinstance(text, str) else None

    def values(self, name: str) -> Mapping[str, Any]:
        """Return the constants that a Python file assigns on its top level."""
        return constants(self.text(name) or "")

    def names(self, name: str) -> tuple[str, ...]:
        names = self.host.list_dir(os.path.join(self.folder, name))
        return names if isinstance(names, tuple) else ()

    def first(self, *names: str) -> str | None:
        """Return the first of several files that is there."""
        paths = (os.path.join(self.folder, name) for name in names)
        return next((path for path in paths if self.host.is_file(path)), None)

    def beside(self, module: str) -> "Files | None":
        """Return the files of another module of the target, or None if it is not there."""
        location = locate(self.host, self.path, module)
        return None if location is None else Files(self.host, location, self.path, (), self.packages)

    def component(self, module: str, *version_files: str) -> Component | None:
        """Return a part that is installed for itself and assigns ``__version__``, or None if it is not there."""
        other = self.beside(module)
        if other is None:
            return None
        for name in version_files:
            version = other.values(name).get("__version__")
            if isinstance(version, str):
                return Component(name=module, version=version, how=os.path.join(other.folder, name))
        return Component(name=module, version=NOT_TOLD, how=None)


@dataclass(frozen=True)
class Framework:
    """One framework. ``distributions`` are known to provide it; ``guests`` only put files into its folder."""

    name: str
    module: str
    position: int  #: in the list of backends
    read: Callable[[Files], Build]
    distributions: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    keras_backend: bool = False
    always_listed: bool = False
    native: bool = False  #: ``workers/_smoke/native_NAME.py`` tries it without Keras
    find: Callable[[Host], str | None] | None = None  #: for a framework of another language: the folder of its code


def locate(host: Host, path: Sequence[str], module: str) -> str | None:
    """Return the folder that ``import module`` would take on ``path``, or None."""
    for folder in path:
        names = host.list_dir(os.path.join(folder, module))
        if isinstance(names, tuple) and any(name.startswith("__init__.") for name in names):
            return os.path.join(folder, module)
    return None


def constants(source: str) -> Mapping[str, Any]:
    """Return the literal values that Python source assigns to names on its top level. Nothing is executed."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _constants_of_old_source(source)
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target: ast.expr = node.targets[0]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target = node.target
        else:
            continue
        if isinstance(target, ast.Name) and node.value is not None:
            value = _literal(node.value)
            if value is not _NO_LITERAL:
                found[target.id] = value
    return found


_NO_LITERAL = object()


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        # collections.OrderedDict([...]), as TensorFlow 2.5 and later write it
        pairs = _literal(node.args[0])
        try:
            return dict(pairs) if pairs is not _NO_LITERAL else pairs
        except (TypeError, ValueError):
            return _NO_LITERAL
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _NO_LITERAL


def _constants_of_old_source(source: str) -> Mapping[str, Any]:
    """Return the plain texts of source that this Python can't parse, such as that of Python 2."""
    found = re.findall(r"^(\w+) *= *(['\"])([^'\"\n]*)\2 *$", source, re.MULTILINE)
    return {name: value for name, _, value in found}


def text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def numpy_abi(host: Host, library: str | None) -> Texts:
    """Return the NumPy majors that an extension module accepts, by what it imports.

    NumPy's headers compile in the name of the module that holds its C interface: since 2.0 the new name with the old
    one to fall back on, before that the old one alone (numpy/core/include/numpy/__multiarray_api.h). pybind11 looks up
    either name since 2.12, the first that runs with NumPy 2 (pybind/pybind11#4857 and #5050).
    """
    data = read_only_data(host, library) if library is not None else None
    if data is None:
        return NOT_TOLD
    if b"numpy._core" in data:
        return ("1", "2")
    return ("1",) if b"numpy.core." in data else NOT_TOLD


def read_only_data(host: Host, library: str) -> bytes | None:
    """Return the part of a shared library that holds its texts: of an ELF file ``.rodata``, else all of it."""
    section = elf.section(host, library, ".rodata")
    if section is not None:
        return section
    state = host.stat(library)
    if not isinstance(state, os.stat_result) or state.st_size > WHOLE_LIBRARY_BYTES:
        return None
    data = host.read_bytes(library, WHOLE_LIBRARY_BYTES)
    return data if isinstance(data, bytes) else None


def compute_capability(architecture: str) -> str:
    """Return ``8.0`` for ``sm_80`` and ``9.0a`` for ``sm_90a``; ``compute_90`` (PTX) stays as it is."""
    match = re.fullmatch(r"sm_(\d+)(\d)([a-z]?)", architecture)
    return f"{match[1]}.{match[2]}{match[3]}" if match else architecture


def release(version: str | None) -> tuple[int, ...]:
    """Return the numbers of a version, empty if it is none."""
    try:
        return Version(version).release if version else ()
    except InvalidVersion:
        return ()


def wheel_processor(distributions: Sequence[Package], makers: Sequence[str]) -> str | None:
    """Return ``x86_64`` or another processor if a wheel of one of the distributions ``makers`` is installed.

    None for builds of others (conda, Debian, one's own): their compiler's options are not known.
    """
    for package in distributions:
        if package.name in makers and package.installer != "conda" and isinstance(package.wheel_tags, tuple):
            for tag in package.wheel_tags:
                match = re.search(r"-(?:manylinux\w*?|macosx_\d+_\d+|win)_(x86_64|amd64|aarch64|arm64)", tag)
                if match:
                    return "x86_64" if match[1] in ("x86_64", "amd64") else match[1]
    return None
