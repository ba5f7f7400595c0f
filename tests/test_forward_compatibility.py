"""A newer CUDA on an older driver by NVIDIA's package: offered where it certainly may be used, and nowhere else."""

from typing import Any

import pytest
from judging import machines
from packaging.version import Version

from envcheck.fixes.forward_compatibility import PAGE, compatibility
from envcheck.knowledge.forward_compatibility import is_data_center
from envcheck.model.report import Fix

H100 = "NVIDIA H100 80GB HBM3"


def way(cuda: str = "13.0", machine: str = "nvidia", gpu: str = H100, /, **changes: Any) -> Fix | None:
    data = machines.MACHINES[machine]()
    machines.change(data, "/driver/nvidia/gpus/0/name", gpu)
    for name, value in {"driver__nvidia__version": "535.230.02", **changes}.items():
        machines.change(data, "/" + name.replace("__", "/"), value)
    return compatibility(machines.facts(data), Version(cuda))


@pytest.mark.parametrize(
    ("system", "command"),
    [
        ("debian", "sudo apt install -y cuda-compat-13-0"),
        ("rocky", "sudo dnf install -y cuda-compat-13-0"),
        ("sles", "sudo zypper install -y cuda-compat-13-0"),
    ],
)
def test_the_package_is_offered_in_the_words_of_the_system(system: str, command: str) -> None:
    fix = way(platform__os_id=system)
    assert fix is not None
    assert fix.commands[0] == command
    assert (fix.risk, fix.needs_root, fix.source) == ("system", True, PAGE)


def test_the_branches_that_it_works_with_are_said() -> None:
    told = way("13.2")
    assert told is not None and "535, 550, 570, 580, 590; here is 535" in told.title


NOT_KNOWN = {"unknown": "failed", "detail": "no answer"}


@pytest.mark.parametrize(
    ("of", "changes"),
    [
        (("13.0", "nvidia", "NVIDIA GeForce RTX 4090"), {}),
        (("13.0", "wsl"), {}),
        (("13.0", "container"), {}),
        (("13.7",), {}),
        (("13.2",), {"driver__nvidia__version": "545.29.06"}),
        ((), {"platform__os_id": "arch"}),
        ((), {"platform__system": "Windows"}),
        ((), {"platform__os_id": "fedora", "platform__os_variant": "silverblue"}),
        ((), {"driver__nvidia__gpus__0__virtualization": "vgpu"}),
        ((), {"driver__nvidia__gpus__0__virtualization": NOT_KNOWN}),
        ((), {"driver__nvidia__gpus__0__name": NOT_KNOWN}),
    ],
)
def test_nothing_is_offered_where_it_is_closed_or_not_known(of: tuple[str, ...], changes: dict[str, Any]) -> None:
    assert way(*of, **changes) is None


@pytest.mark.parametrize(
    ("name", "certain"),
    [
        ("Tesla V100-SXM2-16GB", True),
        ("Tesla K80", True),
        ("NVIDIA A100-SXM4-80GB", True),
        ("NVIDIA L40S", True),
        ("NVIDIA A800 40GB Active", False),
        ("NVIDIA RTX A4000", False),
        ("Quadro P4000", False),
        ("NVIDIA TITAN V", False),
        ("NVIDIA GeForce RTX 5090", False),
        ("", False),
    ],
)
def test_a_gpu_of_a_data_center_is_told_by_its_name(name: str, certain: bool) -> None:
    assert is_data_center(name) == certain
