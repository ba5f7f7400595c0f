"""Containers' devices, schedulers, clouds."""

import os
from pathlib import Path

import pytest
from simulated.trees import Entry, Folder, linux, simulated_host

from envcheck.model.facts import Cloud, ContainerDevices, Scheduler
from envcheck.model.unknown import Unknown
from envcheck.probes import cloud, container_devices, platform, scheduler

LIBRARIES = "/usr/lib/x86_64-linux-gnu"


def mount(point: str) -> str:
    return f"700 600 8:1 /x {point} ro,nosuid - ext4 /dev/sda1 ro\n"


def devices(
    root: Path, tree: dict[str, Entry], environ: dict[str, str] | None = None, container: str | None = "docker"
) -> ContainerDevices:
    told = {"PATH": "/nonexistent", **(environ or {})}
    return container_devices.probe(simulated_host(root, linux(), tree, environ=told), container)


def test_a_container_with_gpus(tmp_path: Path) -> None:
    points = (f"{LIBRARIES}/libcuda.so.550.54.14", f"{LIBRARIES}/libnvidia-ml.so.550.54.14", "/usr/bin/nvidia-smi")
    facts = devices(
        tmp_path,
        {
            f"{LIBRARIES}/libcuda.so.550.54.14": "x",
            f"{LIBRARIES}/libnvidia-ml.so.550.54.14": "x",
            "/proc/self/mountinfo": "".join(map(mount, (*points, "/etc/hosts"))),
        },
        {
            "NVIDIA_VISIBLE_DEVICES": "all",
            "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
            "NVIDIA_REQUIRE_CUDA": "cuda>=12",
        },
    )
    assert facts.driver_mounts == tuple(sorted(points))
    assert facts.driver_files_in_image == ()
    assert (facts.nvidia_visible_devices, facts.nvidia_driver_capabilities) == ("all", "compute,utility")
    assert facts.nvidia_requirement == "cuda>=12"


def test_an_image_that_brings_its_own_driver(tmp_path: Path) -> None:
    tree: dict[str, Entry] = {f"{LIBRARIES}/libcuda.so.535.86.05": "x", "/proc/self/mountinfo": mount("/etc/hosts")}
    assert devices(tmp_path / "a", tree).driver_files_in_image == (f"{LIBRARIES}/libcuda.so.535.86.05",)
    assert devices(tmp_path / "b", tree, container=None).driver_files_in_image == ()


def test_a_whole_folder_that_is_mounted(tmp_path: Path) -> None:
    tree: dict[str, Entry] = {
        "/usr/local/nvidia/lib64/libcuda.so.535.86.05": "x",
        "/proc/self/mountinfo": mount("/usr/local/nvidia"),
    }
    assert devices(tmp_path, tree).driver_files_in_image == ()


def test_a_host_set_up_for_containers(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "nvidia-ctk").write_text("#!/bin/sh\n")
    (programs / "nvidia-ctk").chmod(0o755)
    cdi = (
        "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ncontainerEdits:\n  mounts:\n"
        f"  - hostPath: {LIBRARIES}/libcuda.so.550.54.14\n    containerPath: {LIBRARIES}/libcuda.so.550.54.14\n"
    )
    facts = devices(
        tmp_path / "root",
        {
            "/etc/docker/daemon.json": '{"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}}',
            "/etc/cdi/nvidia.yaml": cdi,
            "/var/run/cdi/other.json": '{"cdiVersion": "0.5.0", "kind": "vendor.com/net"}',
            "/proc/self/mountinfo": "",
            "/var/lib/kubelet/device-plugins/kubelet.sock": "",
            "/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint": "{}",
            "/var/lib/kubelet/plugins_registry/gpu.nvidia.com-reg.sock": "",
        },
        {"PATH": f"{programs}:/bin"},
        container=None,
    )
    assert facts.toolkit == str(programs / "nvidia-ctk")
    assert facts.docker_runtimes == ("nvidia",)
    assert (facts.engine, facts.kubelet_plugins) == (
        None,
        ("kubelet.sock", "gpu.nvidia.com-reg.sock"),
    )
    assert isinstance(facts.cdi_specifications, tuple)
    assert [(each.path, each.kind, each.driver_versions) for each in facts.cdi_specifications] == [
        ("/etc/cdi/nvidia.yaml", "nvidia.com/gpu", ("550.54.14",)),
        ("/var/run/cdi/other.json", "vendor.com/net", ()),
    ]


