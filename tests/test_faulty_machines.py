"""From the boundary to the finding: each fault is named, whatever it does to the process that looks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from simulated.faulty_hosts import FAULTY, KERNEL_UPDATED, ONE_OF_EIGHT_LOST, workstation
from simulated.hosts import Machine, build
from simulated.looking import LAYERS_OF_THE_MACHINE, look

from envcheck.host import Host
from envcheck.model.facts import Facts
from envcheck.model.unknown import Unknown
from envcheck.rules.engine import all_rules, judge


def facts_of(folder: Path, simulated: Machine, timeout: float = 20.0) -> Facts:
    host = build(folder, simulated)
    return look(Host(environ=host.environ, cwd=host.cwd, root=host.root, timeout=timeout))


@pytest.mark.parametrize("finding_id", FAULTY)
def test_the_fault_is_named(finding_id: str, tmp_path: Path) -> None:
    facts = facts_of(tmp_path, FAULTY[finding_id], timeout=2.0 if "unresponsive" in finding_id else 20.0)
    rules = [rule for rule in all_rules() if rule.layer in LAYERS_OF_THE_MACHINE]
    findings = judge(facts, rules).findings
    roots = [finding.id for finding in findings if finding.explained_by is None]
    assert finding_id in roots, [finding.id for finding in findings]


def test_one_of_eight_gpus_is_lost(tmp_path: Path) -> None:
    nvidia = facts_of(tmp_path, ONE_OF_EIGHT_LOST).driver.nvidia
    assert isinstance(nvidia.gpus, tuple)
    lost = [gpu.index for gpu in nvidia.gpus if isinstance(gpu.name, Unknown)]
    assert (len(nvidia.gpus), lost) == (8, [5])
    assert isinstance(nvidia.cuda.devices, tuple)
    assert [device.index for device in nvidia.cuda.devices if isinstance(device.name, Unknown)] == [5]


def test_the_facts_that_tell_a_kernel_update(tmp_path: Path) -> None:
    kernel = facts_of(tmp_path, KERNEL_UPDATED).driver.nvidia.kernel
    assert isinstance(kernel.module_files, tuple)
    assert [file.kernel for file in kernel.module_files] == ["6.1.0-18-amd64"]
    assert (kernel.modules_loaded, kernel.kernel_headers) == ((), False)
    assert isinstance(kernel.dkms, tuple)
    assert [(module.kernel, module.state) for module in kernel.dkms] == [("6.1.0-18-amd64", "installed")]


def test_the_facts_that_tell_a_pending_restart(tmp_path: Path) -> None:
    nvidia = facts_of(tmp_path, FAULTY["nvidia-driver-reboot-pending"]).driver.nvidia
    assert isinstance(nvidia.libraries, tuple)
    assert {library.version for library in nvidia.libraries if library.name == "libcuda.so" and library.version} >= {
        "550.90.07"
    }
    assert nvidia.kernel_module_version == "550.54.14"
    assert (nvidia.nvml.error_code, nvidia.cuda.error_code) == (18, 803)


def test_facts_survive_being_saved(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, ONE_OF_EIGHT_LOST)
    assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts


@pytest.mark.parametrize(
    ("finding_id", "simulated"),
    {
        "nvidia-driver-unresponsive": FAULTY["nvidia-driver-unresponsive"],
        "nvml-crashes": FAULTY["nvml-crashes"],
        "cuda-init-failed-nvml-works": workstation({"cuInit": "!hang"}),
        "gpu-fallen-off-bus": ONE_OF_EIGHT_LOST,
    }.items(),
)
def test_the_report_still_comes(finding_id: str, simulated: Machine, tmp_path: Path) -> None:
    """The command line on a machine whose driver hangs, crashes or lost a GPU: a report, and the fault's name in it."""
    host = build(tmp_path, simulated)
    environ = {**os.environ, **host.environ, "ENVCHECK_SYSROOT": host.root}
    command = [sys.executable, "-m", "envcheck", "report", "--no-smoke", "--timeout", "2", "--format", "json"]
    result = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1, result.stderr
    report = json.loads(result.stdout)
    assert finding_id in [finding["id"] for finding in report["findings"] if finding["explained_by"] is None]
    assert report["facts"]["platform"]["tool"]["probe_failures"] == []
