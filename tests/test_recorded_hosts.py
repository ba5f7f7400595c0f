"""Recorded machines: looked at again they tell the same, and what envcheck finds on them is in their name."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from record_host import record
from recorded_hosts import unpack
from simulated.faulty_hosts import FAULTY
from simulated.hosts import HEALTHY, build
from simulated.looking import LAYERS_OF_THE_MACHINE, look
from simulated.trees import linux, simulated_host

from envcheck.host import Host
from envcheck.model.facts import Facts, stable_facts
from envcheck.redact import Identity
from envcheck.rules.engine import all_rules, judge

HOSTS = Path(__file__).parent / "hosts"
NOBODY = Identity()
TOKEN = "hf_abcdefghijklmnopqrstuvwxyz012345"


def recorded(folder: Path, host: Host, who: Identity = NOBODY) -> str:
    folder.mkdir()
    text = json.dumps(record(host, who))
    (folder / "machine.json").write_text(text)
    return text


def told(facts: Facts, programs: str = "") -> Any:
    """Return the stable facts of the machine, with programs where they lay, and without PATH itself."""
    seen = {name: stable_facts(facts)[name] for name in LAYERS_OF_THE_MACHINE}
    del seen["platform"]["tool"]
    seen["platform"]["environment"] = [one for one in seen["platform"]["environment"] if one["name"] != "PATH"]
    text = re.sub(r"GPU-0000000(\d)-1111-2222-3333-4{12}", lambda uuid: f"gpu-{int(uuid[1]) + 1}", json.dumps(seen))
    return json.loads(text.replace(programs, "") if programs else text)


def replayed(recording: Path, folder: Path) -> Any:
    return told(look(unpack(recording, folder)), str(folder / "bin"))


def test_this_machine_looked_at_again(tmp_path: Path) -> None:
    here = Host(environ={**Host.current().environ, "HOME": "/home/user"}, cwd="/", root="/", timeout=20.0)
    recorded(tmp_path / "recording", here)
    assert replayed(tmp_path / "recording", tmp_path / "again") == told(look(here))


def test_eight_gpus_looked_at_again(tmp_path: Path) -> None:
    simulated = build(tmp_path / "machine", HEALTHY["hgx-with-eight-gpus"])
    simulated = dataclasses.replace(simulated, environ={**simulated.environ, "HOME": "/home/user"})
    recorded(tmp_path / "recording", simulated)
    again = replayed(tmp_path / "recording", tmp_path / "again")
    assert again == told(look(simulated))
    assert len(again["driver"]["nvidia"]["gpus"]) == 8


def test_a_recording_names_nobody(tmp_path: Path) -> None:
    tree = {
        "/proc/cmdline": "root=UUID=1f2e quiet luks.key=/ada.key nvidia-drm.modeset=1\n",
        "/proc/77/comm": "adas-program\n",
        "/var/log/dmesg": "[ 1.0] ada-laptop: NVRM: Xid (PCI:0000:01:00): 31, pid=7, name=python3\n",
        "/etc/profile.d/cuda.sh": f"export HF_TOKEN={TOKEN}\nexport LD_LIBRARY_PATH=/home/ada/cuda\n",
    }
    environ = {"PATH": "/nonexistent", "HF_TOKEN": TOKEN, "HOME": "/home/ada"}
    host = simulated_host(tmp_path / "root", linux(), tree, environ=environ)
    who = Identity(users=("ada",), homes=("/home/ada",), hosts=("ada-laptop",), secrets=(TOKEN,))
    text = recorded(tmp_path / "recording", host, who)
    assert "Xid (PCI:0000:01:00): 31" in text
    assert "nvidia-drm.modeset=1" in text
    for name in ("/ada", "ada-laptop", "adas", "hf_abc", str(tmp_path)):
        assert name not in text


def found_on(recording: Path, folder: Path) -> list[str]:
    facts = look(unpack(recording, folder))
    rules = [rule for rule in all_rules() if rule.layer in LAYERS_OF_THE_MACHINE]
    return [finding.id for finding in judge(facts, rules).findings if finding.severity != "info"]


def test_a_fault_is_found_again(tmp_path: Path) -> None:
    recorded(tmp_path / "recording", build(tmp_path / "machine", FAULTY["nouveau-bound-to-gpu"]))
    assert found_on(tmp_path / "recording", tmp_path / "again") == ["nouveau-bound-to-gpu"]


@pytest.mark.parametrize("name", sorted(path.name for path in HOSTS.iterdir()))
def test_what_is_found_is_in_the_name(name: str, tmp_path: Path) -> None:
    assert found_on(HOSTS / name, tmp_path) == ([] if name.startswith("healthy-") else [name])
