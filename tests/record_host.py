"""Record what the probes of the machine read, so that the machine can be looked at again elsewhere.

    PYTHONPATH=.:tests python tests/record_host.py record tests/hosts/NAME
    PYTHONPATH=.:tests python tests/record_host.py unpack tests/hosts/NAME FOLDER

``record`` writes ``machine.json``: files, folders and links as far as they were read, what programs and workers
answered, and the variables that were asked for, without what identifies a person or a machine. ``unpack`` makes the
file tree (``FOLDER/root``, for ENVCHECK_SYSROOT) and the programs (``FOLDER/bin``, for PATH) again. The name of the
folder is the expected answer: nothing is found on a ``healthy-*``, on any other the finding of its name.
"""

import base64
import dataclasses
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from recorded_hosts import ROOT, asked_of_worker, content, each, turned, unpack
from simulated.looking import look

from envcheck import child
from envcheck.host import LINKS_LIMIT, READ_LIMIT_BYTES, Host
from envcheck.identity import identity
from envcheck.model.unknown import Unknown
from envcheck.probes import kernel_log, nvidia_kernel
from envcheck.redact import Identity
from envcheck.redact.aliases import Aliases
from envcheck.redact.text import TextRedactor
from envcheck.redact.variables import is_harmless

HOME = "/home/user"  #: what lies in a home is no part of a machine
HEAD_BYTES = 4096
LOOKED_FOR = re.compile(rb"GNU C Library [^\n]{0,160}|\0(1\.[0-2]\.\d{1,2})\0")
"""What ``probes/libc.py`` looks for in the C library."""
SHORTEST_NAME = 4  #: shorter ones stand in every file that is no text


@dataclass
class Recording:
    """What was read. Pieces of files are kept at their places; ``sizes`` are the files' own."""

    files: dict[str, bytearray] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: dict[str, list[str]] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    workers: list[dict[str, Any]] = field(default_factory=list)


class _Asked(dict[str, str]):
    """An environment that remembers which variables were asked for by name."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)


@dataclass(frozen=True)
class RecordingHost(Host):
    """A host that keeps what was read through it. Its root is ``/`` for the machine at hand."""

    recording: Recording = field(default_factory=Recording)

    def unrooted(self) -> Host:
        return Host(environ=self.environ, cwd=self.cwd, timeout=self.timeout)

    def read_bytes(self, path: str, limit: int = READ_LIMIT_BYTES, offset: int = 0) -> bytes | None | Unknown:
        place = self._kept(path)
        data = super().read_bytes(path, limit, offset)
        if isinstance(data, bytes) and place:
            kept = self.recording.files.setdefault(place, bytearray())
            kept.extend(bytes(max(0, offset + len(data) - len(kept))))
            kept[offset : offset + len(data)] = data
        return data

    def list_dir(self, path: str) -> tuple[str, ...] | None | Unknown:
        place = self._kept(path)
        names = super().list_dir(path)
        if isinstance(names, tuple) and place:
            self.recording.folders[place] = [self._described(f"{place}/{name}") for name in names]
        return names

    def stat(self, path: str) -> os.stat_result | None | Unknown:
        self._kept(path)
        return super().stat(path)

    def link(self, path: str) -> str | None | Unknown:
        self._kept(path)
        return super().link(path)

    def which(self, program: str) -> str | None:
        found = super().which(program)
        if found is not None and not os.path.isabs(program):
            self.recording.programs[program] = found
        return found

    def run(self, *argv: str, timeout: float = 10.0) -> child.ProgramResult | None | Unknown:
        answer = super().run(*argv, timeout=timeout)
        if isinstance(answer, child.ProgramResult):
            # A program that lies below the root is kept there, any other by the name that PATH finds.
            name = self._kept(argv[0].removeprefix(self.root)) if os.path.isabs(argv[0]) else argv[0]
            self.recording.runs.append({"argv": [name, *argv[1:]], **dataclasses.asdict(answer)})
        return answer

    def run_worker(self, python: str, worker: str, request: Mapping[str, object], **options: Any) -> child.ChildResult:
        answer = super().run_worker(python, worker, request, **options)
        self.recording.workers.append(
            {"worker": worker, "request": asked_of_worker(request), "answer": dataclasses.asdict(answer)}
        )
        return answer

    def _kept(self, path: str) -> str | None:
        """Keep every link on the way of a path, and that there is something at its end; return that place."""
        place, rest, followed = PurePosixPath("/"), list(reversed(PurePosixPath(path).parts[1:])), 0
        while rest:
            part = rest.pop()
            here = place.parent if part == ".." else place / part
            real = self.root + str(here)
            if not os.path.islink(real) or followed > LINKS_LIMIT:
                place = here
                continue
            followed += 1
            self.recording.links[str(here)] = target = os.readlink(real)
            place = PurePosixPath("/") if target.startswith("/") else here.parent
            rest += reversed(PurePosixPath(target).parts[1 if target.startswith("/") else 0 :])
        real = self.root + str(place)
        if os.path.isdir(real):
            self.recording.folders.setdefault(str(place), [])
        elif os.path.exists(real):
            self.recording.files.setdefault(str(place), bytearray())
            self.recording.sizes[str(place)] = os.path.getsize(real)
        else:
            return None
        return str(place)

    def _described(self, place: str) -> str:
        """Return a name with a stroke behind a folder's."""
        return os.path.basename(place) + ("/" if os.path.isdir(self.root + place) else "")


