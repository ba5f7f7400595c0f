"""The processor: this machine against other tools, and machines that are not here."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from simulated.trees import Folder, arm_cpuinfo, cgroup_mount, linux, simulated_host, x86_cpuinfo

from envcheck.host import Host
from envcheck.model.facts import Cpu
from envcheck.model.unknown import Unknown
from envcheck.probes import cpu

ZEN4_FLAGS = (
    "fpu sse sse2 pni ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt avx f16c abm bmi1 avx2 bmi2 avx512f avx512_bf16"
)
SAPPHIRE_FLAGS = ZEN4_FLAGS + " avx512_vnni avx512_fp16 amx_bf16 amx_tile amx_int8"
GRAVITON3_FEATURES = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimddp sve i8mm bf16"


def probe(root: Path, *trees: dict[str, object], environ: dict[str, str] | None = None) -> Cpu:
    return cpu.probe(simulated_host(root, linux(), *trees, environ=environ))  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform != "linux", reason="compares with /proc and coreutils of Linux")
def test_this_machine_as_other_tools_see_it() -> None:
    facts = cpu.probe(Host.current())
    assert facts.cores_logical == int(subprocess.check_output(["getconf", "_NPROCESSORS_ONLN"]))
    assert facts.architecture == os.uname().machine
    assert isinstance(facts.cores_usable, float)
    assert 0 < facts.cores_usable <= len(os.sched_getaffinity(0))
    if psutil.cpu_count(logical=False):
        assert facts.cores_physical == psutil.cpu_count(logical=False)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity to set")
def test_affinity_of_this_process_counts() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert cpu.probe(Host.current()).cores_usable == 1.0
    finally:
        os.sched_setaffinity(0, before)


def test_two_sockets_of_intel(tmp_path: Path) -> None:
    cpuinfo = x86_cpuinfo(
        vendor="GenuineIntel", model="Intel(R) Xeon(R) Platinum 8480+", flags=SAPPHIRE_FLAGS, sockets=2, cores=4
    )
    facts = probe(tmp_path, {"/proc/cpuinfo": cpuinfo, "/proc/self/status": "Cpus_allowed_list:\t0-15\n"})
    assert (facts.vendor, facts.model) == ("Intel", "Intel(R) Xeon(R) Platinum 8480+")
    assert (facts.cores_physical, facts.cores_logical, facts.cores_usable) == (8, 16, 16.0)
    assert isinstance(facts.instruction_sets, tuple)
    assert {"amx_tile", "amx_bf16", "avx512_vnni", "sse3", "lzcnt", "fma"} <= set(facts.instruction_sets)
    assert "fpu" not in facts.instruction_sets
    assert facts.virtual is False
    assert facts.volatile.load_average == (0.52, 0.58, 0.59)


def test_amd_in_a_virtual_machine(tmp_path: Path) -> None:
    cpuinfo = x86_cpuinfo(vendor="AuthenticAMD", model="AMD EPYC 9654", flags=ZEN4_FLAGS + " hypervisor")
    facts = probe(tmp_path, {"/proc/cpuinfo": cpuinfo})
    assert (facts.vendor, facts.virtual) == ("AMD", True)


def test_an_instruction_set_that_some_cores_lack_is_not_usable(tmp_path: Path) -> None:
    performance = x86_cpuinfo(vendor="GenuineIntel", model="Intel(R) Core(TM)", flags="avx avx2 avx512f", cores=1)
    efficiency = (
        performance.replace("avx512f", "")
        .replace("processor\t: 0", "processor\t: 2")
        .replace("processor\t: 1", "processor\t: 3")
    )
    facts = probe(tmp_path, {"/proc/cpuinfo": performance + efficiency})
    assert facts.instruction_sets == ("avx", "avx2")


def test_graviton(tmp_path: Path) -> None:
    tree = {
        "/proc/sys/kernel/arch": "aarch64\n",
        "/proc/cpuinfo": arm_cpuinfo([("0x41", "0xd40")] * 4, GRAVITON3_FEATURES),
    }
    for number in range(4):
        tree[f"/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list"] = f"{number}\n"
    facts = probe(tmp_path, tree)
    assert (facts.vendor, facts.model, facts.architecture) == ("Arm", "Neoverse-V1", "aarch64")
    assert (facts.cores_physical, facts.cores_logical) == (4, 4)
    assert isinstance(facts.instruction_sets, tuple)
    assert {"neon", "sve", "bf16", "i8mm"} <= set(facts.instruction_sets)


@pytest.mark.parametrize(
    ("implementer", "part", "vendor", "model"),
    [
        ("0x4e", "0x004", "NVIDIA", "Carmel"),  # Jetson Xavier
        ("0xc0", "0xac3", "Ampere", "Ampere-1"),
        ("0x61", "0x023", "Apple", "M1 (Firestorm)"),
        ("0x46", "0x001", "Fujitsu", "A64FX"),
        ("0x41", "0xeee", "Arm", "part 0xeee"),
        ("0x99", "0x001", None, "part 0x001"),
    ],
)
def test_arm_cores(tmp_path: Path, implementer: str, part: str, vendor: str | None, model: str) -> None:
    facts = probe(tmp_path, {"/proc/cpuinfo": arm_cpuinfo([(implementer, part)], "fp asimd")})
    assert (facts.vendor, facts.model) == (vendor, model)


def test_kinds_of_core_of_a_mixed_arm_processor(tmp_path: Path) -> None:
    cores = [("0x41", "0xd05"), ("0x41", "0xd05"), ("0x41", "0xd0b")]
    facts = probe(tmp_path, {"/proc/cpuinfo": arm_cpuinfo(cores, "fp asimd")})
    assert facts.model == "Cortex-A55 + Cortex-A76"


def test_quota_of_cgroup_v2_in_a_container(tmp_path: Path) -> None:
    facts = probe(
        tmp_path,
        {
            "/proc/cpuinfo": x86_cpuinfo(vendor="GenuineIntel", model="Xeon", flags="avx"),
            "/proc/self/cgroup": "0::/\n",
            "/proc/self/mountinfo": cgroup_mount("cgroup2", "rw", "/sys/fs/cgroup"),
            "/sys/fs/cgroup/cpu.max": "150000 100000\n",
        },
    )
    assert facts.cores_usable == 1.5


def test_the_tightest_quota_above_counts(tmp_path: Path) -> None:
    facts = probe(
        tmp_path,
        {
            "/proc/cpuinfo": x86_cpuinfo(vendor="GenuineIntel", model="Xeon", flags="avx"),
            "/proc/self/cgroup": "0::/user.slice/user-1000.slice/job\n",
            "/proc/self/mountinfo": cgroup_mount("cgroup2", "rw", "/sys/fs/cgroup"),
            "/sys/fs/cgroup/user.slice/user-1000.slice/job/cpu.max": "max 100000\n",
            "/sys/fs/cgroup/user.slice/user-1000.slice/cpu.max": "400000 100000\n",
            "/sys/fs/cgroup/user.slice/cpu.max": "600000 100000\n",
        },
    )
    assert facts.cores_usable == 4.0


def test_quota_of_cgroup_v1_seen_from_inside_docker(tmp_path: Path) -> None:
    group = "/docker/5f1c"
    facts = probe(
        tmp_path,
        {
            "/proc/cpuinfo": x86_cpuinfo(vendor="GenuineIntel", model="Xeon", flags="avx"),
            "/proc/self/cgroup": f"3:memory:{group}\n2:cpu,cpuacct:{group}\n",
            "/proc/self/mountinfo": cgroup_mount("cgroup", "rw,cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", group),
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        },
    )
    assert facts.cores_usable == 0.5


def test_no_quota(tmp_path: Path) -> None:
    facts = probe(
        tmp_path,
        {
            "/proc/cpuinfo": x86_cpuinfo(vendor="GenuineIntel", model="Xeon", flags="avx"),
            "/proc/self/cgroup": "2:cpu:/\n",
            "/proc/self/mountinfo": cgroup_mount("cgroup", "rw,cpu", "/sys/fs/cgroup/cpu"),
            "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "/proc/self/status": "Cpus_allowed_list:\t0,2-3\n",
        },
    )
    assert facts.cores_usable == 3.0


def test_without_proc_nothing_is_guessed(tmp_path: Path) -> None:
    facts = cpu.probe(simulated_host(tmp_path, {"/sys/devices": Folder}))
    for value in (facts.vendor, facts.model, facts.cores_logical, facts.cores_physical, facts.cores_usable):
        assert isinstance(value, Unknown)
    assert facts.cores_logical == Unknown("failed", "/proc/cpuinfo is missing")


def test_a_garbled_cpuinfo(tmp_path: Path) -> None:
    facts = probe(tmp_path, {"/proc/cpuinfo": "\x00\xff nonsense\nprocessor: many\n", "/proc/self/status": "nothing\n"})
    assert isinstance(facts.cores_logical, Unknown)
    assert isinstance(facts.instruction_sets, Unknown)
    assert isinstance(facts.cores_usable, Unknown)


def test_a_mac_asks_sysctl(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    answer = (
        "machdep.cpu.brand_string: Apple M2 Pro\nhw.physicalcpu: 12\nhw.logicalcpu: 12\n"
        "vm.loadavg: { 1.50 1.25 1.00 }\n"
        "hw.optional.arm.FEAT_BF16: 1\nhw.optional.arm.FEAT_SME: 0\nhw.optional.AdvSIMD: 1\nkern.hv_vmm_present: 0\n"
    )
    script = programs / "sysctl"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}END\n")
    script.chmod(0o755)
    version = "<plist><dict><key>ProductVersion</key><string>14.4</string></dict></plist>"
    facts = cpu.probe(
        simulated_host(
            tmp_path / "root",
            {"/System/Library/CoreServices/SystemVersion.plist": version},
            environ={"PATH": f"{programs}:{os.environ['PATH']}"},
        )
    )
    assert (facts.vendor, facts.model, facts.cores_physical) == ("Apple", "Apple M2 Pro", 12)
    assert facts.instruction_sets == ("bf16", "neon")
    assert facts.virtual is False
    assert facts.volatile.load_average == (1.5, 1.25, 1.0)
