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
from envcheck.probes import libraries, startup_files
from envcheck.rules.engine import judge

SITE = "lib/python3.11/site-packages"
ABOUT_LIBRARIES = ("cuda-libraries", "cuda-library", "cuda-runtime", "pip-cuda", "cudnn", "ld-library-path")


def judged(
    tmp_path: Path,
    backend: Backend,
    *wheels: Package,
    driver_supports: str = "13.0",
    packages: tuple[Package, ...] | None = None,
    **environ: str,
) -> list[Finding]:
    """Return the findings about libraries on a machine with a GPU, whose framework has not been imported yet."""
    root = tmp_path / "root"
    host = simulated_host(root, {} if (root / "proc").exists() else linux(), environ=environ)
    seen = libraries.probe(host, python(tmp_path / "env", *wheels), (backend,))
    data = machines.nvidia()
    data["driver"]["libraries"] = msgspec.to_builtins(seen)
    data["driver"]["nvidia"]["cuda_driver_api_version"] = driver_supports
    data["platform"]["startup_files"] = msgspec.to_builtins(startup_files.probe(host))
    data["platform"]["environment"] = [machines.variable(name, value) for name, value in environ.items()]
    if packages is not None:
        data["python"]["packages"] = [msgspec.to_builtins(package) for package in packages]
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


def moved(tmp_path: Path, wheel_folder: str, *places: str) -> None:
    """Move the libraries of a wheel to a folder of the simulated system."""
    libraries_of_wheel = tmp_path / "env" / SITE / "nvidia" / wheel_folder / "lib"
    for place in places:
        target = tmp_path / "root" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        libraries_of_wheel.rename(target)


def test_a_toolkit_that_only_the_shell_knows(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, WHOLE)
    moved(tmp_path, "cufft", "usr/local/cuda-12.5/lib64")
    home = tmp_path / "home"
    home.mkdir()
    only = judged(tmp_path, backend, HOME=str(home))
    assert [found.id for found in only] == ["cuda-libraries-not-on-loader-path"]
    (home / ".bashrc").write_text("export LD_LIBRARY_PATH=/usr/local/cuda-12.5/lib64:$LD_LIBRARY_PATH\n")
    root, symptom = judged(tmp_path, backend, HOME=str(home))
    assert root.id == "ld-library-path-not-inherited"
    assert (symptom.id, symptom.explained_by) == ("cuda-libraries-not-on-loader-path", root.id)
    assert judged(tmp_path, backend, HOME=str(home), LD_LIBRARY_PATH="/usr/local/cuda-12.5/lib64") == []


def test_a_link_of_the_old_name_to_a_newer_cuda(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, WHOLE)
    runtime = tmp_path / "env" / SITE / "nvidia/cuda_runtime/lib/libcudart.so.12"
    shared_library(runtime.with_name("libcudart.so.13.0.96"), soname="libcudart.so.13")
    runtime.unlink()
    runtime.symlink_to("libcudart.so.13.0.96")
    (finding,) = judged(tmp_path, backend, driver_supports="12.8")
    assert finding.id == "cuda-runtime-shadowed"
    assert judged(tmp_path, backend, driver_supports="13.0") == []


def test_the_wheels_of_two_cudas_wrote_the_same_cudnn(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, WHOLE)
    library = tmp_path / "env" / SITE / "nvidia/cudnn/lib/libcudnn.so.9"
    for_13 = wheel(tmp_path / "env", "nvidia-cudnn-cu13", "9.19.0.56", library)
    library.write_bytes(library.read_bytes() + bytes(64))  # as long as the other wheel's
    for_12 = wheel(tmp_path / "env", "nvidia-cudnn-cu12", "9.19.0.56", library)
    assert judged(tmp_path, backend, for_12, for_13, driver_supports="12.8") == []
    library.write_bytes(library.read_bytes()[:-64])
    (finding,) = judged(tmp_path, backend, for_12, for_13, driver_supports="12.8")
    assert finding.id == "cudnn-built-for-newer-cuda"
    assert judged(tmp_path, backend, for_12, for_13, driver_supports="13.0") == []


