"""A training step of PyTorch in two processes over gloo: the known answer, loopback alone, nothing left behind."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import standins

from envcheck.child import WORKERS

pytestmark = pytest.mark.frameworks

#: Two CPU processes, as a worker of the smoke test would start them for two GPUs.
STEP = """
import importlib, json, sys, types
package = types.ModuleType("worker")
package.__path__ = [sys.argv[1]]
sys.modules["worker"] = package
answers = importlib.import_module("worker._smoke.answers").Answers()
torch = importlib.import_module("worker._smoke.use_torch")
inputs, targets, weights = [answers.input("sharded", key) for key in ("inputs", "targets", "weights")]
cpu = {"kind": "cpu", "framework_name": "cpu"}
loss, after, places = torch.sharded_step(
    [cpu, cpu], inputs, targets, weights, answers.sharded_learning_rate, sys.argv[2]
)
deviations = [answers.deviation("sharded", "loss", [loss]), answers.deviation("sharded", "weights", after)]
print(json.dumps({"places": places, "deviation": max(deviations)}))
"""


@contextmanager
def step(python: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [python, "-B", "-c", STEP, WORKERS, str(folder)]
    with subprocess.Popen(
        command, env=standins.environ(), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ranks_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return [
            child for child in psutil.Process(process.pid).children() if "torch_rank.py" in " ".join(child.cmdline())
        ]
    except psutil.Error:
        return []


def test_two_processes_agree_with_the_known_answer_over_loopback(keras_environment: str, tmp_path: Path) -> None:
    listening = set()
    with step(keras_environment, tmp_path) as process:
        while process.poll() is None:
            for rank in ranks_of(process):
                try:
                    listening |= {found.laddr.ip for found in rank.net_connections(kind="inet") if found.laddr}
                except psutil.Error:
                    continue  # it ended meanwhile
            time.sleep(0.02)
        output = process.communicate()[0]
    answer = json.loads(output)
    assert answer["places"] == ["cpu", "cpu"]
    assert answer["deviation"] < 1e-6
    assert listening <= {"127.0.0.1", "::1"}


@pytest.mark.skipif(os.name == "nt", reason="process groups of POSIX")
def test_the_processes_end_with_the_group_of_the_worker(keras_environment: str, tmp_path: Path) -> None:
    with step(keras_environment, tmp_path) as process:
        ranks: list[psutil.Process] = []
        while len(ranks) < 2 and process.poll() is None:
            ranks = ranks_of(process)
            time.sleep(0.02)
        assert len(ranks) == 2
        os.killpg(process.pid, 9)  # as envcheck does at the deadline
    psutil.wait_procs(ranks, timeout=60)
    assert not any(rank.is_running() for rank in ranks)


def test_a_process_that_dies_ends_the_step_at_once(jax_environment: str, tmp_path: Path) -> None:
    """A stand-in for PyTorch that only the ranks import, and that dies there."""
    (tmp_path / "torch.py").write_text("import os, sys\nos._exit(7 if 'torch_rank' in sys.argv[0] else 0)\n")
    script = """
import importlib, sys, types, numpy
package = types.ModuleType("worker")
package.__path__ = [sys.argv[1]]
sys.modules["worker"] = package
processes = importlib.import_module("worker._smoke.torch_processes")
one = numpy.ones((2, 2), dtype="float32")
try:
    processes.step(["cpu", "cpu"], one, one, one, 0.5, sys.argv[2])
except RuntimeError as error:
    print(error)
"""
    environ = {**standins.environ(), "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [jax_environment, "-B", "-c", script, WORKERS, str(tmp_path)], env=environ, capture_output=True, text=True
    )
    assert done.stdout.endswith("of 2 ended with status 7\n"), done.stderr
