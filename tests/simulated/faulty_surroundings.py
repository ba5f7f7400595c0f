"""Machines whose GPU is in order, and what stands around it is not: containers' hosts, clusters, limits, WSL."""

from collections.abc import Mapping
from pathlib import Path

from simulated.faulty_gpus import XID, saying, with_files, without
from simulated.faulty_hosts import CONTAINER, FAULTY, HGX, WSL, changed, workstation
from simulated.hosts import Machine, bare_metal
from simulated.pythons import program
from simulated.trees import meminfo

FAULTY_SURROUNDINGS: dict[str, Machine] = {
    "wsl-nvml-crash": changed(WSL, init="!segfault"),
    "nccl-no-network-interface": with_files(
        Machine(HGX.trees, HGX.told, {"NCCL_SOCKET_IFNAME": "ib0"}),
        {"/sys/class/net/lo/mtu": "65536\n", "/sys/class/net/eth0/mtu": "1500\n"},
    ),
    "kubernetes-gpu-not-advertised": with_files(workstation(), {"/var/lib/kubelet/device-plugins/kubelet.sock": ""}),
    "container-toolkit-missing": with_files(
        workstation(), {"/etc/docker/daemon.json": '{"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}}'}
    ),
    "container-host-driver-missing": FAULTY["nvidia-driver-not-installed"],
    "container-requires-newer-driver": Machine(
        CONTAINER.trees, CONTAINER.told, {**CONTAINER.environ, "NVIDIA_REQUIRE_CUDA": "cuda>=13.0"}
    ),
    "nvidia-driver-too-old": changed(workstation(), cuda=11040, driver="470.57.02"),
    "memory-low": with_files(workstation(), {"/proc/meminfo": meminfo(16 * 1024**2, available_kib=300 * 1024)}),
    "shm-permission-denied": with_files(workstation(), {"/proc/mounts": "tmpfs /dev/shm tmpfs ro,nosuid,nodev 0 0\n"}),
    "ptxas-known-buggy": workstation(),
    "gpu-xid-application-error": saying(XID + "31, pid=71, name=python3, MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_0"),
    "nvidia-persistence-mode-off": changed(
        without(HGX, "/proc/901"), **{f"gpu__{n}__persistence": 0 for n in range(8)}
    ),
    "service-environment-differs": with_files(
        workstation(environ={"KERAS_BACKEND": "jax"}),
        {"/proc/950/cmdline": "/opt/bin/jupyterhub-singleuser\0", "/proc/950/environ": "USER=ana\0"},
    ),
    "colab-no-gpu-runtime": Machine((bare_metal(),), None, {"COLAB_RELEASE_TAG": "release-colab_20261101-060155"}),
}
"""By the id of the finding that names the fault; the last four are notes."""
HEALTHY_SURROUNDINGS: dict[str, Machine] = {
    "nccl-no-network-interface": with_files(
        Machine(HGX.trees, HGX.told, {"NCCL_SOCKET_IFNAME": "eth"}),
        {"/sys/class/net/lo/mtu": "65536\n", "/sys/class/net/eth0/mtu": "1500\n"},
    ),
    "kubernetes-gpu-not-advertised": with_files(
        workstation(),
        {f"/var/lib/kubelet/device-plugins/{name}.sock": "" for name in ("kubelet", "nvidia-gpu")},
    ),
    "gpu-fallen-off-bus": with_files(
        workstation(),
        {"/var/log/dmesg": "[  100.0] NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.\n"},
    ),
}
"""Nearly the same, and in order."""
PROGRAMS: Mapping[str, Mapping[str, str]] = {
    "container-toolkit-missing": {"docker": ""},
    "container-host-driver-missing": {"nvidia-ctk": ""},
    "ptxas-known-buggy": {"ptxas": "Cuda compilation tools, release 12.3, V12.3.103"},
}
"""What is on PATH, and what each says."""


def programs(folder: Path, finding_id: str) -> str:
    """Write the programs that a machine has, and return its PATH."""
    for name, said in PROGRAMS.get(finding_id, {}).items():
        program(folder / name, f"#!/bin/sh\necho '{said}'\n")
    return str(folder)
