"""Check the package sets that envcheck suggests with a real resolver, over a grid of Python x GPU generation x driver.

    python tests/benchmarks/resolve_grid.py [--python 3.11 ...] [--gpu 8.6 ...] [--driver 535.183.01 ...]

The grid is of Linux on x86-64; other systems, processors and machines without an NVIDIA GPU follow for each Python
(`--gpu none` leaves the grid out). Each set is resolved with `uv pip compile` for its Python and system; nothing is
installed. Printed is a line for each cell with its set, and at the end how many sets resolve; the exit status is 1 if
one does not. Where an index of PyTorch cannot be reached, its builds are replaced by those of the usual index, and the
line gets a star.
"""

import argparse
import itertools
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from packaging.version import Version

from envcheck.fixes.packages import index_options
from envcheck.fixes.solver.environment import Wish
from envcheck.fixes.solver.machine import Machine
from envcheck.fixes.solver.pins import pins
from envcheck.fixes.solver.solve import solve

PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
GPUS = {
    "Kepler": "3.5",
    "Kepler (K80)": "3.7",
    "Maxwell": "5.0",
    "Pascal (P100)": "6.0",
    "Pascal": "6.1",
    "Volta": "7.0",
    "Turing": "7.5",
    "Ampere": "8.6",
    "Ada": "8.9",
    "Hopper": "9.0",
    "Blackwell (B200)": "10.0",
    "Blackwell": "12.0",
}
DRIVERS = ("450.248.02", "470.256.02", "525.147.05", "535.183.01", "550.54.14", "570.124.06", "580.95.05")
WISHES = (("tensorflow", "keras"), ("torch", "keras"), ("jax", "keras"), ("tensorflow", "torch", "jax", "keras"))
GLIBC = Version("2.36")
LINUX = Machine(system="Linux", architecture="x86_64", libc="glibc", libc_version=GLIBC)
WINDOWS = Machine(system="Windows", architecture="x86_64")
MACOS = "14.5"
MAC = Machine(system="Darwin", architecture="aarch64", macos=Version(MACOS))
ARM = replace(LINUX, architecture="aarch64")
X86_LINUX, ARM_LINUX = "x86_64-manylinux_2_36", "aarch64-manylinux_2_36"
PLACES = {
    "no GPU": (replace(LINUX, without_gpu=True), X86_LINUX),
    "AMD GPU": (LINUX, X86_LINUX),
    "no AVX": (replace(LINUX, without_gpu=True, instructions=frozenset({"sse4_1", "sse4_2"})), X86_LINUX),
    "glibc 2.28": (replace(LINUX, libc_version=Version("2.28")), "x86_64-manylinux_2_28"),
    "ARM": (replace(ARM, without_gpu=True), ARM_LINUX),
    "Grace Hopper": (replace(ARM, gpus=((9, 0),), driver=Version("580.95.05")), ARM_LINUX),
    "Windows": (replace(WINDOWS, without_gpu=True), "x86_64-pc-windows-msvc"),
    "Windows with GPU": (replace(WINDOWS, gpus=((8, 6),), driver=Version("560.94")), "x86_64-pc-windows-msvc"),
    "Mac": (MAC, "aarch64-apple-darwin"),
    "Mac with Intel": (replace(MAC, architecture="x86_64"), "x86_64-apple-darwin"),
}
"""Machines beside the grid, and what uv calls their platform."""
FRAMEWORKS = {"tensorflow", "torch", "jax"}


@dataclass(frozen=True)
class Question:
    """What a resolver is asked."""

    python: str
    platform: str
    requirements: tuple[str, ...]
    index: str | None


@dataclass(frozen=True)
class Cell:
    python: str
    machine: str
    wish: tuple[str, ...]
    question: Question | None  #: None: envcheck knows of no set


