"""AMD's compute driver and ROCm."""

from pathlib import Path

import pytest
from simulated.trees import Entry, Folder, linux, simulated_host

from envcheck.model.facts import AmdDriver
from envcheck.model.unknown import Unknown
from envcheck.probes import amd

NODES = "/sys/class/kfd/kfd/topology/nodes"
MI300X = "cpu_cores_count 0\nsimd_count 1216\nsimd_per_cu 4\ngfx_target_version 90402\nlocation_id 33024\ndomain 0\n"


def probe(root: Path, tree: dict[str, Entry], environ: dict[str, str] | None = None) -> AmdDriver:
    return amd.probe(simulated_host(root, linux(), tree, environ=environ))


def test_an_instinct_machine(tmp_path: Path) -> None:
    facts = probe(
        tmp_path,
        {
            "/proc/modules": "amdgpu 1 0 - Live 0x0\n",
            "/sys/module/amdgpu/version": "6.7.0\n",
            f"{NODES}/0/properties": "cpu_cores_count 96\nsimd_count 0\ngfx_target_version 0\n",
            f"{NODES}/0/name": "\n",
            f"{NODES}/10/properties": MI300X,
            f"{NODES}/10/name": "gfx942\n",
            f"{NODES}/10/mem_banks/0/properties": "heap_type 1\nsize_in_bytes 206141652992\n",
            f"{NODES}/2/properties": "simd_count 240\nsimd_per_cu 2\ngfx_target_version 110000\n",
            "/opt/rocm/.info/version": "6.1.2-98\n",
            "/etc/group": "root:x:0:\nvideo:x:44:\nrender:x:105:\n",
            "/proc/self/status": "Gid:\t1000\t1000\t1000\t1000\nGroups:\t44 1000 \nCpus_allowed_list:\t0\n",
        },
    )
    assert (facts.module_loaded, facts.module_version) == (True, "6.7.0")
    assert isinstance(facts.compute_nodes, tuple)
    assert [(node.node, node.gfx_target, node.compute_units) for node in facts.compute_nodes] == [
        (2, "gfx1100", 120),
        (10, "gfx942", 304),
    ]
    assert (facts.compute_nodes[1].memory_bytes, facts.compute_nodes[1].pci_address) == (206141652992, "0000:81:00.0")
    assert (facts.rocm_version, facts.rocm_how) == ("6.1.2", "/opt/rocm/.info/version")
    assert facts.user_groups == ("video",)


def test_nothing_of_amd(tmp_path: Path) -> None:
    facts = probe(tmp_path, {"/opt": Folder})
    assert (facts.module_loaded, facts.compute_nodes, facts.rocm_version) == (False, (), None)


def test_several_versions_of_rocm(tmp_path: Path) -> None:
    tree: dict[str, Entry] = {f"/opt/rocm-{version}/.info/version": version for version in ("5.7.1", "6.0.2")}
    assert probe(tmp_path / "a", tree).rocm_version == "6.0.2"
    assert probe(tmp_path / "b", tree, {"ROCM_PATH": "/opt/rocm-5.7.1"}).rocm_version == "5.7.1"


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("90010", "gfx90a"),
        ("90402", "gfx942"),
        ("90006", "gfx906"),
        ("100300", "gfx1030"),
        ("110501", "gfx1151"),
        ("120001", "gfx1201"),
    ],
)
def test_names_of_targets(number: str, name: str) -> None:
    assert amd.gfx_target(number) == name


def test_a_target_that_is_not_told() -> None:
    assert isinstance(amd.gfx_target("0"), Unknown)
    assert isinstance(amd.gfx_target(""), Unknown)
