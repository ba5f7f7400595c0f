"""Python interpreters of this machine, of several ages."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

PYENV = Path.home() / ".pyenv" / "versions"


@cache
def interpreter(version: str) -> str | None:
    """Return an interpreter of ``version``, such as ``3.6``, that pyenv has and that starts; None if there is none."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    for place in sorted(PYENV.glob(f"{version}.*/bin/python")):
        try:
            if subprocess.run([str(place), "-c", ""], capture_output=True, timeout=60, check=False).returncode == 0:
                return str(place)
        except OSError:
            continue
    return None


def each(*versions: str) -> Any:
    """Return pytest's parameters for interpreters; those that are not here are skipped and say so."""
    parameters = []
    for version in versions:
        found = interpreter(version)
        reason = f"there is no Python {version} below {PYENV}"
        marks = () if found else (pytest.mark.skip(reason=reason),)
        parameters.append(pytest.param(found, id=version, marks=marks))
    return pytest.mark.parametrize("python", parameters)
