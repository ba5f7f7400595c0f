"""What shells read at their start, and the network's interfaces."""

from pathlib import Path

from simulated.pythons import write
from simulated.trees import linux, simulated_host

from envcheck.model.facts import StartupFile
from envcheck.probes import network, startup_files


def test_folders_in_their_order(tmp_path: Path) -> None:
    home = write(
        tmp_path / "home",
        {
            ".bashrc": (
                "# export LD_LIBRARY_PATH=/not/this\n"
                'export LD_LIBRARY_PATH="$HOME/lib:/usr/local/cuda/lib64/:${LD_LIBRARY_PATH}"\n'
                "  LD_LIBRARY_PATH=/opt/own/lib:$OTHER/lib\n"
            ),
            ".profile": "PATH=/usr/bin\n",
        },
    )
    tree = {"/etc/profile.d/cuda.sh": "export LD_LIBRARY_PATH=/opt/cuda/lib64\n", "/etc/profile.d/other.csh": "no"}
    host = simulated_host(tmp_path / "root", linux(), tree, environ={"HOME": str(home)})
    assert startup_files.probe(host) == (
        StartupFile(path="/etc/profile.d/cuda.sh", folders=("/opt/cuda/lib64",)),
        StartupFile(path=f"{home}/.bashrc", folders=(f"{home}/lib", "/usr/local/cuda/lib64", "/opt/own/lib")),
    )


def test_none_sets_it(tmp_path: Path) -> None:
    assert startup_files.probe(simulated_host(tmp_path / "root", linux(), environ={"HOME": str(tmp_path)})) == ()


def test_interfaces(tmp_path: Path) -> None:
    tree = {f"/sys/class/net/{name}": "" for name in ("lo", "eth0", "bonding_masters")}
    assert network.interfaces(simulated_host(tmp_path / "root", linux(), tree)) == ("eth0", "lo")
