"""Where something that matters is stored: how much room there is, and whether this user may write there."""

import os
import re
import shutil
import tempfile

from envcheck.host import Host
from envcheck.model.facts import FileSystem, FileSystemVolatile
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import home

SHARED_MEMORY = "/dev/shm"
_NO_FLAG = Unknown("unsupported", "this system's Python does not tell how file systems are mounted")
_ASK_BY_WRITING = Unknown("unsupported", "on Windows only writing tells whether one may write")
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def common(host: Host) -> tuple[FileSystem, ...]:
    """Return the file systems of the home folder, of temporary files and of shared memory, as far as there are any."""
    found = [look(host, "temporary", temporary_folder(host))]
    own = home.folder(host)
    if own:
        found.insert(0, look(host, "home", own))
    if host.root or (os.name != "nt" and host.is_dir(SHARED_MEMORY)):
        shared = _of_image(host) if host.root else look(host, "shared-memory", SHARED_MEMORY)
        found += [shared] if shared is not None else []
    return tuple(found)


def temporary_folder(host: Host) -> str:
    """Return the folder that Python's tempfile would choose for the user, without trying to write there."""
    for name in ("TMPDIR", "TEMP", "TMP"):
        folder = host.environ.get(name)
        if folder and os.path.isdir(folder):
            return os.path.abspath(folder)
    return tempfile.gettempdir() if os.name == "nt" else "/tmp"


def look(host: Host, purpose: str, path: str) -> FileSystem:
    """Return what there is to say about the file system below ``path`` of this machine.

    A folder that does not exist yet is judged by the nearest one above it that does.
    """
    folder = path
    while not os.path.exists(folder) and os.path.dirname(folder) not in ("", folder):
        folder = os.path.dirname(folder)
    try:
        room = shutil.disk_usage(folder)
    except PermissionError as error:
        return _unknown(purpose, path, Unknown("denied", str(error)))
    except OSError as error:
        return _unknown(purpose, path, Unknown("failed", str(error)))
    return FileSystem(
        purpose=purpose,
        path=path,
        total_bytes=room.total,
        executable=not os.statvfs(folder).f_flag & os.ST_NOEXEC if hasattr(os, "ST_NOEXEC") else _NO_FLAG,
        writable=_ASK_BY_WRITING
        if os.name == "nt"
        else os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids),
        volatile=FileSystemVolatile(available_bytes=room.free),
    )


def _of_image(host: Host) -> FileSystem | None:
    """Return the shared memory of a recorded machine: its size stands among the mount options."""
    mounts = host.read_text("/proc/mounts")
    if not isinstance(mounts, str):
        return None
    asleep = Unknown("unsupported", "an inspected image has no memory in use")
    for entry in reversed(mounts.splitlines()):  # a later mount covers an earlier one
        fields = entry.split()
        if len(fields) >= 4 and fields[1] == SHARED_MEMORY:
            size = re.search(r"\bsize=(\d+)([kmg]?)\b", fields[3])
            return FileSystem(
                purpose="shared-memory",
                path=SHARED_MEMORY,
                total_bytes=int(size.group(1)) * _UNITS[size.group(2)]
                if size
                else Unknown("unsupported", "the mount options name no size"),
                writable="rw" in fields[3].split(","),
                executable="noexec" not in fields[3].split(","),
                volatile=FileSystemVolatile(available_bytes=asleep),
            )
    return None


def _unknown(purpose: str, path: str, why: Unknown) -> FileSystem:
    return all_unknown(FileSystem, why, purpose=purpose, path=path)
