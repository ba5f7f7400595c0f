"""What the main library of a framework needs of the system: real libraries, compiled and linked here."""

import os
from pathlib import Path

import pytest
from packaging.version import Version
from simulated.pythons import compile_c, elf_header, environment_of, install, site_packages, user_host

from envcheck.model.facts import MainLibrary
from envcheck.probes import frameworks, interpreter, target

ABSENT = "libabsent.so.3"


def main_library(tmp_path: Path, **environ: str) -> MainLibrary:
    host = user_host(tmp_path, **environ)
    python = interpreter.probe(host, target.find(host, str(tmp_path / "env"), None))
    found = frameworks.probe(host, python)
    assert isinstance(found, tuple)
    return next(backend.main_library for backend in found if backend.name == "torch")


def library(folder: Path, name: str, function: str, *links: str, calls: str = "") -> Path:
    """Compile a library called ``name`` that has ``function``, which calls another one."""
    called = f"int {calls}(void);\n" if calls else ""
    answer = f"{calls}()" if calls else "42"
    source = f"{called}int {function}(void) {{ return {answer}; }}\n"
    return compile_c(
        folder / name, source, "-shared", "-fPIC", f"-Wl,-soname,{name}", f"-L{folder}", "-Wl,-rpath,$ORIGIN", *links
    )


@pytest.fixture
def torch(tmp_path: Path) -> Path:
    """Return the folder of a torch whose main library needs a part of its own, which needs what is not there."""
    site = site_packages(environment_of(tmp_path / "env"))
    install(site, "torch", "2.5.1", {"torch/__init__.py": "", "torch/lib/README": ""})
    folder = site / "torch" / "lib"
    library(folder, ABSENT, "third")
    library(folder, "libc10.so", "second", f"-l:{ABSENT}", calls="third")
    library(folder, "libtorch_cpu.so", "first", "-l:libc10.so", calls="second")
    (folder / ABSENT).rename(tmp_path / ABSENT)
    return folder


def test_a_library_that_a_part_of_the_framework_needs_is_missed(tmp_path: Path, torch: Path) -> None:
    assert main_library(tmp_path).missing == (ABSENT,)


def test_a_library_on_the_users_path_is_found(tmp_path: Path, torch: Path) -> None:
    assert main_library(tmp_path, LD_LIBRARY_PATH=str(tmp_path)).missing == ()


def test_a_library_for_another_processor_is_passed_over(tmp_path: Path, torch: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / ABSENT).write_bytes(elf_header(8))  # MIPS
    assert main_library(tmp_path, LD_LIBRARY_PATH=str(other)).missing == (ABSENT,)


def test_a_library_in_the_framework_may_be_loaded_by_its_own_code(tmp_path: Path, torch: Path) -> None:
    (tmp_path / ABSENT).rename(torch.parent / ABSENT)
    assert main_library(tmp_path).missing == ()


def test_versions_of_the_c_library(tmp_path: Path) -> None:
    site = site_packages(environment_of(tmp_path / "env"))
    install(site, "torch", "2.5.1", {"torch/__init__.py": ""})
    source = '#include <stdlib.h>\nint first(void) { return atoi(getenv("HOME")); }\n'
    compile_c(site / "torch" / "lib" / "libtorch_cpu.so", source, "-shared", "-fPIC")
    needed = main_library(tmp_path).glibc
    there = os.confstr("CS_GNU_LIBC_VERSION")
    assert isinstance(needed, str)
    assert there is not None
    assert Version("2.0") <= Version(needed) <= Version(there.split()[-1])


def test_versions_of_the_cxx_library(tmp_path: Path) -> None:
    """The one beside the framework wins; it is as old as its newest symbols."""
    site = site_packages(environment_of(tmp_path / "env"))
    install(site, "torch", "2.5.1", {"torch/__init__.py": "", "torch/lib/README": ""})
    folder = site / "torch" / "lib"
    map_of = tmp_path / "versions.map"
    for newest in ("3.4.99", "3.4.11"):
        map_of.write_text(f"GLIBCXX_3.4.9 {{ global: old; }};\nGLIBCXX_{newest} {{ global: new; }} GLIBCXX_3.4.9;\n")
        source = "int old(void) { return 1; }\nint new(void) { return 2; }\n"
        compile_c(
            folder / "libstdc++.so.6",
            source,
            *("-shared", "-fPIC", "-Wl,-soname,libstdc++.so.6", f"-Wl,--version-script={map_of}"),
        )
        if newest == "3.4.99":
            library(folder, "libtorch_cpu.so", "first", "-l:libstdc++.so.6", calls="new")
        found = main_library(tmp_path)
        assert (found.libstdcxx, found.libstdcxx_found, found.missing) == ("3.4.99", newest, ())


def test_a_framework_without_a_library_of_its_own(tmp_path: Path) -> None:
    site = site_packages(environment_of(tmp_path / "env"))
    install(site, "torch", "2.5.1", {"torch/__init__.py": ""})
    found = main_library(tmp_path)
    assert (found.path, found.missing, found.glibc, found.libstdcxx) == (None, (), None, None)
