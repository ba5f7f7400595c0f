"""Which variable of the user keeps a framework from being imported: found by importing it without.

Frameworks read their own variables at import and stop at a value that they do not know; Python turns warnings into
errors, and the loader takes other libraries, because a variable says so. What makes the difference is tried.
"""

from dataclasses import replace

import msgspec

from envcheck.host import Host
from envcheck.model.facts import Backend, Python
from envcheck.probes import smoke_reading
from envcheck.probes.preloads import ENDED_BADLY
from envcheck.redact.variables import is_harmless

TRIES = 16  #: variables that are tried alone, at most
PATH = "PYTHONPATH"
NEEDED = (PATH, "PATH", "VIRTUAL_ENV", "UV_PYTHON", "TMPDIR", "TEMP", "TMP", "LD_PRELOAD", "PYTHONHOME")
"""Not left out with the others: programs are found by them, or another fact tells of them."""
OF_OTHERS = ("CONDA_", "SLURM_", "PIP_")
"""Nothing that is imported heeds these."""


def probe(host: Host, python: Python, backends: tuple[Backend, ...]) -> tuple[Backend, ...]:
    """Tell for each framework whose import ended badly without which one variable it ends well."""
    return tuple(msgspec.structs.replace(backend, import_mended_without=_guilty(host, python, backend))
                 for backend in backends)  # fmt: skip


def _guilty(host: Host, python: Python, backend: Backend) -> str | None:
    if backend.imported.status not in ENDED_BADLY or not isinstance(python.executable, str):
        return None
    candidates = _candidates(host, str(backend.imported.error))
    if candidates and _works(host, python, backend, candidates):
        return next((name for name in candidates[:TRIES] if _works(host, python, backend, (name,))), None)
    # Alone, for it may be the way to the framework itself.
    path_is_guilty = host.environ.get(PATH) and _works(host, python, backend, (PATH,))
    return PATH if path_is_guilty else None


def _candidates(host: Host, error: str) -> tuple[str, ...]:
    """Return the variables that may be guilty, those first whose name the error has."""
    names = [name for name in host.environ if is_harmless(name) and name not in NEEDED]
    names = [name for name in names if host.environ[name] and not name.startswith(OF_OTHERS)]
    return tuple(sorted(names, key=lambda name: (name.lower() not in error.lower(), name)))


def _works(host: Host, python: Python, backend: Backend, left_out: tuple[str, ...]) -> bool:
    environ = {name: value for name, value in host.environ.items() if name not in left_out}
    result = replace(host, environ=environ).run_worker(
        str(python.executable), "import_framework", {"framework": backend.name}, isolated=python.isolated_only is True
    )
    return smoke_reading.imported(result).status == "ok"
