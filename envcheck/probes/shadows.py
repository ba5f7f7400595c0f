"""Files and folders that an import meets before what it is meant for.

Python looks into the folder of the script (for ``python -c``, ``-m`` and notebooks: the working directory) and then
into PYTHONPATH before its standard library, and into the user site before the site-packages of the environment.
Source: docs.python.org, 'The initialization of the sys.path module search path'. Files that Python runs at its start
(.pth files, sitecustomize.py; docs.python.org, 'site') may put any folder before all these.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from envcheck.host import Host
from envcheck.model.facts import Python, Shadow
from envcheck.model.unknown import known

INSTALLED = (
    "tensorflow", "keras", "tf_keras", "jax", "jaxlib", "torch", "torchvision", "openvino", "numpy", "scipy", "h5py",
    "google", "theano", "cntk", "mxnet", "paddle", "onnxruntime", "caffe", "absl", "six", "yaml", "packaging",
)  # fmt: skip
STANDARD = (
    "argparse", "array", "ast", "asyncio", "base64", "bisect", "calendar", "code", "collections", "concurrent",
    "contextlib", "copy", "csv", "ctypes", "dataclasses", "datetime", "decimal", "email", "enum", "functools", "glob",
    "gzip", "hashlib", "heapq", "http", "inspect", "json", "keyword", "linecache", "locale", "logging", "math",
    "multiprocessing", "numbers", "operator", "pathlib", "pickle", "platform", "profile", "queue", "random", "re",
    "secrets", "select", "selectors", "shutil", "signal", "socket", "ssl", "statistics", "string", "struct",
    "subprocess", "symbol", "tempfile", "textwrap", "threading", "timeit", "token", "tokenize", "trace", "traceback",
    "types", "typing", "unittest", "urllib", "uuid", "warnings", "weakref", "xml", "zipfile",
)  # fmt: skip
"""Not among them: what every start of Python has imported before it looks into these folders (abc, io, os, site,
stat, seen in Python 3.6 to 3.13), and ``test``, which projects call their tests and nothing imports."""
PACKAGES_BY_PARTS = frozenset(("google",))  #: several distributions share it, so that it needs no __init__.py
MODULE_SUFFIXES = (".py", ".pyc", ".so", ".pyd")
STANDARD_LIBRARY = "standard library"
STARTUP_FILES = ("sitecustomize.py", "usercustomize.py")
STARTUP_BYTES = 64 * 1024


@dataclass(frozen=True)
class _Place:
    folder: str
    name: str  #: as in ``Shadow.found_in``
    late: bool = False  #: it comes after the standard library
    set_by: str | None = None  #: as in ``Shadow.set_by``


def find(host: Host, python: Python, builtin: frozenset[str]) -> tuple[Shadow, ...]:
    """Return what hides an installed package or a module of the standard library.

    ``builtin`` names the modules that are part of the interpreter: nothing hides those.
    """
    installed = _installed_folders(host, python)
    found: list[Shadow] = []
    for place in _places(host, python, installed):
        hidden = _after(installed, place.folder) if place.name in ("startup-file", "user-site") else installed
        names = INSTALLED if place.late else INSTALLED + STANDARD
        for module, path in _modules(host, place.folder, names):
            if module in STANDARD:
                hides = None if module in builtin else STANDARD_LIBRARY
            else:
                hides = _first(host, hidden, module)
            if hides is not None and not _same(hides, path):
                found.append(Shadow(module=module, path=path, found_in=place.name, hides=hides, set_by=place.set_by))
    return tuple(found)


def _first(host: Host, folders: Sequence[str], module: str) -> str | None:
    parts = module in PACKAGES_BY_PARTS
    return next((path for folder in folders for _, path in _modules(host, folder, (module,), parts)), None)


def _places(host: Host, python: Python, installed: Sequence[str]) -> Iterator[_Place]:
    own = {os.path.realpath(folder) for folder in (*installed, known(python.stdlib, None)) if folder}
    candidates = []
    if not _safe_path(host, python):
        candidates.append(_Place(host.cwd, "working-directory"))
    candidates += [_Place(folder, "PYTHONPATH") for folder in python_path(host)]
    seen: set[str] = set()
    for place in candidates:
        real = os.path.realpath(place.folder)
        if real not in own and real not in seen:
            seen.add(real)
            yield place
    yield from _of_startup_files(host, python)
    user_site = known(python.user_site, None)
    if user_site and known(python.user_site_enabled, False):
        yield _Place(user_site, "user-site", late=True)


def _of_startup_files(host: Host, python: Python) -> Iterator[_Place]:
    """Yield the folders before site-packages that neither Python itself nor the user's variables put there."""
    path, site, stdlib = known(python.path, ()), known(python.site_packages, ()), known(python.stdlib, None)
    first = next((place for place, entry in enumerate(path) if entry in site), 0)
    foreign = {
        os.path.realpath(folder) for folder in (*python_path(host), host.cwd, known(python.user_site, None) or "")
    }
    late = False
    for entry in dict.fromkeys(path[:first]):
        if stdlib and (entry.startswith(stdlib) or entry.endswith(".zip")):
            late = True
        elif stdlib and os.path.realpath(entry) not in foreign and host.unrooted().is_dir(entry):
            yield _Place(entry, "startup-file", late, _named_in(host, entry, (*path[:first], *site)))


