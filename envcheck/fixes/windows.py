"""Fixes on Windows: of the commands that rules know, those that PowerShell can run there.

Most of what changes a driver or the system is known for Linux alone. On Windows such a fix would be a trap, so it is
left out; what is the same there (nvidia-smi, a restart) stays, in a PowerShell of the administrator.
"""

import re

import msgspec

from envcheck.fixes import shell
from envcheck.fixes.nvidia import REBOOT
from envcheck.model.facts import Facts
from envcheck.model.report import Fix

RESTART = "Restart-Computer"
_SAME_AS_ROOT = re.compile(r"sudo (?=nvidia-smi )")
"""nvidia-smi is part of NVIDIA's driver for Windows too (docs.nvidia.com/deploy/nvidia-smi, 'Description')."""
_POSIX_PROGRAMS = (
    "cat|chmod|df|dmesg|echo|export|find|grep|ldconfig|ls|lsof|modprobe|mv|printf|python3|rm|srun|sudo|systemctl"
    "|ulimit|unset"
)
_POSIX = re.compile(
    rf"(?:\(|(?:{_POSIX_PROGRAMS})\b)"  # to begin with; a parenthesis is a shell of its own there
    r"|[A-Za-z_]\w*=\S* "  # a variable before the program
    r"|.*(?: && | \|\| |\| *(?:grep|tee)\b|/dev/null)"
)


def runnable(facts: Facts, fixes: tuple[Fix, ...]) -> tuple[Fix, ...]:
    """Return the fixes as the machine of these facts can run them: without those of other systems, if it is Windows."""
    if not shell.is_powershell(facts):
        return fixes
    return tuple(fix for fix in map(_for_windows, fixes) if not any(map(_POSIX.match, fix.commands)))


def _for_windows(fix: Fix) -> Fix:
    verify = fix.verify if fix.verify is None or not _POSIX.match(fix.verify) else None
    return msgspec.structs.replace(fix, commands=tuple(map(_command, fix.commands)), verify=verify)


def _command(command: str) -> str:
    return RESTART if command == REBOOT else _SAME_AS_ROOT.sub("", command)
