"""What the knowledge base says of frameworks, CUDA and its libraries, compared with the vendors' own tables."""

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envcheck import knowledge
from envcheck.knowledge import builds, cuda, cuda_libraries, frameworks, unstated
from envcheck.knowledge.cuda import ComputeCapability
from envcheck.knowledge.hardware import NvidiaDevice
from envcheck.knowledge.releases import releases, tracked

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


@pytest.mark.parametrize(
    ("distribution", "version", "needs"),
    [
        ("theano", "1.0.5", {"numpy": "<1.22"}),
        ("torch", "2.2.2", {"numpy": "<2"}),
        ("torch", "2.3.0", {}),
        ("tensorflow", "2.18.0", {}),
        ("tensorflow", "2.17.1", {"numpy": "<2"}),
        ("no-such-distribution", "1.0", {}),
    ],
)
def test_what_releases_need_and_do_not_say(distribution: str, version: str, needs: dict[str, str]) -> None:
    assert dict(unstated.bounds(distribution, Version(version))) == needs


def test_the_first_release_that_does_not_need_it_any_more() -> None:
    assert unstated.first_without("torch", "numpy<2") == "2.3"
    assert unstated.first_without("keras", "numpy<2") is None


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


@pytest.mark.parametrize(
    ("cuda_major", "system", "requirement", "index"),
    [
        (13, "Linux", "torch", None),
        (13, "Windows", "torch", "https://download.pytorch.org/whl/cu130"),
        (12, "Linux", "torch<2.15", "https://download.pytorch.org/whl/cu126"),
        (11, "Linux", "torch<2.8", "https://download.pytorch.org/whl/cu118"),
    ],
)
def test_where_torch_comes_from(cuda_major: int, system: str, requirement: str, index: str | None) -> None:
    row = cuda.torch_index(cuda_major, system)
    assert row is not None
    assert (row.requirement, row.index) == (requirement, index)


def test_there_is_no_torch_for_a_cuda_to_come_nor_for_macos() -> None:
    assert cuda.torch_index(14, "Linux") is None
    assert cuda.torch_index(12, "Darwin") is None


@pytest.mark.parametrize(
    ("version", "oldest"),
    [("10.2", (3, 0)), ("11.8", (3, 5)), ("12.0", (5, 0)), ("12.9.1", (5, 0)), ("13", (7, 5)), ("14.0", None)],
)
def test_the_oldest_gpu_of_a_cuda(version: str, oldest: tuple[int, int] | None) -> None:
    assert cuda.oldest_gpu(Version(version)) == oldest


def test_the_last_driver_of_a_family() -> None:
    branches = [cuda.last_driver_branch(family) for family in ("Kepler", "Volta", "Turing", "no such family")]
    assert branches == [470, 580, None, None]


def test_every_family_of_the_pci_numbers_has_its_capabilities() -> None:
    known = {(row.compute_capability, row.family) for row in knowledge.load("compute_capabilities", ComputeCapability)}
    devices = knowledge.load("nvidia_devices", NvidiaDevice)
    assert {(device.compute_capability, device.family) for device in devices} <= known


# --- builds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "version", "platform", "cuda_release", "codes"),
    [
        ("tensorflow", "2.21.0", "linux-x86_64", "12.5.1", ("sm_60", "compute_90")),
        ("tensorflow", "2.10.1", "windows-x86_64", "11.2", ()),
        ("tensorflow", "2.16.1", "windows-x86_64", "", ()),
        ("tensorflow", "2.16.1", "linux-aarch64", "", ()),
        ("torch", "2.15.0", "linux-x86_64", "13.2", ("sm_75", "sm_120")),
        ("torch", "2.9.1+cu128", "linux-x86_64", "12.8", ("sm_70", "sm_120")),
        ("torch", "2.9.1", "windows-x86_64", "", ()),
        ("torch", "2.11.0", "linux-aarch64", "13.0", ("sm_80", "sm_110")),
        ("jax-cuda12-plugin", "0.5.3", "linux-x86_64", "12.3.2", ("sm_50", "compute_90")),
        ("jax-cuda13-plugin", "0.12.0.1", "linux-x86_64", "13", ("sm_75", "compute_120")),
        ("paddlepaddle-gpu", "2.6.2", "linux-x86_64", "11.8", ()),
        ("nvidia-cudnn-cu12", "9.10.2.21", "linux-x86_64", "12", ("sm_50", "sm_120")),
    ],
)
def test_what_the_build_of_the_package_index_is_for(
    distribution: str, version: str, platform: str, cuda_release: str, codes: tuple[str, ...]
) -> None:
    build = builds.builds(distribution, version, platform)[0]
    assert (build.variant, build.cuda) == (None, cuda_release)
    assert set(codes) <= set(build.compute_capabilities or ())


def test_cudnn_left_out_what_is_before_turing() -> None:
    first = builds.builds("nvidia-cudnn-cu12", "9.11.0.98", "linux-x86_64")[0].compute_capabilities or ()
    assert min(target for target in map(cuda.built_for, first) if target) == (7, 5)


def test_other_builds_of_torch() -> None:
    found = {build.variant: build for build in builds.builds("torch", "2.9.1", "linux-x86_64")}
    assert set(found) == {None, "cpu", "cu126", "cu128", "cu130", "rocm6.4", "xpu"}
    assert found["cu126"].index == "https://download.pytorch.org/whl/cu126"
    assert "sm_50" in (found["cu126"].compute_capabilities or ())
    assert "gfx1100" in (found["rocm6.4"].compute_capabilities or ())


def test_a_release_that_no_row_covers_is_unknown() -> None:
    assert builds.builds("torch", "99.0") == ()
    assert builds.builds("no-such-distribution", "1.0") == ()


@pytest.mark.parametrize(
    ("distribution", "first"),
    [("torch", "2.3.0"), ("ml-dtypes", "0.4.0"), ("h5py", "3.11.0"), ("jaxlib", "0.4.26"), ("scipy", "1.13.0")],
)
def test_since_when_a_distribution_goes_with_numpy_2(distribution: str, first: str) -> None:
    versions = [Version(release.version) for release in releases(distribution)]
    before = max(version for version in versions if version < Version(first))
    abis = [builds.builds(distribution, version, "linux-x86_64")[0].numpy_abi for version in (before, first)]
    assert abis == [1, 2]


def test_ranges_of_one_build_do_not_overlap() -> None:
    """No release has two rows of the same variant on a platform, and none is described before it was released."""
    for distribution in {row.distribution for row in knowledge.load("builds", builds.Build)} & tracked():
        for release in releases(distribution):
            for platform in ("linux-x86_64", "linux-aarch64", "windows-x86_64", "macos-arm64"):
                found = [row.variant for row in builds.builds(distribution, release.version, platform)]
                assert len(found) == len(set(found)), (distribution, release.version, platform)


def test_every_row_of_the_package_index_covers_a_release_that_there_is() -> None:
    for row in knowledge.load("builds", builds.Build):
        if row.index is None and row.distribution in tracked():
            covered = SpecifierSet(row.versions)
            assert any(covered.contains(release.version) for release in releases(row.distribution)), row


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
    assert cuda_libraries.wheel_of("libcufftw.so.12", 13) == "nvidia-cufft"
    wanted = (*cuda_libraries.TENSORFLOW_OPENS, *cuda_libraries.JAX_OPENS, "cudnn")
    assert all(cuda_libraries.shipped_by(f"lib{name}.so.1") for name in wanted)
