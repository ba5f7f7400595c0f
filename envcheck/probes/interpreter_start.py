"""Start the target interpreter, and tell why it does not start.

The words for a failure:

- ``not-found``: there is no such file, or the file names an interpreter of its own (``#!``) that is not there
- ``dangling-link``: a link that leads nowhere
- ``base-interpreter-missing``: the Python that the virtual environment was made from is gone
- ``not-executable``: this user may not execute it
- ``wrong-architecture``: a program for another processor or operating system
- ``missing-library``: the dynamic loader does not find a library, or is itself missing
- ``library-too-old``: a library of the system is older than the interpreter needs
- ``not-python``: it starts, but it is no Python
- ``no-answer``: it ended as if all were well, without a word
- ``failed-to-start``: it is a Python that ends with an error before it has done anything
- ``crashed``: it died of a signal
- ``timed-out``: it gave no answer in time
- ``too-old``: a Python before 3.6, which envcheck does not work in; its files are read all the same
"""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envcheck.child import ChildResult
from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import elf, prefix

TIMEOUT_SECONDS = 20.0
DETAIL_LIMIT = 2000  #: characters
LOADER_STATUS_WINDOWS = 0xC0000135  #: STATUS_DLL_NOT_FOUND, learn.microsoft.com/openspecs/windows_protocols/ms-erref

# What dynamic loaders print: glibc's elf/dl-load.c and elf/rtld.c, musl's ldso/dynlink.c, macOS's dyld.
LIBRARY_MISSING = re.compile(r"error while loading shared libraries|Error loading shared library|Library not loaded")
LIBRARY_TOO_OLD = re.compile(r"version `[^']+' not found \(required by")


@dataclass(frozen=True)
class Start:
    """How the interpreter started. ``facts`` is what the worker told, None if it did not run."""

    facts: Mapping[str, Any] | None
    failure: str | None = None
    detail: str | None = None
    isolated_only: bool = False
    version: str | None = None  #: of a Python that is too old to run the worker


def start(host: Host, executable: str, root: str | None) -> Start:
    """Run the worker under ``executable``, which lies in the environment ``root`` (None: in none that is known)."""
    if _is_python_script(host, executable):
        return Start(None, "not-python", "it is a script that a Python runs")
    result = _run(host, executable, isolated=False)
    if result.ending == "done":
        return Start(result.last("python"))
    failure, detail = _why(host, executable, root, result)
    if result.ending in ("exited", "raised", "signal", "timed-out") and failure != "not-python":
        isolated = _run(host, executable, isolated=True)
        if isolated.ending == "done" and result.ending == "timed-out":
            # The first start may have been slow because everything had to be read from a disk far away.
            again = _run(host, executable, isolated=False)
            if again.ending == "done":
                return Start(again.last("python"))
        if isolated.ending == "done":
            return Start(isolated.last("python"), failure, detail, isolated_only=True)
    return Start(None, failure, detail, version=result.python_version)


def _run(host: Host, executable: str, *, isolated: bool) -> ChildResult:
    return host.run_worker(executable, "interpreter", {}, timeout=min(TIMEOUT_SECONDS, host.timeout), isolated=isolated)


def _why(host: Host, executable: str, root: str | None, result: ChildResult) -> tuple[str, str | None]:
    printed = _tail(result.stderr)
    if result.ending == "too-old":
        return "too-old", None
    if result.ending == "timed-out":
        return "timed-out", printed
    if result.ending == "not-started":
        return _why_not_started(host, executable, root, (result.error or {}).get("message", ""))
    library = _library_failure(result)
    if library:
        return library, printed
    if result.ending == "signal":
        return "crashed", f"{result.signal_name}\n{printed or ''}".strip()
    if result.ending == "raised":
        error = result.error or {}
        return "failed-to-start", _tail(f"{printed or ''}\n{error.get('type', '')}: {error.get('message', '')}")
    return _why_exited(host, executable, root, result, printed)


