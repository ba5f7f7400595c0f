"""The processor: whose, how many cores, and the instruction sets that compiled packages may need."""

import os

import psutil

from envcheck.host import Host
from envcheck.knowledge import hardware
from envcheck.model.facts import Cpu, CpuVolatile
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import cgroup, files, windows
from envcheck.probes.system import machine, system

CPUINFO = "/proc/cpuinfo"
X86_VENDORS = {
    "GenuineIntel": "Intel",
    "AuthenticAMD": "AMD",
    "HygonGenuine": "Hygon",
    "CentaurHauls": "VIA",
    "  Shanghai  ": "Zhaoxin",
    "Shanghai": "Zhaoxin",
}
FLAG_NAMES = {"pni": "sse3", "abm": "lzcnt", "asimd": "neon"}
"""Linux's names of flags that have another name everywhere else."""
X86_SETS = (
    "sse", "sse2", "sse3", "ssse3", "sse4_1", "sse4_2", "popcnt", "cx16", "movbe", "lzcnt", "bmi1", "bmi2", "f16c",
    "fma", "fma4", "avx", "avx2", "avx_vnni", "avx512f", "avx512cd", "avx512dq", "avx512bw", "avx512vl",
    "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16",
)  # fmt: skip
ARM_SETS = (
    "neon", "asimdhp", "fphp", "asimddp", "atomics", "crc32", "aes", "sve", "sve2", "svebf16", "bf16", "i8mm",
    "sme", "sme2",
)  # fmt: skip
WANTED = frozenset((*X86_SETS, *ARM_SETS))
"""The instruction sets worth reporting: those that wheels are built for or that decide about speed."""

Blocks = tuple[dict[str, str], ...]


def probe(host: Host) -> Cpu:
    """Look at the processor."""
    name = system(host)
    if name == "Linux":
        return _linux(host)
    if name == "Darwin":
        return _macos(host)
    return _by_psutil(host)


# --- Linux ------------------------------------------------------------------------------------


def _linux(host: Host) -> Cpu:
    text = files.required(host.read_text(CPUINFO), CPUINFO)
    usable = _usable(host)
    volatile = CpuVolatile(load_average=_load_average(host))
    if isinstance(text, Unknown):
        return _all(text, machine(host), usable, volatile)
    blocks = _blocks(text)
    shared = files.table(text)
    return Cpu(
        vendor=_vendor(shared),
        model=_model(blocks, shared),
        architecture=machine(host),
        cores_physical=_physical(host, blocks),
        cores_logical=len(blocks) or Unknown("failed", f"{CPUINFO} lists no processor"),
        cores_usable=usable if isinstance(usable, Unknown) or not blocks else min(usable, float(len(blocks))),
        instruction_sets=_instruction_sets(blocks, shared),
        virtual="hypervisor" in shared["flags"].split() if "flags" in shared else _virtual_arm(host),
        volatile=volatile,
    )


def _blocks(text: str) -> Blocks:
    """Return one table for each logical processor; what follows the last one belongs to the machine."""
    tables = (files.table(block) for block in text.split("\n\n"))
    return tuple(table for table in tables if table.get("processor", "").isdecimal())


def _vendor(table: dict[str, str]) -> str | None:
    if "vendor_id" in table:
        return X86_VENDORS.get(table["vendor_id"], table["vendor_id"])
    if "CPU implementer" in table:
        return hardware.arm_vendor(table["CPU implementer"])
    return "IBM" if table.get("cpu", "").startswith("POWER") else None


def _model(blocks: Blocks, shared: dict[str, str]) -> str | None:
    """Return the model; the kinds of core of a mixed Arm processor are joined by a plus."""
    if "model name" in shared and "CPU implementer" not in shared:
        return shared["model name"]
    cores = [
        hardware.arm_core(block["CPU implementer"], block.get("CPU part", "")) or f"part {block.get('CPU part', '?')}"
        for block in blocks
        if "CPU implementer" in block
    ]
    if cores:
        return " + ".join(dict.fromkeys(cores))
    return shared.get("cpu") or shared.get("uarch") or shared.get("Model")


def _physical(host: Host, blocks: Blocks) -> int | Unknown:
    """Count the different pairs of package and core: two hardware threads of one core have the same."""
    pairs = {
        (block["physical id"], block["core id"]) for block in blocks if "core id" in block and "physical id" in block
    }
    if pairs:
        return len(pairs)
    base = "/sys/devices/system/cpu"
    topology = set()
    for block in blocks:
        folder = f"{base}/cpu{block['processor']}/topology"
        siblings = files.line(host, f"{folder}/thread_siblings_list")
        if isinstance(siblings, str):
            topology.add(siblings)
    return (
        len(topology) if topology else Unknown("unsupported", f"neither {CPUINFO} nor {base} tells which cores are one")
    )


def _instruction_sets(blocks: Blocks, shared: dict[str, str]) -> tuple[str, ...] | Unknown:
    """Return what every core offers: a program may be moved from one kind of core to another."""
    lists = [set((block.get("flags") or block.get("Features") or "").split()) for block in blocks]
    lists = [flags for flags in lists if flags]
    if not lists and "Features" in shared:
        lists = [set(shared["Features"].split())]
    if not lists:
        return Unknown("unsupported", f"{CPUINFO} of this architecture lists no instruction sets")
    common = set.intersection(*lists)
    return tuple(sorted({FLAG_NAMES.get(flag, flag) for flag in common} & WANTED))


def _virtual_arm(host: Host) -> bool | Unknown:
    """Arm has no flag for it; a hypervisor's device tree or DMI names it."""
    if host.is_dir("/proc/device-tree/hypervisor") or host.is_dir("/sys/hypervisor"):
        return True
    return Unknown("unsupported", "this architecture has no flag that tells a virtual machine")


