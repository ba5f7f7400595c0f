"""What is done about a GPU that is ill."""

from envcheck.fixes.files import by_hand
from envcheck.fixes.nvidia import by_system
from envcheck.model.report import Fix
from envcheck.words import template

NVIDIA_SMI = "https://docs.nvidia.com/deploy/nvidia-smi/index.html"
DCGM = "https://docs.nvidia.com/datacenter/dcgm/latest/user-guide/dcgm-diagnostics.html"
XID = "https://docs.nvidia.com/deploy/xid-errors/index.html"

RESET = template("End every program that uses the GPU and reset it; if it refuses, restart the machine")
RESTART = template("Restart the machine; turn its power off and on if a restart does not help")
DIAGNOSE = template("If it comes back: let NVIDIA's diagnostics test the GPU, and ask the vendor for a replacement")
REPORT = template("Write down the GPU's state for the vendor, take the GPU out of service and ask for a replacement")
RESEAT = template(
    "Turn the machine off, take the GPU out and put it in again, check every power cable, or try another slot"
)
COLD_START = template("Turn the machine off, wait a minute, and turn it on again")


def reset(which: str) -> Fix:
    """Return the fix that resets a GPU; ``which`` is an option such as `` -i 0000:01:00.0``, or empty for all."""
    return by_system(RESET, (f"sudo nvidia-smi --gpu-reset{which}",), NVIDIA_SMI, restart="none")


def restart() -> Fix:
    return by_system(RESTART, ("sudo reboot",), XID)


def diagnose() -> Fix:
    return by_system(DIAGNOSE, ("sudo dcgmi diag -r 3",), DCGM, restart="none")


def report() -> Fix:
    return by_system(REPORT, ("sudo nvidia-bug-report.sh",), XID, restart="none")


def reseat() -> Fix:
    return by_hand(RESEAT, XID)


def cold_start() -> Fix:
    return by_hand(COLD_START, XID)
