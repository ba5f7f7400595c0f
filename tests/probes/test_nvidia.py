"""NVIDIA's driver, with stand-ins for NVML that answer, fail, crash and hang."""

import os
from pathlib import Path

import pytest
from simulated.gpus import GEFORCE, GIB, H100, environment, library, machine, preload_that_aborts
from simulated.trees import Entry, Folder, linux, simulated_host

from envcheck.model.facts import NvidiaDriver
from envcheck.model.unknown import Unknown
from envcheck.probes import nvidia

PROPRIETARY = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\n"
    "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n"
)
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build  (dvs-builder@U16)\n"
LOADED: dict[str, Entry] = {
    "/proc/driver/nvidia/version": PROPRIETARY,
    "/sys/module/nvidia/version": "550.54.14\n",
    "/proc/modules": "nvidia 8650752 2 nvidia_uvm,nvidia_modeset, Live 0x0000000000000000 (POE)\n",
}


def probe(
    folder: Path,
    told: dict[str, object] | None,
    *trees: dict[str, Entry],
    libraries: tuple[Path, ...] = (),
    timeout: float = 20.0,
) -> NvidiaDriver:
    """Look at a machine; ``told`` is what the stand-in for NVML tells, None: there is no NVML."""
    environ = dict(os.environ) if told is None else environment(told, folder, *libraries)
    if told is None:
        environ["LD_LIBRARY_PATH"] = str(folder)
    host = simulated_host(folder / "root", linux(), *trees, environ=environ)
    return nvidia.probe(type(host)(environ=host.environ, cwd=host.cwd, root=host.root, timeout=timeout))


def test_two_healthy_gpus(tmp_path: Path) -> None:
    told = machine(2, changes={"gpu.1.memory_used": 3 * GIB, "gpu.1.compute": "4242:3221225472"})
    facts = probe(tmp_path, told, LOADED, {"/proc/4242/comm": "python3\n"})
    assert (facts.version, facts.version_how, facts.cuda_driver_api_version) == ("550.54.14", "nvml", "12.4")
    assert (facts.kernel_module_loaded, facts.kernel_module_version) == (True, "550.54.14")
    assert facts.kernel_module_flavour == "proprietary"
    assert (facts.nvml.status, facts.nvml.error, facts.nvml.error_code) == ("ok", None, None)
    assert facts.nvml.library == str(library("nvml.c", "libnvidia-ml.so.1") / "libnvidia-ml.so.1")
    assert isinstance(facts.gpus, tuple)
    first, second = facts.gpus
    assert (first.name, first.compute_capability, first.architecture) == ("NVIDIA H100 80GB HBM3", "9.0", "hopper")
    assert (first.pci_address, second.pci_address) == ("0000:01:00.0", "0000:02:00.0")
    assert second.uuid == "GPU-00000001-1111-2222-3333-444444444444"
    assert (first.memory_total_bytes, first.compute_mode, first.persistence_mode) == (80 * GIB, "default", True)
    assert (first.mig_mode, first.mig_devices, first.ecc_mode) == ("disabled", (), "enabled")
    assert (first.row_remap_pending, first.row_remap_failed, first.recovery_action) == (False, False, None)
    assert (first.nvlinks, first.nvlinks_active, first.fabric_state) == (18, 18, "completed")
    assert (first.pcie_generation_max, first.pcie_width_max) == (5, 16)
    assert first.power_limit_watts == 700.0
    assert first.volatile.power_watts == 71.25
    assert first.volatile.slowdown_reasons == ("idle",)
    assert first.volatile.processes == ()
    assert second.volatile.memory_free_bytes == 77 * GIB
    assert isinstance(second.volatile.processes, tuple)
    (process,) = second.volatile.processes
    assert (process.pid, process.kind, process.name) == (4242, "compute", "python3")
    assert process.memory_used_bytes == 3 * GIB