def test_a_package_of_debian_for_the_next_cuda(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, WHOLE.replace("/cudnn/", "/gone/"))
    moved(tmp_path, "cudnn", "usr/lib/x86_64-linux-gnu")
    root = tmp_path / "root"
    (root / "var/lib/dpkg/info").mkdir(parents=True)
    (root / "var/lib/dpkg/info/libcudnn9.list").write_text("/usr/lib/x86_64-linux-gnu/libcudnn.so.9\n")
    status = "Package: libc6\nVersion: 2.36-9\n\nPackage: libcudnn9\nStatus: ok\nVersion: 9.19.0.56-1+cuda{}\n"
    (root / "var/lib/dpkg/status").write_text(status.format("13.0"))
    (finding,) = judged(tmp_path, backend, driver_supports="12.8")
    assert finding.id == "cudnn-built-for-newer-cuda"
    (root / "var/lib/dpkg/status").write_text(status.format("12.4"))
    assert judged(tmp_path, backend, driver_supports="12.8") == []


def test_cudnn_is_nowhere(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, WHOLE)
    for file in (tmp_path / "env" / SITE / "nvidia/cudnn/lib").glob("*.so*"):
        file.unlink()
    (finding,) = judged(tmp_path, backend)
    assert finding.id == "cudnn-missing"


def test_a_library_that_ends_too_soon(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, WHOLE)
    library = tmp_path / "env" / SITE / "nvidia/cufft/lib/libcufft.so.11"
    library.write_bytes(library.read_bytes()[:200])
    (finding,) = judged(tmp_path, backend)
    assert finding.id == "cuda-library-damaged"


def test_a_library_of_another_cuda_under_the_same_name(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, WHOLE)
    library = tmp_path / "env" / SITE / "nvidia/cusparse/lib/libcusparse.so.12"
    shared_library(library, needs=("libnvJitLink.so.13",), runpath="$ORIGIN")
    shared_library(library.with_name("libnvJitLink.so.13"))
    (finding,) = judged(tmp_path, backend)
    assert finding.id == "cuda-libraries-mixed-major"


def test_an_older_cudnn_in_front(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, WHOLE)
    folder = tmp_path / "env" / SITE / "nvidia/cudnn/lib"
    package = wheel(tmp_path / "env", "nvidia-cudnn-cu12", "9.19.0.56", *folder.glob("*.so.9"))
    cluster = tmp_path / "cluster"
    for library in folder.glob("*.so.9"):
        shared_library(cluster / f"{library.name}.1.0", soname=library.name)
        (cluster / library.name).symlink_to(f"{library.name}.1.0")
    finding, symptom = judged(tmp_path, backend, package, LD_LIBRARY_PATH=str(cluster))
    assert finding.id == "cudnn-shadowed-by-other-copy"
    assert (symptom.id, symptom.explained_by) == ("cudnn-older-than-build", finding.id)
    assert judged(tmp_path, backend, package, **after(finding.fixes[0].commands[0])) == []


def test_cudnn_is_older_than_the_framework_asks_for(tmp_path: Path) -> None:
    backend = tensorflow(tmp_path, WHOLE)
    library = tmp_path / "env" / SITE / "nvidia/cudnn/lib/libcudnn.so.9"
    package = wheel(tmp_path / "env", "nvidia-cudnn-cu12", "9.1.0.70", library)
    asking = msgspec.structs.replace(
        wheel(tmp_path / "env", "tensorflow", "2.21.0"), requires=("nvidia-cudnn-cu12<10.0,>=9.3.0.75",)
    )
    (finding,) = judged(tmp_path, backend, package, packages=(package, asking))
    assert finding.id == "cudnn-older-than-build"
