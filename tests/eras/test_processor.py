"""A processor without AVX, as QEMU plays it: what dies there was foretold from files and /proc/cpuinfo alone."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from eras.surroundings import built, of, reported, unpacked, wanted

pytestmark = pytest.mark.eras

#: Westmere (2010) is the last of Intel's that has no AVX; SandyBridge (2011) has AVX and no AVX2.
FLAGS = {
    "Westmere": "fpu sse sse2 ht lm pni ssse3 cx16 sse4_1 sse4_2 popcnt aes lahf_lm",
    "SandyBridge": "fpu sse sse2 ht lm pni ssse3 cx16 sse4_1 sse4_2 popcnt aes xsave avx lahf_lm",
}
#: QEMU's answer to CPUID misleads the OpenBLAS in NumPy; no real processor does (seen with QEMU 7.2, 2026-11).
NO_GUESS = {"OPENBLAS_CORETYPE": "Nehalem"}
DEATHS = {
    "tf215": ("crashed", "the process died of SIGILL"),
    "tf210": ("crashed", "the process died of SIGABRT"),
    "jaxalone": ("raised", "built using AVX instructions"),
    "paddle": ("crashed", "the process died of SIGILL"),
}


@pytest.mark.parametrize("lock", DEATHS)
def test_an_import_that_dies_without_avx_was_foretold(lock: str, environments_folder: Path, tmp_path: Path) -> None:
    python, environ = on_processor("Westmere", lock, environments_folder, tmp_path)
    foretold = reported(python, environ, "--no-smoke")
    assert errors(foretold) == {"cpu-lacks-avx": None}
    died = reported(python, environ)
    ended, words = DEATHS[lock]
    backend = next(backend for backend in died["facts"]["backends"] if backend["installed"])
    assert backend["import"]["status"] == ended
    assert words in backend["import"]["error"]
    assert errors(died) == {"cpu-lacks-avx": None, f"framework-import-{ended}": "cpu-lacks-avx"}


@pytest.mark.parametrize("lock", ["mxnet"])
def test_a_step_that_dies_without_avx_was_foretold(lock: str, environments_folder: Path, tmp_path: Path) -> None:
    """MXNet can be imported there; it dies where it multiplies."""
    python, environ = on_processor("Westmere", lock, environments_folder, tmp_path)
    assert errors(reported(python, environ, "--no-smoke")) == {"cpu-lacks-avx": None}
    assert errors(reported(python, environ)) == {"cpu-lacks-avx": None, "smoke-test-crashed": "cpu-lacks-avx"}


@pytest.mark.parametrize("lock", ["paddle"])
def test_a_build_for_avx2_dies_on_a_processor_that_has_avx_alone(
    lock: str, environments_folder: Path, tmp_path: Path
) -> None:
    python, environ = on_processor("SandyBridge", lock, environments_folder, tmp_path)
    report = reported(python, environ)
    assert errors(report) == {"cpu-lacks-avx": None, "framework-import-crashed": "cpu-lacks-avx"}
    assert next(finding["title"] for finding in report["findings"]).endswith("needs: AVX2")


@pytest.mark.parametrize("lock", ["torchalone", "ort"])
def test_what_runs_without_avx_is_called_sound(lock: str, environments_folder: Path, tmp_path: Path) -> None:
    python, environ = on_processor("Westmere", lock, environments_folder, tmp_path)
    report = reported(python, environ)
    assert [run["status"] for run in report["facts"]["smoke"]] == ["passed"]
    assert errors(report) == {}


def errors(report: Mapping[str, list[dict[str, str]]]) -> dict[str, str]:
    """Return the errors by id, each with what explains it."""
    return {finding["id"]: finding["explained_by"] for finding in report["findings"] if finding["severity"] == "error"}


def on_processor(model: str, lock: str, folder: Path, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """Return an environment's interpreter as it runs on a processor, and the variables that envcheck needs for it."""
    era = wanted(of(lock))
    real = built(folder, era)
    environment = tmp_path / "environment"
    (environment / "bin").mkdir(parents=True)
    for name in ("lib", "lib64"):
        (environment / name).symlink_to(real.parent.parent / "lib")
    shutil.copy(real.parent.parent / "pyvenv.cfg", environment)
    python = environment / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {qemu(folder)} -cpu {model} -0 "$0" {real.resolve()} "$@"\n')
    python.chmod(0o755)
    information = tmp_path / "machine" / "proc" / "cpuinfo"
    information.parent.mkdir(parents=True)
    information.write_text(f"processor\t: 0\nmodel name\t: {model}\nflags\t\t: {FLAGS[model]}\n\n")
    return python, {**dict(era.environ), **NO_GUESS, "ENVCHECK_SYSROOT": str(tmp_path / "machine")}


def qemu(folder: Path) -> str:
    """Return QEMU for single programs: this machine's, or Debian's, which needs no installation."""
    for name in ("qemu-x86_64-static", "qemu-x86_64"):
        found = shutil.which(name)
        if found:
            return found
    return str(unpacked(folder, "qemu", "qemu-user-static") / "usr" / "bin" / "qemu-x86_64-static")