def test_a_geforce_has_no_such_thing(tmp_path: Path) -> None:
    facts = probe(tmp_path, machine(1, GEFORCE), LOADED)
    assert isinstance(facts.gpus, tuple)
    (gpu,) = facts.gpus
    absent = (
        gpu.mig_mode,
        gpu.ecc_mode,
        gpu.remapped_rows_correctable,
        gpu.nvlinks,
        gpu.fabric_state,
        gpu.retired_pages,
    )
    assert absent == (None,) * 6
    assert gpu.mig_devices == ()
    assert gpu.volatile.processes == ()


def test_one_lost_gpu_does_not_hide_the_others(tmp_path: Path) -> None:
    facts = probe(tmp_path, machine(3, changes={"gpu.1.lost": "!15"}), LOADED)
    assert facts.nvml.status == "ok"
    assert isinstance(facts.gpus, tuple)
    assert [gpu.index for gpu in facts.gpus] == [0, 1, 2]
    lost = Unknown("failed", "NVML_ERROR_GPU_IS_LOST: GPU is lost")
    assert (facts.gpus[1].name, facts.gpus[1].compute_capability, facts.gpus[1].volatile.temperature_celsius) == (
        lost,
    ) * 3
    assert facts.gpus[1].mig_devices == lost
    assert facts.gpus[2].name == H100["name"]


def test_one_call_that_fails_does_not_hide_the_others(tmp_path: Path) -> None:
    facts = probe(tmp_path, machine(1, changes={"gpu.0.power": "!4", "gpu.0.temperature": "!3"}), LOADED)
    assert isinstance(facts.gpus, tuple)
    volatile = facts.gpus[0].volatile
    assert volatile.power_watts == Unknown("denied", "NVML_ERROR_NO_PERMISSION: Insufficient Permissions")
    assert volatile.temperature_celsius == Unknown("unsupported", "NVML_ERROR_NOT_SUPPORTED: Not Supported")
    assert volatile.clock_sm_mhz == 345


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (18, "NVML_ERROR_LIB_RM_VERSION_MISMATCH: Driver/library version mismatch"),
        (9, "NVML_ERROR_DRIVER_NOT_LOADED: Driver Not Loaded"),
        (17, "NVML_ERROR_OPERATING_SYSTEM: GPU access blocked by the operating system"),
        (999, "NVML_ERROR_UNKNOWN: Unknown Error"),
    ],
)
def test_nvml_refuses(tmp_path: Path, code: int, error: str) -> None:
    facts = probe(tmp_path, machine(1, changes={"init": f"!{code}"}), LOADED)
    assert (facts.nvml.status, facts.nvml.error, facts.nvml.error_code) == ("error", error, code)
    assert facts.gpus == Unknown("failed", error)
    assert (facts.version, facts.version_how) == ("550.54.14", "/proc/driver/nvidia/version")


def test_nvml_crashes(tmp_path: Path) -> None:
    facts = probe(tmp_path, machine(1, changes={"init": "!segfault"}), LOADED)
    assert facts.nvml.status == Unknown("crashed", "NVML ended the process with SIGSEGV (at: nvmlInit)")
    assert facts.gpus == facts.nvml.status
    assert facts.version == "550.54.14"


def test_nvml_hangs(tmp_path: Path) -> None:
    facts = probe(tmp_path, machine(1, changes={"init": "!hang"}), LOADED, timeout=1.0)
    assert isinstance(facts.nvml.status, Unknown)
    assert (facts.nvml.status.reason, facts.nvml.status.detail.rpartition("(")[2]) == ("timed-out", "at: nvmlInit)")
    assert facts.version == "550.54.14"


