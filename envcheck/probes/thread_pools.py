"""CPU mathematics and OpenMP in a process of the target, where the target has threadpoolctl to ask.

What a framework had loaded at the end of its smoke test stands there; this is the plain process with NumPy.
"""

from typing import Any

from envcheck.child import ChildResult
from envcheck.host import Host
from envcheck.model.facts import Python, ThreadPool
from envcheck.model.unknown import Unknown, known

SECONDS = 20.0


def probe(host: Host, python: Python) -> tuple[ThreadPool, ...] | Unknown:
    """Start the target with its own NumPy and its own threadpoolctl; nothing is installed for it."""
    names = {package.name for package in known(python.packages, ())}
    if "threadpoolctl" not in names:
        return Unknown("unsupported", "the target has no threadpoolctl")
    executable = known(python.executable, None)
    if executable is None or python.runs is not True:
        return Unknown("failed", "the target does not start")
    modules = ["numpy"] if "numpy" in names else []
    timeout = min(SECONDS, host.timeout)
    result = host.run_worker(executable, "thread_pools", {"modules": modules}, timeout=timeout)
    return tuple(map(_pool, result.all("pool"))) if result.ending == "done" else _why(result)


def _why(result: ChildResult) -> Unknown:
    stage = result.stage or "start"
    if result.ending == "timed-out":
        return Unknown("timed-out", f"no answer within {result.seconds:.0f} s (at: {stage})")
    if result.ending == "signal":
        return Unknown("crashed", f"the process died of {result.signal_name} (at: {stage})")
    return Unknown("failed", f"{(result.error or {}).get('message', result.ending)} (at: {stage})")


def _pool(told: dict[str, Any]) -> ThreadPool:
    """Return what threadpool_info tells of one library (README of threadpoolctl, 'Introspection')."""
    absent = Unknown("failed", "threadpoolctl does not tell")
    return ThreadPool(
        api=told.get("user_api") or absent,
        library=told.get("internal_api") or absent,
        path=told.get("filepath") or absent,
        version=told.get("version"),
        threads=told.get("num_threads") or absent,
        architecture=told.get("architecture"),
        threading_layer=told.get("threading_layer"),
    )