def test_a_broken_configuration_of_docker(tmp_path: Path) -> None:
    runtimes = devices(tmp_path, {"/etc/docker/daemon.json": "{nonsense"}).docker_runtimes
    assert isinstance(runtimes, Unknown)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, (None, None, None, None)),
        (
            {"SLURM_JOB_ID": "4", "SLURM_JOB_GPUS": "0,1,2,3", "SLURM_STEP_GPUS": "0,1", "SLURM_CPUS_PER_TASK": "8"},
            ("slurm", "0,1", "SLURM_STEP_GPUS", "8"),
        ),
        ({"SLURM_JOB_ID": "4", "SLURM_JOB_CPUS_PER_NODE": "4(x2)"}, ("slurm", None, None, "4(x2)")),
        ({"LSB_JOBID": "77", "CUDA_VISIBLE_DEVICES": "3"}, ("lsf", "3", "CUDA_VISIBLE_DEVICES", None)),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, ("kubernetes", None, None, None)),
        ({"KUBERNETES_SERVICE_HOST": "1", "RAY_JOB_ID": "1", "CUDA_VISIBLE_DEVICES": ""},
         ("ray", "", "CUDA_VISIBLE_DEVICES", None)),
        ({"JOB_ID": "not of a grid engine"}, (None, None, None, None)),
    ],
)  # fmt: skip
def test_schedulers(
    tmp_path: Path, environ: dict[str, str], expected: tuple[str | None, str | None, str | None, str | None]
) -> None:
    facts: Scheduler = scheduler.probe(simulated_host(tmp_path, linux(), environ=environ))
    assert (facts.name, facts.gpus_allocated, facts.gpus_allocated_how, facts.cpus_allocated) == expected


@pytest.mark.parametrize(
    ("tree", "environ", "provider", "hosted"),
    [
        ({}, {}, None, None),
        ({"sys_vendor": "Amazon EC2\n", "product_name": "p4d.24xlarge\n"}, {}, "aws", None),
        ({"product_name": "Google Compute Engine\n"}, {"COLAB_RELEASE_TAG": "release-colab_1"}, "gcp", "colab"),
        ({"sys_vendor": "Microsoft", "chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77"}, {}, "azure", None),
        ({"sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"}, {}, None, None),
        ({"sys_vendor": "Dell Inc."}, {"CODESPACES": "true"}, None, "codespaces"),
        ({}, {"GITHUB_ACTIONS": "false"}, None, None),
    ],
)  # fmt: skip
def test_clouds(
    tmp_path: Path, tree: dict[str, str], environ: dict[str, str], provider: str | None, hosted: str | None
) -> None:
    entries: dict[str, Entry] = {f"/sys/class/dmi/id/{name}": text for name, text in tree.items()}
    facts: Cloud = cloud.probe(simulated_host(tmp_path, linux(), entries, environ=environ))
    assert (facts.provider, facts.hosted) == (provider, hosted)
    if provider == "aws":
        assert (facts.machine_type, facts.provider_how) == ("p4d.24xlarge", "/sys/class/dmi/id/sys_vendor")


def test_services_known_by_a_file(tmp_path: Path) -> None:
    tree: dict[str, Entry] = {
        "/opt/ml/metadata/resource-metadata.json": "{}",
        "/sys/hypervisor/uuid": "ec2e1916-9099\n",
    }
    facts = cloud.probe(simulated_host(tmp_path, linux(), tree))
    assert (facts.provider, facts.hosted) == ("aws", "sagemaker")


def test_all_of_it_is_part_of_the_platform(tmp_path: Path) -> None:
    tree: dict[str, Entry] = {
        "/proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0",
        "/sys/kernel/security/lockdown": "[none] integrity confidentiality\n",
        "/sys/firmware": Folder,
    }
    environ = {"PATH": os.environ["PATH"], "SLURM_JOB_ID": "1"}
    facts = platform.probe(simulated_host(tmp_path, linux(), tree, environ=environ))
    assert (facts.board, facts.lockdown) == ("NVIDIA Jetson AGX Orin Developer Kit", "none")
    assert facts.scheduler.name == "slurm"
    assert facts.cloud.provider is None
    assert facts.container_devices.driver_files_in_image == ()
    assert isinstance(facts.secure_boot, Unknown)