def _usable(host: Host) -> float | Unknown:
    """Return what the affinity of this process and the quota of its control groups leave."""
    status = files.required(host.read_text("/proc/self/status"), "/proc/self/status")
    if isinstance(status, Unknown):
        return status
    try:
        allowed = len(files.number_list(files.table(status).get("Cpus_allowed_list", "")))
    except ValueError as error:
        return Unknown("failed", f"Cpus_allowed_list of /proc/self/status: {error}")
    if not allowed:
        return Unknown("failed", "/proc/self/status has no Cpus_allowed_list")
    quota = cgroup.cpu_quota(host)
    if isinstance(quota, Unknown):
        return quota
    return float(allowed) if quota is None else min(float(allowed), quota)


def _load_average(host: Host) -> tuple[float, ...] | Unknown:
    text = files.required(files.line(host, "/proc/loadavg"), "/proc/loadavg")
    if isinstance(text, Unknown):
        return text
    try:
        return tuple(float(part) for part in text.split()[:3])
    except ValueError:
        return Unknown("failed", f"/proc/loadavg holds {text[:40]!r}")


# --- macOS ------------------------------------------------------------------------------------

_MACOS_FLAGS = {
    "hw.optional.avx1_0": "avx",
    "hw.optional.avx2_0": "avx2",
    "hw.optional.fma": "fma",
    "hw.optional.f16c": "f16c",
    "hw.optional.sse4_1": "sse4_1",
    "hw.optional.sse4_2": "sse4_2",
    "hw.optional.avx512f": "avx512f",
    "hw.optional.neon": "neon",
    "hw.optional.AdvSIMD": "neon",
    "hw.optional.arm.FEAT_BF16": "bf16",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_DotProd": "asimddp",
    "hw.optional.arm.FEAT_FP16": "asimdhp",
    "hw.optional.arm.FEAT_SME": "sme",
    "hw.optional.arm.FEAT_SME2": "sme2",
}
"""Names of sysctl (sysctl(3) of macOS and developer.apple.com, 'Determining Instruction Set Characteristics')."""


def _macos(host: Host) -> Cpu:
    answer = host.run("sysctl", "machdep.cpu", "hw", "vm.loadavg", "kern.hv_vmm_present")
    if answer is None:
        answer = Unknown("failed", "there is no program 'sysctl' on PATH")
    if isinstance(answer, Unknown):
        return _all(answer, machine(host), answer, CpuVolatile(load_average=answer))
    values = files.table(answer.stdout)
    brand = values.get("machdep.cpu.brand_string")
    logical = _number(values, "hw.logicalcpu")
    return Cpu(
        vendor=_macos_vendor(brand),
        model=brand,
        architecture=machine(host),
        cores_physical=_number(values, "hw.physicalcpu"),
        cores_logical=logical,
        cores_usable=float(logical) if isinstance(logical, int) else logical,
        instruction_sets=tuple(sorted({name for key, name in _MACOS_FLAGS.items() if values.get(key) == "1"})),
        virtual=values["kern.hv_vmm_present"] == "1"
        if "kern.hv_vmm_present" in values
        else Unknown("unsupported", "this macOS does not tell"),
        volatile=CpuVolatile(load_average=_macos_load(values)),
    )


def _macos_vendor(brand: str | None) -> str | None:
    return next((name for name in ("Apple", "Intel") if brand and brand.startswith(name)), None)


def _macos_load(values: dict[str, str]) -> tuple[float, ...] | Unknown:
    try:
        return tuple(float(part) for part in values["vm.loadavg"].strip("{} ").split())
    except (KeyError, ValueError):
        return Unknown("failed", "sysctl did not tell vm.loadavg")


def _number(values: dict[str, str], key: str) -> int | Unknown:
    text = values.get(key, "")
    return int(text) if text.isdecimal() else Unknown("failed", f"sysctl did not tell {key}")


# --- elsewhere --------------------------------------------------------------------------------

PROCESSOR = r"HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor\0"
"""Where Windows keeps the processor's own name (as CPython's platform module reads it for its vendor)."""


def _by_psutil(host: Host) -> Cpu:
    if host.root:
        unknown = Unknown("unsupported", "the image of this system does not record its processor")
        return _all(unknown, machine(host), unknown, CpuVolatile(load_average=unknown))
    nothing = Unknown("unsupported", "envcheck cannot ask this system for it")
    logical, physical = psutil.cpu_count(), psutil.cpu_count(logical=False)
    process = psutil.Process()
    usable = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else logical
    identifier = host.environ.get("PROCESSOR_IDENTIFIER", "")
    vendor = identifier.rpartition(", ")[2]
    name = windows.setting(host, PROCESSOR, "ProcessorNameString") if system(host) == "Windows" else None
    return Cpu(
        vendor=X86_VENDORS.get(vendor, vendor) or nothing,
        model=name if isinstance(name, str) else identifier or nothing,
        architecture=machine(host),
        cores_physical=physical if physical else nothing,
        cores_logical=logical if logical else nothing,
        cores_usable=float(usable) if usable else nothing,
        instruction_sets=nothing,
        virtual=nothing,
        volatile=CpuVolatile(load_average=os.getloadavg() if hasattr(os, "getloadavg") else nothing),
    )


def _all(why: Unknown, architecture: str | Unknown, usable: float | Unknown, volatile: CpuVolatile) -> Cpu:
    return all_unknown(Cpu, why, architecture=architecture, cores_usable=usable, volatile=volatile)
