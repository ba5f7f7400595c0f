"""What a target trusts, and whether its disk lets programs be executed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from simulated.pythons import user_host, venv, write

from envcheck.host import Host
from envcheck.model.facts import Certificates
from envcheck.probes import filesystems, interpreter, target


def certificates(tmp_path: Path, **environ: str) -> Certificates:
    host = user_host(tmp_path, **environ)
    return interpreter.probe(host, target.find(host, str(venv(tmp_path / "env")), None)).certificates


def test_certificates_that_variables_name(tmp_path: Path) -> None:
    write(tmp_path, {"ca.pem": "-----BEGIN CERTIFICATE-----\n"})
    (tmp_path / "empty").mkdir()
    file, folder = str(tmp_path / "ca.pem"), str(tmp_path / "empty")
    assert certificates(tmp_path, SSL_CERT_FILE=file, SSL_CERT_DIR=folder) == Certificates(
        places=(file,), expected=(file, folder), variables=("SSL_CERT_FILE", "SSL_CERT_DIR")
    )


def test_no_certificates_at_all(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = certificates(tmp_path, SSL_CERT_FILE="/gone/ca.pem", SSL_CERT_DIR=str(tmp_path / "empty"))
    assert (found.places, found.variables) == ((), ("SSL_CERT_FILE", "SSL_CERT_DIR"))


def test_certificates_where_nothing_was_set(tmp_path: Path) -> None:
    found = certificates(tmp_path)
    assert found.variables == ()
    assert isinstance(found.expected, tuple) and found.expected


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a real file system that forbids execution."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "noexec,size=1m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        pytest.skip("there is no program mount")
    if done.returncode:
        pytest.skip(f"this user may not mount a file system: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, timeout=60)


def test_a_disk_that_forbids_execution(disk: Path, tmp_path: Path) -> None:
    host = Host(environ={}, cwd="/")
    assert filesystems.look(host, "target", str(disk / "env")).executable is False
    assert filesystems.look(host, "target", str(tmp_path)).executable is True
