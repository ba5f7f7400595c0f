"""The one door to the machine: files, environment, programs and children.

Every probe gets a :class:`Host` and reaches the machine through it alone. Absolute paths of the
system are read below ``root`` (ENVCHECK_SYSROOT); files of the target environment are not, see
:meth:`Host.unrooted`.
"""

import errno
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from envcheck import child
from envcheck.loader_variables import put_back
from envcheck.model.unknown import Unknown

READ_LIMIT_BYTES = 4 * 1024 * 1024
LINKS_LIMIT = 40  #: as the Linux kernel


@dataclass(frozen=True)
class Host:
    """A machine to look at.

    ``root`` is the folder below which the system's absolute paths are read, ``""`` for this machine;
    ``environ`` the user's environment; ``cwd`` the user's working directory; ``timeout`` the bound in
    seconds for each child process.
    """

    environ: Mapping[str, str]
    cwd: str
    root: str = ""
    timeout: float = 120.0

    @classmethod
    def current(cls, timeout: float = 120.0) -> "Host":
        """Return this machine as this process sees it."""
        try:
            cwd = os.getcwd()
        except OSError:
            cwd = "/"  # the working directory was removed
        root = os.environ.get("ENVCHECK_SYSROOT", "").rstrip("/")
        return cls(environ=put_back(os.environ), cwd=cwd, root=os.path.abspath(root) if root else "", timeout=timeout)

    def unrooted(self) -> "Host":
        """Return the same machine with paths taken as they are: for files of the target environment."""
        return replace(self, root="")

    # --- files ------------------------------------------------------------------------------

    def real(self, path: str) -> str:
        """Return where ``path`` lies on this file system. Absolute links below ``root`` stay below it.

        Raises:
            OSError: if links below ``root`` lead in a circle. (Without a root, whoever opens the path is told.)
        """
        if not self.root or not path.startswith("/"):
            return path
        done = PurePosixPath("/")
        todo = list(reversed(PurePosixPath(path).parts[1:]))
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                done = done.parent
                continue
            here = self.root + str(done / part)
            try:
                link = os.readlink(here)
            except OSError:
                done = done / part
                continue
            links += 1
            if links > LINKS_LIMIT:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            target = PurePosixPath(link)
            if target.is_absolute():
                done = PurePosixPath("/")
                todo.extend(reversed(target.parts[1:]))
            else:
                todo.extend(reversed(target.parts))
        return self.root + str(done)

    def read_bytes(self, path: str, limit: int = READ_LIMIT_BYTES, offset: int = 0) -> bytes | None | Unknown:
        """Return at most ``limit`` bytes of a file from ``offset`` on, or None if there is no such file."""
        try:
            # Not blocking: a FIFO or a device in the place of a file must not hold us up.
            descriptor = os.open(self.real(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except (OSError, ValueError) as error:
            return no_file(error)
        try:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                return Unknown("failed", f"{path} is a folder")
            if offset:
                os.lseek(descriptor, offset, os.SEEK_SET)
            data = bytearray()
            while len(data) < limit:
                piece = _read(descriptor, min(limit - len(data), 1024 * 1024))
                if not piece:
                    break
                data += piece
            return bytes(data)
        except BlockingIOError:
            return bytes(data)  # a device such as /dev/kmsg has no more to give for now
        except OSError as error:
            return no_file(error)
        finally:
            os.close(descriptor)

    def read_text(self, path: str, limit: int = READ_LIMIT_BYTES) -> str | None | Unknown:
        """Return a file's text (UTF-8, strange bytes replaced), or None if there is no such file."""
        data = self.read_bytes(path, limit)
        return data.decode("utf-8", "replace") if isinstance(data, bytes) else data

    def list_dir(self, path: str) -> tuple[str, ...] | None | Unknown:
        """Return the sorted names in a folder, or None if there is no such folder."""
        try:
            return tuple(sorted(os.listdir(self.real(path))))
        except (OSError, ValueError) as error:
            return no_file(error)

    def stat(self, path: str) -> os.stat_result | None | Unknown:
        """Return the state of what ``path`` leads to, or None if there is nothing."""
        try:
            return os.stat(self.real(path))
        except (OSError, ValueError) as error:
            return no_file(error)

    def exists(self, path: str) -> bool | Unknown:
        """Say whether ``path`` leads to something."""
        state = self.stat(path)
        return state if isinstance(state, Unknown) else state is not None

    def is_file(self, path: str) -> bool:
        """Say whether ``path`` leads to a regular file that can be seen."""
        state = self.stat(path)
        return isinstance(state, os.stat_result) and stat.S_ISREG(state.st_mode)

    def is_dir(self, path: str) -> bool:
        """Say whether ``path`` leads to a folder that can be seen."""
        state = self.stat(path)
        return isinstance(state, os.stat_result) and stat.S_ISDIR(state.st_mode)

    def link(self, path: str) -> str | None | Unknown:
        """Return what a symbolic link says, or None if ``path`` is no link."""
        folder, name = os.path.split(path.rstrip("/"))
        try:
            return os.readlink(os.path.join(self.real(folder), name))
        except (OSError, ValueError) as error:
            return None if getattr(error, "errno", None) == errno.EINVAL else no_file(error)

    # --- programs and children ----------------------------------------------------------------

    def which(self, program: str) -> str | None:
        """Return the program that PATH gives, or None."""
        return shutil.which(program, path=self.environ.get("PATH", os.defpath))

    def run(self, *argv: str, timeout: float = 10.0) -> child.ProgramResult | None | Unknown:
        """Run a program from PATH with no input, in the C locale; None if there is no such program."""
        program = self.which(argv[0])
        if program is None:
            return None
        return child.run_program([program, *argv[1:]], timeout=timeout, environ={**self.environ, "LC_ALL": "C"})

    def run_worker(
        self,
        python: str,
        worker: str,
        request: Mapping[str, object],
        *,
        timeout: float | None = None,
        added: Mapping[str, str] | None = None,
        isolated: bool = False,
        listener: child.StageListener | None = None,
    ) -> child.ChildResult:
        """Run a worker under ``python`` in the user's own environment and folder, with the variables ``added``."""
        return child.run_worker(
            python,
            worker,
            request,
            timeout=self.timeout if timeout is None else timeout,
            environ={**self.environ, **(added or {})},
            isolated=isolated,
            cwd=self.cwd if os.path.isdir(self.cwd) else None,
            listener=listener,
        )


def _read(descriptor: int, size: int) -> bytes:
    while True:
        try:
            return os.read(descriptor, size)
        except BlockingIOError:
            return b""  # a FIFO whose writer says nothing now, or the end of /dev/kmsg
        except BrokenPipeError:
            continue  # /dev/kmsg overwrote what came next; reading goes on after it


def no_file(error: OSError | ValueError) -> Unknown | None:
    """Tell 'there is none' (None) from 'could not tell' (Unknown) in an error of the operating system."""
    if not isinstance(error, OSError):
        return None  # a name with a NUL, or with characters that this file system has no bytes for: nothing can have it
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENXIO, errno.ENODEV, errno.ESRCH):
        return None
    if error.errno in (errno.EACCES, errno.EPERM):
        return Unknown("denied", f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror))
    return Unknown("failed", str(error))
