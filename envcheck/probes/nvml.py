"""NVIDIA's GPUs as NVML tells them. The library is asked in a child, because drivers hang and crash."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from envcheck.child import ChildResult
from envcheck.host import Host
from envcheck.model.facts import GpuProcess, MigDevice, NvidiaGpu, NvidiaGpuVolatile, Nvml
from envcheck.model.unknown import Reason, Unknown
from envcheck.probes import files

SECONDS = 15.0  #: for one child; a healthy machine with eight GPUs answers within one
CHILDREN = 3  #: a GPU whose call kills the child is left out, and a new child asks the others

NOT_SUPPORTED = 3
REASONS: Mapping[int, Reason] = {3: "unsupported", 4: "denied", 10: "timed-out", 13: "unsupported", 25: "unsupported"}
"""NVML's return codes (nvmlReturn_t in nvml.h) that are more than a failure."""
COMPUTE_MODES = {0: "default", 1: "exclusive-thread", 2: "prohibited", 3: "exclusive-process"}
ARCHITECTURES = {
    2: "kepler",
    3: "maxwell",
    4: "pascal",
    5: "volta",
    6: "turing",
    7: "ampere",
    8: "ada",
    9: "hopper",
    10: "blackwell",
    13: "rubin",
}
VIRTUALIZATION = {0: None, 1: "pass-through", 2: "vgpu", 3: "vgpu-host", 4: "vsga-host"}
FABRIC_STATES = {0: None, 1: "not-started", 2: "in-progress", 3: "completed"}
RECOVERY_ACTIONS = {
    0: None,
    1: "reset",
    2: "reboot",
    3: "drain-peer-to-peer",
    4: "drain-and-reset",
    5: "recover-imex-domain",
    6: "bus-reset",
    7: "reboot",
}
SLOWDOWN_REASONS = {
    0x1: "idle",
    0x2: "user-clocks",
    0x4: "power-cap",
    0x8: "hardware-slowdown",
    0x10: "sync-boost",
    0x20: "software-thermal",
    0x40: "hardware-thermal",
    0x80: "power-brake",
    0x100: "display-clocks",
}
"""Enumerations of nvml.h, as nvidia-ml-py 13 has them."""

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What NVML said: about itself, about the driver, and about each GPU."""

    nvml: Nvml
    driver_version: str | None | Unknown
    cuda_version: str | None | Unknown
    gpus: tuple[NvidiaGpu, ...] | Unknown


def ask(host: Host) -> Answer:
    """Ask NVML in a child of envcheck's own interpreter. Every ending of the child has its own answer."""
    specification = importlib.util.find_spec("pynvml")
    if specification is None or specification.origin is None:
        return _nothing(Unknown("failed", "nvidia-ml-py is not installed beside envcheck"), None)
    values: dict[int | None, dict[str, list[Any]]] = {}
    culprits: dict[int, Unknown] = {}
    first: ChildResult | None = None
    for _ in range(CHILDREN):
        result = host.run_worker(
            sys.executable,
            "nvml",
            {"pynvml": specification.origin, "skip": sorted(culprits)},
            timeout=min(SECONDS, host.timeout),
            isolated=True,  # the user's PYTHONPATH is not for envcheck's own interpreter
        )
        first = first or result
        for index, key, answer in result.all("value"):
            values.setdefault(index, {}).setdefault(key, []).append(answer)
        culprit = _gpu_of(result.stage)
        if result.ending == "done" or culprit is None:
            break
        culprits[culprit] = _why(result)
    assert first is not None
    return _answer(host, first, values, culprits)


def _gpu_of(stage: str | None) -> int | None:
    """Return the GPU that a stage such as ``gpu 3: temperature`` is about."""
    word, _, rest = (stage or "").partition(" ")
    number = rest.partition(":")[0]
    return int(number) if word == "gpu" and number.isdecimal() else None


def _why(result: ChildResult) -> Unknown:
    """Say how a child ended that did not finish."""
    if result.stage is None:
        how = result.signal_name or (result.error or {}).get("message") or result.ending
        return Unknown("failed", f"the process that should ask NVML did not get that far: {how}")
    stage = result.stage
    if result.ending == "timed-out":
        return Unknown("timed-out", f"NVML gave no answer within {result.seconds:.0f} s (at: {stage})")
    if result.ending == "signal":
        return Unknown("crashed", f"NVML ended the process with {result.signal_name} (at: {stage})")
    words = (result.error or {}).get("message", f"exit status {result.exit_status}")
    return Unknown("failed", f"the process that asked NVML ended early: {words} (at: {stage})")


