"""The files of NVIDIA's driver for programs, and Secure Boot."""

from pathlib import Path

import pytest
from simulated.trees import Entry, Folder, Link, linux, simulated_host

from envcheck.model.unknown import Unknown
from envcheck.probes import driver_libraries, firmware


def test_each_file_once_with_its_version(tmp_path: Path) -> None:
    libraries = "/usr/lib/x86_64-linux-gnu"
    tree: dict[str, Entry] = {
        f"{libraries}/libcuda.so": Link("libcuda.so.1"),
        f"{libraries}/libcuda.so.1": Link("libcuda.so.550.54.14"),
        f"{libraries}/libcuda.so.550.54.14": b"x" * 100,
        f"{libraries}/libcuda.so.535.86.05": b"x",
        f"{libraries}/libnvidia-ml.so.1": Link("libnvidia-ml.so.550.54.14"),
        f"{libraries}/libnvidia-ml.so.550.54.14": b"x",
        f"{libraries}/libcudart.so.12": b"x",
        f"{libraries}/libnvidia-ml.so": Link("gone.so"),
        "/usr/local/cuda-12.4/compat/libcuda.so.550.90.07": b"x",
        "/usr/local/cuda-12.4/lib64/stubs/libcuda.so": b"x",
        "/usr/local/cuda": Link("cuda-12.4"),
        "/proc/self/mountinfo": f"30 20 8:1 /x {libraries}/libcuda.so.550.54.14 ro - ext4 /dev/sda1 ro\n",
    }
    found = driver_libraries.probe(simulated_host(tmp_path, linux(), tree))
    assert isinstance(found, tuple)
    assert [(library.path, library.name, library.version, library.kind, library.mounted) for library in found] == [
        (f"{libraries}/libcuda.so.550.54.14", "libcuda.so", "550.54.14", "driver", True),
        (f"{libraries}/libcuda.so.535.86.05", "libcuda.so", "535.86.05", "driver", False),
        (f"{libraries}/libnvidia-ml.so.550.54.14", "libnvidia-ml.so", "550.54.14", "driver", False),
        ("/usr/local/cuda-12.4/compat/libcuda.so.550.90.07", "libcuda.so", "550.90.07", "compat", False),
        ("/usr/local/cuda-12.4/lib64/stubs/libcuda.so", "libcuda.so", None, "stub", False),
    ]
    assert found[0].size_bytes == 100


def test_wsl_and_a_driver_that_should_not_be_there(tmp_path: Path) -> None:
    tree: dict[str, Entry] = {
        "/usr/lib/wsl/lib/libcuda.so.1": b"x",
        "/usr/lib/x86_64-linux-gnu/libcuda.so.1": Link("libcuda.so.535.161.07"),
        "/usr/lib/x86_64-linux-gnu/libcuda.so.535.161.07": b"x",
    }
    found = driver_libraries.probe(simulated_host(tmp_path, linux(), tree))
    assert isinstance(found, tuple)
    assert [(library.path, library.kind) for library in found] == [
        ("/usr/lib/wsl/lib/libcuda.so.1", "wsl"),
        ("/usr/lib/x86_64-linux-gnu/libcuda.so.535.161.07", "driver"),
    ]


def test_the_users_own_search_path_comes_first(tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "stubs"
    mine.mkdir(parents=True)
    (mine / "libcuda.so.1").touch()
    tree: dict[str, Entry] = {"/usr/lib64/libcuda.so.1": b"x"}
    host = simulated_host(tmp_path / "root", linux(), tree, environ={"LD_LIBRARY_PATH": f"{mine}:/nowhere:"})
    found = driver_libraries.probe(host)
    assert isinstance(found, tuple)
    assert [(library.path, library.kind) for library in found] == [
        (str(mine / "libcuda.so.1"), "stub"),
        ("/usr/lib64/libcuda.so.1", "driver"),
    ]


def test_no_driver(tmp_path: Path) -> None:
    assert driver_libraries.probe(simulated_host(tmp_path, linux())) == ()


VARIABLE = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


@pytest.mark.parametrize(
    ("tree", "state"),
    [
        ({VARIABLE: b"\x06\0\0\0\x01"}, "enabled"),
        ({VARIABLE: b"\x06\0\0\0\x00"}, "disabled"),
        ({"/sys/firmware/acpi": Folder}, None),
        ({"/sys/firmware": Folder}, Unknown("denied", "the container runtime hides /sys/firmware")),
        ({"/sys/firmware/efi": Folder}, Unknown("failed", "the firmware's variables are not mounted")),
    ],
)
def test_secure_boot(tmp_path: Path, tree: dict[str, Entry], state: str | None | Unknown) -> None:
    assert firmware.secure_boot(simulated_host(tmp_path, linux(), tree, environ={"PATH": "/nonexistent"})) == state


def test_mokutil_answers_where_the_variables_are_not_mounted(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "mokutil").write_text("#!/bin/sh\necho 'SecureBoot enabled'\n")
    (programs / "mokutil").chmod(0o755)
    host = simulated_host(tmp_path / "root", {"/sys/firmware/efi": Folder}, environ={"PATH": f"{programs}:/bin"})
    assert firmware.secure_boot(host) == "enabled"


def test_lockdown(tmp_path: Path) -> None:
    tree = {"/sys/kernel/security/lockdown": "none [integrity] confidentiality\n"}
    assert firmware.lockdown(simulated_host(tmp_path / "a", tree)) == "integrity"
    assert firmware.lockdown(simulated_host(tmp_path / "b", {"/sys": Folder})) is None
