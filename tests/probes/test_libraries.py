"""The search for CUDA's libraries: in the order of the real loader, which is asked as well."""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from simulated.libraries import framework, loaded_by_the_real_loader, python, shared_library, wheel
from simulated.trees import Entry, Folder, Link, linux, simulated_host, write_tree

from envcheck.host import Host
from envcheck.model.facts import Backend, LibraryCandidate, LibrarySearch, Package
from envcheck.model.unknown import Unknown
from envcheck.probes import libraries

SITE = "lib/python3.11/site-packages"


def search(
    tmp_path: Path, *backends: Backend, packages: tuple[Package, ...] = (), **environ: str
) -> dict[str, LibrarySearch]:
    """Return the searches by soname, on a machine below ``tmp_path/root`` with the target ``tmp_path/env``."""
    root = tmp_path / "root"
    if not root.exists():
        write_tree(root, linux())
    host = Host(environ=environ, cwd=str(tmp_path), root=str(root))
    found = libraries.probe(host, python(tmp_path / "env", *packages), backends)
    assert isinstance(found, tuple)
    return {library.soname: library for library in found}


def candidates(library: LibrarySearch) -> tuple[LibraryCandidate, ...]:
    assert isinstance(library.candidates, tuple)
    return library.candidates


def winner(library: LibrarySearch) -> LibraryCandidate | None:
    return None if library.winner is None else candidates(library)[library.winner]


def torch(tmp_path: Path, *needs: str, **paths: str) -> Backend:
    location = tmp_path / "env" / SITE / "torch"
    shared_library(location / "lib/libtorch_global_deps.so", needs=needs, **paths)
    return framework("torch", location, "12.8")


def test_nothing_is_searched_without_a_build_for_cuda(tmp_path: Path) -> None:
    location = tmp_path / "env" / SITE / "torch"
    shared_library(location / "lib/libtorch_global_deps.so", needs=["libcudart.so.12"])
    assert search(tmp_path, framework("torch", location, None)) == {}


WHEELS = "$ORIGIN/../../nvidia/cusparse/lib:$ORIGIN/../../nvidia/cublas/lib"


@pytest.mark.parametrize(
    ("kind", "variable", "cusparse", "nvjitlink"),
    [
        ("rpath", False, "env", "env"),
        ("runpath", False, "env", "env"),
        # RPATH comes before the variable; but the wheel of cuSPARSE has a RUNPATH, and that comes after it.
        ("rpath", True, "env", "cluster"),
        ("runpath", True, "cluster", "cluster"),
    ],
)
def test_the_real_loader_agrees(tmp_path: Path, kind: str, variable: bool, cusparse: str, nvjitlink: str) -> None:
    nvidia = tmp_path / "env" / SITE / "nvidia"
    runpath = "$ORIGIN/../../nvjitlink/lib"
    shared_library(nvidia / "cusparse/lib/libcusparse.so.12", needs=["libnvJitLink.so.12"], runpath=runpath)
    shared_library(nvidia / "nvjitlink/lib/libnvJitLink.so.12")
    shared_library(nvidia / "cublas/lib/libcublas.so.12")
    for name in ("libcusparse.so.12", "libnvJitLink.so.12"):
        needs = ["libnvJitLink.so.12"] if "cusparse" in name else []
        shared_library(tmp_path / "cluster/lib64" / name, needs=needs)
    backend = torch(tmp_path, "libcublas.so.12", "libcusparse.so.12", **{kind: WHEELS})
    environ = {"LD_LIBRARY_PATH": str(tmp_path / "cluster/lib64")} if variable else {}
    found = search(tmp_path, backend, **environ)
    real = loaded_by_the_real_loader(
        tmp_path / "env" / SITE / "torch/lib/libtorch_global_deps.so", Host(environ=environ, cwd="/")
    )
    for soname, where in {
        "libcusparse.so.12": cusparse,
        "libnvJitLink.so.12": nvjitlink,
        "libcublas.so.12": "env",
    }.items():
        taken = winner(found[soname])
        assert taken is not None
        assert taken.file == str(Path(real[soname]).resolve())
        assert taken.path.startswith(str(tmp_path / where))
    others = [candidate.path for candidate in candidates(found["libnvJitLink.so.12"])]
    assert len(others) == 2 if variable else 1


