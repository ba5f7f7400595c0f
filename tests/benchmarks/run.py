"""Measure envcheck against named peers, in one environment in one run, as ratios.

    python tests/benchmarks/run.py --python TARGET [--repeat N] [--quick]

TARGET is an interpreter with Keras, TensorFlow, JAX and PyTorch (what is missing there is left out).
The interpreter that runs this script must have envcheck installed. Nothing is asserted: numbers are
printed, lower is better, 1.0 is the peer itself.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")

#: What a user would write by hand to try one backend: import, one tiny model, three steps.
BARE_SCRIPT = """
import numpy, keras
model = keras.Sequential([keras.layers.Input((8, 8, 1)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(),
                          keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(numpy.ones((12, 8, 8, 1), "float32"), numpy.ones((12, 1), "float32"), batch_size=4, epochs=1, verbose=0)
"""


def seconds(argv: list[str], repeat: int, **environment: str) -> float | None:
    """Return the median wall time of a command, or None if it fails."""
    times = []
    for _ in range(repeat):
        started = time.monotonic()
        result = subprocess.run(argv, capture_output=True, env={**os.environ, **environment})
        times.append(time.monotonic() - started)
        if result.returncode not in (0, 1):
            return None
    return statistics.median(times)


def row(name: str, ours: float | None, peer_name: str, peer: float | None) -> None:
    """Print one comparison."""
    if ours is None or peer is None:
        print(f"{name:34} {'-':>8}   {peer_name} (could not be run here)")
    else:
        print(f"{name:34} {ours / peer:8.2f}   of {peer_name} ({ours:.3f} s / {peer:.3f} s)", flush=True)


def has(python: str, module: str) -> bool:
    """Say whether ``python`` can find ``module``."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", code], capture_output=True).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one run of each, without the slow peers")
    options = parser.parse_args()
    if not Path(options.python).is_file():
        parser.error(f"{options.python} is no interpreter")
    repeat = 1 if options.quick else options.repeat
    envcheck = [sys.executable, "-m", "envcheck"]

    bare = seconds([sys.executable, "-c", "pass"], repeat * 5)
    row("import envcheck", seconds([sys.executable, "-c", "import envcheck"], repeat * 5), "python -c pass", bare)
    row("envcheck --version", seconds([*envcheck, "--version"], repeat * 5), "python -c pass", bare)

    quick_report = seconds([*envcheck, "report", "--no-smoke", "--python", options.python], repeat)
    row("report --no-smoke", quick_report, "python -c pass", bare)
    if options.quick:
        return
    peers = {
        "torch": ("python -m torch.utils.collect_env", ["-m", "torch.utils.collect_env"]),
        "jax": ("jax.print_environment_info()", ["-c", "import jax; jax.print_environment_info()"]),
        "tensorflow": ("import tensorflow", ["-c", "import tensorflow"]),
    }
    for module, (name, arguments) in peers.items():
        if has(options.python, module):
            row("report --no-smoke", quick_report, name, seconds([options.python, *arguments], repeat))

    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "bare.py")
        script.write_text(BARE_SCRIPT)
        scripts = {
            name: seconds([options.python, str(script)], repeat, KERAS_BACKEND=name)
            for name in BACKENDS
            if has(options.python, name)
        }
    slowest = max((name for name in scripts if scripts[name]), key=lambda name: scripts[name] or 0, default=None)
    if slowest:
        full = seconds([*envcheck, "report", "--python", options.python], repeat)
        row("report (smoke test, all backends)", full, f"a bare Keras script on {slowest}", scripts[slowest])


if __name__ == "__main__":
    main()
