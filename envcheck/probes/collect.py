"""All probes together: from a machine and a target to one set of facts."""

import platform as platform_module
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import msgspec

import envcheck
from envcheck import child
from envcheck.host import Host
from envcheck.model.facts import (
    AmdDriver,
    Apple,
    Backend,
    Company,
    Cpu,
    CudaToolchain,
    Driver,
    Facts,
    Hardware,
    IntelDriver,
    Keras,
    KernelLog,
    Memory,
    Notebook,
    NvidiaDriver,
    Parity,
    Platform,
    ProbeFailure,
    Python,
    SmokeRun,
    Tool,
)
from envcheck.model.record import Record, all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import (
    amd,
    apple,
    cpu,
    cuda_toolchain,
    device_nodes,
    filesystems,
    frameworks,
    guilty_variables,
    intel,
    interpreter,
    keras,
    kernel_log,
    libraries,
    memory,
    notebook,
    nvidia,
    pci,
    platform,
    preloads,
    smoke,
    smoke_pairs,
    thread_pools,
)
from envcheck.probes.target import Target, TargetError

P = ParamSpec("P")
R = TypeVar("R", bound=Record)
T = TypeVar("T")


def collect(host: Host, target: Target, options: smoke.SmokeOptions, progress: smoke.Progress | None = None) -> Facts:
    """Look at every floor of the stack.

    A probe that fails leaves ``Unknown`` behind and its error in ``platform.tool.probe_failures``.

    Raises:
        TargetError: if the target turns out to be no Python interpreter.
    """
    guard = _Guard()
    with ThreadPoolExecutor() as pool:
        try:
            platform_facts = pool.submit(guard.record, Platform, platform.probe, host)
            cpu_facts = pool.submit(guard.record, Cpu, cpu.probe, host)
            memory_facts = pool.submit(guard.record, Memory, memory.probe, host)
            pci_facts = pool.submit(guard.values, pci.probe, host)
            apple_facts = pool.submit(guard.record, Apple, apple.probe, host)
            nvidia_facts = pool.submit(guard.record, NvidiaDriver, nvidia.probe, host)
            amd_facts = pool.submit(guard.record, AmdDriver, amd.probe, host)
            intel_facts = pool.submit(guard.record, IntelDriver, intel.probe, host)
            nodes = pool.submit(guard.values, device_nodes.probe, host)
            log = pool.submit(guard.record, KernelLog, kernel_log.probe, host)
            python = guard.record(Python, interpreter.probe, host, target)
            toolchain = pool.submit(guard.record, CudaToolchain, cuda_toolchain.probe, host, python)
            backends = guard.values(frameworks.probe, host, python)
            cuda_libraries = pool.submit(guard.values, libraries.probe, host, python, backends)
            pools = pool.submit(guard.values, thread_pools.probe, host, python)
            keras_facts = guard.record(Keras, keras.probe, host, python, backends)
            notebook_facts = pool.submit(guard.record, Notebook, notebook.probe, host, python)
            tested = _smoke(guard, host, python, backends, keras_facts, options, progress)
            pairs = _pairs(guard, host, python, tested.backends, options, progress)
            facts = Facts(
                platform=_with_target(guard, host, platform_facts.result(), python),
                hardware=Hardware(
                    cpu=cpu_facts.result(),
                    memory=memory_facts.result(),
                    pci=pci_facts.result(),
                    apple=apple_facts.result(),
                ),
                driver=Driver(
                    nvidia=nvidia_facts.result(),
                    amd=amd_facts.result(),
                    intel=intel_facts.result(),
                    device_nodes=nodes.result(),
                    kernel_log=log.result(),
                    cuda_toolchain=toolchain.result(),
                    libraries=cuda_libraries.result(),
                    thread_pools=pools.result(),
                ),
                python=python,
                backends=tested.backends,
                keras=keras_facts,
                notebook=notebook_facts.result(),
                smoke=tested.runs,
                parity=tested.parity,
                pairs=pairs,
            )
        except BaseException:
            # Leaving the pool waits for its threads: what they wait for has to end first.
            child.end_all()
            raise
    return guard.signed(facts)


