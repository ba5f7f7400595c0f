"""Whose report it is: the names that must not be seen in it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from envcheck.redact.secrets import is_secret_name

USER_VARIABLES = (
    "USER", "LOGNAME", "USERNAME", "LNAME", "SUDO_USER", "JUPYTERHUB_USER", "SLURM_JOB_USER", "PBS_O_LOGNAME",
)  # fmt: skip
HOME_VARIABLES = ("HOME", "USERPROFILE", "PBS_O_HOME")
HOST_VARIABLES = ("HOSTNAME", "HOST", "COMPUTERNAME", "SLURMD_NODENAME", "SLURM_SUBMIT_HOST", "PBS_O_HOST")
#: Their values are found at places and names that a report may well show.
NO_SECRETS = ("_SOCK", "_FILE", "_PATH", "_DIR", "_HOME", "_HOST", "_REGION", "_USER", "_NAME")
SHORTEST_SECRET = 8

#: Folders that are nobody's own, and so never stand for a home.
NO_HOMES = frozenset(
    ("", "/", "/bin", "/dev", "/dev/null", "/etc", "/home", "/mnt", "/nonexistent", "/opt", "/sbin", "/tmp", "/usr",
     "/usr/sbin", "/Users", "/var", "/var/empty", "/var/lib", "C:", "C:/Users", "C:/Windows")
)  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """What must not be seen of a user and a machine.

    ``homes`` become ``~``; ``secrets`` are values, such as those of variables called like ``HF_TOKEN``,
    that are taken out wherever they stand.
    """

    users: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


def identity_from(environ: Mapping[str, str], hostname: str, user: str, home: str) -> Identity:
    """Return the identity that the operating system and the environment tell."""
    users = [user, *(environ.get(name, "") for name in USER_VARIABLES)]
    hosts = [hostname, *(environ.get(name, "") for name in HOST_VARIABLES)]
    return Identity(
        users=_distinct(part for name in users for part in _parts_of_login(name)),
        homes=_distinct([home, *(environ.get(name, "") for name in HOME_VARIABLES)]),
        hosts=_distinct(part for name in hosts for part in (name, name.partition(".")[0])),
        secrets=_distinct(value for name, value in environ.items() if _is_secret(name, value)),
    )


def _parts_of_login(name: str) -> Iterator[str]:
    """Yield a login name; one of a Windows domain or a directory also without the domain."""
    yield name
    yield name.rpartition("\\")[2].partition("@")[0]


def _is_secret(name: str, value: str) -> bool:
    return is_secret_name(name) and not name.endswith(NO_SECRETS) and len(value) >= SHORTEST_SECRET


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(stripped for value in values if (stripped := value.strip())))
