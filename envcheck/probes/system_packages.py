"""Which package of the operating system a file came with: asked of dpkg's, pacman's and apk's lists, and of rpm."""

import re
from collections.abc import Iterator

from envcheck.host import Host
from envcheck.model.unknown import Unknown

DPKG, DPKG_STATUS = "/var/lib/dpkg/info", "/var/lib/dpkg/status"
PACMAN, APK = "/var/lib/pacman/local", "/lib/apk/db/installed"
RPM = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
"""dpkg(1), pacman(8), apk(8) and rpm(8), 'Files'; Fedora and SUSE keep the database of rpm below /usr since 2021."""
NAMES = ("libcu", "libnv", "libnccl", "cuda", "cudnn", "nccl", "nvidia-", "libstdc++", "gcc-libs", "tensorrt")
"""How the packages with CUDA's libraries begin, of Debian, Ubuntu, Arch and NVIDIA."""
STATUS_BYTES = 32 * 1024 * 1024


class SystemPackages:
    """Answers for one machine; each list is read when it is first asked for."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._files: dict[str, tuple[str, str | None]] | None = None
        self._has_rpm: bool | None = None

    def owner(self, path: str) -> tuple[str, str | None] | None:
        """Return name and version of the package of a file; None if nothing knows it."""
        if self._files is None:
            self._files = {file: owner for files in (_dpkg, _pacman, _apk) for file, owner in files(self._host)}
            self._has_rpm = not self._files and any(self._host.is_dir(folder) for folder in RPM)
        found = self._files.get(path) or self._files.get("/usr" + path)
        return self._of_rpm(path) if found is None and self._has_rpm else found

    def _of_rpm(self, path: str) -> tuple[str, str | None] | None:
        answer = self._host.run("rpm", "-qf", "--queryformat", "%{NAME} %{VERSION}\n", path)
        if answer is None or isinstance(answer, Unknown) or answer.status != 0:
            return None
        words = answer.stdout.split()
        return (words[0], words[1]) if len(words) >= 2 else None


def _dpkg(host: Host) -> Iterator[tuple[str, tuple[str, str | None]]]:
    names = host.list_dir(DPKG)
    lists = [name for name in names if name.endswith(".list")] if isinstance(names, tuple) else []
    wanted = [name for name in lists if name.startswith(NAMES)]
    versions = _dpkg_versions(host) if wanted else {}
    for name in wanted:
        text = host.read_text(f"{DPKG}/{name}")
        package = name.removesuffix(".list").partition(":")[0]
        for line in text.splitlines() if isinstance(text, str) else ():
            if ".so" in line:
                yield line, (package, versions.get(package))


def _dpkg_versions(host: Host) -> dict[str, str]:
    text = host.read_text(DPKG_STATUS, STATUS_BYTES)
    entries = re.finditer(
        r"^Package: (\S+)\n(?:.+\n)*?Version: (\S+)", text if isinstance(text, str) else "", re.MULTILINE
    )
    return {match[1]: match[2] for match in entries if match[1].startswith(NAMES)}


def _pacman(host: Host) -> Iterator[tuple[str, tuple[str, str | None]]]:
    names = host.list_dir(PACMAN)
    for name in names if isinstance(names, tuple) else ():
        match = re.fullmatch(r"(.+)-([^-]+)-[^-]+", name)
        if match and match[1].startswith(NAMES):
            text = host.read_text(f"{PACMAN}/{name}/files")
            for line in text.splitlines() if isinstance(text, str) else ():
                if ".so" in line:
                    yield f"/{line}", (match[1], match[2])


def _apk(host: Host) -> Iterator[tuple[str, tuple[str, str | None]]]:
    text = host.read_text(APK, STATUS_BYTES)
    package, version, folder = "", None, ""
    for line in text.splitlines() if isinstance(text, str) else ():
        kind, _, value = line.partition(":")
        if kind == "P":
            package, version = value, None
        elif kind == "V":
            version = value
        elif kind == "F":
            folder = value
        elif kind == "R" and ".so" in value:
            yield f"/{folder}/{value}", (package, version)
