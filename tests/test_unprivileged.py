"""A user without rights: what only root may read is 'denied', and nothing fails for it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from simulated.hosts import HEALTHY, build

NOBODY = 65534
CLOSED = (
    "/var/log/dmesg",
    "/dev/nvidiactl",
    "/dev/nvidia0",
    "/sys/firmware",
    "/etc/modprobe.d",
    "/var/lib/dkms/nvidia",
)
LOOK = """
import json, sys
import msgspec
from envcheck.host import Host
from simulated.looking import LAYERS_OF_THE_MACHINE, look
host = Host(environ=json.loads(sys.argv[1]), cwd="/", root=sys.argv[2])
facts = msgspec.to_builtins(look(host))
print(json.dumps({layer: facts[layer] for layer in LAYERS_OF_THE_MACHINE}))
"""


def unprivileged() -> list[str]:
    """Return what to write before a command so that it has no more rights than the owner of its files."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no user ids")
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("running as root without setpriv (util-linux) to give up root's rights")
    return [setpriv, "--bounding-set=-all", "--inh-caps=-all"]


def test_denied_and_nothing_worse(tmp_path: Path) -> None:
    host = build(tmp_path, HEALTHY["workstation-with-geforce"])
    for path in CLOSED:
        place = Path(host.real(path))
        place.chmod(0o000)
        if os.geteuid() == 0:
            os.chown(place, NOBODY, NOBODY)
    command = [*unprivileged(), sys.executable, "-c", LOOK, json.dumps(dict(host.environ)), host.root]
    tests = Path(__file__).parent
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tests), str(tests.parent)))}
    try:
        result = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=120)
    finally:
        for path in CLOSED:
            Path(host.real(path)).chmod(0o755)
    facts = json.loads(result.stdout)
    driver, platform = facts["driver"], facts["platform"]
    denied = [
        driver["kernel_log"]["source"],
        driver["kernel_log"]["volatile"]["messages"],
        driver["nvidia"]["kernel"]["modprobe"],
        driver["nvidia"]["kernel"]["dkms"],
        platform["secure_boot"],
    ]
    assert [value["unknown"] for value in denied] == ["denied"] * 5
    errors = {node["path"]: node["open_error"] for node in driver["device_nodes"]}
    assert errors == {"/dev/nvidia0": "EACCES", "/dev/nvidiactl": "EACCES", "/dev/nvidia-uvm": None}
    assert driver["nvidia"]["gpus"][0]["name"] == "NVIDIA GeForce RTX 4090"
    assert reasons(facts) <= {"denied", "unsupported"}


def reasons(value: object) -> set[str]:
    """Return the reasons of every Unknown, without envcheck's own signature and what is the target's."""
    if isinstance(value, dict):
        if "unknown" in value:
            return {value["unknown"]}
        return set().union(*(reasons(item) for key, item in value.items() if key not in ("tool", "thread_pools")))
    if isinstance(value, list):
        return set().union(*map(reasons, value))
    return set()


@pytest.mark.frameworks
def test_a_home_and_a_temporary_folder_that_cannot_be_written(tmp_path: Path, jax_environment: str) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    command = [*unprivileged(), sys.executable, "-m", "envcheck", "report", "--format", "json"]
    environ = {**os.environ, "HOME": str(closed), "TMPDIR": str(closed)}
    environ.pop("KERAS_HOME", None)
    target = ["--python", jax_environment, "--backend", "jax", "--no-redact"]
    result = subprocess.run([*command, *target], env=environ, capture_output=True, text=True, timeout=600)
    assert result.returncode in (0, 1), result.stderr
    report = json.loads(result.stdout)
    assert [(run["backend"], run["status"]) for run in report["facts"]["smoke"]] == [("jax", "passed")]
    assert "keras-home-not-writable" in [finding["id"] for finding in report["findings"]]
    assert list(closed.iterdir()) == []