def test_what_the_loader_passes_over_and_what_stops_it(tmp_path: Path) -> None:
    first, second, third = tmp_path / "first", tmp_path / "second", tmp_path / "third"
    for folder in (first, second, third):
        folder.mkdir()
    (first / "libcudart.so.12").symlink_to("libcudart.so.12.4.127")
    good = shared_library(third / "libcudart.so.12.4.127", soname="libcudart.so.12")
    (third / "libcudart.so.12").symlink_to(good.name)
    foreign = bytearray(good.read_bytes())
    struct.pack_into("<H", foreign, 18, 183 if foreign[18] != 183 else 62)  # another processor
    (second / "libcudart.so.12").write_bytes(foreign)
    (first / "libcublas.so.12").write_bytes(good.read_bytes()[:2000])
    shared_library(third / "libcublas.so.12")
    (second / "libcufft.so.11").write_text("404: Not Found")
    backend = torch(tmp_path, "libcudart.so.12", "libcublas.so.12", "libcufft.so.11")
    found = search(tmp_path, backend, LD_LIBRARY_PATH=f"{first}:{second}::{third}")
    cudart = candidates(found["libcudart.so.12"])
    assert [candidate.problem for candidate in cudart] == ["broken-link", "wrong-architecture", None]
    assert cudart[0].file is None
    taken = winner(found["libcudart.so.12"])
    assert taken is not None
    assert (taken.file, taken.version, taken.version_how) == (str(good), "12.4.127", "file name")
    damaged = winner(found["libcublas.so.12"])
    assert damaged is not None
    assert damaged.problem == "truncated"
    text = winner(found["libcufft.so.11"])
    assert text is not None
    assert text.problem == "no-library"


def test_the_loader_cache_and_the_folders_of_the_system(tmp_path: Path) -> None:
    root = tmp_path / "root"
    library = shared_library(tmp_path / "built/libcudnn.so.9.1.0", soname="libcudnn.so.9").read_bytes()
    cuda = shared_library(tmp_path / "built/libcuda.so.1").read_bytes()
    tree: dict[str, Entry] = {
        **linux(),
        "/etc/ld.so.cache": loader_cache({"libcudnn.so.9": "/opt/cudnn/lib/libcudnn.so.9"}),
        "/opt/cudnn/lib/libcudnn.so.9": Link("libcudnn.so.9.1.0"),
        "/opt/cudnn/lib/libcudnn.so.9.1.0": library,
        "/usr/lib64/libcuda.so.1": Link("libcuda.so.550.54.14"),
        "/usr/lib64/libcuda.so.550.54.14": cuda,
        "/usr/local/cuda-12.4/compat/libcuda.so.1": cuda,
        "/usr/local/cuda-12.4/lib64/libcudnn.so.9": library,
        "/usr/local/cuda-12.4/lib64/libcudart.so.12": library,
        "/var/lib/dpkg/info/libcudnn9-cuda-12:amd64.list": "/opt\n/opt/cudnn/lib/libcudnn.so.9.1.0\n",
    }
    simulated_host(root, tree)
    found = search(tmp_path, torch(tmp_path, "libcudnn.so.9", "libcuda.so.1", "libcudart.so.13"))
    seen = [(one.path, one.found_via, one.reachable, one.package) for one in candidates(found["libcudnn.so.9"])]
    assert seen == [
        ("/opt/cudnn/lib/libcudnn.so.9", "loader cache", True, "libcudnn9-cuda-12"),
        ("/usr/local/cuda-12.4/lib64/libcudnn.so.9", "toolkit", False, None),
    ]
    assert candidates(found["libcudnn.so.9"])[0].version == "9.1.0"
    assert [(one.found_via, one.version) for one in candidates(found["libcuda.so.1"])] == [
        ("system folder", "550.54.14"),
        ("compat", None),
    ]
    assert found["libcudart.so.13"].winner is None
    assert found["libcudart.so.13"].other_versions == ("/usr/local/cuda-12.4/lib64/libcudart.so.12",)


def loader_cache(entries: dict[str, str]) -> bytes:
    """Return /etc/ld.so.cache as ldconfig of glibc 2.32 and later writes it."""
    start = 48 + 24 * len(entries)
    rows, texts = b"", b""
    for name, path in entries.items():
        rows += struct.pack("<iIIIQ", 0x303, start + len(texts), start + len(texts) + len(name) + 1, 0, 0)
        texts += f"{name}\0{path}\0".encode()
    head = b"glibc-ld.so.cache1.1" + struct.pack("<IIB3xI12x", len(entries), len(texts), 2, 0)
    return head + rows + texts