# --- writing ------------------------------------------------------------------------------------


def record(host: Host, who: Identity) -> dict[str, Any]:
    """Look at the machine and return the document that tells of it, redacted for ``who``."""
    asked = _Asked({**host.environ, "HOME": HOME})
    recorder = RecordingHost(environ=asked, cwd="/", root=host.root or "/", timeout=host.timeout)
    look(recorder)
    found = recorder.recording
    _leave_out_what_is_private(found)
    kept = {name: asked[name] for name in sorted(asked) if is_harmless(name) or name in asked.names}
    document = {
        "environ": kept,
        "files": {path: _entry(bytes(data)) for path, data in sorted(found.files.items())},
        "sizes": {path: size for path, size in sorted(found.sizes.items()) if size > len(found.files[path])},
        "links": dict(sorted(found.links.items())),
        "folders": dict(sorted(found.folders.items())),
        "programs": found.programs,
        "runs": found.runs,
        "workers": [turned(answer, recorder.root + "/", ROOT + "/") for answer in found.workers],
    }
    return _without(document, who)


def _leave_out_what_is_private(found: Recording) -> None:
    """Keep of processes, the kernel's log, its command line and mounts only what probes make facts of."""
    own = f"/proc/{found.links.get('/proc/self', '')}"
    for name in list(found.folders.get("/proc", ())):
        folder = f"/proc/{name.rstrip('/')}"
        comm = found.files.get(f"{folder}/comm", bytearray()).decode(errors="replace").strip()
        if name.rstrip("/").isdecimal() and folder != own and comm not in SERVICES:
            found.folders["/proc"].remove(name)
            for place in [place for place in found.files if place.startswith(f"{folder}/")]:
                del found.files[place], found.sizes[place]
            for place in [place for place in found.folders if f"{place}/".startswith(f"{folder}/")]:
                del found.folders[place]
    for path, keep in KEPT_LINES:
        for place in [place for place in found.files if re.fullmatch(path, place)]:
            kept = (keep(line) for line in found.files[place].decode(errors="replace").splitlines())
            found.files[place] = bytearray("".join(f"{line}\n" for line in kept if line).encode())


def _of_log(line: str) -> str:
    return line if kernel_log.interpret(line) else re.sub(r"^(.*\bLinux version \d[\d.]*).*|.*", r"\1", line)


def _of_command_line(line: str) -> str:
    return " ".join(word for word in line.split() if nvidia_kernel.COMMAND_LINE_WORDS.match(word)) or "quiet"


def _of_mounts(line: str) -> str:
    return line if MOUNTS.search(line) else ""


def _of_startup_file(line: str) -> str:
    return line if "LD_LIBRARY_PATH" in line else ""


SERVICES = tuple(service[: nvidia_kernel.COMM_LENGTH] for service in nvidia_kernel.SERVICES)
MOUNTS = re.compile(r" /dev/shm | cgroup2? | /(?:\S*/)?(?:lib(?:cuda|nvidia)[^/ ]*|nvidia-smi) ")
KEPT_LINES: tuple[tuple[str, Callable[[str], str]], ...] = (
    (r"/dev/kmsg|/var/log/(?:dmesg|kern\.log)", _of_log),
    (r"/proc/cmdline", _of_command_line),
    (r"/proc/\d+/mount(?:s|info)", _of_mounts),
    (r"/proc/\d+/(?:cmdline|environ)", lambda line: ""),
    (r"/etc/(?:environment|profile|bash\.bashrc|bashrc|profile\.d/.+)", _of_startup_file),
    (r".*/modprobe\.d/.+", lambda line: line.partition("#")[0]),
)


def _entry(data: bytes) -> str | dict[str, str]:
    """Return a file's text, or pieces of one that is none: its head, and what probes look for further on."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        places = [(0, HEAD_BYTES), *(found.span() for found in LOOKED_FOR.finditer(data, HEAD_BYTES))]
        return {str(start): base64.b64encode(data[start:end]).decode("ascii") for start, end in places}


def _without(document: dict[str, Any], who: Identity) -> dict[str, Any]:
    """Return the document without what identifies somebody.

    Raises:
        ValueError: if a file that is no text holds it.
    """
    names = [name for name in (*who.users, *who.hosts, *who.secrets) if len(name) >= SHORTEST_NAME]
    for path, data in document["files"].items():
        if isinstance(data, dict) and any(name.encode() in content(data) for name in names):
            raise ValueError(f"{path} holds a name or a secret, and is no text")
    redactor = TextRedactor(who, Aliases(()))
    each(document, lambda text: redactor.learn(text) or text)
    return each(document, redactor.redact)  # type: ignore[no-any-return]


def main() -> None:
    what, *folders = sys.argv[1:]
    if what == "record":
        place = Path(folders[0])
        place.mkdir(parents=True, exist_ok=True)
        document = json.dumps(record(Host.current(), identity()), indent=1)
        (place / "machine.json").write_text(document + "\n", encoding="utf-8")
    else:
        host = unpack(Path(folders[0]), Path(folders[1]))
        print(f"ENVCHECK_SYSROOT={host.root} PATH={host.environ['PATH']}")


if __name__ == "__main__":
    main()
