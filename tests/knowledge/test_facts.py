"""What the knowledge base says of frameworks, CUDA and its libraries, compared with the vendors' own tables."""

import pytest
from packaging.version import Version

from envcheck import knowledge
from envcheck.knowledge import cuda, cuda_libraries, frameworks

# --- frameworks -----------------------------------------------------------------------------------


def test_a_newer_python_never_gets_an_older_release() -> None:
    for framework in ("tensorflow", "torch", "jax", "openvino"):
        pythons = frameworks.pythons(framework)
        assert list(pythons) == sorted(pythons, key=Version)
        releases = [Version(frameworks.newest(framework, python) or "0") for python in pythons]
        assert releases == sorted(releases)


def test_what_is_known_of_pythons() -> None:
    assert frameworks.newest("tensorflow", "3.14") is None
    assert frameworks.newest("tensorflow", "3.8") == "2.13.1"
    assert frameworks.newest("torch", "3.14") is not None
    assert frameworks.pythons("caffe") == ()


@pytest.mark.parametrize(
    ("keras", "backend", "minimum"),
    [
        ("3.15.1", "tensorflow", "2.16.1"),
        ("3.13.0", "jax", "0.4.20"),
        ("3.12.4", "tensorflow", None),
        ("3.5.0", "torch", "2.1.0"),
        ("3.10.0", "torch", None),
        ("2.15.0", "torch", None),
    ],
)
def test_the_oldest_backend_of_a_keras(keras: str, backend: str, minimum: str | None) -> None:
    row = frameworks.minimum_backend(Version(keras), backend)
    assert (row.minimum if row else None) == minimum


# --- CUDA -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "driver"),
    [
        ("12.5.1", "525.60.13"),
        ("12.0", "525.60.13"),
        ("13", "580.65.06"),
        ("11.8", "450.80.02"),
        ("11.0", "450.36.06"),
        ("10.1", "418.39"),
        ("14.0", None),
    ],
)
def test_the_oldest_driver_of_a_cuda(version: str, driver: str | None) -> None:
    row = cuda.minimum_driver(Version(version))
    assert (row.linux if row else None) == driver


def test_a_newer_cuda_never_needs_an_older_driver() -> None:
    rows = sorted(knowledge.load("cuda_drivers", cuda.Driver), key=lambda row: Version(f"{row.cuda}.1"))
    assert [Version(row.linux) for row in rows] == sorted(Version(row.linux) for row in rows)
    assert [Version(row.windows) for row in rows] == sorted(Version(row.windows) for row in rows)


@pytest.mark.parametrize(
    ("code", "gpu", "way"),
    [
        ("8.0", (8, 0), "native"),
        ("8.0", (8, 9), "native"),
        ("sm_86", (8, 9), "native"),
        ("8.9", (8, 6), None),
        ("8.6", (9, 0), None),
        ("sm_90a", (9, 0), "native"),
        ("sm_100a", (10, 3), None),
        ("sm_100f", (10, 3), "native"),
        ("sm_120", (12, 0), "native"),
        ("compute_90", (12, 0), "ptx"),
        ("compute_90", (8, 9), None),
        ("9.0+PTX", (12, 0), "ptx"),
        ("compute_90a", (12, 0), None),
        ("gfx90a", (9, 0), None),
    ],
)
def test_code_and_gpu(code: str, gpu: tuple[int, int], way: str | None) -> None:
    assert cuda.code_runs_on(code, gpu) == way


def test_what_a_code_is_built_for() -> None:
    assert [cuda.built_for(code) for code in ("sm_120", "7.5", "compute_90", "x")] == [(12, 0), (7, 5), (9, 0), None]
    assert [cuda.capability(text) for text in ("8.9", " 12.0 ", "", "x.y")] == [(8, 9), (12, 0), None, None]


def test_where_torch_comes_from() -> None:
    linux, windows = cuda.torch_index(13, "Linux"), cuda.torch_index(13, "Windows")
    assert linux is not None and linux.index is None
    assert windows is not None and windows.index is not None
    assert cuda.torch_index(11, "Linux") is None


# --- names of CUDA's libraries --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cuda_release", "cudart", "cusolver"),
    [
        ("10.1", "libcudart.so.10.1", "libcusolver.so.10"),
        ("11.0", "libcudart.so.11.0", "libcusolver.so.10"),
        ("11.2", "libcudart.so.11.0", "libcusolver.so.11"),
        ("12.5.1", "libcudart.so.12", "libcusolver.so.11"),
        ("13", "libcudart.so.13", "libcusolver.so.12"),
    ],
)
def test_names_follow_the_release_of_cuda(cuda_release: str, cudart: str, cusolver: str) -> None:
    names = cuda_libraries.sonames(cuda_release)
    assert (names["cudart"], names["cusolver"]) == (cudart, cusolver)
    assert all(cuda_libraries.NAME.fullmatch(name) for name in names.values())


def test_a_release_that_is_not_known_has_no_names() -> None:
    assert cuda_libraries.sonames("7.5") == {}


def test_who_ships_a_library() -> None:
    assert cuda_libraries.wheel_of("libcublasLt.so.12", 12) == "nvidia-cublas-cu12"
    assert cuda_libraries.wheel_of("libcublasLt.so.13", 13) == "nvidia-cublas"
    assert cuda_libraries.wheel_of("libcudnn_ops.so.9", 13) == "nvidia-cudnn-cu13"
    assert cuda_libraries.wheel_of("libfoo.so.1", 12) is None
    wanted = (*cuda_libraries.TENSORFLOW_OPENS, *cuda_libraries.JAX_OPENS, "cudnn")
    assert all(cuda_libraries.shipped_by(f"lib{name}.so.1") for name in wanted)
