"""Caffe in the last Debian that packages it, in a folder of its own, with envcheck inside beside it.

envcheck's own interpreter and packages stay where they are: they are seen in there through a mount that no other
process sees, and run with the loader and the C library of this machine.
"""

import json
import os
import shutil
import site
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from eras.surroundings import SECONDS, unpacked

pytestmark = pytest.mark.eras

MIRROR = "http://deb.debian.org/debian"
PACKAGES = ("python3-caffe", "ca-certificates")
REPOSITORY = Path(__file__).parent.parent.parent
INSIDE = """
set -e
mount --bind / "$0/host"
mount -t proc proc "$0/proc"
mount --rbind /sys "$0/sys"
mount --rbind /dev "$0/dev"
exec chroot "$0" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/root /opt/envcheck/bin/python "$@"
"""


def test_caffe_in_debian_11(environments_folder: Path) -> None:
    """It is found without metadata, trains, and is told to have ended; Torch's own tree beside it too."""
    if os.environ.get("ENVCHECK_ERAS") != "all":
        pytest.skip("Debian 11 with Caffe is built with ENVCHECK_ERAS=all only")
    root = debian_with_caffe(environments_folder)
    for name in ("torch", "nn"):
        code = root / "root" / "torch" / "install" / "share" / "lua" / "5.1" / name
        code.mkdir(parents=True, exist_ok=True)
        (code / "init.lua").touch()
    facts = report(root)["facts"]
    assert facts["platform"]["os_version"] == "11"
    caffe, torch = (found for found in facts["backends"] if found["installed"])
    assert (caffe["name"], caffe["version"], caffe["location"]) == (
        "caffe", "1.0.0", "/usr/lib/python3/dist-packages/caffe",
    )  # fmt: skip
    assert (caffe["built_for"]["cuda"], caffe["distributions"]) == (None, [])
    library = caffe["main_library"]
    assert (library["path"], library["missing"]) == ("/usr/lib/x86_64-linux-gnu/libcaffe.so.1.0.0", [])
    assert (torch["name"], torch["plugins"]) == ("lua-torch", ["nn"])
    (run,) = facts["smoke"]
    assert (run["backend"], run["through"], run["status"], run["device"]) == ("caffe", "native", "passed", "cpu")
    assert {"place", "matmul", "train"} <= {stage["name"] for stage in run["stages"] if stage["status"] == "passed"}


def test_the_end_of_both_is_told_with_what_replaced_them(environments_folder: Path) -> None:
    if os.environ.get("ENVCHECK_ERAS") != "all":
        pytest.skip("Debian 11 with Caffe is built with ENVCHECK_ERAS=all only")
    found = report(debian_with_caffe(environments_folder), "--no-smoke")["findings"]
    assert [finding["id"] for finding in found if finding["severity"] != "info"] == []
    ended = [finding["message"] for finding in found if finding["id"] == "legacy-backend-unmaintained"]
    assert [words for words in ended if "Caffe 2, which became part of PyTorch" in words]


def report(root: Path, *options: str) -> dict[str, Any]:
    command = ["-m", "envcheck", "report", "--python", "/usr/bin/python3", "--format", "json", *options]
    result = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, str(root), *command],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert result.returncode in (0, 1), result.stderr
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def debian_with_caffe(folder: Path) -> Path:
    """Return the root of a Debian 11 with Caffe, made with debootstrap below ``folder`` unless it stands there."""
    if os.geteuid() != 0 or not mounts_are_allowed():
        pytest.skip("a Debian of its own needs root and mounts, which this user or container has not")
    root = folder / "debian-11-caffe"
    whole = root / "built.txt"
    if not whole.is_file():
        shutil.rmtree(root, ignore_errors=True)
        tool = unpacked(folder, "debootstrap", "debootstrap") / "usr"
        called(
            str(tool / "sbin" / "debootstrap"), "--variant=minbase", "bullseye", str(root), MIRROR,
            DEBOOTSTRAP_DIR=str(tool / "share" / "debootstrap"),
        )  # fmt: skip
        called("chroot", str(root), "apt-get", "install", "-y", "--no-install-recommends", *PACKAGES)
        give_envcheck(root)
        whole.touch()
    return root


def mounts_are_allowed() -> bool:
    try:
        return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def give_envcheck(root: Path) -> None:
    """Put an environment into ``root`` that stands on the interpreter of this machine, seen below /host."""
    place = root / "opt" / "envcheck"
    packages = place / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    for wanted in (place / "bin", packages, root / "host"):
        wanted.mkdir(parents=True, exist_ok=True)
    loader = Path("/lib64/ld-linux-x86-64.so.2").resolve()
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    libraries = ":".join(f"/host{path}" for path in (loader.parent, f"{sys.base_prefix}/lib"))
    (place / "pyvenv.cfg").write_text(f"home = /host{base.parent}\n")
    (packages / "host.pth").write_text("".join(f"/host{path}\n" for path in (*site.getsitepackages(), REPOSITORY)))
    python = place / "bin" / "python"
    python.write_text(
        f'#!/bin/sh\nexec /host{loader} --argv0 "$0" --library-path {libraries} /host{base.resolve()} "$@"\n'
    )
    python.chmod(0o755)


def called(*command: str, **environ: str) -> None:
    result = subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if result.returncode:
        pytest.skip(f"Debian 11 with Caffe could not be built: {' '.join(result.stderr.split())[-300:]}")
