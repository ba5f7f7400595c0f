"""Whether a Jupyter kernel of the target can start, and whether the one that we are in holds outdated packages."""

import sys
from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from envcheck.host import Host
from envcheck.model.facts import Kernel, Package, Python, StaleModule
from envcheck.model.unknown import Unknown, known

WATCHED = ("numpy", "scipy", "h5py", "ml_dtypes", "keras", "tensorflow", "jax", "jaxlib", "torch")
"""Modules that carry the version of their distribution, which has the same name."""
KERNEL = "ipykernel"


def ipykernel_error(
    host: Host, python: Python, kernels: Iterable[Kernel], version: str | None | Unknown
) -> str | None | Unknown:
    """Say why ipykernel cannot be imported in the target; None: it can."""
    if not isinstance(version, str) or not any(kernel.starts_target is True for kernel in kernels):
        return Unknown("skipped", "no Jupyter kernel starts the target with ipykernel")
    if not isinstance(python.executable, str) or known(python.runs, False) is not True:
        return Unknown("skipped", "the target does not run")
    isolated = known(python.isolated_only, False) is True
    result = host.run_worker(python.executable, "import_kernel", {}, isolated=isolated)
    if result.ending == "done":
        return None
    if result.ending == "raised" and result.error is not None:
        return f"{result.error['type'].removeprefix('builtins.')}: {result.error['message']}"
    if result.ending == "signal":
        return f"the process died of {result.signal_name}"
    return Unknown("timed-out" if result.ending == "timed-out" else "failed", "its import gave no answer")


def stale_modules(packages: tuple[Package, ...] | Unknown, is_target: bool) -> tuple[StaleModule, ...] | Unknown:
    """Return packages of the target that this very process holds in another version than the disk.

    There are none unless this process is a Jupyter kernel (``is_target``: of the target) that called
    ``envcheck.check``.
    """
    if KERNEL not in sys.modules or not is_target:
        return ()
    if isinstance(packages, Unknown):
        return packages
    installed = {package.name: package.version for package in packages}
    found = []
    for name in WATCHED:
        loaded = vars(sys.modules[name]).get("__version__") if name in sys.modules else None
        there = installed.get(name.replace("_", "-"))
        if isinstance(loaded, str) and isinstance(there, str) and _differ(loaded, there):
            found.append(StaleModule(name=name, loaded=loaded, installed=there))
    return tuple(found)


def _differ(loaded: str, installed: str) -> bool:
    try:
        return Version(loaded).public != Version(installed).public  # PyTorch's wheels differ in the local part
    except InvalidVersion:
        return False
