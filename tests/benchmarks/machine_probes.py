"""How long the probes below the frameworks take on a simulated healthy machine with eight GPUs.

    python tests/benchmarks/machine_probes.py [ROUNDS]

Prints, for each probe, the best and the median time in milliseconds, and the same for all of them side by side as the
collector runs them; what the interpreter and the frameworks tell is looked at before. Nothing is asserted: the figures
depend on the machine.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from simulated.hosts import HEALTHY, build  # noqa: E402 - a script has to find its package first

from envcheck.host import Host  # noqa: E402
from envcheck.probes import (  # noqa: E402
    amd,
    apple,
    cpu,
    cuda_toolchain,
    device_nodes,
    frameworks,
    intel,
    interpreter,
    kernel_log,
    libraries,
    memory,
    nvidia,
    pci,
    platform,
    target,
    thread_pools,
)

OF_THE_MACHINE = (platform, cpu, memory, pci, apple, nvidia, amd, intel, device_nodes, kernel_log)


def timed(rounds: int, action: Callable[[], object]) -> tuple[float, float]:
    """Return the best and the median time of ``action`` in milliseconds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        times.append((time.perf_counter() - started) * 1000)
    return min(times), statistics.median(times)


def probes(host: Host) -> dict[str, Callable[[], object]]:
    """Return every probe of the layer by its name, ready to run."""
    python = interpreter.probe(host, target.find(host, None, None))
    backends = frameworks.probe(host, python)
    of_target: dict[str, Callable[[], object]] = {
        "cuda_toolchain": lambda: cuda_toolchain.probe(host, python),
        "libraries": lambda: libraries.probe(host, python, backends),
        "thread_pools": lambda: thread_pools.probe(host, python),
    }
    return {probe.__name__.rpartition(".")[2]: partial(probe.probe, host) for probe in OF_THE_MACHINE} | of_target


def side_by_side(actions: Iterable[Callable[[], object]]) -> None:
    """Run every probe as the collector does."""
    with ThreadPoolExecutor() as pool:
        for result in [pool.submit(action) for action in actions]:
            result.result()


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        actions = probes(build(Path(folder), HEALTHY["hgx-with-eight-gpus"]))
        side_by_side(actions.values())  # compiles the stand-ins' and Python's caches
        print(f"{'probe':<16}{'best':>8}{'median':>8}  ms")
        for name, action in actions.items():
            best, median = timed(rounds, action)
            print(f"{name:<16}{best:>8.1f}{median:>8.1f}")
        best, median = timed(rounds, lambda: side_by_side(actions.values()))
        print(f"{'side by side':<16}{best:>8.1f}{median:>8.1f}")


if __name__ == "__main__":
    main()
