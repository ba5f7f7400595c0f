"""How long the probes of the machine take on a simulated healthy machine with eight GPUs.

    python tests/benchmarks/machine_probes.py [ROUNDS]

Prints, for each probe, the best and the median time in milliseconds, and the same for all of them side by side as the
collector runs them. Nothing is asserted: the figures depend on the machine.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from simulated.hosts import HEALTHY, build  # noqa: E402 - a script has to find its package first

from envcheck.host import Host  # noqa: E402
from envcheck.probes import (  # noqa: E402
    amd,
    apple,
    cpu,
    device_nodes,
    intel,
    kernel_log,
    memory,
    nvidia,
    pci,
    platform,
)

PROBES = (platform, cpu, memory, pci, apple, nvidia, amd, intel, device_nodes, kernel_log)


def timed(rounds: int, action: Callable[[], object]) -> tuple[float, float]:
    """Return the best and the median time of ``action`` in milliseconds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        times.append((time.perf_counter() - started) * 1000)
    return min(times), statistics.median(times)


def all_at_once(host: Host) -> None:
    """Run every probe as the collector does."""
    with ThreadPoolExecutor() as pool:
        for result in [pool.submit(probe.probe, host) for probe in PROBES]:
            result.result()


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        host = build(Path(folder), HEALTHY["hgx-with-eight-gpus"])
        all_at_once(host)  # compiles the stand-ins' and Python's caches
        print(f"{'probe':<16}{'best':>8}{'median':>8}  ms")
        for probe in PROBES:
            name = probe.__name__.rpartition(".")[2]
            best, median = timed(rounds, lambda probe=probe: probe.probe(host))  # type: ignore[misc]
            print(f"{name:<16}{best:>8.1f}{median:>8.1f}")
        best, median = timed(rounds, lambda: all_at_once(host))
        print(f"{'side by side':<16}{best:>8.1f}{median:>8.1f}")


if __name__ == "__main__":
    main()
