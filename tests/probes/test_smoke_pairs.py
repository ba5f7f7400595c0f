"""Frameworks in company: two packages with compiled modules that clash in one order, and other ends."""

import shutil
import subprocess
import sys
import sysconfig
import textwrap
from dataclasses import replace as with_options
from pathlib import Path

import pytest
import standins
from judging import machines
from msgspec.structs import replace

from envcheck.model.facts import Backend, Company, Import
from envcheck.model.unknown import Unknown
from envcheck.probes import smoke, smoke_pairs
from envcheck.rules.engine import judge

#: The same library in two releases, as two frameworks bring it along. The soname is the same: the first one wins.
RELEASE = "int shared_release(void) { return %d; }\n"
MODULE = """
#include <Python.h>
#include <stdlib.h>
extern int shared_release(void);
static struct PyModuleDef definition = { PyModuleDef_HEAD_INIT, "native", 0, -1, 0 };
PyMODINIT_FUNC PyInit_native(void) {
    if (shared_release() < %d) abort();
    return PyModule_Create(&definition);
}
"""


@pytest.fixture(scope="module")
def clashing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the packages ``older`` and ``newer``; the compiled module of ``newer`` needs release 2 of the library."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    headers = sysconfig.get_paths()["include"]
    if compiler is None or not sys.platform.startswith("linux") or not Path(headers, "Python.h").exists():
        pytest.skip("needs Linux, a C compiler and Python.h to build modules that clash")
    folder = tmp_path_factory.mktemp("clashing")
    for name, release in (("older", 1), ("newer", 2)):
        package = folder / name
        package.mkdir()
        (package / "__init__.py").write_text(f"from . import native\n__version__ = '{release}.0'\n")
        (package / "shared.c").write_text(RELEASE % release)
        (package / "native.c").write_text(MODULE % release)
        build = [compiler, "-shared", "-fPIC"]
        library = package / "libshared.so"
        subprocess.run([*build, "-Wl,-soname,libshared.so.1", "-o", library, package / "shared.c"], check=True)
        library.rename(package / "libshared.so.1")
        native = ["-o", package / "native.so", package / "native.c", package / "libshared.so.1", f"-I{headers}"]
        subprocess.run([*build, *native, "-Wl,-rpath,$ORIGIN"], check=True)
    return folder


def tried(folder: Path, *names: str, timeout: float = standins.LONG, alone: bool = True) -> tuple[Company, ...]:
    found = smoke_pairs.probe(
        standins.host({**standins.environ(), "PYTHONPATH": str(folder)}),
        standins.target(sys.executable),
        imported(folder, *names) if alone else tuple(map(standins.backend, names)),
        with_options(standins.options(timeout=timeout), pairs=True),
    )
    assert not isinstance(found, Unknown)
    return found


def imported(folder: Path, *names: str) -> tuple[Backend, ...]:
    environ = {**standins.environ(), "PYTHONPATH": str(folder)}
    backends, _ = standins.run(sys.executable, names, environ)
    return tuple(backends.values())


def test_packages_that_clash_in_one_order_are_found(clashing: Path) -> None:
    alone = imported(clashing, "older", "newer")
    assert [backend.imported.status for backend in alone] == ["ok", "ok"]
    bad, good = tried(clashing, "older", "newer")
    assert (bad.first, bad.second, bad.status, bad.step) == ("older", "newer", "crashed", "import newer")
    assert bad.reason == "the process died of SIGABRT"
    assert (good.first, good.second, good.status, good.step, good.reason) == ("newer", "older", "ok", None, None)
    healthy = machines.facts(machines.cpu_only())
    assert not isinstance(healthy.backends, Unknown)
    facts = replace(healthy, backends=(*healthy.backends, *alone), pairs=(bad, good))
    (finding,) = [found for found in judge(facts).findings if found.id == "native-library-import-order-clash"]
    assert finding.title == "older and newer break each other when older is imported first"
    assert "In the other order it works." in finding.message
    assert finding.fixes[0].title == "Import newer before older, in every program that uses both"


def test_other_ends_are_told(tmp_path: Path) -> None:
    """The second one cannot stand the first: by an error, by ending the process, by never coming to an end."""
    (tmp_path / "calm.py").write_text("")
    for name, end in (
        ("raising", "raise TypeError('Descriptors cannot be created directly')"),
        ("leaving", "__import__('os')._exit(0)"),
        ("hanging", "__import__('time').sleep(3600)"),
    ):
        source = f"""
            import sys
            if "calm" in sys.modules:
                {end}
        """
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
    found = {
        name: tried(tmp_path, "calm", name, timeout=12.0, alone=False)[0] for name in ("raising", "leaving", "hanging")
    }
    assert {name: pair.status for name, pair in found.items()} == {
        "raising": "raised",
        "leaving": "exited",
        "hanging": "timed-out",
    }
    assert found["raising"].reason == "TypeError: Descriptors cannot be created directly"
    assert all(pair.step == f"import {name}" for name, pair in found.items())


def test_what_cannot_be_imported_alone_is_not_tried_in_company(tmp_path: Path) -> None:
    (tmp_path / "well.py").write_text("")
    broken = replace(standins.backend("ill"), imported=Import(status="raised", seconds=0.1, error="", stderr_tail=""))
    found = smoke_pairs.probe(
        standins.host(standins.environ()),
        standins.target(sys.executable),
        (standins.backend("well"), broken),
        with_options(standins.options(), pairs=True),
    )
    assert not isinstance(found, Unknown)
    assert [(pair.status, pair.reason) for pair in found] == [("skipped", "ill cannot be imported even alone")] * 2


def test_nothing_is_tried_unless_asked_for() -> None:
    options: smoke.SmokeOptions = standins.options()
    found = smoke_pairs.probe(
        standins.host({}),
        standins.target("/no/such/python"),
        (standins.backend("one"), standins.backend("two")),
        options,
    )
    assert found == Unknown("skipped", "not asked for (--pairs)")


@pytest.mark.frameworks
def test_real_frameworks_compute_in_one_process(jax_environment: str) -> None:
    """JAX alone is there: beside a stand-in it is imported and multiplies, in both orders."""
    found = smoke_pairs.probe(
        standins.host({**standins.environ(), "PYTHONPATH": str(standins.FOLDER / "common")}),
        standins.target(jax_environment),
        (standins.backend("jax"), standins.backend("stand_in")),
        with_options(standins.options(), pairs=True),
    )
    assert not isinstance(found, Unknown)
    assert [pair.status for pair in found] == ["ok", "ok"]
