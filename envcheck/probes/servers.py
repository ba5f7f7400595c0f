"""Servers and notebook kernels of this user that run now, and the environment that each was started with."""

import re

from envcheck.host import Host
from envcheck.model.facts import ServerProcess
from envcheck.model.unknown import Unknown
from envcheck.probes import environment, files
from envcheck.probes.system import unless_linux

PROGRAM = re.compile(
    r"(?:^|/)(jupyter-(?:lab|notebook|server|labhub)|jupyterhub-singleuser|ipykernel_launcher|gunicorn|uvicorn|uwsgi"
    r"|celery)(?:\.py)?$"
)
WORDS = 4  #: of a command line, in which the program's name stands: ``python3 -m ipykernel_launcher``


def running(host: Host) -> tuple[ServerProcess, ...] | Unknown:
    """Return them by their number; a process whose environment this user may not read is another's business."""
    elsewhere = unless_linux(host, "envcheck looks for none on {system}")
    if elsewhere is not None:
        return elsewhere
    names = files.required(host.list_dir("/proc"), "/proc")
    if isinstance(names, Unknown):
        return names
    found = (_server(host, int(number)) for number in sorted(filter(str.isdecimal, names), key=int))
    return tuple(server for server in found if server is not None)


def _server(host: Host, pid: int) -> ServerProcess | None:
    program = _program(host.read_text(f"/proc/{pid}/cmdline", 4096))
    variables = host.read_text(f"/proc/{pid}/environ") if program is not None else None
    if program is None or not isinstance(variables, str):
        return None
    pairs = (entry.partition("=") for entry in variables.split("\0"))
    return ServerProcess(
        program=program,
        pid=pid,
        environment=environment.relevant({name: value for name, found, value in pairs if found}),
    )


def _program(command_line: str | None | Unknown) -> str | None:
    words = command_line.split("\0")[:WORDS] if isinstance(command_line, str) else []
    found = (PROGRAM.search(word) for word in words)
    return next((match[1] for match in found if match), None)
