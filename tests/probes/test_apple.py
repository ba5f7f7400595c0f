"""What only a Mac has."""

import os
from pathlib import Path

from simulated.trees import linux, simulated_host

from envcheck.host import Host
from envcheck.model.facts import Apple
from envcheck.model.unknown import Unknown
from envcheck.probes import apple

ANSWER = """{"SPDisplaysDataType": [{"sppci_model": "Apple M2 Pro", "sppci_cores": "19",
"spdisplays_mtlgpufamilysupport": "spdisplays_metal3"}]}"""


def mac(folder: Path, **programs: str) -> Host:
    binaries = folder / "bin"
    binaries.mkdir()
    for name, script in programs.items():
        (binaries / name).write_text(f"#!/bin/sh\n{script}\n")
        (binaries / name).chmod(0o755)
    tree = {"/System/Library/CoreServices/SystemVersion.plist": ""}
    return simulated_host(folder / "root", tree, environ={"PATH": f"{binaries}:/usr/bin:/bin"})


def test_a_mac_under_rosetta(tmp_path: Path) -> None:
    host = mac(tmp_path, sysctl="echo 'sysctl.proc_translated: 1'", system_profiler=f"echo '{ANSWER}'")
    assert apple.probe(host) == Apple(rosetta=True, gpu="Apple M2 Pro", gpu_cores=19, metal="metal3")


def test_an_intel_mac_knows_no_translation(tmp_path: Path) -> None:
    host = mac(tmp_path, sysctl="echo 'unknown oid' >&2; exit 1", system_profiler="echo '{\"SPDisplaysDataType\": []}'")
    assert apple.probe(host) == Apple(rosetta=False, gpu=None, gpu_cores=None, metal=None)


def test_an_answer_that_is_not_understood(tmp_path: Path) -> None:
    facts = apple.probe(mac(tmp_path, sysctl="exit 1", system_profiler="echo garbage"))
    assert isinstance(facts.gpu, Unknown)
    assert facts.rosetta is False


def test_no_mac(tmp_path: Path) -> None:
    host = simulated_host(tmp_path, linux(), environ={"PATH": os.environ["PATH"]})
    assert apple.probe(host) == Apple(rosetta=None, gpu=None, gpu_cores=None, metal=None)
