"""Real environments with frameworks, built from the lists in tests/environments with the package index."""

import os
import subprocess
import sys
import threading
from pathlib import Path

LISTS = Path(__file__).parent / "environments"
SECONDS_TO_BUILD = 1200
_one_at_a_time = threading.Lock()


class NotBuilt(Exception):
    """An environment could not be built; the message says why in one line."""


def build(folder: Path, name: str, tool: str = "uv") -> Path:
    """Return the root of the environment ``environments/NAME.txt``, built below ``folder`` unless a whole one is there.

    ``tool`` makes it: ``uv``, or ``pip`` with the module venv.

    Raises:
        NotBuilt: if the package index did not give what it takes.
    """
    pins = (LISTS / f"{name}.txt").read_text()
    maker = "" if tool == "uv" else f"-{tool}"
    place = folder / f"{name}{maker}-{sys.version_info.major}.{sys.version_info.minor}"
    python = str(place / "bin" / "python")
    built = place / "built-from.txt"  # written last: a half-built environment has none
    with _one_at_a_time:
        if not (built.is_file() and built.read_text() == pins and Path(python).exists()):
            for command in _commands(tool, place, python, str(LISTS / f"{name}.txt")):
                _run(command, name)
            built.write_text(pins)
    return place


def _commands(tool: str, place: Path, python: str, pins: str) -> tuple[tuple[str, ...], ...]:
    if tool == "pip":
        base = getattr(sys, "_base_executable", sys.executable)
        return (
            (base, "-m", "venv", "--clear", str(place)),
            (python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", pins),
        )
    uv = (sys.executable, "-m", "uv")
    # --compile-bytecode: workers run with -B, so each start would compile the frameworks' sources again.
    return (
        (*uv, "venv", "--clear", "--python", sys.executable, str(place)),
        (*uv, "pip", "install", "--compile-bytecode", "--python", python, "--requirement", pins),
    )


def _run(command: tuple[str, ...], name: str) -> None:
    environ = dict(os.environ)
    if "PIP_FIND_LINKS" in environ:
        environ.setdefault("UV_FIND_LINKS", environ["PIP_FIND_LINKS"])
    try:
        result = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=SECONDS_TO_BUILD, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotBuilt(f"the environment '{name}' was not built within {SECONDS_TO_BUILD} s") from None
    if result.returncode:
        reason = " ".join(result.stderr.split())[-300:]
        raise NotBuilt(f"the environment '{name}' could not be built from the package index: {reason}")
