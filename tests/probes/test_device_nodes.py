"""Device files, and whether they can be opened."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from simulated.trees import linux, simulated_host

from envcheck.model.unknown import Unknown
from envcheck.probes import device_nodes

DEVICES = (
    "Character devices:\n  1 mem\n195 nvidia\n226 drm\n511 nvidia-uvm\n\nBlock devices:\n259 blkext\n195 nonsense\n"
)


def test_nodes_in_their_order(tmp_path: Path) -> None:
    tree = {
        "/dev/nvidia0": "",
        "/dev/nvidia10": "",
        "/dev/nvidia2": "",
        "/dev/nvidiactl": "",
        "/dev/nvidia-uvm": "",
        "/dev/dri/renderD128": "",
        "/dev/sda": "",
        "/proc/devices": DEVICES,
        "/etc/passwd": "root:x:0:0::/root:/bin/sh\n",
        "/etc/group": f"gpu:x:{os.getegid()}:\n",
    }
    nodes = device_nodes.probe(simulated_host(tmp_path, linux(), tree))
    assert isinstance(nodes, tuple)
    assert [node.path for node in nodes] == [
        "/dev/dri/renderD128",
        "/dev/nvidia0",
        "/dev/nvidia2",
        "/dev/nvidia10",
        "/dev/nvidia-uvm",
        "/dev/nvidiactl",
    ]
    assert [node.major_expected for node in nodes] == [226, 195, 195, 195, 511, 195]
    assert {node.open_error for node in nodes} == {None}
    assert {node.group for node in nodes} == {"gpu"}
    assert nodes[1].major is None  # the simulated node is a plain file


def test_a_machine_without_any(tmp_path: Path) -> None:
    assert device_nodes.probe(simulated_host(tmp_path, linux())) == ()


def test_a_real_device(tmp_path: Path) -> None:
    if not hasattr(os, "mknod") or os.geteuid() != 0:
        pytest.skip("only root can make a device file")
    host = simulated_host(tmp_path, linux(), {"/proc/devices": DEVICES})
    try:
        os.mknod(tmp_path / "dev" / "nvidiactl", 0o020666, os.makedev(1, 3))  # /dev/null in disguise
    except OSError as error:
        pytest.skip(f"no device file can be made here: {error}")
    os.chmod(tmp_path / "dev" / "nvidiactl", 0o666)
    nodes = device_nodes.probe(host)
    assert isinstance(nodes, tuple)
    (node,) = nodes
    assert (node.mode, node.major, node.minor, node.major_expected) == ("0666", 1, 3, 195)


def test_a_device_whose_driver_is_gone(tmp_path: Path) -> None:
    if not hasattr(os, "mknod") or os.geteuid() != 0:
        pytest.skip("only root can make a device file")
    host = simulated_host(tmp_path, linux())
    try:
        os.mknod(tmp_path / "dev" / "nvidia0", 0o020666, os.makedev(240, 240))
        os.mknod(tmp_path / "probe", 0o020666, os.makedev(1, 3))
        os.close(os.open(tmp_path / "probe", os.O_RDWR))
    except OSError as error:
        pytest.skip(f"no device file can be used here: {error}")
    nodes = device_nodes.probe(host)
    assert isinstance(nodes, tuple)
    assert nodes[0].open_error in ("ENXIO", "ENODEV")


def test_a_node_of_others(tmp_path: Path) -> None:
    """The mode keeps this user out: EACCES."""
    host = simulated_host(tmp_path / "root", linux(), {"/dev/nvidiactl": ""})
    node = tmp_path / "root" / "dev" / "nvidiactl"
    if os.geteuid() != 0:
        node.chmod(0o000)
        nodes = device_nodes.probe(host)
        assert isinstance(nodes, tuple)
        assert nodes[0].open_error == "EACCES"
        return
    # Root may open anything, so a child that gave up this right has to look.
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("running as root without setpriv (util-linux) to give up root's rights")
    node.chmod(0o600)
    os.chown(node, 65534, 65534)
    code = (
        "import os, sys; from envcheck.host import Host; from envcheck.probes import device_nodes\n"
        "host = Host(environ=dict(os.environ), cwd='/', root=sys.argv[1])\n"
        "print(device_nodes.probe(host)[0].open_error)"
    )
    command = [setpriv, "--bounding-set=-dac_override,-dac_read_search", sys.executable, "-c", code, host.root]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.check_output(command, env=environ, text=True, cwd="/").strip() == "EACCES"


def test_proc_devices_missing(tmp_path: Path) -> None:
    nodes = device_nodes.probe(simulated_host(tmp_path, linux(), {"/dev/kfd": ""}))
    assert isinstance(nodes, tuple)
    assert nodes[0].major_expected == Unknown("failed", "/proc/devices is missing")