def cells(
    pythons: Iterable[str], gpus: Iterable[str], drivers: Iterable[str], wishes: Iterable[tuple[str, ...]] = WISHES
) -> Iterator[Cell]:
    """Yield the cells of the grid with the set that the solver names for each."""
    for python, gpu, driver, wish in itertools.product(pythons, gpus, drivers, wishes):
        major, minor = gpu.split(".")
        machine = replace(LINUX, gpus=((int(major), int(minor)),), driver=Version(driver))
        yield _cell(machine, X86_LINUX, f"{gpu:5} {driver}", python, wish)


def other_cells(pythons: Iterable[str], wishes: Iterable[tuple[str, ...]] = WISHES) -> Iterator[Cell]:
    """Yield the cells of the machines beside the grid."""
    for python, (name, (machine, platform)), wish in itertools.product(pythons, PLACES.items(), wishes):
        yield _cell(machine, platform, name, python, wish)


def _cell(machine: Machine, platform: str, name: str, python: str, wish: tuple[str, ...]) -> Cell:
    on_gpu = FRAMEWORKS & set(wish) if machine.gpus else frozenset()
    answer = solve(machine.with_python(python), (), Wish(wish, frozenset(on_gpu)))
    question = None
    if answer and answer.solution:
        index = next((each.index for each in answer.solution.chosen.values() if each.index), None)
        question = Question(python, platform, pins(answer), index)
    return Cell(python, name, wish, question)


def resolve(uv: str, question: Question) -> tuple[str | None, bool]:
    """Return what the resolver objects, or None; and whether an index could not be reached and was left out."""
    failure = _compile(uv, question, question.requirements, question.index)
    if failure is None or question.index is None or not _unreachable(failure):
        return failure, False
    usual = tuple(text.partition("+")[0] for text in question.requirements)
    return _compile(uv, question, usual, None), True


def _compile(uv: str, question: Question, requirements: tuple[str, ...], index: str | None) -> str | None:
    command = [uv, "pip", "compile", "-", "--quiet", "--no-header", "--python-version", question.python]
    command += ["--python-platform", question.platform, *index_options(requirements, index, uv=True)]
    # An index that does not answer is known after the first try.
    environment = {**os.environ, "UV_HTTP_RETRIES": "0", "UV_HTTP_CONNECT_TIMEOUT": "5"}
    environment["MACOSX_DEPLOYMENT_TARGET"] = MACOS  # uv takes an older macOS otherwise
    done = subprocess.run(
        command, input="\n".join(requirements), capture_output=True, text=True, check=False, env=environment
    )
    return None if done.returncode == 0 else done.stderr.strip() or f"exit status {done.returncode}"


def _unreachable(failure: str) -> bool:
    return any(
        words in failure for words in ("Failed to fetch", "error sending request", "dns error", "Request failed")
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", nargs="+", default=PYTHONS)
    parser.add_argument("--gpu", nargs="+", default=list(GPUS.values()))
    parser.add_argument("--driver", nargs="+", default=DRIVERS)
    parser.add_argument("--uv", default="uv")
    options = parser.parse_args()
    gpus = [gpu for gpu in options.gpu if gpu != "none"]
    grid = [*cells(options.python, gpus, options.driver), *other_cells(options.python)]
    asked = list(dict.fromkeys(cell.question for cell in grid if cell.question))
    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(asked, pool.map(lambda question: resolve(options.uv, question), asked), strict=True))
    for cell in grid:
        line = f"{cell.python:5} {cell.machine:18} {'+'.join(cell.wish):30}"
        if cell.question is None:
            print(line, "no set")
            continue
        failure, without_index = answers[cell.question]
        state = "does not resolve" if failure else "resolves"
        print(line, state + ("*" if without_index else ""), " ".join(cell.question.requirements))
    failures = {question: failure for question, (failure, _) in answers.items() if failure}
    for question, failure in failures.items():
        print(f"\nPython {question.python}, {question.platform}: {' '.join(question.requirements)}\n{failure}")
    print(f"\n{len(asked) - len(failures)} of {len(asked)} different sets resolve, for {len(grid)} cells.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
