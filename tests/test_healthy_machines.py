"""Machines that are in order: every fact can be had, and no rule about the machine complains."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from simulated.hosts import HEALTHY, build
from simulated.looking import LAYERS_OF_THE_MACHINE, look

from envcheck.rules.engine import all_rules, judge


def unknowns(value: Any, pointer: str = "") -> dict[str, str]:
    """Return the reason of every Unknown in plain data, by its JSON pointer."""
    if isinstance(value, dict):
        if "unknown" in value:
            return {pointer: value["unknown"]}
        return {
            key: reason for name, item in value.items() for key, reason in unknowns(item, f"{pointer}/{name}").items()
        }
    if isinstance(value, list | tuple):
        pairs = enumerate(value)
        return {key: reason for index, item in pairs for key, reason in unknowns(item, f"{pointer}/{index}").items()}
    return {}


@pytest.mark.parametrize("name", HEALTHY)
def test_no_rule_about_the_machine_complains(name: str, tmp_path: Path) -> None:
    facts = look(build(tmp_path, HEALTHY[name]))
    rules = [rule for rule in all_rules() if rule.layer in LAYERS_OF_THE_MACHINE]
    findings = judge(facts, rules).findings
    assert [(finding.id, finding.title) for finding in findings if finding.severity != "info"] == []


@pytest.mark.parametrize("name", HEALTHY)
def test_what_could_not_be_seen_is_unsupported_and_never_a_failure(name: str, tmp_path: Path) -> None:
    facts = look(build(tmp_path, HEALTHY[name]))
    seen = msgspec.to_builtins(facts)
    del seen["platform"]["tool"]  # the collector fills it
    del seen["driver"]["thread_pools"]  # the target's, of which there is none here
    machine = {key: seen[key] for key in LAYERS_OF_THE_MACHINE}
    assert {pointer: reason for pointer, reason in unknowns(machine).items() if reason != "unsupported"} == {}


def test_what_the_machines_are(tmp_path: Path) -> None:
    """The simulated machines are what their names say, as far as envcheck can tell."""
    seen = {name: look(build(tmp_path / name, machine)) for name, machine in HEALTHY.items()}
    gpus = {
        name: len(facts.driver.nvidia.gpus)
        for name, facts in seen.items()
        if isinstance(facts.driver.nvidia.gpus, tuple)
    }
    assert gpus == {
        "cpu-only-server": 0,
        "graviton-instance": 0,
        "laptop-with-intel-graphics": 0,
        "workstation-with-geforce": 1,
        "hgx-with-eight-gpus": 8,
        "server-with-mig": 1,
        "virtual-machine-with-vgpu": 1,
        "wsl2-with-geforce": 1,
        "jetson-orin": 1,
        "container-with-gpu": 1,
        "server-with-instinct": 0,
        "workstation-with-arc": 0,
    }
    assert {name for name, facts in seen.items() if facts.driver.nvidia.cuda.status == "ok"} == {
        name for name, count in gpus.items() if count
    }
    assert seen["wsl2-with-geforce"].platform.wsl == "2"
    assert seen["container-with-gpu"].platform.container == "docker"
    assert seen["graviton-instance"].platform.cloud.provider == "aws"
    assert seen["hgx-with-eight-gpus"].driver.nvidia.kernel.nvswitches == 4
    assert seen["jetson-orin"].driver.nvidia.kernel_module_flavour == "open"
    assert isinstance(seen["server-with-instinct"].driver.amd.compute_nodes, tuple)
    assert seen["server-with-instinct"].driver.amd.compute_nodes[0].gfx_target == "gfx90a"