def _answer(
    host: Host, result: ChildResult, values: Mapping[int | None, dict[str, list[Any]]], culprits: Mapping[int, Unknown]
) -> Answer:
    library = result.last("library")
    load_error, init_error = result.last("load_error"), result.last("init_error")
    if load_error is not None:
        missing = load_error.startswith(("libnvidia-ml.so.1: cannot open", "Error loading shared library libnvidia-ml"))
        missing = (missing and "No such file" in load_error) or "no such file" in load_error
        status = "library-missing" if missing else "library-unusable"
        nvml = Nvml(status=status, error=load_error, library=None, error_code=None, version=None)
        return Answer(nvml, None, None, Unknown("failed", load_error))
    if init_error is not None:
        return _failed_call(init_error, library)
    system = values.get(None, {})
    if result.ending != "done" and not culprits:
        return _nothing(_why(result), library)
    count = _value(system, "count", Unknown("failed", "NVML did not count the GPUs"))
    cuda = _value(system, "cuda", Unknown("failed", "NVML did not tell"))
    return Answer(
        nvml=Nvml(
            status="ok",
            error=None,
            library=library,
            error_code=None,
            version=_value(system, "nvml", Unknown("failed", "NVML did not tell")),
        ),
        driver_version=_value(system, "driver", Unknown("failed", "NVML did not tell")),
        cuda_version=cuda_version(cuda) if isinstance(cuda, int) else cuda,
        gpus=count
        if isinstance(count, Unknown)
        else tuple(_gpu(host, index, values.get(index, {}), culprits.get(index)) for index in range(count)),
    )


def _failed_call(error: Mapping[str, Any], library: str | None) -> Answer:
    words = f"{error['name']}: {error['text']}"
    if error["code"] == 12:  # NVML_ERROR_LIBRARY_NOT_FOUND, where pynvml itself looks for the library (Windows)
        return Answer(
            Nvml(status="library-missing", error=words, library=None, error_code=12, version=None),
            None,
            None,
            Unknown("failed", words),
        )
    failed = Unknown(REASONS.get(error["code"], "failed"), words)
    nvml = Nvml(status="error", error=words, library=library, error_code=error["code"], version=failed)
    return Answer(nvml, failed, failed, failed)


def _nothing(why: Unknown, library: str | None) -> Answer:
    nvml = Nvml(status=why, error=why.detail, library=library, error_code=None, version=why)
    return Answer(nvml, why, why, why)


def cuda_version(number: int) -> str:
    """Return the version that CUDA packs into a number: 12040 is 12.4."""
    return f"{number // 1000}.{number % 1000 // 10}"


# --- one GPU ------------------------------------------------------------------------------------


class _Values:
    """What was told about one GPU; what was not, says why."""

    def __init__(self, values: Mapping[str, list[Any]], why: Unknown | None) -> None:
        self._values = values
        lost = values.get("handle")
        otherwise = Unknown("failed", "NVML was not asked") if why is None else why
        self._why = _unknown(lost[-1]) if lost else otherwise

    def of(self, key: str, convert: Callable[[Any], T]) -> T | Unknown:
        """Return a value; 'not supported' becomes ``Unknown``."""
        value = _value(self._values, key, self._why)
        return value if isinstance(value, Unknown) else convert(value)

    def if_any(self, key: str, convert: Callable[[Any], T | None]) -> T | None | Unknown:
        """Return a value; 'not supported' means that the GPU has no such thing: None."""
        answers = self._values.get(key)
        if answers and answers[-1].get("code") == NOT_SUPPORTED:
            return None
        return self.of(key, convert)

    def all(self, key: str) -> tuple[Any, ...]:
        return tuple(answer["value"] for answer in self._values.get(key, []) if "value" in answer)


def _value(values: Mapping[str, list[Any]], key: str, otherwise: Unknown) -> Any:
    answers = values.get(key)
    if not answers:
        return otherwise
    return answers[-1]["value"] if "value" in answers[-1] else _unknown(answers[-1])


def _unknown(answer: Mapping[str, Any]) -> Unknown:
    return Unknown(REASONS.get(answer["code"], "failed"), f"{answer['name']}: {answer['text']}")


