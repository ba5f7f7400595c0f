"""Memory and its limits."""

import sys
from pathlib import Path

import psutil
import pytest
from simulated.trees import Entry, Folder, cgroup_mount, linux, meminfo, simulated_host

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import memory

GIB = 1024**3


@pytest.mark.skipif(sys.platform == "win32", reason="psutil is the source there, not a witness")
def test_this_machine_as_psutil_sees_it() -> None:
    facts = memory.probe(Host.current())
    assert facts.total_bytes == psutil.virtual_memory().total
    assert facts.swap_total_bytes == psutil.swap_memory().total
    assert isinstance(facts.volatile.available_bytes, int)
    assert 0 < facts.volatile.available_bytes <= psutil.virtual_memory().total


def test_a_plain_machine(tmp_path: Path) -> None:
    tree = {"/proc/meminfo": meminfo(64 * 1024**2, 60 * 1024**2, swap_kib=8 * 1024**2)}
    facts = memory.probe(simulated_host(tmp_path, linux(), tree))
    assert facts.total_bytes == 64 * GIB
    assert facts.limit_bytes is None
    assert facts.swap_total_bytes == 8 * GIB
    assert facts.volatile.available_bytes == 60 * GIB


def test_limit_of_cgroup_v2(tmp_path: Path) -> None:
    group = "/kubepods.slice/pod1.slice/cri-containerd-1.scope"
    here = f"/sys/fs/cgroup{group}"
    facts = memory.probe(
        simulated_host(
            tmp_path,
            linux(),
            {
                "/proc/self/cgroup": f"0::{group}\n",
                "/proc/self/mountinfo": cgroup_mount("cgroup2", "rw", "/sys/fs/cgroup"),
                f"{here}/memory.max": "max\n",
                "/sys/fs/cgroup/kubepods.slice/pod1.slice/memory.max": f"{4 * GIB}\n",
                "/sys/fs/cgroup/kubepods.slice/pod1.slice/memory.current": f"{3 * GIB}\n",
                "/sys/fs/cgroup/kubepods.slice/pod1.slice/memory.stat": f"anon 1\ninactive_file {GIB}\n",
                "/sys/fs/cgroup/kubepods.slice/memory.max": f"{12 * GIB}\n",
            },
        )
    )
    assert facts.limit_bytes == 4 * GIB
    assert facts.volatile.available_bytes == 2 * GIB


def test_limit_of_cgroup_v1(tmp_path: Path) -> None:
    facts = memory.probe(
        simulated_host(
            tmp_path,
            linux(),
            {
                "/proc/self/cgroup": "4:memory:/docker/5f1c\n0::/docker/5f1c\n",
                "/proc/self/mountinfo": cgroup_mount("cgroup", "rw,memory", "/sys/fs/cgroup/memory", "/docker/5f1c"),
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GIB}\n",
                "/sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIB}\n",
            },
        )
    )
    assert facts.limit_bytes == 2 * GIB
    assert facts.volatile.available_bytes == GIB


def test_the_huge_number_of_cgroup_v1_is_no_limit(tmp_path: Path) -> None:
    tree = {
        "/proc/self/cgroup": "4:memory:/\n",
        "/proc/self/mountinfo": cgroup_mount("cgroup", "rw,memory", "/sys/fs/cgroup/memory"),
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    }
    assert memory.probe(simulated_host(tmp_path, linux(), tree)).limit_bytes is None


def test_a_limit_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    tree = {
        "/proc/self/cgroup": "0::/\n",
        "/proc/self/mountinfo": cgroup_mount("cgroup2", "rw", "/sys/fs/cgroup"),
        "/sys/fs/cgroup/memory.max": Folder,
    }
    assert isinstance(memory.probe(simulated_host(tmp_path, linux(), tree)).limit_bytes, Unknown)


def test_an_old_kernel_without_memavailable(tmp_path: Path) -> None:
    old = "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 20 kB\nCached: 30 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
    facts = memory.probe(simulated_host(tmp_path, linux(), {"/proc/meminfo": old}))
    assert facts.volatile.available_bytes == 150 * 1024


def test_without_proc_nothing_is_guessed(tmp_path: Path) -> None:
    facts = memory.probe(simulated_host(tmp_path, {"/etc": Folder}))
    assert facts.total_bytes == Unknown("failed", "/proc/meminfo is missing")
    assert isinstance(facts.volatile.available_bytes, Unknown)


def test_processes_that_were_killed_in_this_group(tmp_path: Path) -> None:
    second: dict[str, Entry] = {
        "/proc/self/cgroup": "0::/job\n",
        "/proc/self/mountinfo": cgroup_mount("cgroup2", "rw", "/sys/fs/cgroup"),
        "/sys/fs/cgroup/job/memory.events": "low 0\nhigh 0\nmax 31\noom 2\noom_kill 2\noom_group_kill 0\n",
    }
    first: dict[str, Entry] = {
        "/proc/self/cgroup": "4:memory:/\n",
        "/proc/self/mountinfo": cgroup_mount("cgroup", "rw,memory", "/sys/fs/cgroup/memory"),
        "/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    }
    assert memory.probe(simulated_host(tmp_path / "2", linux(), second)).volatile.oom_kills == 2
    assert memory.probe(simulated_host(tmp_path / "1", linux(), first)).volatile.oom_kills == 1
    assert memory.probe(simulated_host(tmp_path / "0", linux())).volatile.oom_kills is None
