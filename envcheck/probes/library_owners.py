"""Which package a shared library came with: a wheel, a package of conda, or one of the operating system."""

import csv
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from envcheck.host import Host
from envcheck.knowledge import cuda_libraries
from envcheck.model.facts import Package, Python
from envcheck.model.unknown import Unknown, known
from envcheck.probes.system_packages import SystemPackages

NAMED_CUDA = re.compile(r"-cu(\d+)$|-cuda-(\d+)(?:-\d+)?$")
VERSION_CUDA = re.compile(r"\+cuda(\d+\.\d+)")
"""Names such as nvidia-cudnn-cu13 and libcudnn9-cuda-12, versions such as 8.9.7.29-1+cuda12.2: the package index, and
NVIDIA's repository for Ubuntu (developer.download.nvidia.com/compute/cuda/repos)."""


@dataclass(frozen=True)
class Owner:
    name: str
    version: str | None
    cuda: str | None = None  #: that the package was made for, as far as its name or version tells


def _named(name: str, version: str | None) -> Owner:
    """Return the owner of this name; of a Debian version what its makers call it, without epoch and revision."""
    named = NAMED_CUDA.search(name)
    told = VERSION_CUDA.search(version or "")
    cuda = told[1] if told else (named[1] or named[2] if named else None)
    return Owner(name, re.sub(r"^\d+:|-[^-]*$", "", version) if version else None, cuda)


class Owners:
    """Answers for one machine and one target; each list of files is read when it is first asked for."""

    def __init__(self, host: Host, python: Python) -> None:
        self._host = host
        self._packages = known(python.packages, ())
        self._conda = {package.name: package for package in known(python.conda_packages, ())}
        self._prefix = known(python.prefix, None)
        self._wheels: dict[str, list[tuple[Owner, int]]] | None = None
        self._system = SystemPackages(host)

    def owner(self, path: str, soname: str, size: int) -> Owner | None | Unknown:
        """Return the package of a file, which is called ``soname`` and has ``size`` bytes; None if nothing knows it."""
        found = self._from_wheel(path, size)
        if found is not None:
            return found
        if self._prefix is not None and path.startswith(self._prefix + "/lib/"):
            return self._from_conda(soname)
        of_system = self._system.owner(path)
        return _named(*of_system) if of_system else None

    def _from_wheel(self, path: str, size: int) -> Owner | None | Unknown:
        if self._wheels is None:
            self._wheels = _files_of_wheels(self._host.unrooted(), self._packages)
        claims = self._wheels.get(path, [])
        # The wheels of cuDNN for CUDA 12 and 13 write the same files; the size tells whose they are now.
        fitting = [owner for owner, expected in claims if expected == size] if len(claims) > 1 else []
        left = fitting or [owner for owner, _ in claims]
        if len(left) > 1:
            return Unknown("failed", f"{' and '.join(owner.name for owner in left)} both claim the file")
        return left[0] if left else None

    def _from_conda(self, soname: str) -> Owner | None:
        row = cuda_libraries.shipped_by(soname)
        names = tuple(filter(None, (row.conda, "cudatoolkit"))) if row else ()
        package = next((self._conda[name] for name in names if name in self._conda), None)
        return Owner(package.name, known(package.version, None)) if package else None


def _files_of_wheels(host: Host, packages: Sequence[Package]) -> dict[str, list[tuple[Owner, int]]]:
    files: dict[str, list[tuple[Owner, int]]] = {}
    for package in packages:
        if not package.name.startswith("nvidia-"):
            continue
        text = host.read_text(posixpath.join(package.metadata, "RECORD"))
        owner = _named(package.name, known(package.version, None))
        for row in csv.reader(text.splitlines() if isinstance(text, str) else ()):
            if len(row) == 3 and ".so" in row[0]:
                path = posixpath.normpath(posixpath.join(package.location, row[0]))
                files.setdefault(path, []).append((owner, int(row[2]) if row[2].isdecimal() else -1))
    return files
