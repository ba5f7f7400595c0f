"""gpustat and nvitop, given the same simulated NVML, show the same devices and numbers as envcheck."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from simulated.gpus import GEFORCE, GIB, H100, environment, machine
from simulated.trees import linux, simulated_host

from envcheck.model.facts import GpuProcess, NvidiaGpu
from envcheck.probes import nvml

MIB = 1024**2
NVITOP = """
import json
from nvitop import Device
told = [
    {
        "name": device.name(), "uuid": device.uuid(), "bus_id": device.bus_id(), "memory_total": device.memory_total(),
        "memory_used": device.memory_used(), "temperature": device.temperature(), "power": device.power_usage(),
        "limit": device.power_limit(), "utilization": device.gpu_utilization(), "mig": device.mig_mode(),
        "capability": device.cuda_compute_capability(), "compute_mode": device.compute_mode(),
    }
    for device in Device.all()
]
print(json.dumps({"driver": Device.driver_version(), "cuda": Device.cuda_driver_version(), "devices": told}))
"""

MACHINES = {
    "two busy H100": machine(
        2,
        H100,
        changes={
            "gpu.0.utilization": 93,
            "gpu.0.temperature": 61,
            "gpu.0.power": 512345,
            "gpu.1.memory_used": 3 * GIB,
            "gpu.1.compute": f"{os.getpid()}:{2 * GIB}",
        },
    ),
    "a GeForce": machine(1, GEFORCE, driver="580.65.06", cuda=13000),
}


@pytest.fixture(params=MACHINES, ids=lambda name: name.replace(" ", "-"))
def told(request: pytest.FixtureRequest) -> dict[str, object]:
    return MACHINES[request.param]


def ask(folder: Path, environ: dict[str, str]) -> tuple[nvml.Answer, tuple[NvidiaGpu, ...]]:
    answer = nvml.ask(simulated_host(folder / "root", linux(), environ=environ))
    assert isinstance(answer.gpus, tuple)
    return answer, answer.gpus


def run(environ: dict[str, str], *command: str) -> Any:
    result = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(result.stdout)


@pytest.mark.frameworks
def test_gpustat_agrees(tmp_path: Path, told: dict[str, object], gpu_tools_environment: str) -> None:
    environ = environment(told, tmp_path)
    answer, gpus = ask(tmp_path, environ)
    shown = run(environ, gpu_tools_environment, "-m", "gpustat", "--json")
    assert shown["driver_version"] == answer.driver_version
    assert [row["uuid"] for row in shown["gpus"]] == [gpu.uuid for gpu in gpus]
    for row, gpu in zip(shown["gpus"], gpus, strict=True):
        assert row["name"] == gpu.name
        assert row["temperature.gpu"] == gpu.volatile.temperature_celsius
        assert row["utilization.gpu"] == gpu.volatile.utilization_percent
        assert row["memory.total"] * MIB == gpu.memory_total_bytes
        assert row["memory.used"] * MIB == gpu.volatile.memory_used_bytes
        assert isinstance(gpu.volatile.power_watts, float)
        assert abs(row["power.draw"] - gpu.volatile.power_watts) <= 1
        assert row["enforced.power.limit"] == gpu.power_limit_watts
        assert isinstance(gpu.volatile.processes, tuple)
        used = [(process.pid, process.memory_used_bytes) for process in gpu.volatile.processes]
        assert [(process["pid"], process["gpu_memory_usage"] * MIB) for process in row["processes"]] == used


@pytest.mark.frameworks
def test_nvitop_agrees(tmp_path: Path, told: dict[str, object], gpu_tools_environment: str) -> None:
    environ = environment(told, tmp_path)
    answer, gpus = ask(tmp_path, environ)
    shown = run(environ, gpu_tools_environment, "-c", NVITOP)
    assert (shown["driver"], shown["cuda"]) == (answer.driver_version, answer.cuda_version)
    for row, gpu in zip(shown["devices"], gpus, strict=True):
        assert (row["name"], row["uuid"]) == (gpu.name, gpu.uuid)
        assert row["bus_id"].lower().endswith(str(gpu.pci_address))
        assert (row["memory_total"], row["memory_used"]) == (gpu.memory_total_bytes, gpu.volatile.memory_used_bytes)
        assert row["temperature"] == gpu.volatile.temperature_celsius
        assert (row["power"] / 1000, row["limit"] / 1000) == (gpu.volatile.power_watts, gpu.power_limit_watts)
        assert row["utilization"] == gpu.volatile.utilization_percent
        assert ".".join(map(str, row["capability"])) == gpu.compute_capability
        assert row["compute_mode"].lower() == gpu.compute_mode
        assert row["mig"] in ("N/A", str(gpu.mig_mode).capitalize())


def test_the_process_of_this_test_is_named(tmp_path: Path) -> None:
    told = machine(1, changes={"gpu.0.compute": f"{os.getpid()}:1024"})
    answer = nvml.ask(
        simulated_host(
            tmp_path, linux(), {f"/proc/{os.getpid()}/comm": "pytest\n"}, environ=environment(told, tmp_path)
        )
    )
    assert isinstance(answer.gpus, tuple)
    assert answer.gpus[0].volatile.processes == (
        GpuProcess(pid=os.getpid(), kind="compute", name="pytest", memory_used_bytes=1024),
    )
