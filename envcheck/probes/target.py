"""Which Python is checked."""

import os
import sys
from dataclasses import dataclass

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import home, kernelspecs, prefix


class TargetError(Exception):
    """The target is neither a Python interpreter nor an environment; the message is one sentence for people."""


@dataclass(frozen=True)
class Target:
    """The interpreter to check.

    ``executable`` is not resolved: the link through which it is started decides which environment Python takes. It
    may lead nowhere, and is None where the environment ``prefix`` has none. ``prefix`` is None where the interpreter
    alone can tell it.
    """

    name: str
    chosen_by: str
    executable: str | None
    prefix: str | None


def find(host: Host, python: str | None, kernel: str | None) -> Target:
    """Return the target: what was asked for, else the activated environment, else envcheck's own interpreter.

    Raises:
        TargetError: if what was asked for is neither an interpreter nor an environment, or there is no such kernel.
    """
    if python is not None and kernel is not None:
        raise TargetError("Either --python or --kernel chooses the target, not both.")
    if python is not None:
        return _asked(host, python)
    if kernel is not None:
        return _of_kernel(host, kernel)
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        folder = host.environ.get(variable)
        # A shell can outlive its environment, and a conda environment need not hold a Python.
        if folder and prefix.holds_python(host, folder):
            return Target(folder, variable, prefix.interpreter(host, folder), folder)
    if not sys.executable:
        raise TargetError("This process does not tell its own interpreter: please name one with --python.")
    return Target(sys.executable, "the interpreter that runs envcheck", sys.executable, sys.prefix)


def _asked(host: Host, python: str) -> Target:
    asked = home.expand(host, python)
    path = _absolute(host, asked)
    files = host.unrooted()
    if os.path.basename(asked) == asked and not files.is_dir(path):
        path = host.which(asked) or path
    if files.is_dir(path):
        return _asked_folder(host, python, path)
    root = _root_of(host, path)
    state = files.stat(path)
    # In an environment, the name of an interpreter that is gone is still the name of that environment.
    named = root is not None and os.path.basename(path).startswith(("python", "pypy"))
    if files.is_file(path) or isinstance(files.link(path), str) or named:
        return Target(python, "--python", path, root)
    if isinstance(state, Unknown):
        raise TargetError(f"{python} could not be looked at: {state.detail}.")
    what = "does not exist" if state is None else "is neither a file nor a folder"
    raise TargetError(f"{python} {what}: --python takes a Python interpreter or the root of an environment.")


def _asked_folder(host: Host, asked: str, folder: str) -> Target:
    parent, name = os.path.split(folder)
    for root in (folder, parent) if name in ("bin", "Scripts") else (folder,):
        if prefix.is_environment(host, root) or prefix.holds_python(host, root):
            return Target(asked, "--python", prefix.interpreter(host, root), root)
    contents = host.unrooted().list_dir(folder)
    if isinstance(contents, Unknown):
        raise TargetError(f"The folder {asked} could not be read ({contents.detail}), so nothing was found in it.")
    raise TargetError(
        f"{asked} is a folder, but no environment: it holds no pyvenv.cfg, no conda-meta and no Python interpreter."
    )


def _of_kernel(host: Host, name: str) -> Target:
    specs = kernelspecs.find(host)
    spec = next((spec for spec in specs if spec.name == name.lower()), None)
    if spec is None:
        names = ", ".join(spec.name for spec in specs) or "none"
        raise TargetError(f"There is no Jupyter kernel called {name}. Known kernels: {names}.")
    if spec.error is not None:
        raise TargetError(f"The kernelspec {name} in {spec.path} is of no use: {spec.error}.")
    if spec.language not in (None, "python"):
        raise TargetError(f"The Jupyter kernel {name} runs {spec.language}, not Python.")
    program = kernelspecs.program(host, spec)
    if isinstance(program, Unknown):
        raise TargetError(f"The kernelspec {name} in {spec.path} does not tell its interpreter: {program.detail}.")
    return Target(name, "--kernel", program, _root_of(host, program))


def _absolute(host: Host, path: str) -> str:
    path = os.path.join(host.cwd, path)
    # '..' after a link means the parent of what the link leads to: only the system can tell.
    return path if ".." in path.split(os.sep) else os.path.normpath(path)


def _root_of(host: Host, executable: str) -> str | None:
    """Return the root of the environment or installation that an interpreter lies in, if its files show one."""
    folder = os.path.dirname(executable)
    for root in (folder, os.path.dirname(folder)):
        if prefix.is_environment(host, root):
            return root
    parent = os.path.dirname(folder)
    return parent if os.path.basename(folder) == "bin" and prefix.library_folders(host, parent) else None