def test_a_cache_of_this_machine(tmp_path: Path) -> None:
    if not Path("/etc/ld.so.cache").is_file():
        pytest.skip("this machine's loader has no cache")
    from envcheck.probes import loader_cache as cache

    read = cache.read(Host(environ={}, cwd="/"))
    assert not isinstance(read, Unknown)
    assert any(name.startswith("libc.so") for name in read)
    assert all(path.startswith("/") for paths in read.values() for path in paths)
    assert isinstance(cache.read(simulated_host(tmp_path, {"/etc/ld.so.cache": b"nonsense"})), Unknown)


def test_tensorflow_opens_what_no_header_names(tmp_path: Path) -> None:
    env = tmp_path / "env"
    nvidia = env / SITE / "nvidia"
    runpath = "$ORIGIN/../nvidia/cublas/lib:$ORIGIN/../nvidia/cudnn/lib"
    shared_library(env / SITE / "tensorflow/libtensorflow_framework.so.2", runpath=runpath)
    shared_library(env / SITE / "tensorflow/libtensorflow_cc.so.2", runpath="$ORIGIN/../nvidia/cusolver/lib")
    shared_library(nvidia / "cublas/lib/libcublasLt.so.12")
    cublas = shared_library(nvidia / "cublas/lib/libcublas.so.12", needs=["libcublasLt.so.12"], runpath="$ORIGIN")
    shared_library(nvidia / "cusolver/lib/libcusolver.so.11")
    shared_library(nvidia / "cuda_runtime/lib/libcudart.so.12")
    shared_library(nvidia / "cudnn/lib/libcudnn.so.9", runpath="$ORIGIN")
    shared_library(nvidia / "cudnn/lib/libcudnn_graph.so.9")
    backend = framework("tensorflow", env / SITE / "tensorflow", "12.5.1")
    packages = (wheel(env, "nvidia-cublas-cu12", "12.5.3.2", cublas),)
    found = search(tmp_path, backend, packages=packages)
    taken = {name: one.found_via for name, library in found.items() if (one := winner(library))}
    assert taken == {
        "libcublas.so.12": "RUNPATH",
        "libcublasLt.so.12": "RUNPATH",
        "libcusolver.so.11": "RUNPATH",
        "libcudnn.so.9": "RUNPATH",
        "libcudnn_graph.so.9": "RUNPATH",
    }
    ours = winner(found["libcublas.so.12"])
    assert ours is not None
    assert (ours.version, ours.version_how, ours.package) == ("12.5.3.2", "package", "nvidia-cublas-cu12")
    assert ours.needs == ("libcublasLt.so.12",)
    assert [(one.found_via, one.reachable) for one in candidates(found["libcudart.so.12"])] == [("wheel", False)]
    assert found["libcudnn_ops.so.9"].winner is None
    assert {"libcuda.so.1", "libcufft.so.11", "libcusparse.so.12"} <= found.keys()


def test_jax_takes_the_wheels_first_but_what_they_need_as_the_loader_does(tmp_path: Path) -> None:
    env = tmp_path / "env"
    nvidia = env / SITE / "nvidia"
    shared_library(env / SITE / "jax_plugins/xla_cuda12/xla_cuda_plugin.so")
    runpath = "$ORIGIN"
    shared_library(nvidia / "cublas/lib/libcublas.so.12", needs=["libcublasLt.so.12"], runpath=runpath)
    shared_library(nvidia / "cublas/lib/libcublasLt.so.12")
    for name in ("libcublas.so.12", "libcublasLt.so.12"):
        shared_library(tmp_path / "cluster" / name)
    (env / SITE / "jax").mkdir()
    backend = framework("jax", env / SITE / "jax", "12", version="0.4.35")
    found = search(tmp_path, backend, LD_LIBRARY_PATH=str(tmp_path / "cluster"))
    first, second = winner(found["libcublas.so.12"]), winner(found["libcublasLt.so.12"])
    assert first is not None
    assert second is not None
    assert (first.found_via, second.found_via) == ("preloaded", "LD_LIBRARY_PATH")
    assert found["libnvrtc.so.12"].required is False
    assert found["libcudnn.so.9"].required is True


