"""A training step of PyTorch over several devices, one process for each: DistributedDataParallel over gloo or NCCL.

The processes belong to this worker's group, so that they end with it. They meet in a file and talk over the loopback
interface alone.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

from .stages import Skip

RANK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_rank.py")
SECONDS_TO_START = 75  #: each process imports PyTorch, all of them at the same time
SECONDS = 45  #: for the step itself
LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


def step(devices, inputs, targets, weights, rate, folder):
    """Return the loss of all rows, the weights afterwards, and where each process computed.

    Raises:
        RuntimeError: if a process ends with an error, gives no answer in time, or has other weights than the rest.
        Skip: if the machine is too slow to import PyTorch in all of them.
    """
    meeting = tempfile.mkdtemp(prefix="ranks-", dir=folder)
    task = os.path.join(meeting, "task.json")
    with open(task, "w") as stream:
        json.dump(
            {
                "devices": devices,
                "inputs": inputs.tolist(),
                "targets": targets.tolist(),
                "weights": weights.tolist(),
                "rate": rate,
                "seconds": SECONDS_TO_START + SECONDS,
            },
            stream,
        )
    _run(task, len(devices))
    answers = [_read(os.path.join(meeting, "%d.json" % rank)) for rank in range(len(devices))]
    if any(answer["weights"] != answers[0]["weights"] for answer in answers):
        raise RuntimeError("the devices hold different weights after the step")
    loss = sum(answer["loss"] for answer in answers)
    return loss, answers[0]["weights"], sorted(answer["device"] for answer in answers)


def _run(task, count):
    # Without this, gloo and NCCL take the interface of the machine's own name.
    environ = dict(os.environ, GLOO_SOCKET_IFNAME=LOOPBACK, NCCL_SOCKET_IFNAME=LOOPBACK, OMP_NUM_THREADS="1")
    flags = ["-I", "-B"] if sys.flags.isolated else ["-B"]
    ranks = []
    try:
        for rank in range(count):
            command = [sys.executable, *flags, RANK, task, str(rank)]
            ranks.append(subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=2))
        _wait(ranks, [os.path.join(os.path.dirname(task), "%d.ready" % rank) for rank in range(count)])
    finally:
        for process in ranks:
            process.kill()
            process.wait()


def _wait(ranks, ready):
    """Wait for all of them; one that fails leaves the others waiting for it, so it ends the wait."""
    began, started = time.perf_counter(), None
    while True:
        statuses = [process.poll() for process in ranks]
        failed = [rank for rank, status in enumerate(statuses) if status]
        if failed:
            raise RuntimeError("process %d of %d ended with status %d" % (failed[0], len(ranks), statuses[failed[0]]))
        if None not in statuses:
            return
        now = time.perf_counter()
        if started is None and all(os.path.exists(path) for path in ready):
            started = now
        if started is None and now - began > SECONDS_TO_START:
            raise Skip("%d processes did not all import PyTorch within %d s" % (len(ranks), SECONDS_TO_START))
        if started is not None and now - started > SECONDS:
            raise RuntimeError("%d processes gave no answer within %d s" % (len(ranks), SECONDS))
        time.sleep(0.05)


def _read(path):
    with open(path) as stream:
        return json.load(stream)