def _gpu(host: Host, index: int, told: Mapping[str, list[Any]], why: Unknown | None) -> NvidiaGpu:
    values = _Values(told, why)
    return NvidiaGpu(
        index=index,
        name=values.of("name", str),
        uuid=values.of("uuid", str),
        pci_address=values.of("pci_address", _address),
        compute_capability=values.of("capability", str),
        memory_total_bytes=values.of("memory", lambda memory: memory["total"]),
        compute_mode=values.of("compute_mode", _named(COMPUTE_MODES)),
        mig_mode=values.if_any("mig_mode", _enabled),
        persistence_mode=values.of("persistence", bool),
        mig_devices=_mig_devices(values),
        architecture=values.of("architecture", _named(ARCHITECTURES)),
        minor_number=values.of("minor", int),
        vbios_version=values.of("vbios", str),
        gsp_firmware_version=values.if_any("gsp", str),
        bar1_total_bytes=values.of("bar1", int),
        display_active=values.of("display_active", bool),
        virtualization=values.if_any("virtualization", _named_or_none(VIRTUALIZATION)),
        vgpu_licensed=values.if_any("vgpu_licensed", bool),
        ecc_mode=values.if_any("ecc", _enabled),
        ecc_uncorrected=values.if_any("ecc_ever", int),
        retired_pages=values.if_any("retired_pages", int),
        retired_pages_pending=values.if_any("retired_pending", bool),
        remapped_rows_correctable=values.if_any("remapped_rows", lambda rows: int(rows[0])),
        remapped_rows_uncorrectable=values.if_any("remapped_rows", lambda rows: int(rows[1])),
        row_remap_pending=values.if_any("remapped_rows", lambda rows: bool(rows[2])),
        row_remap_failed=values.if_any("remapped_rows", lambda rows: bool(rows[3])),
        inforom_valid=_inforom(values, told),
        recovery_action=values.if_any("recovery_action", _named_or_none(RECOVERY_ACTIONS)),
        pcie_generation_max=values.of("pcie_generation_max", int),
        pcie_width_max=values.of("pcie_width_max", int),
        nvlinks=values.if_any("nvlinks", len),
        nvlinks_active=values.if_any("nvlinks", sum),
        fabric_state=values.if_any("fabric", lambda fabric: _named_or_none(FABRIC_STATES)(fabric["state"])),
        fabric_status=values.if_any("fabric", _fabric_status),
        temperature_slowdown_celsius=values.of("temperature_slowdown", int),
        power_limit_watts=values.of("power_limit", _watts),
        power_limit_default_watts=values.of("power_limit_default", _watts),
        clock_sm_max_mhz=values.of("clock_sm_max", int),
        volatile=_volatile(host, values),
    )


def _volatile(host: Host, values: _Values) -> NvidiaGpuVolatile:
    return NvidiaGpuVolatile(
        memory_free_bytes=values.of("memory", lambda memory: memory["free"]),
        memory_used_bytes=values.of("memory", lambda memory: memory["used"]),
        temperature_celsius=values.of("temperature", int),
        power_watts=values.of("power", _watts),
        utilization_percent=values.of("utilization", int),
        clock_sm_mhz=values.of("clock_sm", int),
        slowdown_reasons=values.of("throttle", _reasons),
        pcie_generation=values.of("pcie_generation", int),
        pcie_width=values.of("pcie_width", int),
        pcie_replays=values.of("pcie_replays", int),
        ecc_uncorrected_since_boot=values.if_any("ecc_since_boot", int),
        processes=_processes(host, values),
    )


def _processes(host: Host, values: _Values) -> tuple[GpuProcess, ...] | Unknown:
    processes: list[GpuProcess] = []
    for kind in ("compute", "graphics"):
        told = values.of(f"{kind}_processes", list)
        if isinstance(told, Unknown):
            if kind == "compute":
                return told
            continue
        for pid, used in told:
            name = files.line(host, f"/proc/{pid}/comm")
            processes.append(GpuProcess(pid=pid, kind=kind, name=name, memory_used_bytes=used))
    return tuple(processes)


def _mig_devices(values: _Values) -> tuple[MigDevice, ...] | Unknown:
    most = values.if_any("mig_max", int)
    if isinstance(most, Unknown):
        # A driver before MIG has no such function; a GPU that stopped answering may have instances all the same.
        return () if most.reason == "unsupported" else most
    return tuple(MigDevice(**device) for device in values.all("mig_device"))


def _inforom(values: _Values, told: Mapping[str, list[Any]]) -> bool | None | Unknown:
    answers = told.get("inforom")
    if answers and answers[-1].get("code") == 14:  # NVML_ERROR_CORRUPTED_INFOROM
        return False
    return values.if_any("inforom", bool)


def _fabric_status(fabric: Mapping[str, int]) -> str | None:
    return f"NVML error {fabric['status']}" if fabric["state"] == 3 and fabric["status"] else None


def _address(bus_id: str) -> str:
    """Return the address as sysfs writes it; NVML gives the domain eight digits and capitals."""
    domain, _, rest = bus_id.partition(":")
    return f"{domain[-4:]}:{rest}".lower()


def _named(names: Mapping[int, str]) -> Callable[[int], str]:
    return lambda number: names.get(number, f"number {number}")


def _named_or_none(names: Mapping[int, str | None]) -> Callable[[int], str | None]:
    return lambda number: names.get(number, f"number {number}")


def _enabled(flag: int) -> str:
    return "enabled" if flag else "disabled"


def _watts(milliwatts: int) -> float:
    return milliwatts / 1000


def _reasons(bits: int) -> tuple[str, ...]:
    return tuple(name for bit, name in SLOWDOWN_REASONS.items() if bits & bit)