@pytest.mark.parametrize(("fault", "reason"), [("!hang", "timed-out"), ("!segfault", "crashed")])
def test_one_gpu_that_takes_the_process_with_it_does_not_hide_the_others(
    tmp_path: Path, fault: str, reason: str
) -> None:
    facts = probe(tmp_path, machine(4, changes={"gpu.2.temperature": fault}), LOADED, timeout=3.0)
    assert facts.nvml.status == "ok"
    assert isinstance(facts.gpus, tuple)
    assert [gpu.name for gpu in facts.gpus] == [H100["name"]] * 4
    temperature = facts.gpus[2].volatile.temperature_celsius
    assert isinstance(temperature, Unknown)
    assert temperature.reason == reason
    assert temperature.detail.endswith("(at: gpu 2: temperature)")
    assert [facts.gpus[index].volatile.temperature_celsius for index in (0, 1, 3)] == [34, 34, 34]


def test_no_nvidia_at_all(tmp_path: Path) -> None:
    facts = probe(tmp_path, None)
    if facts.nvml.status == "ok":
        pytest.skip("this machine has NVML in its system folders, where no test can hide it")
    assert facts.nvml.status == "library-missing"
    assert (facts.version, facts.version_how, facts.kernel_module_loaded) == (None, None, False)
    assert (facts.gpus, facts.cuda_driver_api_version) == ((), None)


def test_a_module_without_its_library(tmp_path: Path) -> None:
    facts = probe(tmp_path, None, {**LOADED, "/proc/driver/nvidia/version": OPEN})
    if facts.nvml.status == "ok":
        pytest.skip("this machine has NVML in its system folders, where no test can hide it")
    assert (facts.version, facts.kernel_module_flavour) == ("570.124.06", "open")
    assert facts.nvml.status == "library-missing"
    assert isinstance(facts.gpus, Unknown)


def test_an_empty_file_in_the_place_of_the_library(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "libnvidia-ml.so.1").touch()
    facts = probe(tmp_path, machine(1), LOADED, libraries=(folder,))
    assert facts.nvml.status == "library-unusable"
    assert isinstance(facts.nvml.error, str)
    assert str(folder / "libnvidia-ml.so.1") in facts.nvml.error


def test_an_old_driver_lacks_newer_functions(tmp_path: Path) -> None:
    old = library("nvml.c", "libnvidia-ml.so.1", "-DOLD")
    told = machine(1, GEFORCE, driver="418.226.00", cuda=10010, changes={"gpu.0.compute": "7:1024"})
    facts = probe(tmp_path, told, LOADED, libraries=(old,))
    assert (facts.version, facts.cuda_driver_api_version, facts.nvml.status) == ("418.226.00", "10.1", "ok")
    assert isinstance(facts.gpus, tuple)
    (gpu,) = facts.gpus
    assert (gpu.name, gpu.volatile.slowdown_reasons) == (GEFORCE["name"], ("idle",))
    assert isinstance(gpu.mig_mode, Unknown)
    assert gpu.mig_mode.reason == "unsupported"
    assert gpu.mig_devices == ()
    assert isinstance(gpu.volatile.processes, tuple)
    assert [process.pid for process in gpu.volatile.processes] == [7]


def test_mig(tmp_path: Path) -> None:
    changes: dict[str, object] = {"gpu.0.mig_mode": 1}
    for number, profile in enumerate(("3g.40gb", "4g.40gb")):
        changes |= {
            f"gpu.0.mig.{number}.uuid": f"MIG-{number}",
            f"gpu.0.mig.{number}.name": f"NVIDIA H100 80GB HBM3 MIG {profile}",
            f"gpu.0.mig.{number}.memory": 40 * GIB,
            f"gpu.0.mig.{number}.gpu_instance": number + 1,
            f"gpu.0.mig.{number}.compute_instance": 0,
        }
    facts = probe(tmp_path, machine(2, changes=changes), LOADED)
    assert isinstance(facts.gpus, tuple)
    assert [gpu.mig_mode for gpu in facts.gpus] == ["enabled", "disabled"]
    assert isinstance(facts.gpus[0].mig_devices, tuple)
    assert [device.uuid for device in facts.gpus[0].mig_devices] == ["MIG-0", "MIG-1"]
    assert facts.gpus[0].mig_devices[1].memory_total_bytes == 40 * GIB
    assert facts.gpus[1].mig_devices == ()


