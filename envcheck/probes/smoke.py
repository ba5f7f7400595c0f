"""The smoke test: each framework is imported in a child, and a tiny Keras model runs on each of its devices."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from msgspec.structs import replace

from envcheck import child
from envcheck.host import Host
from envcheck.model.facts import Backend, EnvironmentVariable, Import, Keras, Parity, Python, SmokeRun
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import cpu, memory, smoke_plan, smoke_reading as reading
from envcheck.probes.frameworks import framework
from envcheck.probes.smoke_parity import Answers, parity

#: Called with backend, device (or nothing) and stage, from several threads.
Progress = Callable[[str, str, str], None]

#: What is added to the user's environment unless the user has set it: no framework shall take all of a GPU's memory, or
#: report on its use. Sources: tensorflow.org, 'Use a GPU'; docs.jax.dev, 'GPU memory allocation'; the libraries of
#: onnxruntime 1.32.0 name the third one.
ADDED = {
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "ORT_DISABLE_TELEMETRY": "1",
}
#: OpenVINO counts its use at Google, unless it runs in a continuous integration (openvino-telemetry 2025.2.0).
ADDED_FOR_OPENVINO = {"CI": "true"}
#: Levels at which TensorFlow and XLA keep back warnings and errors (xla/tsl/platform/default/logging.cc). The children
#: run without: it changes nothing but what they say, and that is evidence.
HIDING_LEVELS = ("2", "3")

_MB = 1024 * 1024
#: Peak of a child on a CPU, measured with Keras 3.15 beside TensorFlow 2.21, PyTorch 2.13, JAX 0.10, OpenVINO 2026.4.
MEMORY_BYTES = {"tensorflow": 900 * _MB, "torch": 700 * _MB, "jax": 450 * _MB, "openvino": 400 * _MB}
OTHER_MEMORY_BYTES = 400 * _MB


@dataclass(frozen=True)
class SmokeOptions:
    """``backends``: None for all; ``devices``: patterns such as ``cpu``, ``gpu``, ``gpu:0``, none for all;
    ``timeout``: seconds for each child; ``pairs``: also import every two frameworks in one process."""

    backends: tuple[str, ...] | None
    devices: tuple[str, ...]
    smoke: bool
    timeout: float
    pairs: bool = False


@dataclass(frozen=True)
class Tested:
    """The backends with their import and devices filled in, one run for each device, and how far apart they are."""

    backends: tuple[Backend, ...]
    runs: tuple[SmokeRun, ...]
    parity: tuple[Parity, ...]


@dataclass(frozen=True)
class _Result:
    backend: Backend
    runs: tuple[SmokeRun, ...] = ()
    answers: Mapping[str, Answers] = field(default_factory=dict)  #: by device


def probe(
    host: Host,
    python: Python,
    backends: tuple[Backend, ...],
    keras: Keras,
    options: SmokeOptions,
    progress: Progress | None = None,
) -> Tested:
    """Import every framework and walk its devices.

    Nothing is imported in this process. On Ctrl-C every child ends, and no further one starts.
    """
    test = _Test(host, python, keras, options, progress)
    # The longest first, so that the short ones fill the gaps.
    order = sorted(range(len(backends)), key=lambda index: -_memory_of(backends[index]))
    at_once = workers(host, [backend for backend in backends if test.why_not(backend) is None])
    pool = ThreadPoolExecutor(at_once, "smoke")
    try:
        futures = {index: pool.submit(test.backend, backends[index]) for index in order}
        results = [futures[index].result() for index in range(len(backends))]
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        child.end_all()
        raise
    pool.shutdown()
    answers = {(found.backend.name, device): said for found in results for device, said in found.answers.items()}
    return Tested(
        backends=tuple(found.backend for found in results),
        runs=tuple(run for found in results for run in found.runs),
        parity=parity(answers),
    )


@dataclass(frozen=True)
class _Test:
    host: Host
    python: Python
    keras: Keras
    options: SmokeOptions
    progress: Progress | None

    def backend(self, backend: Backend) -> _Result:
        reason = self.why_not(backend)
        if reason is not None:
            return _Result(_not_imported(backend, Unknown("skipped", reason)), self._skipped_unseen(backend, reason))
        plan = smoke_plan.plan(backend, self.keras)
        if plan is None:
            return self._import_alone(backend)
        return self._walk(backend, plan)

    def why_not(self, backend: Backend) -> str | None:
        """Say why a framework is not even imported."""
        if not self.options.smoke:
            return "the smoke test was switched off"
        if backend.installed is False:
            return "not installed"
        if isinstance(backend.installed, Unknown):
            return f"it could not be seen whether it is installed: {backend.installed.detail}"
        described = framework(backend.name)
        if described is not None and described.find is not None:
            return "it is no Python package"
        if self.options.backends is not None and backend.name not in self.options.backends:
            return "another backend was asked for"
        if self.python.runs is not True or not isinstance(self.python.executable, str):
            return "the target's Python does not run"
        return None

    def _skipped_unseen(self, backend: Backend, reason: str) -> tuple[SmokeRun, ...]:
        """Return the run of a framework that is there and was wanted, but could not be started."""
        wanted = self.options.smoke and (self.options.backends is None or backend.name in self.options.backends)
        if not wanted or backend.installed is not True or not backend.keras_backend:
            return ()
        return (_skipped(backend, self._first_device(), reason),)

    def _first_device(self) -> str:
        return self.options.devices[0] if self.options.devices else "cpu"

    # --- children -------------------------------------------------------------------------------

    def _child(
        self, backend: Backend, added: Mapping[str, str], worker: str, request: Mapping[str, object]
    ) -> child.ChildResult:
        def announced(stage: str) -> None:
            if self.progress is not None:
                place = reading.place_of(stage)
                self.progress(backend.name, place.device, place.stage)

        return self.host.run_worker(
            str(self.python.executable),
            worker,
            request,
            timeout=self.options.timeout,
            added=added,
            isolated=self.python.isolated_only is True,
            listener=announced,
        )

    def _added(self, plan: smoke_plan.Plan) -> dict[str, str]:
        added = added_to(self.host.environ, plan.backend)
        return {"KERAS_BACKEND": plan.backend, **added} if plan.keras else added

    def _import_alone(self, backend: Backend) -> _Result:
        added = added_to(self.host.environ, backend.name)
        result = self._child(backend, added, "import_framework", {"framework": backend.name})
        return _Result(replace(backend, imported=reading.imported(result), devices=reading.devices(result)))

    def _walk(self, backend: Backend, plan: smoke_plan.Plan) -> _Result:
        """Walk all devices. If a child dies on one of them, another one goes on with the devices left."""
        runs: dict[str, SmokeRun] = {}
        answers: dict[str, Answers] = {}
        first: child.ChildResult | None = None
        while True:
            request = {
                "backend": plan.backend,
                "keras": plan.keras,
                "devices": list(self.options.devices),
                "ended": {device: run.status for device, run in runs.items()},
            }
            result = self._child(backend, self._added(plan), plan.worker, request)
            first = first or result
            selected = tuple(first.last("selected") or ())
            added = self._environment(plan, result)
            answers.update(reading.answers(result))
            for run in reading.runs(result, backend.name, _left(selected, runs) or (self._first_device(),)):
                runs[run.device] = replace(run, environment_added=added, through=plan.through)
            if reading.ended_well(result) or not _left(selected, runs):
                break
        backend = replace(backend, imported=reading.imported(first), devices=reading.devices(first))
        return _Result(backend, (*runs.values(), *_unmatched(backend, first)), answers)

    def _environment(self, plan: smoke_plan.Plan, result: child.ChildResult) -> tuple[EnvironmentVariable, ...]:
        added = {**self._added(plan), **{said["name"]: said["value"] for said in result.all("environment_added")}}
        return tuple(EnvironmentVariable(name=name, value=value) for name, value in sorted(added.items()))


def added_to(environ: Mapping[str, str], *frameworks: str) -> dict[str, str]:
    """Return the variables that a child gets besides the user's own."""
    wanted = {**ADDED, **ADDED_FOR_OPENVINO} if "openvino" in frameworks else ADDED
    added = {name: value for name, value in wanted.items() if name not in environ}
    silenced = environ.get("TF_CPP_MIN_LOG_LEVEL") in HIDING_LEVELS
    return {**added, "TF_CPP_MIN_LOG_LEVEL": "0"} if silenced else added


