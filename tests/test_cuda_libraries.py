"""From files on disk to the finding about CUDA's libraries, and back: the suggested command heals the fault."""

import os
import subprocess
from pathlib import Path

import msgspec
from judging import machines
from simulated.libraries import framework, python, shared_library, wheel
from simulated.trees import linux, simulated_host

from envcheck.model.facts import Backend, Package
from envcheck.model.report import Finding
from envcheck.probes import libraries
from envcheck.rules.engine import judge

SITE = "lib/python3.11/site-packages"
ABOUT_LIBRARIES = ("cuda-libraries", "pip-cuda", "cudnn", "ld-library-path-shadows")


def judged(tmp_path: Path, backend: Backend, *packages: Package, **environ: str) -> list[Finding]:
    """Return the findings about libraries on a machine with a GPU, whose framework has not been imported yet."""
    root = tmp_path / "root"
    host = simulated_host(root, {} if (root / "proc").exists() else linux(), environ=environ)
    seen = libraries.probe(host, python(tmp_path / "env", *packages), (backend,))
    data = machines.nvidia()
    data["driver"]["libraries"] = msgspec.to_builtins(seen)
    not_imported = {"unknown": "skipped", "detail": "not imported"}
    machines.change(data, f"/backends/{backend.name}/devices", not_imported)
    machines.change(data, f"/backends/{backend.name}/import/status", not_imported)
    machines.change(data, f"/backends/{backend.name}/built_for/cuda", backend.built_for.cuda)
    machines.remove(data, f"/smoke/{backend.name}@gpu:0")
    found = judge(machines.facts(data)).findings
    return [finding for finding in found if finding.id.startswith(ABOUT_LIBRARIES) and finding.subject == backend.name]


def after(command: str) -> dict[str, str]:
    """Return what a suggested command makes of LD_LIBRARY_PATH in a shell."""
    environ = {"PATH": os.defpath, "HOME": "/home/ana"}
    answer = subprocess.run(
        ["sh", "-c", f'{command}\nprintf %s "$LD_LIBRARY_PATH"'],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return {"LD_LIBRARY_PATH": answer.stdout} if answer.stdout else {}


def tensorflow(tmp_path: Path, runpath: str) -> Backend:
    """Return a TensorFlow with every CUDA library in wheels; ``runpath`` says which of them it leads to."""
    nvidia = tmp_path / "env" / SITE / "nvidia"
    shared_library(nvidia.parent / "tensorflow/libtensorflow_framework.so.2", runpath=runpath)
    names = (
        "cuda_runtime/libcudart.so.12",
        "cublas/libcublas.so.12",
        "cublas/libcublasLt.so.12",
        "cufft/libcufft.so.11",
        "cusolver/libcusolver.so.11",
        "cusparse/libcusparse.so.12",
        "cudnn/libcudnn.so.9",
    )
    for name in names:
        folder, library = name.split("/")
        shared_library(nvidia / folder / "lib" / library, runpath="$ORIGIN")
    for part in ("graph", "ops", "cnn", "adv", "heuristic", "engines_precompiled", "engines_runtime_compiled"):
        shared_library(nvidia / f"cudnn/lib/libcudnn_{part}.so.9", runpath="$ORIGIN")
    return framework("tensorflow", nvidia.parent / "tensorflow", "12.5.1")


FOLDERS = ("cuda_runtime", "cublas", "cufft", "cusolver", "cusparse", "cudnn")
WHOLE = ":".join(f"$ORIGIN/../nvidia/{folder}/lib" for folder in FOLDERS)


def test_wheels_in_order(tmp_path: Path) -> None:
    assert judged(tmp_path, tensorflow(tmp_path, WHOLE)) == []


def test_a_run_path_that_leaves_wheels_out(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, WHOLE.replace("/cusolver/", "/gone/").replace("/cufft/", "/gone/"))
    (finding,) = judged(tmp_path, backend)
    assert finding.id == "pip-cuda-libraries-not-found"
    assert "libcufft.so.11, libcusolver.so.11" in finding.message
    assert judged(tmp_path, backend, **after(finding.fixes[0].commands[0])) == []


def test_a_part_of_cudnn_is_gone(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, WHOLE)
    part = tmp_path / "env" / SITE / "nvidia/cudnn/lib/libcudnn_heuristic.so.9"
    part.unlink()
    (finding,) = judged(tmp_path, backend)
    assert finding.id == "cudnn-sublibrary-missing"
    assert "libcudnn_heuristic.so.9" in finding.message
    shared_library(part)
    assert judged(tmp_path, backend) == []


def test_an_older_toolkit_on_the_variable(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, WHOLE)
    library = tmp_path / "env" / SITE / "nvidia/cublas/lib/libcublas.so.12"
    package = wheel(tmp_path / "env", "nvidia-cublas-cu12", "12.5.3.2", library)
    cluster = tmp_path / "cluster"
    shared_library(cluster / "libcublas.so.12.1.3.1", soname="libcublas.so.12")
    (cluster / "libcublas.so.12").symlink_to("libcublas.so.12.1.3.1")
    (finding,) = judged(tmp_path, backend, package, LD_LIBRARY_PATH=str(cluster))
    assert finding.id == "ld-library-path-shadows-cuda-wheels"
    assert str(cluster / "libcublas.so.12") in finding.message
    assert judged(tmp_path, backend, package, **after(finding.fixes[0].commands[0])) == []


def test_only_the_other_cuda_is_there(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, "$ORIGIN")
    nvidia = tmp_path / "env" / SITE / "nvidia"
    nvidia.rename(nvidia.parent / "gone")
    shared_library(tmp_path / "root/usr/local/cuda-11.8/lib64/libcudart.so.11.0")
    (finding,) = judged(tmp_path, backend)
    assert finding.id == "cuda-libraries-wrong-version"
    assert "/usr/local/cuda-11.8/lib64/libcudart.so.11.0" in finding.message
