"""From the boundary to the one finding that names the fault: it is the root cause, and no other one is."""

from pathlib import Path

import msgspec
import pytest
from judging import machines
from simulated.faulty_gpus import FAULTY_GPUS
from simulated.faulty_hosts import FAULTY, workstation
from simulated.hosts import HEALTHY, Machine, build
from simulated.looking import LAYERS_OF_THE_MACHINE, look

from envcheck.host import Host
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Finding
from envcheck.rules.engine import all_rules, judge


def with_gpu_build(facts: Facts) -> Facts:
    """Return the facts with a framework that is built for NVIDIA GPUs, so that somebody wants one."""
    framework = msgspec.convert(machines.backend("tensorflow", cuda="12.5"), Backend)
    return msgspec.structs.replace(facts, backends=(framework,))


def findings_of(folder: Path, simulated: Machine, timeout: float = 20.0) -> tuple[Finding, ...]:
    host = build(folder, simulated)
    facts = with_gpu_build(look(Host(environ=host.environ, cwd=host.cwd, root=host.root, timeout=timeout)))
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


def test_without_proc_the_report_still_comes(tmp_path: Path) -> None:
    simulated = workstation()
    trees = tuple(
        {path: entry for path, entry in tree.items() if not path.startswith("/proc")} for tree in simulated.trees
    )
    assert roots(findings_of(tmp_path, Machine(trees, simulated.told))) == []
