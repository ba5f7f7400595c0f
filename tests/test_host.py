"""The one door to the machine: real files, links and programs."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from envcheck.child import ProgramResult
from envcheck.host import Host, no_file
from envcheck.model.unknown import Unknown

pytestmark = pytest.mark.skipif(os.name == "nt", reason="paths and links of POSIX")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the root of a simulated machine, beside which lies a secret of this one."""
    (tmp_path / "outside").write_text("of this machine")
    place = tmp_path / "root"
    (place / "etc/deep").mkdir(parents=True)
    (place / "etc/os-release").write_text("ID=debian\n")
    return place


def host(root: Path | str, **environ: str) -> Host:
    return Host(environ=environ or dict(os.environ), cwd="/", root=str(root))


# --- links below a root ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("/etc/absolute", "/etc/os-release"),
        ("/etc/relative", "os-release"),
        ("/etc/deep/up", "../os-release"),
        ("/etc/deep/far-up", "../../../../../etc/os-release"),
        ("/link-to-folder", "/etc"),
        ("/double-slash", "//etc//os-release"),
    ],
)
def test_links_stay_below_the_root(root: Path, link: str, target: str) -> None:
    (root / link.lstrip("/")).symlink_to(target)
    path = f"{link}/os-release" if link == "/link-to-folder" else link
    assert host(root).real(path) == str(root / "etc/os-release")
    assert host(root).read_text(path) == "ID=debian\n"


@pytest.mark.parametrize("target", ["{outside}", "../../outside", "../../../../../../../../{outside}"])
def test_no_link_leads_out_of_the_root(root: Path, target: str) -> None:
    outside = str(root.parent / "outside")
    (root / "etc/link").symlink_to(target.format(outside=outside))
    assert host(root).read_text("/etc/link") is None
    assert host("").read_text(outside) == "of this machine"


def test_dots_do_not_lead_out_of_the_root(root: Path) -> None:
    assert host(root).read_text("/../outside") is None
    assert host(root).read_text("/etc/../../../etc/./os-release") == "ID=debian\n"


def test_links_in_a_circle(root: Path) -> None:
    (root / "a").symlink_to("/b")
    (root / "b").symlink_to("a")
    machine = host(root)
    with pytest.raises(OSError) as raised:
        machine.real("/a")
    assert raised.value.errno == errno.ELOOP
    for answer in (machine.read_bytes("/a"), machine.stat("/a/x"), machine.list_dir("/a"), machine.exists("/b")):
        assert isinstance(answer, Unknown) and answer.reason == "failed" and "/" in answer.detail
    assert not machine.is_file("/a") and not machine.is_dir("/a")
    assert machine.link("/a") == "/b"
    unrooted = machine.unrooted().read_bytes(str(root / "b"))
    assert unrooted is None or isinstance(unrooted, Unknown)


def test_a_chain_of_links_as_long_as_linux_allows(root: Path) -> None:
    (root / "link0").symlink_to("/etc/os-release")
    for number in range(1, 41):
        (root / f"link{number}").symlink_to(f"link{number - 1}")
    assert host(root).read_text("/link39") == "ID=debian\n"
    assert isinstance(host(root).read_text("/link40"), Unknown)


def test_link_says_what_it_says(root: Path) -> None:
    (root / "usr").mkdir()
    (root / "usr/python").symlink_to("/gone/python")
    (root / "via").symlink_to("/usr")
    machine = host(root)
    assert machine.link("/via/python") == "/gone/python"
    assert machine.link("/via/") == "/usr"
    assert machine.link("/etc/os-release") is None
    assert machine.link("/nothing") is None
    assert machine.exists("/via/python") is False


# --- files ----------------------------------------------------------------------------------------


def test_what_is_not_there(root: Path) -> None:
    machine = host(root)
    for path in ("/nothing", "/etc/os-release/below", "/etc/\0", "/etc/\ud800", ""):
        assert machine.read_bytes(path) is None, path
        assert machine.read_text(path) is None, path
        assert machine.list_dir(path) is None, path
        assert machine.stat(path) is None, path
        assert machine.exists(path) is False, path
        assert machine.link(path) is None, path


def test_a_folder_is_no_file(root: Path) -> None:
    machine = host(root)
    assert machine.read_bytes("/etc") == Unknown("failed", "/etc is a folder")
    assert machine.list_dir("/etc") == ("deep", "os-release")
    assert machine.list_dir("/etc/deep") == ()
    assert machine.list_dir("/etc/os-release") is None
    assert machine.is_dir("/etc") and not machine.is_file("/etc")
    assert machine.is_file("/etc/os-release") and not machine.is_dir("/etc/os-release")


def test_part_of_a_file(root: Path) -> None:
    (root / "numbers").write_bytes(bytes(range(100)) * 30000)
    machine = host(root)
    assert machine.read_bytes("/numbers", limit=3) == b"\0\1\2"
    assert machine.read_bytes("/numbers", limit=2_500_000) == (bytes(range(100)) * 30000)[:2_500_000]
    assert machine.read_bytes("/numbers", limit=3, offset=99) == b"\x63\0\1"
    assert machine.read_bytes("/numbers", offset=3_000_001) == b""


