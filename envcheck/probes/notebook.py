"""Jupyter kernels of this user, whether they start the target, and which backend Keras takes in each."""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from envcheck.host import Host
from envcheck.model.facts import Kernel, KernelKeras, Notebook, Python
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown, known
from envcheck.probes import environment, interpreter_start, keras, kernel_health, kernelspecs
from envcheck.probes.kernelspecs import Kernelspec

AT_ONCE = 4  #: interpreters that are started side by side; each reads a standard library from a disk
START_SECONDS = 10.0


def probe(host: Host, python: Python) -> Notebook:
    """Look for kernelspecs, and for ipykernel among the packages of the target."""
    specs = kernelspecs.find(host, known(python.prefix, None))
    with ThreadPoolExecutor(AT_ONCE, "kernels") as pool:
        kernels = tuple(pool.map(lambda spec: _kernel(host, spec, python), specs))
    version = _ipykernel_version(python)
    return Notebook(
        kernels=kernels,
        ipykernel_version=version,
        ipykernel_error=kernel_health.ipykernel_error(host, python, kernels, version),
        stale_modules=kernel_health.stale_modules(python.packages, _starts_target(sys.executable, python) is True),
    )


def kernel_names(host: Host) -> tuple[str, ...]:
    """Return the names of the kernels whose interpreter can be checked: what ``--kernel`` takes."""
    return tuple(
        spec.name
        for spec in kernelspecs.find(host)
        if spec.language in (None, "python") and isinstance(kernelspecs.program(host, spec), str)
    )


def _kernel(host: Host, spec: Kernelspec, python: Python) -> Kernel:
    program = kernelspecs.program(host, spec)
    broken = None if spec.error is None else Unknown("failed", spec.error)
    starts_target = _starts_target(program, python) if isinstance(program, str) else program
    added = kernelspecs.added_variables(host, spec)
    return Kernel(
        name=spec.name,
        display_name=spec.display_name if broken is None else broken,
        path=spec.path,
        argv=spec.argv if broken is None else broken,
        interpreter=program,
        interpreter_exists=host.unrooted().is_file(program) if isinstance(program, str) else program,
        language=spec.language if broken is None else broken,
        starts_target=starts_target,
        environment=environment.relevant(added) if broken is None else broken,
        keras=_keras(_inside(host, added), spec, program, python.path if starts_target is True else None, added),
    )


def _inside(host: Host, added: dict[str, str]) -> Host:
    """Return the machine as a kernel sees it: with the user's variables and those that its kernelspec adds."""
    return replace(host, environ={**host.environ, **added})


def _keras(
    host: Host,
    spec: Kernelspec,
    program: str | Unknown,
    path: Sequence[str] | Unknown | None,
    added: dict[str, str],
) -> KernelKeras:
    """Look at Keras in a kernel; ``path`` is the target's where the kernel starts that, else None."""
    if isinstance(program, Unknown):
        return all_unknown(KernelKeras, program)
    if spec.language != "python":
        return all_unknown(KernelKeras, Unknown("unsupported", f"it runs {spec.language or 'no known language'}"))
    if path is None or any(name.startswith("PYTHON") or name == "HOME" for name in added):
        path = _path(host, program)
    return all_unknown(KernelKeras, path) if isinstance(path, Unknown) else keras.in_kernel(host, path)


def _path(host: Host, program: str) -> tuple[str, ...] | Unknown:
    """Ask a kernel's interpreter where it looks for packages."""
    if not os.path.basename(program).startswith(("python", "pypy")):
        return Unknown("skipped", f"{os.path.basename(program)} is not started: its name is not that of a Python")
    begun = interpreter_start.start(replace(host, timeout=min(host.timeout, START_SECONDS)), program, None)
    if begun.facts is None or begun.isolated_only:
        return Unknown("failed", f"its Python does not start: {begun.failure}")
    return tuple(begun.facts["path"])


def _starts_target(program: str, python: Python) -> bool | Unknown:
    """Say whether a program is the target: several names in one folder can be the same interpreter.

    That they lead to the same file is not enough: every virtual environment's interpreter leads to that of its base.
    """
    executable = python.executable
    if executable is None:
        return False
    if isinstance(executable, Unknown):
        return executable
    same_folder = os.path.realpath(os.path.dirname(program)) == os.path.realpath(os.path.dirname(executable))
    return same_folder and os.path.realpath(program) == os.path.realpath(executable)


def _ipykernel_version(python: Python) -> str | None | Unknown:
    if isinstance(python.packages, Unknown):
        return python.packages
    return next((package.version for package in python.packages if package.name == "ipykernel"), None)
