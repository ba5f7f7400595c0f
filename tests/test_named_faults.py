"""From the boundary to the one finding that names the fault: it is the root cause, and no other one is."""

import os
from pathlib import Path

import msgspec
import pytest
from judging import machines
from simulated.faulty_gpus import FAULTY_GPUS, without
from simulated.faulty_hosts import FAULTY, HGX, changed, workstation
from simulated.gpus import library
from simulated.hosts import HEALTHY, Machine, build
from simulated.looking import LAYERS_OF_THE_MACHINE, look
from simulated.pythons import program

from envcheck.host import Host
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Finding
from envcheck.rules.engine import all_rules, judge


def with_gpu_build(facts: Facts) -> Facts:
    """Return the facts with a framework that is built for NVIDIA GPUs, so that somebody wants one."""
    framework = msgspec.convert(machines.backend("tensorflow", cuda="12.5"), Backend)
    return msgspec.structs.replace(facts, backends=(framework,))


def findings_of(
    folder: Path,
    simulated: Machine,
    timeout: float = 20.0,
    libraries: tuple[Path, ...] = (),
    path: str | None = None,
) -> tuple[Finding, ...]:
    """Judge a simulated machine; ``libraries`` are the folders of the stand-ins where they are not the usual ones."""
    host = build(folder, simulated)
    environ = dict(host.environ)
    if libraries:
        environ["LD_LIBRARY_PATH"] = os.pathsep.join(str(folder) for folder in libraries)
    if path:
        environ["PATH"] = path
    facts = with_gpu_build(look(Host(environ=environ, cwd=host.cwd, root=host.root, timeout=timeout)))
    rules = [rule for rule in all_rules() if rule.layer in LAYERS_OF_THE_MACHINE]
    return judge(facts, rules).findings


def roots(findings: tuple[Finding, ...]) -> list[str]:
    return [found.id for found in findings if found.explained_by is None and found.severity != "info"]


@pytest.mark.parametrize("finding_id", {**FAULTY, **FAULTY_GPUS})
def test_the_fault_is_the_only_root_cause(finding_id: str, tmp_path: Path) -> None:
    simulated = {**FAULTY, **FAULTY_GPUS}[finding_id]
    findings = findings_of(tmp_path, simulated, timeout=2.0 if "unresponsive" in finding_id else 20.0)
    assert roots(findings) == [finding_id]


@pytest.mark.parametrize("name", HEALTHY)
def test_a_machine_in_order_has_none(name: str, tmp_path: Path) -> None:
    assert roots(findings_of(tmp_path, HEALTHY[name])) == []


@pytest.mark.parametrize("ending", ["!hang", "!segfault"])
def test_cuda_takes_its_process_with_it(ending: str, tmp_path: Path) -> None:
    findings = findings_of(tmp_path, workstation({"cuInit": ending}), timeout=2.0)
    assert roots(findings) == ["cuda-init-failed-nvml-works"]


def test_the_driver_s_cuda_library_is_missing(tmp_path: Path) -> None:
    findings = findings_of(tmp_path, workstation(), libraries=(library("nvml.c", "libnvidia-ml.so.1"),))
    assert roots(findings) == ["libcuda-not-loadable"]


def test_the_loader_finds_the_toolkit_s_stub(tmp_path: Path) -> None:
    stub = library("cuda.c", "libcuda.so.1", "-DSTUB")
    findings = findings_of(tmp_path, workstation(), libraries=(library("nvml.c", "libnvidia-ml.so.1"), stub))
    assert roots(findings) == ["libcuda-stub-loaded"]


def test_the_fabric_manager_was_not_updated(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    program(programs / "nv-fabricmanager", "#!/bin/sh\necho 'Fabric Manager version is : 535.54.03'\n")
    simulated = without(changed(HGX, cuInit="!802"), "/proc/902")
    findings = findings_of(tmp_path / "machine", simulated, path=str(programs))
    assert roots(findings) == ["fabric-manager-version-mismatch"]


def test_without_proc_the_report_still_comes(tmp_path: Path) -> None:
    simulated = workstation()
    trees = tuple(
        {path: entry for path, entry in tree.items() if not path.startswith("/proc")} for tree in simulated.trees
    )
    assert roots(findings_of(tmp_path, Machine(trees, simulated.told))) == []
