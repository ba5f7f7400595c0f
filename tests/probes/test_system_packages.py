"""Which package of the operating system a library came with, as each kind of system keeps it."""

from pathlib import Path

from simulated.pythons import program
from simulated.trees import Folder, linux, simulated_host

from envcheck.probes.system_packages import SystemPackages

LIBRARY = "/usr/lib/x86_64-linux-gnu/libcudnn.so.8.9.7"


def test_debian(tmp_path: Path) -> None:
    tree = {
        "/var/lib/dpkg/info/libcudnn8.list": f"/.\n/usr/lib/x86_64-linux-gnu\n{LIBRARY}\n",
        "/var/lib/dpkg/info/zlib1g:amd64.list": "/usr/lib/x86_64-linux-gnu/libz.so.1\n",
        "/var/lib/dpkg/status": (
            "Package: libc6\nVersion: 2.36-9\n\n"
            "Package: libcudnn8\nStatus: install ok installed\nEssential: no\nVersion: 8.9.7.29-1+cuda12.2\n"
        ),
    }
    packages = SystemPackages(simulated_host(tmp_path / "root", linux(), tree))
    assert packages.owner(LIBRARY) == ("libcudnn8", "8.9.7.29-1+cuda12.2")
    assert packages.owner(LIBRARY.removeprefix("/usr")) == ("libcudnn8", "8.9.7.29-1+cuda12.2")
    assert packages.owner("/usr/lib/x86_64-linux-gnu/libz.so.1") is None


def test_arch(tmp_path: Path) -> None:
    tree = {"/var/lib/pacman/local/cudnn-9.1.1.17-1/files": "%FILES%\nusr/\nusr/lib/libcudnn.so.9.1.1\n"}
    packages = SystemPackages(simulated_host(tmp_path / "root", linux(), tree))
    assert packages.owner("/usr/lib/libcudnn.so.9.1.1") == ("cudnn", "9.1.1.17")


def test_alpine(tmp_path: Path) -> None:
    tree = {"/lib/apk/db/installed": "P:libstdc++\nV:13.2.1\nF:usr/lib\nR:libstdc++.so.6.0.32\n\nP:zlib\nV:1\n"}
    packages = SystemPackages(simulated_host(tmp_path / "root", linux(), tree))
    assert packages.owner("/usr/lib/libstdc++.so.6.0.32") == ("libstdc++", "13.2.1")


def test_fedora_asks_rpm(tmp_path: Path) -> None:
    script = (
        '#!/bin/sh\ncase "$*" in\n*libcudnn*) echo "libcudnn9-cuda-12 9.1.0.70";;\n*) echo not owned; exit 1;;\nesac\n'
    )
    program(tmp_path / "bin" / "rpm", script)
    environ = {"PATH": f"{tmp_path / 'bin'}"}
    host = simulated_host(tmp_path / "root", linux(), {"/usr/lib/sysimage/rpm": Folder}, environ=environ)
    packages = SystemPackages(host)
    assert packages.owner("/usr/lib64/libcudnn.so.9") == ("libcudnn9-cuda-12", "9.1.0.70")
    assert packages.owner("/usr/lib64/libother.so.1") is None


def test_rpm_is_not_asked_where_it_keeps_nothing(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "rpm", "#!/bin/sh\necho wrong 1.0\n")
    host = simulated_host(tmp_path / "root", linux(), environ={"PATH": str(tmp_path / "bin")})
    assert SystemPackages(host).owner("/usr/lib64/libcudnn.so.9") is None
