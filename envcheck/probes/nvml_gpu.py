"""One GPU, from what NVML told about it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from envcheck.host import Host
from envcheck.model.facts import GpuProcess, MigDevice, NvidiaGpu, NvidiaGpuVolatile
from envcheck.model.unknown import Reason, Unknown
from envcheck.probes import files

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


class _Values:
    """What was told about one GPU; what was not, says why."""

    def __init__(self, values: Mapping[str, list[Any]], why: Unknown | None) -> None:
        self._values = values
        lost = values.get("handle")
        otherwise = Unknown("failed", "NVML was not asked") if why is None else why
        self._why = unknown(lost[-1]) if lost else otherwise

    def of(self, key: str, convert: Callable[[Any], T]) -> T | Unknown:
        """Return a value; 'not supported' becomes ``Unknown``."""
        value = value_of(self._values, key, self._why)
        return value if isinstance(value, Unknown) else convert(value)

    def if_any(self, key: str, convert: Callable[[Any], T | None]) -> T | None | Unknown:
        """Return a value; 'not supported' means that the GPU has no such thing: None."""
        answers = self._values.get(key)
        if answers and answers[-1].get("code") == NOT_SUPPORTED:
            return None
        return self.of(key, convert)

    def all(self, key: str) -> tuple[Any, ...]:
        return tuple(answer["value"] for answer in self._values.get(key, []) if "value" in answer)


def value_of(values: Mapping[str, list[Any]], key: str, otherwise: Unknown) -> Any:
    answers = values.get(key)
    if not answers:
        return otherwise
    return answers[-1]["value"] if "value" in answers[-1] else unknown(answers[-1])


def unknown(answer: Mapping[str, Any]) -> Unknown:
    return Unknown(REASONS.get(answer["code"], "failed"), f"{answer['name']}: {answer['text']}")


def read_gpu(host: Host, index: int, told: Mapping[str, list[Any]], why: Unknown | None) -> NvidiaGpu:
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