def _named_in(host: Host, folder: str, places: Sequence[str]) -> str | None:
    """Return the file, run at every start of Python, that names a folder."""
    for place in places:
        entries = host.unrooted().list_dir(place)
        for name in entries if isinstance(entries, tuple) else ():
            if name.endswith(".pth") or name in STARTUP_FILES:
                text = host.unrooted().read_text(os.path.join(place, name), STARTUP_BYTES)
                if isinstance(text, str) and folder in text:
                    return os.path.join(place, name)
    return None


def python_path(host: Host) -> tuple[str, ...]:
    """Return the folders of PYTHONPATH; an empty entry means the working directory."""
    entries = host.environ.get("PYTHONPATH", "")
    return tuple(os.path.join(host.cwd, entry) for entry in entries.split(os.pathsep)) if entries else ()


def _installed_folders(host: Host, python: Python) -> list[str]:
    """Return the folders that packages are installed in, in the order of the path."""
    foreign = {os.path.realpath(folder) for folder in (*python_path(host), host.cwd)}
    site = known(python.site_packages, ())
    path = known(python.path, site)
    folders = [entry for entry in path if entry in site or os.path.realpath(entry) not in foreign]
    return [folder for folder in folders if host.unrooted().is_dir(folder)]


def _after(folders: Sequence[str], folder: str) -> list[str]:
    real = [os.path.realpath(entry) for entry in folders]
    try:
        place = real.index(os.path.realpath(folder))
    except ValueError:
        return []
    return [entry for entry, its_own in zip(folders[place:], real[place:], strict=True) if its_own != real[place]]


def _modules(host: Host, folder: str, names: Sequence[str], parts: bool = False) -> Iterator[tuple[str, str]]:
    """Yield those of ``names`` that an import would find in ``folder``, with what it would find.

    ``parts`` says that a part of a namespace package counts too.
    """
    entries = host.unrooted().list_dir(folder)
    present: dict[str, list[str]] = {}
    for entry in entries if isinstance(entries, tuple) else ():
        present.setdefault(entry.split(".")[0], []).append(entry)
    for name in names:
        for entry in present.get(name, ()):
            path = os.path.join(folder, entry)
            if _is_package(host, path, parts) if entry == name else _is_module(host, path, name):
                yield name, path
                break


def _is_package(host: Host, path: str, parts: bool) -> bool:
    # A folder without __init__.py is only a part of a namespace package: any real package on the path wins over it.
    entries = host.unrooted().list_dir(path)
    if not isinstance(entries, tuple):
        return False
    return any(entry.startswith("__init__.") for entry in entries) or (parts and bool(entries))


def _is_module(host: Host, path: str, name: str) -> bool:
    tail = os.path.basename(path)[len(name) :]
    # NAME.py, NAME.so, NAME.abi3.so or NAME.cpython-311-x86_64-linux-gnu.so; not NAME.test.py.
    return (tail in MODULE_SUFFIXES or (tail.count(".") == 2 and tail.endswith((".so", ".pyd")))) and (
        host.unrooted().is_file(path)
    )


def _safe_path(host: Host, python: Python) -> bool:
    """Say whether PYTHONSAFEPATH (Python 3.11 and later) keeps the working directory off the path."""
    version = known(python.version, None) or ""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    return bool(host.environ.get("PYTHONSAFEPATH")) and numbers >= (3, 11)


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
