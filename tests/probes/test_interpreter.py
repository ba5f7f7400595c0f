"""The target interpreter: real ones of every age, and real ones broken in every way that is known."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from simulated.pythons import (
    compile_c,
    elf_header,
    environment_of,
    install,
    program,
    pyenv,
    site_packages,
    user_host,
    venv,
    write,
)

from envcheck.host import Host
from envcheck.model.facts import Python
from envcheck.model.unknown import Unknown
from envcheck.probes import installer, interpreter, target
from envcheck.probes.target import TargetError

WITNESS = (
    "import json, sys, sysconfig, platform; print(json.dumps([platform.python_version(), sys.prefix, sys.base_prefix,"
    " sysconfig.get_path('stdlib'), sysconfig.get_path('purelib'), sys.maxsize > 2**32, sys.path[1:]]))"
)


def probe(host: Host, asked: Path | str) -> Python:
    return interpreter.probe(host, target.find(host, str(asked), None))


def packages_of(python: Python) -> list[tuple[str, object]]:
    assert isinstance(python.packages, tuple)
    return [(package.name, package.version) for package in python.packages]


def test_this_interpreter_as_it_sees_itself(tmp_path: Path) -> None:
    made = venv(tmp_path / "env")
    install(site_packages(made), "six", "1.16.0", {"six.py": ""})
    python = probe(user_host(tmp_path), made)
    output = subprocess.run([made / "bin" / "python", "-c", WITNESS], capture_output=True, text=True, check=True).stdout
    version, prefix, base, stdlib, purelib, wide, path = json.loads(output)
    assert (python.version, python.prefix, python.base_prefix) == (version, prefix, base)
    assert (python.stdlib, python.site_packages, python.path) == (stdlib, (purelib,), tuple(path))
    assert python.bits == (64 if wide else 32)
    assert python.executable == str(made / "bin" / "python")
    assert (python.runs, python.failure, python.isolated_only) == (True, None, False)
    assert (python.environment, python.venv_version, python.venv_home) == (
        "venv",
        version,
        os.path.dirname(sys._base_executable),  # type: ignore[attr-defined]
    )
    assert python.machine == os.uname().machine
    assert python.markers.python_full_version == version
    assert packages_of(python) == [("six", "1.16.0")]
    assert python.installer == "pip"
    assert (python.shadows, python.leftovers, python.stranded_site_packages) == ((), (), ())


@pytest.mark.parametrize("version", ["3.6", "3.8", "3.10", "3.13"])
def test_environments_of_other_ages(tmp_path: Path, version: str) -> None:
    made = venv(tmp_path / "env", pyenv(version))
    python = probe(user_host(tmp_path), made)
    assert (python.runs, python.failure) == (True, None)
    assert isinstance(python.version, str)
    assert python.version.startswith(version + ".")
    assert isinstance(python.soabi, str)
    assert python.soabi.startswith(f"cpython-{version.replace('.', '')}")
    assert python.site_packages == (str(site_packages(made)),)
    assert python.free_threaded is False


def test_python_2_is_read_from_its_files(tmp_path: Path) -> None:
    python = probe(user_host(tmp_path), pyenv("2.7"))
    assert (python.runs, python.failure, python.isolated_only) == (False, "too-old", False)
    assert isinstance(python.version, str)
    assert python.version.startswith("2.7.")
    assert isinstance(python.site_packages, tuple)
    assert python.site_packages[0].endswith("lib/python2.7/site-packages")
    assert isinstance(python.path, Unknown)
    assert "pip" in dict(packages_of(python))


# --- interpreters that do not start ---------------------------------------------------------------


def test_the_base_was_removed(tmp_path: Path) -> None:
    base = program(tmp_path / "base" / "bin" / "python3.9", "#!/bin/sh\n")
    made = environment_of(tmp_path / "env", interpreter=str(base), home=str(base.parent))
    install(site_packages(made), "numpy", "1.21.0", {"numpy/__init__.py": ""})
    shutil.rmtree(tmp_path / "base")
    python = probe(user_host(tmp_path), made)
    assert (python.runs, python.failure) == (False, "base-interpreter-missing")
    assert isinstance(python.failure_detail, str)
    assert str(base) in python.failure_detail
    assert (python.version, python.prefix, python.environment) == ("3.9.2", str(made), "venv")
    assert python.venv_home == str(base.parent)
    assert python.site_packages == (str(site_packages(made)),)
    assert packages_of(python) == [("numpy", "1.21.0")]
    assert isinstance(python.base_prefix, Unknown)


def test_no_interpreter_is_left(tmp_path: Path) -> None:
    python = probe(user_host(tmp_path), environment_of(tmp_path / "env", home="/gone/bin"))
    assert (python.runs, python.failure, python.executable) == (False, "base-interpreter-missing", None)
    conda = write(tmp_path / "conda", {"conda-meta/python-3.10.4-h12debd9_0.json": "{}", "lib/python3.10/os.py": ""})
    python = probe(user_host(tmp_path), conda)
    assert (python.failure, python.environment, python.version) == ("not-found", "conda", "3.10.4")


def test_a_link_that_leads_nowhere_or_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to("/gone/python3")
    python = probe(user_host(tmp_path), tmp_path / "python3")
    assert (python.runs, python.failure) == (False, "dangling-link")
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert probe(user_host(tmp_path), tmp_path / "a").failure == "dangling-link"


def test_another_architecture(tmp_path: Path) -> None:
    other, name = (62, "x86_64") if os.uname().machine == "aarch64" else (183, "aarch64")
    made = environment_of(tmp_path / "env")
    write(made / "bin", {"python": elf_header(other)})
    (made / "bin" / "python").chmod(0o755)
    python = probe(user_host(tmp_path), made)
    assert (python.failure, python.machine, python.bits) == ("wrong-architecture", name, 64)


@pytest.mark.parametrize(("magic", "system"), [(b"MZ\x90", "Windows"), (b"\xcf\xfa\xed\xfe", "macOS")])
def test_another_operating_system(tmp_path: Path, magic: bytes, system: str) -> None:
    made = environment_of(tmp_path / "env")
    write(made / "bin", {"python": magic.ljust(2000, b"\0")})
    (made / "bin" / "python").chmod(0o755)
    python = probe(user_host(tmp_path), made)
    assert (python.failure, python.failure_detail) == ("wrong-architecture", f"it is a program for {system}")


def library_of_version(folder: Path, version: str) -> Path:
    """Compile a library whose one function has a version, as those of the C library have."""
    write(folder, {"versions.map": f"{version} {{ global: answer; }};\n"})
    flags = ("-shared", "-fPIC", f"-Wl,--version-script={folder / 'versions.map'}")
    return compile_c(folder / "libanswer.so", "int answer(void) { return 42; }\n", *flags)


def linked_with_a_library(folder: Path) -> tuple[Path, Path]:
    """Compile a program called python and a library that it needs; return both."""
    library = library_of_version(folder, "ANSWER_2.0")
    source = "int answer(void); int main(void) { return answer(); }\n"
    binary = compile_c(folder / "python", source, f"-L{folder}", "-lanswer", f"-Wl,-rpath,{folder}")
    return binary, library


def test_a_library_is_missing(tmp_path: Path) -> None:
    binary, library = linked_with_a_library(tmp_path / "built")
    made = environment_of(tmp_path / "env", interpreter=str(binary), home=str(binary.parent))
    library.unlink()
    python = probe(user_host(tmp_path), made)
    assert (python.runs, python.failure) == (False, "missing-library")
    assert "libanswer.so" in str(python.failure_detail)


def test_a_library_is_too_old(tmp_path: Path) -> None:
    binary, library = linked_with_a_library(tmp_path / "built")
    made = environment_of(tmp_path / "env", interpreter=str(binary), home=str(binary.parent))
    library_of_version(library.parent, "ANSWER_1.0")
    python = probe(user_host(tmp_path), made)
    assert python.failure == "library-too-old"
    assert "ANSWER_2.0" in str(python.failure_detail)


def test_the_loader_is_missing(tmp_path: Path) -> None:
    binary = compile_c(tmp_path / "python", "int main(void) { return 0; }\n", "-Wl,--dynamic-linker=/gone/ld.so.1")
    python = probe(user_host(tmp_path), binary)
    assert (python.failure, python.failure_detail) == (
        "missing-library",
        "its dynamic loader /gone/ld.so.1 does not exist",
    )


def test_not_executable(tmp_path: Path) -> None:
    shutil.copy(os.path.realpath(sys.executable), tmp_path / "python3")
    (tmp_path / "python3").chmod(0o644)
    python = probe(user_host(tmp_path), tmp_path / "python3")
    assert (python.runs, python.failure) == (False, "not-executable")


def test_half_a_program(tmp_path: Path) -> None:
    with open(os.path.realpath(sys.executable), "rb") as stream:
        write(tmp_path, {"python3": stream.read(600)})
    (tmp_path / "python3").chmod(0o755)
    python = probe(user_host(tmp_path), tmp_path / "python3")
    assert python.runs is False
    # Which of them depends on how far the kernel got with it.
    assert python.failure in ("failed-to-start", "crashed", "missing-library")


@pytest.mark.parametrize(
    ("script", "failure", "detail"),
    [
        ("echo garbage; echo @envcheck@ half a line", "not-python", "garbage"),
        ("exit 0", "no-answer", None),
        ("kill -SEGV $$", "crashed", "SIGSEGV"),
        ("echo 'Fatal Python error: init_fs_encoding' >&2; [ $1 = --version ] && echo Python 3.9.2 && exit 0; exit 1",
         "failed-to-start", "init_fs_encoding"),
        ("[ $1 = --version ] && echo Python 3.9.2; exit 0", "no-answer", None),
        ("sleep 60", "timed-out", None),
    ],
)  # fmt: skip
def test_what_starts_but_is_not_at_work(tmp_path: Path, script: str, failure: str, detail: str | None) -> None:
    made = environment_of(tmp_path / "env", home=str(tmp_path))
    program(tmp_path / "python", "")  # the base is still there
    program(made / "bin" / "python", f"#!/bin/sh\n{script}\n")
    python = probe(user_host(tmp_path, timeout=1.0), made)
    assert (python.runs, python.failure) == (False, failure)
    assert python.failure_detail is None if detail is None else detail in str(python.failure_detail)
    assert (python.version, python.packages) == ("3.9.2", ())


def test_the_interpreter_that_a_wrapper_names_is_missing(tmp_path: Path) -> None:
    program(tmp_path / "python", "#!/gone/bash\n")
    python = probe(user_host(tmp_path), tmp_path / "python")
    assert (python.failure, python.runs) == ("not-found", False)
    assert "/gone/bash" in str(python.failure_detail)


@pytest.mark.parametrize("name", ["ls", "true"])
def test_a_program_that_is_no_python(tmp_path: Path, name: str) -> None:
    with pytest.raises(TargetError, match=f"{name} is not a Python interpreter"):
        probe(user_host(tmp_path), str(shutil.which(name)))


def test_a_text_is_no_python(tmp_path: Path) -> None:
    write(tmp_path, {"train.py": "import keras\n"})
    with pytest.raises(TargetError, match="is not a Python interpreter"):
        probe(user_host(tmp_path), tmp_path / "train.py")


def test_a_program_of_the_user_is_not_run(tmp_path: Path) -> None:
    program(tmp_path / "train", f"#!{sys.executable}\nopen({str(tmp_path / 'trained')!r}, 'w')\n")
    with pytest.raises(TargetError, match="it is a script that a Python runs"):
        probe(user_host(tmp_path), tmp_path / "train")
    assert not (tmp_path / "trained").exists()


def test_no_python_in_the_place_of_an_environments_own_is_reported(tmp_path: Path) -> None:
    made = environment_of(tmp_path / "env", interpreter=shutil.which("ls"))
    assert probe(user_host(tmp_path), made / "bin" / "python").failure == "not-python"


# --- the user's own variables and folders ---------------------------------------------------------


def test_pythonhome_breaks_it(tmp_path: Path) -> None:
    made = venv(tmp_path / "env")
    python = probe(user_host(tmp_path, PYTHONHOME=str(tmp_path)), made)
    assert (python.runs, python.isolated_only, python.failure) == (True, True, "failed-to-start")
    assert "encodings" in str(python.failure_detail)
    assert python.prefix == str(made)


def test_an_old_enum_on_pythonpath_breaks_it(tmp_path: Path) -> None:
    # The backport enum34 has no IntFlag, which the standard library's re needs since Python 3.6.
    write(tmp_path / "old", {"enum/__init__.py": "class Enum:\n    pass\n"})
    python = probe(user_host(tmp_path, PYTHONPATH=str(tmp_path / "old")), venv(tmp_path / "env"))
    assert (python.runs, python.isolated_only, python.failure) == (True, True, "failed-to-start")
    assert "enum" in str(python.failure_detail)
    assert isinstance(python.shadows, tuple)
    shadow = python.shadows[0]
    assert (shadow.module, shadow.path, shadow.found_in) == ("enum", str(tmp_path / "old" / "enum"), "PYTHONPATH")


def test_a_sitecustomize_that_ends_it(tmp_path: Path) -> None:
    write(tmp_path / "odd", {"sitecustomize.py": "import os\nos._exit(0)\n"})
    made = venv(tmp_path / "env")
    python = probe(user_host(tmp_path, PYTHONPATH=str(tmp_path / "odd")), made)
    assert (python.runs, python.isolated_only, python.failure) == (True, True, "no-answer")
    write(site_packages(made), {"odd.pth": "import os; os._exit(0)\n"})
    python = probe(user_host(tmp_path), made)
    assert (python.runs, python.isolated_only) == (False, False)


def test_a_slow_first_start_is_no_fault_of_the_user(tmp_path: Path) -> None:
    marker = tmp_path / "warm"
    made = venv(tmp_path / "env")
    (made / "bin" / "python").rename(made / "bin" / "real")
    slow_once = f'[ -e {marker} ] || {{ touch {marker}; sleep 60; }}\nexec {made}/bin/real "$@"\n'
    program(made / "bin" / "python", f"#!/bin/sh\n{slow_once}")
    python = probe(user_host(tmp_path, timeout=5.0), made)
    assert (python.runs, python.isolated_only, python.failure) == (True, False, None)


def test_the_working_directory_is_no_danger(tmp_path: Path) -> None:
    made = venv(tmp_path / "env")
    work = write(tmp_path / "work", {"platform.py": "raise SystemExit(9)\n", "json.py": "raise SystemExit(9)\n"})
    python = probe(user_host(tmp_path, cwd=work), made)
    assert (python.runs, python.isolated_only) == (True, False)
    assert isinstance(python.shadows, tuple)
    assert [shadow.module for shadow in python.shadows] == ["json", "platform"]


def test_packages_of_another_version_are_stranded(tmp_path: Path) -> None:
    made = venv(tmp_path / "env")
    old = made / "lib" / "python3.1" / "site-packages"
    install(old, "numpy", "1.5")
    assert probe(user_host(tmp_path), made).stranded_site_packages == (str(old),)


def test_a_virtual_environment_without_its_file(tmp_path: Path) -> None:
    made = venv(tmp_path / "env")
    host = user_host(tmp_path)
    assert probe(host, made).venv_without_cfg is None
    (made / "pyvenv.cfg").unlink()
    assert probe(host, made).venv_without_cfg is None  # it holds no packages that could be missed
    install(site_packages(made), "six", "1.16.0", {"six.py": ""})
    python = probe(host, made)
    assert (python.venv_without_cfg, python.prefix) == (str(made), python.base_prefix)


def test_what_an_environment_is_managed_with(tmp_path: Path) -> None:
    made = venv(tmp_path / "env")
    host = user_host(tmp_path)
    assert probe(host, made).installer is None
    with open(made / "pyvenv.cfg", "a") as stream:
        stream.write("uv = 0.9.1\n")
    assert probe(host, made).installer == "uv"
    install(site_packages(made), "numpy", "1.5", metadata={"INSTALLER": "Poetry 1.8.2"})
    assert probe(host, made).installer == "poetry"


def test_no_process_is_left(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    hanging = program(tmp_path / "python", f"#!/bin/sh\necho $$ >> {pid_file}\nsleep 60\n")
    assert probe(user_host(tmp_path, timeout=0.5), hanging).failure == "timed-out"
    for pid in pid_file.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), signal.SIGCONT)


# --- the program of conda -----------------------------------------------------------------------------


def test_the_program_of_conda_is_one_on_path_or_the_one_that_the_shell_knows(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    host = user_host(tmp_path, PATH=str(folder))
    assert installer.conda_program(host) is None
    elsewhere = program(tmp_path / "opt" / "micromamba", "#!/bin/sh\n")
    host = user_host(tmp_path, PATH=str(folder), CONDA_EXE="/gone/conda", MAMBA_EXE=str(elsewhere))
    assert installer.conda_program(host) == str(elsewhere)
    for name in ("micromamba", "mamba", "conda"):
        program(folder / name, "#!/bin/sh\n")
        assert installer.conda_program(host) == name
