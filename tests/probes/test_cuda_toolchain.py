"""CUDA's tools for developers."""

from pathlib import Path

import msgspec
from simulated.pythons import program
from simulated.trees import Entry, Link, linux, simulated_host

from envcheck.model.facts import CudaToolchain, Python
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import cuda_toolchain

LIBDEVICE = "nvvm/libdevice/libdevice.10.bc"


def ptxas(path: Path, version: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"#!/bin/sh\necho 'ptxas: NVIDIA (R) Ptx optimizing assembler'\n"
        f"echo 'Cuda compilation tools, release {version[:4]}, V{version}'\n"
    )
    path.chmod(0o755)


def probe(root: Path, tree: dict[str, Entry], environ: dict[str, str] | None = None, **target: object) -> CudaToolchain:
    host = simulated_host(root, linux(), tree, environ={"PATH": "/usr/bin:/bin", **(environ or {})})
    python = all_unknown(Python, Unknown("skipped", "no target"))
    return cuda_toolchain.probe(host, msgspec.structs.replace(python, **target))


def test_several_toolkits_of_the_system(tmp_path: Path) -> None:
    root = tmp_path / "root"
    ptxas(root / "usr/local/cuda-12.4/bin/ptxas", "12.4.131")
    facts = probe(
        root,
        {
            "/usr/local/cuda": Link("cuda-12.4"),
            "/usr/local/cuda-12.4/bin/nvcc": "",
            "/usr/local/cuda-12.4/version.json": '{"cuda": {"name": "CUDA SDK", "version": "12.4.1"}}',
            f"/usr/local/cuda-12.4/{LIBDEVICE}": "",
            "/usr/local/cuda-10.1/version.txt": "CUDA Version 10.1.243\n",
        },
        {"CUDA_HOME": "/usr/local/cuda"},
    )
    assert (facts.cuda_home, facts.cuda_home_how, facts.cuda_home_exists) == ("/usr/local/cuda", "CUDA_HOME", True)
    assert isinstance(facts.toolkits, tuple)
    first, second = facts.toolkits
    assert (first.root, first.found_via) == ("/usr/local/cuda-12.4", ("CUDA_HOME", "usual place"))
    assert (first.version, first.ptxas_version) == ("12.4.1", "12.4.131")
    assert first.libdevice == f"/usr/local/cuda-12.4/{LIBDEVICE}"
    assert (second.root, second.version, second.nvcc) == ("/usr/local/cuda-10.1", "10.1.243", None)


def test_the_tools_of_a_wheel_and_of_path(tmp_path: Path) -> None:
    site = tmp_path / "venv/lib/python3.11/site-packages"
    ptxas(site / "nvidia/cuda_nvcc/bin/ptxas", "12.9.86")
    ptxas(tmp_path / "own/bin/ptxas", "11.0.221")
    facts = probe(tmp_path / "root", {}, {"PATH": f"{tmp_path / 'own/bin'}:/usr/bin:/bin"}, site_packages=(str(site),))
    assert isinstance(facts.toolkits, tuple)
    assert [(toolkit.found_via, toolkit.ptxas_version) for toolkit in facts.toolkits] == [
        (("PATH",), "11.0.221"),
        (("wheel",), "12.9.86"),
    ]
    assert (facts.cuda_home, facts.cuda_home_exists) == (None, False)


def test_a_conda_environment(tmp_path: Path) -> None:
    ptxas(tmp_path / "conda/bin/ptxas", "12.6.85")
    facts = probe(tmp_path / "root", {}, prefix=str(tmp_path / "conda"))
    assert isinstance(facts.toolkits, tuple)
    assert [toolkit.found_via for toolkit in facts.toolkits] == [("conda",)]


def test_variables_that_lead_nowhere(tmp_path: Path) -> None:
    environ = {"CUDA_PATH": "/usr/local/cuda-9.0", "XLA_FLAGS": "--xla_a=1 --xla_gpu_cuda_data_dir=/nowhere/cuda"}
    facts = probe(tmp_path, {}, environ)
    assert (facts.cuda_home_how, facts.cuda_home_exists, facts.xla_data_dir) == ("CUDA_PATH", False, "/nowhere/cuda")
    assert facts.toolkits == ()


def test_a_ptxas_that_cannot_run(tmp_path: Path) -> None:
    facts = probe(tmp_path, {"/opt/cuda/bin/ptxas": "not a program"})
    assert isinstance(facts.toolkits, tuple)
    assert isinstance(facts.toolkits[0].ptxas_version, Unknown)


def test_nothing(tmp_path: Path) -> None:
    facts = probe(tmp_path, {})
    assert (facts.cuda_home, facts.toolkits, facts.xla_data_dir) == (None, (), None)


HELP = "--gpu-name <gpu name>\n        'sm_80','sm_89','sm_90','sm_90a','sm_120f'.\n"


def triton_program(path: Path, version: str) -> Path:
    said = f"echo 'release {version[:4]}, V{version}'"
    return program(path, f'#!/bin/sh\nif [ "$1" = --version ]; then {said}; else cat <<EOF\n{HELP}EOF\nfi\n')


def test_triton_s_own_assemblers_and_one_that_a_variable_names(tmp_path: Path) -> None:
    site = tmp_path / "venv/lib/python3.11/site-packages"
    own = triton_program(site / "triton/backends/nvidia/bin/ptxas", "12.8.93")
    triton_program(site / "triton/backends/nvidia/bin/ptxas-blackwell", "12.9.86")
    other = triton_program(tmp_path / "cuda-13/bin/ptxas", "13.0.88")
    environ = {"TRITON_PTXAS_BLACKWELL_PATH": str(other), "TRITON_PTXAS_PATH": "/gone/ptxas"}
    facts = probe(tmp_path / "root", {}, environ, site_packages=(str(site),))
    assert isinstance(facts.triton, tuple)
    assert [(one.name, one.path, one.how, one.version) for one in facts.triton] == [
        ("ptxas", str(own), "triton", "12.8.93"),
        ("ptxas-blackwell", str(other), "TRITON_PTXAS_BLACKWELL_PATH", "13.0.88"),
    ]
    assert facts.triton[0].targets == ("sm_80", "sm_89", "sm_90", "sm_90a", "sm_120f")


def test_without_triton_there_is_none(tmp_path: Path) -> None:
    assert probe(tmp_path / "root", {}, site_packages=(str(tmp_path),)).triton == ()
