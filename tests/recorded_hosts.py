"""Look again at a machine that ``record_host.py`` recorded."""

import base64
import json
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envcheck import child
from envcheck.host import Host

ROOT = "{root}"  #: stands for the folder of the machine in what workers were asked and told


@dataclass(frozen=True)
class ReplayedHost(Host):
    """A host of a recorded machine: what workers were told there is told again."""

    workers: tuple[dict[str, Any], ...] = ()

    def run_worker(self, python: str, worker: str, request: Mapping[str, object], **options: Any) -> child.ChildResult:
        for told in self.workers:
            if told["worker"] == worker and told["request"] == asked_of_worker(request):
                facts = tuple((name, value) for name, value in told["answer"]["facts"])
                return child.ChildResult(**{**told["answer"], "facts": facts})
        return child.ChildResult("not-started", error={"type": "LookupError", "message": "it was not recorded"})


def asked_of_worker(request: Mapping[str, object]) -> dict[str, object]:
    """Return a request without where envcheck's own packages lie."""
    return {name: value for name, value in request.items() if name != "pynvml"}


def unpack(recorded: Path, folder: Path) -> ReplayedHost:
    """Write the machine below ``folder`` and return a host that looks at it."""
    document = json.loads((recorded / "machine.json").read_text(encoding="utf-8"))
    root, programs = folder / "root", folder / "bin"
    root.mkdir(parents=True)
    for path, names in document["folders"].items():
        _below(root, path).mkdir(parents=True, exist_ok=True)
        for name in names:
            place = f"{path}/{name.rstrip('/')}"
            if place not in document["links"]:
                _touch(_below(root, place), is_folder=name.endswith("/"))
    for path, data in document["files"].items():
        place = _below(root, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content(data))
        if path in document["sizes"]:
            os.truncate(place, document["sizes"][path])
    for path, target in document["links"].items():
        _below(root, path).parent.mkdir(parents=True, exist_ok=True)
        _below(root, path).symlink_to(target)
    for name, path in document["programs"].items():
        _write_program(_below(programs, path), [run for run in document["runs"] if run["argv"][0] in (name, path)])
    for path in {run["argv"][0] for run in document["runs"] if os.path.isabs(run["argv"][0])}:
        _write_program(_below(root, path), [run for run in document["runs"] if run["argv"][0] == path])
    path_folders = dict.fromkeys(str(_below(programs, path).parent) for path in document["programs"].values())
    return ReplayedHost(
        environ={**document["environ"], "PATH": os.pathsep.join(path_folders) or str(programs)},
        cwd=str(folder),
        root=str(root),
        timeout=20.0,
        workers=tuple(turned(document["workers"], ROOT + "/", f"{root}/")),
    )


def _below(folder: Path, path: str) -> Path:
    return folder / path.lstrip("/")


def _touch(place: Path, *, is_folder: bool) -> None:
    if is_folder:
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.touch()


def _write_program(place: Path, runs: list[dict[str, Any]]) -> None:
    """Write a program that gives the recorded answers."""
    lines = ["#!/bin/sh", 'case "$*" in']
    for run in runs:
        said = (
            f"printf %s {shlex.quote(run['stdout'])}; printf %s {shlex.quote(run['stderr'])} >&2; exit {run['status']}"
        )
        lines.append(f"{shlex.quote(' '.join(run['argv'][1:]))}) {said};;")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("\n".join([*lines, "esac", "exit 127", ""]), encoding="utf-8")
    place.chmod(0o755)


# --- entries


def content(entry: str | dict[str, str]) -> bytes:
    if isinstance(entry, str):
        return entry.encode()
    data = bytearray()
    for start, piece in entry.items():
        data.extend(bytes(max(0, int(start) - len(data))))
        data[int(start) :] = base64.b64decode(piece)
    return bytes(data)


def turned(value: Any, beginning: str, other: str) -> Any:
    """Return plain data in which texts with one beginning have another."""
    return each(value, lambda text: other + text.removeprefix(beginning) if text.startswith(beginning) else text)


def each(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        is_binary = "0" in value
        return {change(key): item if is_binary else each(item, change) for key, item in value.items()}
    return [each(item, change) for item in value] if isinstance(value, list | tuple) else value
