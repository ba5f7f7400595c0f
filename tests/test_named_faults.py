"""From the boundary to the one finding that names the fault: it is the root cause, and no other one is."""

import os
import re
from pathlib import Path

import msgspec
import pytest
from judging import machines
from simulated.faulty_gpus import FAULTY_GPUS, without
from simulated.faulty_hosts import FAULTY, HGX, changed, workstation
from simulated.faulty_surroundings import FAULTY_SURROUNDINGS, HEALTHY_SURROUNDINGS, programs
from simulated.gpus import library
from simulated.hosts import HEALTHY, Machine, build
from simulated.looking import LAYERS_OF_THE_MACHINE, look
from simulated.more_hosts import MORE_HEALTHY
from simulated.pythons import program

from envcheck.host import Host
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Finding
from envcheck.rules.engine import all_rules, judge


def with_gpu_build(facts: Facts) -> Facts:
    """Return the facts with a framework that is built for NVIDIA GPUs, so that somebody wants one."""
    framework = msgspec.convert(machines.backend("jax", cuda="12.5"), Backend)
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


@pytest.mark.parametrize("finding_id", FAULTY_SURROUNDINGS)
def test_what_stands_around_the_gpu_is_named(finding_id: str, tmp_path: Path) -> None:
    path = programs(tmp_path / "bin", finding_id)
    findings = findings_of(tmp_path / "machine", FAULTY_SURROUNDINGS[finding_id], path=path)
    named = next(found for found in findings if found.id == finding_id)
    assert roots(findings) == ([] if named.severity == "info" else [named.explained_by or finding_id])


@pytest.mark.parametrize("finding_id", HEALTHY_SURROUNDINGS)
def test_what_looks_like_it_and_is_in_order(finding_id: str, tmp_path: Path) -> None:
    assert roots(findings_of(tmp_path, HEALTHY_SURROUNDINGS[finding_id])) == []


@pytest.mark.parametrize("name", HEALTHY)
def test_a_machine_in_order_has_none(name: str, tmp_path: Path) -> None:
    assert roots(findings_of(tmp_path, HEALTHY[name])) == []


@pytest.mark.parametrize("name", MORE_HEALTHY)
def test_a_common_kind_of_machine_is_in_order(name: str, tmp_path: Path) -> None:
    """Whether or not a framework for GPUs is installed."""
    facts = look(build(tmp_path, MORE_HEALTHY[name]))
    rules = [rule for rule in all_rules() if rule.layer in LAYERS_OF_THE_MACHINE]
    assert roots(judge(facts, rules).findings) == []
    assert roots(judge(with_gpu_build(facts), rules).findings) == []


@pytest.mark.parametrize("ending", ["!hang", "!segfault"])
def test_cuda_takes_its_process_with_it(ending: str, tmp_path: Path) -> None:
    findings = findings_of(tmp_path, workstation({"cuInit": ending}), timeout=2.0)
    assert roots(findings) == ["cuda-init-failed-nvml-works"]


def test_the_compatibility_library_is_too_new(tmp_path: Path) -> None:
    compat = tmp_path / "cuda" / "compat"
    compat.mkdir(parents=True)
    (compat / "libcuda.so.1").write_bytes((library("cuda.c", "libcuda.so.1") / "libcuda.so.1").read_bytes())
    there = (library("nvml.c", "libnvidia-ml.so.1"), compat)
    findings = findings_of(tmp_path / "machine", workstation({"cuInit": "!803"}), libraries=there)
    assert roots(findings) == ["cuda-compat-driver-too-old"]


def test_the_management_library_is_empty(tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_bytes(b"")
    findings = findings_of(tmp_path / "machine", workstation(), libraries=(tmp_path, library("cuda.c", "libcuda.so.1")))
    assert roots(findings) == ["nvml-library-unusable"]


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


#: Rules about the machine that no simulated machine here shows, and why; their cases show them (tests/cases).
NOT_FROM_A_MACHINE_ALONE = {
    "rests on what a framework said, or was built for, besides the machine": (
        "cpu-lacks-avx", "cudnn-requires-zlibwapi", "emulated-x86-container-lacks-avx", "framework-messages-hidden",
        "gpu-wrong-results", "host-out-of-memory", "libdevice-not-found", "preloaded-library-breaks-framework",
        "ptxas-missing", "ptxas-too-old", "thread-limit-reached", "tpu-held-by-other-process", "vm-hides-avx",
        "wheel-requires-avx2", "wsl-libcuda-link-missing", "wsl-windows-driver-regression", "xla-flags-unknown",
    ),
    "rests on the target's packages or kernels, besides the machine": (
        "cuda-home-not-set", "cuda-version-split-across-frameworks", "framework-newer-than-hosted-image",
        "intel-gpu-not-visible",
        "jax-cuda-libraries-too-old", "nvcc-torch-cuda-mismatch", "triton-ptxas-too-old", "wsl-runs-windows-executable",
    ),
    "needs a Mac": ("metal-device-not-visible", "mps-macos-too-old", "rosetta-x86-python"),
    "needs a device that refuses, or a disk that is full: no folder can show that": (
        "cgroup-blocks-gpu-devices", "disk-full", "rocm-kfd-permission-denied",
    ),
    "about envcheck itself, or the loader's own variable": ("envcheck-probe-failed", "preloaded-library-unusable"),
}  # fmt: skip


def test_every_rule_about_the_machine_is_shown_by_one() -> None:
    """A rule of hardware, driver or platform has a simulated machine, or files of libraries, or a reason here."""
    here = Path(__file__).parent
    tests = (here / "test_named_faults.py").read_text() + (here / "test_cuda_libraries.py").read_text()
    by_test = set(re.findall(r'== \[?"([a-z0-9-]+)"', tests))
    shown = {*FAULTY, *FAULTY_GPUS, *FAULTY_SURROUNDINGS, *by_test}
    excused = {name for names in NOT_FROM_A_MACHINE_ALONE.values() for name in names}
    about_the_machine = {rule.id for rule in all_rules() if rule.layer in LAYERS_OF_THE_MACHINE}
    assert about_the_machine - shown - excused == set()
    assert excused & shown == set()
    assert excused - about_the_machine == set()
