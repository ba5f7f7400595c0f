"""The script of the fixes of one fault: read by every shell, run by two of them, one after the other."""

import shutil
from pathlib import Path

from framework_environments import build

from healing.engine import Fault
from healing.users import User, user_with

DASH = shutil.which("dash") or "sh"
SHELLS = ("sh", DASH, "bash", "bash --posix")
FOR_THE_SHELL = "Type this yourself"


def run_script(fault: Fault, environments: Path, folder: Path, *, smoke: bool = True) -> str | None:
    """Break an environment, write the script of what envcheck suggests, and run it twice; return what went wrong.

    What acts on the user's own shell is only named by a script, so that such faults stay.

    Raises:
        NotBuilt: if the environment to be broken could not be had.
    """
    environment = build(environments, fault.base, fault.tool) if fault.base else None
    user = user_with(environment, folder, **{"KERAS_BACKEND": fault.smoke or "jax", **fault.environ})
    fault.damage(user)
    options = f"--device cpu --backend {fault.smoke}" if fault.smoke and smoke else "--no-smoke"
    user.write_script(options)
    refused = [shell for shell in SHELLS if user.shell(f"{shell} -n ~/fix.sh").returncode]
    if refused:
        return f"{refused} cannot read it"
    for shell in (DASH, "bash"):
        ended = user.shell(f"{shell} ~/fix.sh")
        if ended.returncode:
            return f"{shell} ended with {ended.returncode}: {ended.stderr[-500:]}"
    if FOR_THE_SHELL in (user.home / "fix.sh").read_text():
        return None
    return _left(user, options)


def _left(user: User, options: str) -> str | None:
    after = user.look(command=f"report {options}")
    left = [found["id"] for found in after["findings"] if found["severity"] != "info"]
    return f"left: {left}" if left else None