def test_a_sick_gpu(tmp_path: Path) -> None:
    changes = {
        "gpu.0.remapped": "4 2 1 1",
        "gpu.0.ecc_uncorrected": 7,
        "gpu.0.ecc_uncorrected_now": 1,
        "gpu.0.recovery": 4,
        "gpu.0.inforom": "!14",
        "gpu.0.throttle": 0x48,
        "gpu.0.pcie_width": 8,
        "gpu.0.nvlinks": "1011",
        "gpu.0.fabric": 2,
        "gpu.0.compute_mode": 2,
    }
    facts = probe(tmp_path, machine(1, changes=changes), LOADED)
    assert isinstance(facts.gpus, tuple)
    (gpu,) = facts.gpus
    assert (gpu.remapped_rows_correctable, gpu.remapped_rows_uncorrectable) == (4, 2)
    assert (gpu.row_remap_pending, gpu.row_remap_failed) == (True, True)
    assert (gpu.ecc_uncorrected, gpu.volatile.ecc_uncorrected_since_boot) == (7, 1)
    assert (gpu.recovery_action, gpu.inforom_valid) == ("drain-and-reset", False)
    assert gpu.volatile.slowdown_reasons == ("hardware-slowdown", "hardware-thermal")
    assert (gpu.volatile.pcie_width, gpu.nvlinks, gpu.nvlinks_active) == (8, 4, 3)
    assert (gpu.fabric_state, gpu.compute_mode) == ("in-progress", "prohibited")


@pytest.mark.parametrize("licensed", [False, True])
def test_a_virtual_gpu_and_its_licence(tmp_path: Path, licensed: bool) -> None:
    told = machine(1, GEFORCE, changes={"gpu.0.virtualization": 2, "gpu.0.vgpu_licensed": int(licensed)})
    facts = probe(tmp_path, told, LOADED)
    assert isinstance(facts.gpus, tuple)
    assert (facts.gpus[0].virtualization, facts.gpus[0].vgpu_licensed) == ("vgpu", licensed)


def test_a_preload_that_kills_every_process_is_not_taken_for_a_broken_driver(tmp_path: Path) -> None:
    environ = {**environment(machine(1), tmp_path), "LD_PRELOAD": str(preload_that_aborts(tmp_path))}
    facts = nvidia.probe(simulated_host(tmp_path / "root", linux(), LOADED, environ=environ))
    for status in (facts.nvml.status, facts.cuda.status):
        assert isinstance(status, Unknown)
        assert status.reason == "failed"
        assert "did not get that far: SIGABRT" in status.detail
    assert facts.version == "550.54.14"


def test_wsl_has_nvml_but_no_kernel_module(tmp_path: Path) -> None:
    facts = probe(tmp_path, machine(1, GEFORCE), {"/dev/dxg": ""})
    assert (facts.version, facts.kernel_module_loaded, facts.kernel_module_version) == ("550.54.14", False, None)
    assert isinstance(facts.gpus, tuple)
    assert len(facts.gpus) == 1


def test_the_users_own_pythonpath_does_not_reach_the_child(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('this json is not yours')\n")
    environ = {**environment(machine(1), tmp_path), "PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nonexistent"}
    facts = nvidia.probe(simulated_host(tmp_path / "root", linux(), LOADED, environ=environ))
    assert facts.nvml.status == "ok"


def test_without_proc_and_sys(tmp_path: Path) -> None:
    host = simulated_host(tmp_path / "root", {"/etc": Folder}, environ=environment(machine(1), tmp_path))
    facts = nvidia.probe(host)
    assert isinstance(facts.kernel_module_loaded, Unknown)
    assert facts.version == "550.54.14"


def test_a_version_file_that_is_not_understood(tmp_path: Path) -> None:
    facts = probe(tmp_path, machine(1, changes={"init": "!9"}), {"/proc/driver/nvidia/version": "garbage\n"})
    assert isinstance(facts.kernel_module_version, Unknown)
    assert isinstance(facts.version, Unknown)
