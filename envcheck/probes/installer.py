"""What an environment is managed with."""

import os
from collections import Counter

from envcheck.host import Host
from envcheck.model.facts import Package
from envcheck.model.unknown import Unknown
from envcheck.probes import prefix

CONDA_PROGRAMS = ("conda", "mamba", "micromamba")
"""The same commands, in the order of how many users have them."""
CONDA_VARIABLES = ("CONDA_EXE", "MAMBA_EXE")
"""Where a shell keeps the path of the program, for which it has a function of the same name
(docs.conda.io, 'conda init'; mamba.readthedocs.io, 'micromamba shell init'; 2026-11-23)."""
SEEDS = frozenset(("pip", "setuptools", "wheel"))  #: put there by whoever made the environment


def manager(host: Host, root: str | None, packages: tuple[Package, ...] | Unknown) -> str | None | Unknown:
    """Return the tool that most packages of the environment ``root`` were installed with; None: nothing tells."""
    if root is not None and prefix.is_conda(host, root):
        # pixi marks its environments with this file: pixi.prefix.dev/latest/workspace/environment
        return "pixi" if host.unrooted().is_file(os.path.join(root, "conda-meta", "pixi")) else "conda"
    if isinstance(packages, Unknown):
        return packages
    inside = [package for package in packages if root is None or package.location.startswith(root + os.sep)]
    named = Counter(
        package.installer for package in inside if isinstance(package.installer, str) and package.name not in SEEDS
    )
    if named:
        return named.most_common(1)[0][0]
    settings = prefix.venv(host, root) if root else None
    if settings is not None and settings.made_by_uv:
        return "uv"
    return "pip" if any(package.name == "pip" for package in inside) else None


def conda_program(host: Host) -> str | None:
    """Return what runs conda's commands: the name of a program on PATH, or else the path that the shell knows."""
    for name in CONDA_PROGRAMS:
        if host.which(name):
            return name
    paths = (host.environ.get(name) for name in CONDA_VARIABLES)
    return next((path for path in paths if path and host.unrooted().is_file(path)), None)