def _with_target(guard: "_Guard", host: Host, facts: Platform, python: Python) -> Platform:
    """Add the file system of the target environment, which the platform's probe does not know."""
    if not isinstance(python.prefix, str) or isinstance(facts.filesystems, Unknown):
        return facts
    target = guard.values(filesystems.look, host, "target", python.prefix)
    if isinstance(target, Unknown):
        return facts
    return msgspec.structs.replace(facts, filesystems=(target, *facts.filesystems))


def _smoke(
    guard: "_Guard",
    host: Host,
    python: Python,
    backends: tuple[Backend, ...] | Unknown,
    keras_facts: Keras,
    options: smoke.SmokeOptions,
    progress: smoke.Progress | None,
) -> "_Tested":
    if isinstance(backends, Unknown):
        why = Unknown("skipped", "the installed frameworks could not be listed")
        return _Tested(backends, why, why)
    if not options.smoke:
        why = Unknown("skipped", "not asked for (--no-smoke)")
        return _Tested(backends, why, why)
    result = guard.values(smoke.probe, host, python, backends, keras_facts, options, progress)
    if isinstance(result, Unknown):
        return _Tested(backends, result, result)
    tried = result.backends
    for experiment in (preloads.try_without, guilty_variables.probe):
        told = guard.values(experiment, host, python, tried)
        tried = tried if isinstance(told, Unknown) else told
    return _Tested(tried, result.runs, result.parity)


def _pairs(
    guard: "_Guard",
    host: Host,
    python: Python,
    backends: tuple[Backend, ...] | Unknown,
    options: smoke.SmokeOptions,
    progress: smoke.Progress | None,
) -> tuple[Company, ...] | Unknown:
    if isinstance(backends, Unknown):
        return Unknown("skipped", "the installed frameworks could not be listed")
    return guard.values(smoke_pairs.probe, host, python, backends, options, progress)


@dataclass(frozen=True)
class _Tested:
    """What the smoke test gave, or why it gave nothing."""

    backends: tuple[Backend, ...] | Unknown
    runs: tuple[SmokeRun, ...] | Unknown
    parity: tuple[Parity, ...] | Unknown


class _Guard:
    """Runs probes so that one that fails does not take the others with it."""

    def __init__(self) -> None:
        self.failures: list[ProbeFailure] = []

    def record(self, kind: type[R], probe: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        result = self.values(probe, *args, **kwargs)
        return all_unknown(kind, result) if isinstance(result, Unknown) else result

    def values(self, probe: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Unknown:
        try:
            return probe(*args, **kwargs)
        except TargetError:
            raise
        except Exception as error:
            name = probe.__module__.rpartition(".")[2]
            where = traceback.extract_tb(error.__traceback__)[-1]
            detail = f"{type(error).__name__}: {error} (line {where.lineno} of {where.name})"
            self.failures.append(ProbeFailure(name=name, error=detail))
            return Unknown("failed", f"the probe '{name}' of envcheck failed: {detail}")

    def signed(self, facts: Facts) -> Facts:
        """Return the facts with what envcheck knows of itself: who looked, and which probes failed."""
        tool = Tool(
            version=envcheck.__version__,
            executable=sys.executable,
            python_version=platform_module.python_version(),
            probe_failures=tuple(sorted(self.failures, key=lambda failure: failure.name)),
        )
        facts = msgspec.structs.replace(facts, platform=msgspec.structs.replace(facts.platform, tool=tool))
        return msgspec.convert(_encodable(msgspec.to_builtins(facts)), Facts)


def _encodable(value: Any) -> Any:
    """Return plain data whose texts can be encoded: file names may hold bytes that are no text (PEP 383)."""
    if isinstance(value, dict):
        return {key: _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode()
    return value
