"""A notebook of the user: a real kernel is started as Jupyter does, and a cell in it trains Keras."""

import shlex
from pathlib import Path

from healing.users import User

TRAINED = "trained"
CELL = """
import keras, numpy
model = keras.Sequential([keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
model.fit(numpy.ones((8, 2)), numpy.ones((8, 1)), verbose=0)
print("trained")
"""
START = """
import sys
from jupyter_client.manager import start_new_kernel

name, cell = sys.argv[1:]
manager, client = start_new_kernel(kernel_name=name)
said = []

def hear(message):
    if message["msg_type"] in ("stream", "error"):
        said.append(message["content"].get("text") or message["content"]["evalue"])

client.execute_interactive(cell, output_hook=hear, timeout=300)
print(said[-1].strip().splitlines()[-1] if said else "silence")
client.stop_channels()
manager.shutdown_kernel(now=True)
"""


def run_cell(user: User, jupyter: Path, kernel: str) -> str:
    """Return the last line that a cell said which trains Keras in a kernel of the user; ``jupyter`` starts it."""
    # The list of kernels of Jupyter's own environment must not come before the user's.
    start = f"JUPYTER_PREFER_ENV_PATH=0 {jupyter}/bin/python -c {shlex.quote(START)} {kernel} {shlex.quote(CELL)}"
    result = user.shell(start)
    lines = (result.stdout or result.stderr).strip().splitlines()
    return lines[-1] if lines else ""
