"""The CUDA driver API, with stand-ins for libcuda that answer, fail, crash and hang."""

import os
import shutil
from pathlib import Path

import pytest
from simulated.gpus import GIB, environment, library, machine
from simulated.trees import linux, simulated_host

from envcheck.model.facts import CudaDriver
from envcheck.model.unknown import Unknown
from envcheck.probes import cuda_driver


def libcuda(*flags: str) -> Path:
    return library("cuda.c", "libcuda.so.1", *flags)


def ask(folder: Path, told: dict[str, object], where: Path | None = None, timeout: float = 20.0) -> CudaDriver:
    environ = environment(told, folder, where or libcuda())
    host = simulated_host(folder / "root", linux(), environ=environ)
    return cuda_driver.ask(type(host)(environ=host.environ, cwd=host.cwd, root=host.root, timeout=timeout))


def test_two_devices(tmp_path: Path) -> None:
    facts = ask(tmp_path, machine(2))
    assert (facts.status, facts.api_version, facts.library_kind) == ("ok", "12.4", "driver")
    assert facts.library == str(libcuda() / "libcuda.so.1")
    assert isinstance(facts.devices, tuple)
    first, second = facts.devices
    assert (first.name, first.compute_capability) == ("NVIDIA H100 80GB HBM3", "9.0")
    assert first.memory_total_bytes == 80 * GIB
    assert (first.pci_address, second.pci_address) == ("0000:01:00.0", "0000:02:00.0")
    assert second.uuid == "GPU-00000001-1111-2222-3333-444444444444"


def test_the_order_is_cudas_own(tmp_path: Path) -> None:
    facts = ask(tmp_path, machine(3, changes={"visible": "2,0"}))
    assert isinstance(facts.devices, tuple)
    assert [device.pci_address for device in facts.devices] == ["0000:03:00.0", "0000:01:00.0"]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (3, "CUDA_ERROR_NOT_INITIALIZED"),
        (803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"),
        (804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"),  # this stand-in does not name it itself
        (999, "CUDA_ERROR_UNKNOWN"),
        (12345, "CUDA error 12345"),
    ],
)
def test_cuinit_refuses(tmp_path: Path, code: int, name: str) -> None:
    facts = ask(tmp_path, machine(1, changes={"cuInit": f"!{code}"}))
    assert (facts.status, facts.failed_call, facts.error_code, facts.error) == ("error", "cuInit", code, name)
    assert facts.devices == Unknown("failed", f"cuInit: {name}")
    assert facts.api_version == "12.4"


def test_no_device_is_an_answer(tmp_path: Path) -> None:
    facts = ask(tmp_path, machine(1, changes={"cuInit": "!100"}))
    assert (facts.status, facts.error, facts.devices) == ("error", "CUDA_ERROR_NO_DEVICE", ())


def test_the_stub_of_the_toolkit(tmp_path: Path) -> None:
    stubs = tmp_path / "cuda-12.4" / "lib64" / "stubs"
    stubs.mkdir(parents=True)
    shutil.copy(libcuda("-DSTUB") / "libcuda.so.1", stubs)
    facts = ask(tmp_path, machine(1), stubs)
    assert (facts.status, facts.error_code, facts.error) == ("error", 34, "CUDA_ERROR_STUB_LIBRARY")
    assert (facts.library_kind, facts.api_version) == ("stub", None)


def test_the_compatibility_package(tmp_path: Path) -> None:
    compat = tmp_path / "cuda" / "compat"
    compat.mkdir(parents=True)
    shutil.copy(libcuda() / "libcuda.so.1", compat / "libcuda.so.550.54.15")
    (compat / "libcuda.so.1").symlink_to("libcuda.so.550.54.15")
    facts = ask(tmp_path, machine(1), compat)
    assert (facts.library, facts.library_kind) == (str(compat / "libcuda.so.550.54.15"), "compat")


@pytest.mark.parametrize(("fault", "reason"), [("!hang", "timed-out"), ("!segfault", "crashed")])
def test_cuinit_takes_the_process_with_it(tmp_path: Path, fault: str, reason: str) -> None:
    facts = ask(tmp_path, machine(1, changes={"cuInit": fault}), timeout=1.5)
    assert isinstance(facts.status, Unknown)
    assert facts.status.reason == reason
    assert facts.status.detail.endswith("(at: cuInit)")
    assert (facts.failed_call, facts.devices, facts.api_version) == ("cuInit", facts.status, "12.4")


def test_one_device_in_trouble(tmp_path: Path) -> None:
    facts = ask(tmp_path, machine(2, changes={"gpu.1.cuDeviceGet": "!999"}))
    assert facts.status == "ok"
    assert isinstance(facts.devices, tuple)
    assert facts.devices[0].name == "NVIDIA H100 80GB HBM3"
    assert facts.devices[1].name == Unknown("failed", "cuDeviceGet: CUDA_ERROR_UNKNOWN")


def test_a_device_that_crashes_leaves_those_before(tmp_path: Path) -> None:
    facts = ask(tmp_path, machine(3, changes={"gpu.1.name": "!segfault"}))
    assert isinstance(facts.devices, tuple)
    assert facts.devices[0].name == "NVIDIA H100 80GB HBM3"
    assert isinstance(facts.devices[1].name, Unknown)
    assert facts.devices[1].name.reason == "crashed"


def test_no_library(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    facts = ask(tmp_path, machine(1), empty)
    if facts.status != "library-missing" and facts.library is not None:
        pytest.skip("this machine has libcuda in its system folders, where no test can hide it")
    assert (facts.status, facts.devices, facts.api_version) == ("library-missing", (), None)


def test_a_broken_library(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "libcuda.so.1").write_bytes(b"\x7fELF")
    facts = ask(tmp_path, machine(1), broken)
    assert facts.status == "library-unusable"
    assert isinstance(facts.error, str)
    assert os.fspath(broken) in facts.error
    assert isinstance(facts.devices, Unknown)


def test_a_library_whose_own_dependency_is_missing_is_not_missing_itself(tmp_path: Path) -> None:
    folder = tmp_path / "needs"
    folder.mkdir()
    needed = library("cuda.c", "libneeded.so")
    source = tmp_path / "empty.c"
    source.touch()
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler
    os.spawnv(
        os.P_WAIT,
        compiler,
        [
            compiler,
            "-shared",
            "-Wl,--no-as-needed",
            "-o",
            str(folder / "libcuda.so.1"),
            str(source),
            f"-L{needed}",
            "-l:libneeded.so",
        ],
    )
    facts = ask(tmp_path, machine(1), folder)
    assert facts.status == "library-unusable"
    assert isinstance(facts.error, str)
    assert "libneeded.so" in facts.error