def test_two_wheels_that_write_the_same_file(tmp_path: Path) -> None:
    env = tmp_path / "env"
    library = env / SITE / "nvidia/cudnn/lib/libcudnn.so.9"
    shared_library(library, soname="libcudnn.so.9")
    of_12 = wheel(env, "nvidia-cudnn-cu12", "9.1.0.70", library)
    with library.open("ab") as file:
        file.write(b"\0" * 100)
    of_13 = wheel(env, "nvidia-cudnn-cu13", "9.19.0.56", library)
    backend = torch(tmp_path, "libcudnn.so.9", rpath="$ORIGIN/../../nvidia/cudnn/lib")
    taken = winner(search(tmp_path, backend, packages=(of_12, of_13))["libcudnn.so.9"])
    assert taken is not None
    assert (taken.package, taken.version) == ("nvidia-cudnn-cu13", "9.19.0.56")
    shutil.copy(of_13.metadata + "/RECORD", of_12.metadata + "/RECORD")
    taken = winner(search(tmp_path, backend, packages=(of_12, of_13))["libcudnn.so.9"])
    assert taken is not None
    assert isinstance(taken.package, Unknown)


def test_a_conda_environment_without_a_run_path(tmp_path: Path) -> None:
    env = tmp_path / "env"
    (env / "conda-meta").mkdir(parents=True)
    shared_library(env / "lib/libcudart.so.12.4.127", soname="libcudart.so.12")
    (env / "lib/libcudart.so.12").symlink_to("libcudart.so.12.4.127")
    (one,) = candidates(search(tmp_path, torch(tmp_path, "libcudart.so.12"))["libcudart.so.12"])
    assert (one.found_via, one.reachable, one.version) == ("conda", False, "12.4.127")


def test_only_linux_is_read(tmp_path: Path) -> None:
    backend = torch(tmp_path, "libcudart.so.12")
    macos: dict[str, Entry] = {"/System/Library/CoreServices/SystemVersion.plist": "", "/etc": Folder}
    host = simulated_host(tmp_path / "mac", macos)
    found = libraries.probe(host, python(tmp_path / "env"), (backend,))
    assert isinstance(found, Unknown)
    assert found.reason == "unsupported"


PRELOADING = """
import ctypes, glob, os
here = os.path.dirname(os.path.abspath(__file__))
site = os.path.dirname(here)


def _preload_cuda_deps():
    cuda_libs = [
        ("nvjitlink", "libnvJitLink.so.*[0-9]"),
        ("cusparse", "libcusparse.so.*[0-9]"),
        ("nccl", "libnccl.so.*[0-9]"),
        ("cufft", "libcufft.so.*[0-9]"),
    ]
    for folder, name in cuda_libs:
        found = [path for part in (folder, "cu13") for path in glob.glob(f"{site}/nvidia/{part}/lib/{name}")]
        if not found:
            raise ValueError(name)
        ctypes.CDLL(found[0])


def load():
    ctypes.CDLL(f"{here}/lib/libtorch_global_deps.so", mode=ctypes.RTLD_GLOBAL)
    try:
        _preload_cuda_deps()
    except Exception:
        pass
    ctypes.CDLL(f"{here}/lib/libtorch_cuda.so")


load()
for line in open("/proc/self/maps"):
    if "/nvidia/" in line:
        print(line.split()[-1])
"""


def test_torch_opens_wheels_before_the_loader_is_asked(tmp_path: Path) -> None:
    """A wheel for CUDA 12 is taken by a PyTorch with CUDA 13, where both give a library the same name."""
    site = tmp_path / "env" / SITE
    nvidia, own = site / "nvidia", "$ORIGIN/../../nvidia/cu13/lib"
    for name in ("libcudart.so.13", "libnvJitLink.so.13", "libcufft.so.12"):
        shared_library(nvidia / "cu13/lib" / name)
    shared_library(nvidia / "cu13/lib/libcusparse.so.12", needs=["libnvJitLink.so.13"], runpath="$ORIGIN")
    shared_library(nvidia / "nvjitlink/lib/libnvJitLink.so.12")
    shared_library(nvidia / "cusparse/lib/libcusparse.so.12", needs=["libnvJitLink.so.12"])
    shared_library(nvidia / "cufft/lib/libcufft.so.11")
    torch(tmp_path, "libcudart.so.13", rpath=own)
    needs = ["libcudart.so.13", "libcusparse.so.12", "libcufft.so.12"]
    shared_library(site / "torch/lib/libtorch_cuda.so", needs=needs, rpath=own)
    (site / "torch/__init__.py").write_text(PRELOADING, encoding="utf-8")
    found = search(tmp_path, framework("torch", site / "torch", "13.0"))
    predicted = {taken.file for library in found.values() if (taken := winner(library)) and "/nvidia/" in taken.path}
    script = str(site / "torch/__init__.py")
    answer = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, check=True)
    assert predicted == set(answer.stdout.split())
    assert str(nvidia / "cusparse/lib/libcusparse.so.12") in predicted
    assert found["libcufft.so.12"].winner is not None
