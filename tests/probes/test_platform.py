"""Operating system, C library, container, WSL, environment, storage."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from simulated.trees import Entry, Folder, cgroup_mount, linux, simulated_host

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import environment, filesystems, platform


@pytest.mark.skipif(sys.platform != "linux", reason="compares with the programs of Linux")
def test_this_machine_as_other_tools_see_it() -> None:
    facts = platform.probe(Host.current())
    assert facts.system == "Linux"
    assert facts.release == subprocess.check_output(["uname", "-r"], text=True).strip()
    assert facts.machine == subprocess.check_output(["uname", "-m"], text=True).strip()
    if facts.libc_name == "glibc":
        told = subprocess.check_output(["getconf", "GNU_LIBC_VERSION"], text=True).strip()
        assert f"glibc {facts.libc_version}" == told


def test_an_image_tells_its_system(tmp_path: Path) -> None:
    facts = platform.probe(simulated_host(tmp_path, linux("5.15.0-1055-aws", "aarch64")))
    assert (facts.system, facts.release, facts.machine) == ("Linux", "5.15.0-1055-aws", "aarch64")
    assert (facts.os_id, facts.os_version, facts.os_name) == ("debian", "12", "Debian GNU/Linux 12 (bookworm)")
    assert (facts.container, facts.container_how, facts.wsl) == (None, None, None)


def test_architecture_of_an_image_without_proc(tmp_path: Path) -> None:
    shell = b"\x7fELF\x02\x01\x01" + bytes(9) + (2).to_bytes(2, "little") + (183).to_bytes(2, "little")
    facts = platform.probe(simulated_host(tmp_path, {"/bin/sh": shell, "/etc": Folder}))
    assert facts.machine == "aarch64"
    assert facts.release == Unknown("failed", "/proc/sys/kernel/osrelease is missing")


def test_a_mac(tmp_path: Path) -> None:
    text = "<plist><dict>\n<key>ProductVersion</key>\n<string>14.4.1</string>\n</dict></plist>"
    facts = platform.probe(simulated_host(tmp_path, {"/System/Library/CoreServices/SystemVersion.plist": text}))
    assert (facts.system, facts.os_id, facts.os_version, facts.os_name) == ("Darwin", "macos", "14.4.1", "macOS 14.4.1")
    assert (facts.libc_name, facts.libc_version) == (None, None)


def test_glibc_of_an_image(tmp_path: Path) -> None:
    library = b"\x7fELF...GNU C Library (Ubuntu GLIBC 2.35-0ubuntu3.6) stable release version 2.35.\nCopyright"
    facts = platform.probe(simulated_host(tmp_path, linux(), {"/lib/x86_64-linux-gnu/libc.so.6": library}))
    assert (facts.libc_name, facts.libc_version) == ("glibc", "2.35")


def test_musl_of_an_image(tmp_path: Path) -> None:
    library = b"\x7fELF...\x001.2.4\x00musl libc (x86_64)\nVersion %s"
    facts = platform.probe(simulated_host(tmp_path, linux(), {"/lib/ld-musl-x86_64.so.1": library}))
    assert (facts.libc_name, facts.libc_version) == ("musl", "1.2.4")


def test_an_image_without_a_c_library(tmp_path: Path) -> None:
    assert isinstance(platform.probe(simulated_host(tmp_path, linux())).libc_name, Unknown)


@pytest.mark.parametrize(
    ("tree", "environ", "kind", "how"),
    [
        ({"/.dockerenv": ""}, {}, "docker", "/.dockerenv"),
        ({"/run/.containerenv": 'engine="podman-4.9.3"\n'}, {}, "podman", "/run/.containerenv"),
        ({"/.dockerenv": ""}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes", "KUBERNETES_SERVICE_HOST"),
        (
            {"/var/run/secrets/kubernetes.io/serviceaccount": Folder},
            {},
            "kubernetes",
            "/var/run/secrets/kubernetes.io/serviceaccount",
        ),
        ({}, {"APPTAINER_CONTAINER": "/x.sif"}, "apptainer", "APPTAINER_CONTAINER"),
        ({}, {"SINGULARITY_CONTAINER": "/x.sif"}, "singularity", "SINGULARITY_CONTAINER"),
        ({"/proc/1/environ": "PATH=/bin\0container=lxc\0"}, {}, "lxc", "/proc/1/environ"),
        ({"/run/systemd/container": "systemd-nspawn\n"}, {}, "systemd-nspawn", "/run/systemd/container"),
        ({"/proc/self/cgroup": "4:memory:/docker/5f1c9\n"}, {}, "docker", "/proc/self/cgroup"),
        ({"/proc/1/cgroup": "0::/lxc.payload.box/init.scope\n"}, {}, "lxc", "/proc/1/cgroup"),
        ({"/proc/self/cgroup": "0::/kubepods.slice/kubepods-pod1.slice\n"}, {}, "kubernetes", "/proc/self/cgroup"),
        ({"/proc/self/cgroup": "0::/user.slice/user-1000.slice/session-2.scope\n"}, {}, None, None),
        ({"/proc/1/cgroup": "0::/system.slice/docker.service\n"}, {}, None, None),
    ],
)
def test_containers(
    tmp_path: Path, tree: dict[str, str], environ: dict[str, str], kind: str | None, how: str | None
) -> None:
    facts = platform.probe(simulated_host(tmp_path, linux(), tree, environ=environ))  # type: ignore[arg-type]
    assert (facts.container, facts.container_how) == (kind, how)


@pytest.mark.parametrize(
    ("release", "tree", "environ", "wsl"),
    [
        ("4.4.0-19041-Microsoft", {}, {}, "1"),
        ("4.4.0-22621-Microsoft", {}, {"WSL_INTEROP": "/run/WSL/8_interop"}, "1"),
        ("4.19.104-microsoft-standard", {}, {}, "2"),
        ("5.15.153.1-microsoft-standard-WSL2", {"/dev/dxg": ""}, {}, "2"),
        ("6.6.36-my-own-kernel", {"/dev/dxg": ""}, {"WSL_DISTRO_NAME": "Ubuntu"}, "2"),
        ("6.1.0-18-amd64", {}, {}, None),
        ("5.15.0-1041-azure", {}, {}, None),
    ],
)
def test_wsl(tmp_path: Path, release: str, tree: dict[str, str], environ: dict[str, str], wsl: str | None) -> None:
    facts = platform.probe(simulated_host(tmp_path, linux(release), tree, environ=environ))  # type: ignore[arg-type]
    assert facts.wsl == wsl


def test_the_environment_is_an_allow_list() -> None:
    told = environment.relevant(
        {
            "CUDA_VISIBLE_DEVICES": "",
            "KERAS_BACKEND": "jax",
            "LD_LIBRARY_PATH": "/opt/lib",
            "SLURM_JOB_GPUS": "0,1",
            "AWS_SECRET_ACCESS_KEY": "leaked",
            "HF_TOKEN": "leaked",
            "NVIDIA_API_KEY": "leaked",
            "TF_VAR_database": "leaked",
            "SLURM_JWT": "leaked",
            "CONDA_TOKEN": "leaked",
            "HTTPS_PROXY": "http://me:leaked@proxy",
            "PIP_INDEX_URL": "https://me:leaked@pypi",
            "MY_OWN": "leaked",
        }
    )
    assert [variable.name for variable in told] == [
        "CUDA_VISIBLE_DEVICES",
        "KERAS_BACKEND",
        "LD_LIBRARY_PATH",
        "SLURM_JOB_GPUS",
    ]
    assert told[0].value == ""


def test_file_systems_of_this_machine(tmp_path: Path) -> None:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    host = Host(environ={"HOME": str(home), "TMPDIR": str(temporary)}, cwd=str(tmp_path))
    found = {system.purpose: system for system in filesystems.common(host)}
    assert found["home"].path == str(home)
    assert found["temporary"].path == str(temporary)
    assert found["home"].writable is True
    usage = shutil.disk_usage(home)
    assert found["home"].total_bytes == usage.total
    assert isinstance(found["home"].volatile.available_bytes, int)
    assert found["home"].volatile.available_bytes <= usage.total


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    host = Host(environ={}, cwd=str(tmp_path))
    told = filesystems.look(host, "target", str(tmp_path / "new" / "venv"))
    assert told.path == str(tmp_path / "new" / "venv")
    assert told.total_bytes == shutil.disk_usage(tmp_path).total


def test_no_home(tmp_path: Path) -> None:
    """A number without a name, and no HOME: as in a container that was started with --user."""
    if not hasattr(os, "setuid") or os.geteuid() != 0:
        pytest.skip("only root can become a user without a name")
    code = (
        "import os; from envcheck.host import Host; from envcheck.probes import filesystems\n"
        "os.setuid(54321)\n"
        "print([system.purpose for system in filesystems.common(Host(environ={}, cwd='/'))])"
    )
    told = _python(code)
    assert "'home'" not in told
    assert "'temporary'" in told


def test_a_folder_of_another_user_is_not_writable(tmp_path: Path) -> None:
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no user ids")
    if os.geteuid() == 0:
        # Root may write anywhere, so a child that gave up its rights has to look.
        tmp_path.chmod(0o755)
        for parent in tmp_path.parents:
            if parent.name.startswith("pytest-"):
                parent.chmod(0o755)
        answer = _as_nobody(str(tmp_path))
    else:
        tmp_path.chmod(0o555)
        answer = str(filesystems.look(Host(environ={}, cwd="/"), "target", str(tmp_path)).writable)
    assert answer == "False"


def _as_nobody(path: str) -> str:
    code = (
        "import sys, os; from envcheck.host import Host; from envcheck.probes import filesystems\n"
        "os.setuid(65534)\n"
        "print(filesystems.look(Host(environ={}, cwd='/'), 'target', sys.argv[1]).writable)"
    )
    return _python(code, path)


def _python(code: str, *arguments: str) -> str:
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.check_output([sys.executable, "-c", code, *arguments], env=environ, text=True, cwd="/").strip()


def test_shared_memory_of_a_recorded_container(tmp_path: Path) -> None:
    mounts = "tmpfs /dev tmpfs rw,nosuid,size=65536k 0 0\nshm /dev/shm tmpfs rw,nosuid,nodev,size=65536k 0 0\n"
    facts = platform.probe(simulated_host(tmp_path, linux(), {"/proc/mounts": mounts, "/.dockerenv": ""}))
    assert isinstance(facts.filesystems, tuple)
    shared = next(system for system in facts.filesystems if system.purpose == "shared-memory")
    assert (shared.total_bytes, shared.writable) == (64 * 1024**2, True)
    assert isinstance(shared.volatile.available_bytes, Unknown)


@pytest.mark.parametrize(
    ("tree", "limit", "how"),
    [
        ({}, 63432, "ulimit -u"),
        (
            {"/proc/self/limits": "Max processes             unlimited            unlimited            processes\n"},
            None,
            None,
        ),
        ({"/sys/fs/cgroup/job/pids.max": "512\n"}, 512, "pids.max"),
        ({"/sys/fs/cgroup/job/pids.max": "max\n"}, 63432, "ulimit -u"),
        ({"/sys/fs/cgroup/pids.max": "100\n", "/sys/fs/cgroup/job/pids.max": "512\n"}, 100, "pids.max"),
    ],
)
def test_limits_of_processes(tmp_path: Path, tree: dict[str, Entry], limit: int | None, how: str | None) -> None:
    group: dict[str, Entry] = {
        "/proc/self/cgroup": "0::/job\n",
        "/proc/self/mountinfo": cgroup_mount("cgroup2", "rw", "/sys/fs/cgroup"),
    }
    facts = platform.probe(simulated_host(tmp_path, linux(), group, tree))
    assert (facts.processes_limit, facts.processes_limit_how) == (limit, how)