def test_text_with_strange_bytes(root: Path) -> None:
    (root / "latin").write_bytes(b"caf\xe9")
    assert host(root).read_text("/latin") == "caf\N{REPLACEMENT CHARACTER}"


def test_a_pipe_in_the_place_of_a_file_does_not_hold_us_up(root: Path) -> None:
    os.mkfifo(root / "fifo")
    machine = host(root)
    assert machine.read_bytes("/fifo") == b""
    descriptor = os.open(root / "fifo", os.O_RDWR)
    try:
        assert machine.read_bytes("/fifo") == b""  # a writer that says nothing
        os.write(descriptor, b"something")
        assert machine.read_bytes("/fifo") == b"something"  # one that says something and stays
    finally:
        os.close(descriptor)


def test_a_socket_is_no_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert host(root).read_bytes("/socket") is None


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="nothing is denied to root")
def test_denied(root: Path) -> None:
    (root / "etc/os-release").chmod(0)
    answer = host(root).read_bytes("/etc/os-release")
    assert isinstance(answer, Unknown) and answer.reason == "denied"


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOENT, None),
        (errno.ENOTDIR, None),
        (errno.ENODEV, None),
        (errno.ESRCH, None),  # of a process that ended meanwhile
        (errno.EACCES, "denied"),
        (errno.EPERM, "denied"),
        (errno.EIO, "failed"),
        (errno.ELOOP, "failed"),
    ],
)
def test_none_is_not_unknown(number: int, reason: str | None) -> None:
    answer = no_file(OSError(number, os.strerror(number), "/some/file"))
    if reason is None:
        assert answer is None
    else:
        assert isinstance(answer, Unknown)
        assert (answer.reason, "/some/file" in answer.detail) == (reason, True)


# --- programs and children ------------------------------------------------------------------------


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "nvidia-smi"
    program.write_text('#!/bin/sh\necho "$LC_ALL:$MINE:$1"; read line || echo "no input" >&2; exit 9\n')
    program.chmod(0o755)
    (folder / "not-executable").write_text("")
    return folder


def test_programs_come_from_the_users_path(tools: Path) -> None:
    machine = Host(environ={"PATH": str(tools), "MINE": "kept", "LC_ALL": "de_DE.UTF-8"}, cwd="/", root="/elsewhere")
    assert machine.which("nvidia-smi") == str(tools / "nvidia-smi")
    assert machine.run("nvidia-smi", "-L") == ProgramResult(9, "C:kept:-L\n", "no input\n")
    assert machine.run("not-executable") is None
    assert machine.run("nothing") is None
    assert machine.which("sh") is None
    assert Host(environ={}, cwd="/").which("sh") is not None  # without PATH, that of the system


def test_worker_in_the_users_folder_and_environment(tmp_path: Path, tools: Path) -> None:
    # The interpreter is a program that shows what it was given and that it got the request.
    python = tools / "python"
    python.write_text('#!/bin/sh\necho "$PWD $MINE $ADDED $*" >&2; cat >&2\n')
    python.chmod(0o755)
    machine = Host(environ={"MINE": "kept", "ADDED": "old"}, cwd=str(tmp_path), timeout=60)
    result = machine.run_worker(str(python), "some", {"a": 1}, added={"ADDED": "new"}, isolated=True)
    assert (result.ending, result.exit_status) == ("exited", 0)
    where, _, rest = result.stderr.partition(" kept new -I -B ")
    assert where == os.path.realpath(tmp_path)
    boot, worker = rest.split()[:2]
    assert (os.path.basename(boot), os.path.basename(worker)) == ("_boot.py", "some.py")
    assert '"a": 1' in rest


def test_worker_where_the_folder_is_gone(tmp_path: Path) -> None:
    machine = Host(environ=dict(os.environ), cwd=str(tmp_path / "gone"), timeout=60)
    result = machine.run_worker(sys.executable, "no such worker", {})
    assert result.ending == "raised"
    assert result.error is not None and result.error["type"] == "builtins.FileNotFoundError"


# --- this machine ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "root"), [("", ""), ("/", ""), ("/simulated", "/simulated"), ("/simulated//", "/simulated")]
)
def test_the_root_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, value: str, root: str) -> None:
    monkeypatch.setenv("ENVCHECK_SYSROOT", value)
    machine = Host.current(timeout=7)
    assert (machine.root, machine.unrooted().root, machine.timeout) == (root, "", 7)
    assert machine.environ["ENVCHECK_SYSROOT"] == value
    assert machine.cwd == os.getcwd()


def test_a_working_directory_that_was_removed(tmp_path: Path) -> None:
    # Isolated, as envcheck starts itself: Python's own imports fail there when sys.path names the folder that is gone.
    program = (
        "import os, sys; sys.path.append(sys.argv[2]); os.chdir(sys.argv[1]); os.rmdir(sys.argv[1])\n"
        "from envcheck.host import Host; print(Host.current().cwd)"
    )
    (tmp_path / "gone").mkdir()
    source = str(Path(sys.modules["envcheck"].__file__ or "").parents[1])
    command = [sys.executable, "-I", "-c", program, str(tmp_path / "gone"), source]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.stdout, result.stderr) == ("/\n", "")
