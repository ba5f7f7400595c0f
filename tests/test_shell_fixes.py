"""Commands that set or take away a variable, carried out in a shell: the machine is looked at again, and in order."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec
from judging import machines
from simulated.faulty_surroundings import FAULTY_SURROUNDINGS
from simulated.hosts import build
from simulated.libraries import framework, python, shared_library
from simulated.looking import look
from simulated.pythons import program
from simulated.trees import linux, simulated_host

from envcheck.host import Host
from envcheck.model.facts import Facts
from envcheck.model.report import Finding
from envcheck.probes import cuda_toolchain, libraries
from envcheck.rules.engine import judge


def named(facts: Facts, finding_id: str) -> list[Finding]:
    return [finding for finding in judge(facts).findings if finding.id == finding_id]


def after(commands: tuple[str, ...], environ: Mapping[str, str]) -> dict[str, str]:
    """Return what commands make of an environment."""
    script = "\n".join([*commands, "env -0"])
    shell = {**environ, "PATH": os.defpath}
    answer = subprocess.run(["sh", "-c", script], env=shell, capture_output=True, text=True, check=True)
    pairs = (entry.partition("=") for entry in answer.stdout.split("\0") if entry)
    return {**{name: value for name, _, value in pairs}, "PATH": environ.get("PATH", os.defpath)}


def test_nccl_chooses_its_interface_again(tmp_path: Path) -> None:
    host = build(tmp_path, FAULTY_SURROUNDINGS["nccl-no-network-interface"])
    (finding,) = named(look(host), "nccl-no-network-interface")
    healed = after(finding.fixes[0].commands, host.environ)
    assert named(look(Host(environ=healed, cwd=host.cwd, root=host.root)), "nccl-no-network-interface") == []


def test_triton_takes_the_assembler_of_a_newer_toolkit(tmp_path: Path) -> None:
    for place, version, target in (
        ("env/lib/python3.11/site-packages/triton/backends/nvidia/bin/ptxas", "12.4.99", "sm_90a"),
        ("own-cuda/bin/ptxas", "13.0.88", "sm_120"),
    ):
        told = f"echo 'release {version[:4]}, V{version}'; echo \"'{target}'\""
        program(tmp_path / place, f"#!/bin/sh\n{told}\n")
    environ = {"PATH": f"{tmp_path}/own-cuda/bin:{os.defpath}"}
    host = simulated_host(tmp_path / "root", linux(), environ=environ)

    def facts(seen_from: Host) -> Facts:
        data = machines.nvidia()
        data["driver"]["cuda_toolchain"] = msgspec.to_builtins(
            cuda_toolchain.probe(seen_from, python(tmp_path / "env"))
        )
        machines.change(data, "/driver/nvidia/gpus/0/compute_capability", "12.0")
        machines.remove(data, "/smoke/torch@gpu:0")
        return machines.facts(data)

    (finding,) = named(facts(host), "triton-ptxas-too-old")
    healed = after(finding.fixes[0].commands, environ)
    assert healed["TRITON_PTXAS_PATH"] == f"{tmp_path}/own-cuda/bin/ptxas"
    assert named(facts(Host(environ=healed, cwd=host.cwd, root=host.root)), "triton-ptxas-too-old") == []


def test_a_newer_runtime_on_the_variable(tmp_path: Path) -> None:
    site = tmp_path / "env/lib/python3.11/site-packages"
    shared_library(site / "torch/lib/libtorch_cuda.so", needs=("libcudart.so.12",), runpath="$ORIGIN/../../nvidia/lib")
    shared_library(site / "torch/lib/libtorch.so", needs=("libtorch_cuda.so",), runpath="$ORIGIN")
    shared_library(site / "torch/_C.so", needs=("libtorch.so",), runpath="$ORIGIN/lib")
    shared_library(site / "nvidia/lib/libcudart.so.12.8.90", soname="libcudart.so.12")
    (site / "nvidia/lib/libcudart.so.12").symlink_to("libcudart.so.12.8.90")
    shared_library(tmp_path / "cluster/libcudart.so.13.0.96", soname="libcudart.so.13")
    (tmp_path / "cluster/libcudart.so.12").symlink_to("libcudart.so.13.0.96")
    environ = {"LD_LIBRARY_PATH": str(tmp_path / "cluster")}
    host = simulated_host(tmp_path / "root", linux(), environ=environ)
    torch = framework("torch", site / "torch", "12.8")

    def facts(seen_from: Host) -> Facts:
        data = machines.nvidia()
        found = libraries.probe(seen_from, python(tmp_path / "env"), (torch,))
        data["driver"]["libraries"] = msgspec.to_builtins(found)
        data["driver"]["nvidia"]["cuda_driver_api_version"] = "12.8"
        data["platform"]["environment"] = [machines.variable(*pair) for pair in seen_from.environ.items()]
        machines.change(data, "/backends/torch/built_for/cuda", "12.8")
        machines.change(data, "/backends/torch/import/status", {"unknown": "skipped", "detail": "not imported"})
        machines.remove(data, "/smoke/torch@gpu:0")
        return machines.facts(data)

    (finding,) = named(facts(host), "cuda-runtime-shadowed")
    healed = after(finding.fixes[0].commands, environ)
    assert named(facts(Host(environ=healed, cwd=host.cwd, root=host.root)), "cuda-runtime-shadowed") == []