def _left(selected: tuple[str, ...], runs: Mapping[str, SmokeRun]) -> tuple[str, ...]:
    return tuple(device for device in selected if device not in runs)


def _unmatched(backend: Backend, result: child.ChildResult) -> tuple[SmokeRun, ...]:
    """Return a run for each device that was asked for and that the framework does not list."""
    listed = reading.devices(result)
    names = "" if isinstance(listed, Unknown) else ", ".join(device.name for device in listed)
    reason = f"{backend.name} lists no such device; it lists {names or 'none'}"
    return tuple(_skipped(backend, pattern, reason) for pattern in result.last("unmatched") or ())


def _skipped(backend: Backend, device: str, reason: str) -> SmokeRun:
    unknown = Unknown("skipped", reason)
    return SmokeRun(
        backend=backend.name,
        backend_version=backend.version,
        keras_version=unknown,
        device=device,
        status="skipped",
        failed_stage=None,
        reason=reason,
        stages=(),
        placed_on=unknown,
        libraries=unknown,
        environment_added=(),
        stderr_tail=None,
    )


def _not_imported(backend: Backend, why: Unknown) -> Backend:
    return replace(backend, imported=all_unknown(Import, why), devices=why)


# --- side by side -------------------------------------------------------------------------------


def _memory_of(backend: Backend) -> int:
    return MEMORY_BYTES.get(backend.name, OTHER_MEMORY_BYTES)


def workers(host: Host, backends: Sequence[Backend]) -> int:
    """Return how many children the machine's cores and free memory hold at once; at least one."""
    cores = cpu.probe(host).cores_usable
    available = memory.probe(host).volatile.available_bytes
    workers = len(backends) if isinstance(cores, Unknown) else min(len(backends), int(cores))
    if isinstance(available, int):
        largest = sorted(map(_memory_of, backends), reverse=True)
        while workers > 1 and sum(largest[:workers]) > available:
            workers -= 1
    return max(1, workers)
