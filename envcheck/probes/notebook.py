"""Jupyter kernels of this user, and whether they start the target."""

import os

from envcheck.host import Host
from envcheck.model.facts import Kernel, Notebook, Python
from envcheck.model.unknown import Unknown, known
from envcheck.probes import kernelspecs
from envcheck.probes.kernelspecs import Kernelspec


def probe(host: Host, python: Python) -> Notebook:
    """Look for kernelspecs, and for ipykernel among the packages of the target."""
    specs = kernelspecs.find(host, known(python.prefix, None))
    return Notebook(
        kernels=tuple(_kernel(host, spec, python) for spec in specs),
        ipykernel_version=_ipykernel_version(python),
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
    return Kernel(
        name=spec.name,
        display_name=spec.display_name if broken is None else broken,
        path=spec.path,
        argv=spec.argv if broken is None else broken,
        interpreter=program,
        interpreter_exists=host.unrooted().is_file(program) if isinstance(program, str) else program,
        language=spec.language if broken is None else broken,
        starts_target=_starts_target(program, python) if isinstance(program, str) else program,
    )


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
