"""Stand-ins for frameworks: real modules on a PYTHONPATH that stand before, or in place of, the real ones.

Each folder holds one fault. ``common`` is for all of them.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from envcheck.host import Host
from envcheck.model.facts import Backend, BuiltFor, Import, Keras, Python, SmokeRun
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import smoke

FOLDER = Path(__file__).parent
LONG = 240.0  #: seconds; a child that needs them all is a fault of the test
KERAS_BACKENDS = ("tensorflow", "jax", "torch", "openvino")

_NOT_LOOKED = Unknown("skipped", "this test does not look at it")


def environ(*standins: str, **variables: str) -> dict[str, str]:
    """Return this environment with stand-ins on the PYTHONPATH, and without what would change the smoke test."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KERAS_", "XLA_", "TF_", "JAX_"))}
    path = [str(FOLDER / name) for name in (*standins, "common")] if standins else []
    return {**kept, "PYTHONPATH": os.pathsep.join(path), **variables}


def host(variables: dict[str, str]) -> Host:
    return Host(environ=variables, cwd="/")


def target(executable: str) -> Python:
    """Return the facts of an interpreter that runs."""
    return replace(all_unknown(Python, _NOT_LOOKED), executable=executable, runs=True, isolated_only=False)


def keras() -> Keras:
    """Return the facts of a Keras 3 with all its backends."""
    return replace(
        all_unknown(Keras, _NOT_LOOKED),
        installed=True,
        version="3.15.1",
        backends_available=(*KERAS_BACKENDS, "numpy"),
    )


def backend(name: str) -> Backend:
    """Return the facts of a framework that is installed and was not imported yet."""
    return Backend(
        name=name,
        keras_backend=name in KERAS_BACKENDS,
        installed=True,
        version="9.0",
        metadata_version=_NOT_LOOKED,
        distributions=_NOT_LOOKED,
        how=_NOT_LOOKED,
        location=_NOT_LOOKED,
        built_for=all_unknown(BuiltFor, _NOT_LOOKED),
        devices=_NOT_LOOKED,
        imported=all_unknown(Import, _NOT_LOOKED),
    )


def options(*devices: str, backends: tuple[str, ...] | None = None, timeout: float = LONG) -> smoke.SmokeOptions:
    return smoke.SmokeOptions(backends=backends, devices=devices, smoke=True, timeout=timeout)


def run(
    python: str, names: Iterable[str], variables: dict[str, str], *devices: str, timeout: float = LONG
) -> tuple[dict[str, Backend], list[SmokeRun]]:
    """Run the smoke test of some frameworks; return them by name, and the runs."""
    tested = probe(python, names, variables, *devices, timeout=timeout)
    return {found.name: found for found in tested.backends}, list(tested.runs)


def probe(
    python: str,
    names: Iterable[str],
    variables: dict[str, str],
    *devices: str,
    timeout: float = LONG,
    with_keras: Keras | None = None,
) -> smoke.Tested:
    """Run the smoke test of some frameworks; ``with_keras`` is the one that is installed, if not Keras 3."""
    return smoke.probe(
        host(variables),
        target(python),
        tuple(backend(name) for name in names),
        with_keras or keras(),
        options(*devices, timeout=timeout),
    )


def stages(found: SmokeRun) -> dict[str, str]:
    """Return the status of each stage."""
    assert not isinstance(found.stages, Unknown)
    return {stage.name: stage.status for stage in found.stages}
