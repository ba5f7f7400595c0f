"""CPU mathematics and OpenMP of the target: a real NumPy, and a threadpoolctl that the target has or has not."""

import os
import sys
from pathlib import Path

import msgspec
import pytest
from simulated.pythons import install, site_packages, user_host, venv

from envcheck.model.facts import Python, ThreadPool
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import packages, thread_pools

TOLD = {
    "user_api": "openmp", "internal_api": "openmp", "prefix": "libgomp", "filepath": "/usr/lib/libgomp.so.1",
    "version": None, "num_threads": 4,
}  # fmt: skip


def target(environment: Path) -> Python:
    site = str(site_packages(environment))
    found = packages.find(user_host(environment), [site], str(environment))
    unknown = all_unknown(Python, Unknown("skipped", "this test does not tell"))
    executable = str(environment / "bin" / "python")
    return msgspec.structs.replace(unknown, executable=executable, runs=True, packages=found.packages)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    return venv(tmp_path / "env")


def test_it_tells_what_threadpoolctl_says(environment: Path, tmp_path: Path) -> None:
    source = f"import os\nos.environ['KMP_DUPLICATE_LIB_OK'] = 'True'\ndef threadpool_info():\n    return [{TOLD!r}]\n"
    install(site_packages(environment), "threadpoolctl", "3.6.0", {"threadpoolctl.py": source})
    (pool,) = thread_pools.probe(user_host(tmp_path), target(environment))
    assert pool == ThreadPool(
        api="openmp",
        library="openmp",
        path="/usr/lib/libgomp.so.1",
        version=None,
        threads=4,
        architecture=None,
        threading_layer=None,
    )
    assert "KMP_DUPLICATE_LIB_OK" not in os.environ
    assert "threadpoolctl" not in sys.modules


def test_nothing_is_installed_for_it(environment: Path, tmp_path: Path) -> None:
    answer = thread_pools.probe(user_host(tmp_path), target(environment))
    assert answer == Unknown("unsupported", "the target has no threadpoolctl")


def test_a_numpy_that_cannot_be_imported(environment: Path, tmp_path: Path) -> None:
    install(site_packages(environment), "threadpoolctl", "3.6.0", {"threadpoolctl.py": ""})
    install(site_packages(environment), "numpy", "2.0.0", {"numpy.py": "raise ImportError('libopenblas is gone')\n"})
    answer = thread_pools.probe(user_host(tmp_path), target(environment))
    assert isinstance(answer, Unknown)
    assert (answer.reason, answer.detail) == ("failed", "libopenblas is gone (at: import numpy)")