def _why_not_started(host: Host, executable: str, root: str | None, message: str) -> tuple[str, str | None]:
    """Explain an error of the operating system by what the file is."""
    files = host.unrooted()
    link = files.link(executable)
    state = files.stat(executable)
    if isinstance(state, Unknown) and state.reason == "denied":
        return "not-executable", state.detail
    if not files.is_file(executable):
        if root is not None and prefix.venv(host, root) is not None:
            return "base-interpreter-missing", _leads_to(executable, link)
        if isinstance(link, str):
            return "dangling-link", _leads_to(executable, link)
        return "not-found", message
    head = files.read_bytes(executable, 256)
    program = elf.read(files, executable)
    if not os.access(executable, os.X_OK):
        is_text = isinstance(head, bytes) and not isinstance(program, elf.Elf) and not head.startswith(b"#!")
        return ("not-python", "it is a file, but no program") if is_text else ("not-executable", message)
    if isinstance(program, elf.Elf):
        return _why_elf_not_started(host, program, message)
    if isinstance(head, bytes) and head.startswith(b"#!"):
        return "not-found", f"its first line is {head.splitlines()[0].decode('utf-8', 'replace')}; {message}"
    foreign = _foreign_program(head) if isinstance(head, bytes) else None
    return ("wrong-architecture", f"it is a program for {foreign}") if foreign else ("not-python", message)


def _why_elf_not_started(host: Host, program: elf.Elf, message: str) -> tuple[str, str | None]:
    if program.machine != _own_machine(host):
        return "wrong-architecture", f"it was made for {program.machine}"
    if program.loader is not None and not host.unrooted().is_file(program.loader):
        return "missing-library", f"its dynamic loader {program.loader} does not exist"
    if program.truncated:
        return "failed-to-start", f"the file has {program.size} bytes, but its header names {program.size_expected}"
    return "failed-to-start", message


def _why_exited(
    host: Host, executable: str, root: str | None, result: ChildResult, printed: str | None
) -> tuple[str, str | None]:
    version = _says_of_its_version(host, executable)
    if result.python_version is None and not re.match(r"(Python|PyPy|GraalPy) ?\d", version):
        program = elf.read(host.unrooted(), executable)
        if isinstance(program, elf.Elf) and program.machine != _own_machine(host):
            return "wrong-architecture", f"it was made for {program.machine}; {printed or 'it printed nothing'}"
        silent = result.exit_status == 0 and not printed and not version
        return ("no-answer", None) if silent else ("not-python", version or printed)
    if root is not None and prefix.base_is_gone(host, root):
        return "base-interpreter-missing", printed
    if result.exit_status == 0:
        return "no-answer", printed
    return "failed-to-start", printed or f"it ended with status {result.exit_status} and printed nothing"


def _library_failure(result: ChildResult) -> str | None:
    if LIBRARY_TOO_OLD.search(result.stderr):
        return "library-too-old"
    if LIBRARY_MISSING.search(result.stderr) or result.exit_status == LOADER_STATUS_WINDOWS:
        return "missing-library"
    return None


def _says_of_its_version(host: Host, executable: str) -> str:
    """Return what ``--version`` is answered with: Python needs neither its standard library nor its prefix for that."""
    answer = host.run(executable, "--version", timeout=min(TIMEOUT_SECONDS, host.timeout))
    if answer is None or isinstance(answer, Unknown):
        return ""
    return (answer.stdout + answer.stderr).strip()[:DETAIL_LIMIT]


def _is_python_script(host: Host, path: str) -> bool:
    """Say whether ``path`` is a program written in Python: starting it would run the user's code."""
    head = host.unrooted().read_bytes(path, 256)
    return isinstance(head, bytes) and head.startswith(b"#!") and b"python" in head.splitlines()[0]


def _own_machine(host: Host) -> str | None:
    own = elf.read(host.unrooted(), sys.executable)
    return own.machine if isinstance(own, elf.Elf) else None


def _foreign_program(head: bytes) -> str | None:
    if head.startswith(b"MZ") and sys.platform != "win32":
        return "Windows"
    # Mach-O of 32 and 64 bits in both byte orders, and the universal form: /usr/include/mach-o/loader.h and fat.h.
    magics = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
    return "macOS" if head[:4] in magics else None


def _leads_to(executable: str, link: str | None | Unknown) -> str:
    if isinstance(link, str):
        return f"{executable} is a link to {link}, which leads to no file"
    return f"{executable} does not exist"


def _tail(text: str) -> str | None:
    return text.strip()[-DETAIL_LIMIT:] or None
