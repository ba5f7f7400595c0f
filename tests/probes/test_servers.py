"""Servers of this user: real processes, and a tree in which others lie."""

import subprocess
import sys
from pathlib import Path

from simulated.pythons import write
from simulated.trees import linux, simulated_host

from envcheck.host import Host
from envcheck.model.facts import EnvironmentVariable, ServerProcess
from envcheck.probes import servers


def test_a_kernel_that_runs(tmp_path: Path) -> None:
    write(tmp_path, {"ipykernel_launcher.py": "print('up', flush=True)\ninput()\n"})
    environ = {"PATH": "/usr/bin", "PYTHONPATH": str(tmp_path), "KERAS_BACKEND": "jax", "HF_TOKEN": "hf_secret"}
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "connection.json"]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = servers.running(Host(environ={}, cwd="/"))
        process.communicate(b"\n")
    assert isinstance(found, tuple)
    (kernel,) = [server for server in found if server.pid == process.pid]
    assert kernel.program == "ipykernel_launcher"
    assert [variable.name for variable in kernel.environment] == ["KERAS_BACKEND", "PATH", "PYTHONPATH"]


def test_only_servers_count(tmp_path: Path) -> None:
    tree = {
        "/proc/7/cmdline": "/opt/env/bin/python\0/opt/env/bin/jupyter-lab\0--no-browser\0",
        "/proc/7/environ": "KERAS_BACKEND=torch\0USER=ana\0",
        "/proc/8/cmdline": "vim\0jupyter-lab-notes.txt\0",
        "/proc/9/cmdline": "/usr/bin/gunicorn\0app\0",
    }
    host = simulated_host(tmp_path / "root", linux(), tree)
    backend = EnvironmentVariable(name="KERAS_BACKEND", value="torch")
    assert servers.running(host) == (ServerProcess(program="jupyter-lab", pid=7, environment=(backend,)),)
