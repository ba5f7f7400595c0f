"""AMD's compute driver and ROCm, from files alone."""

from envcheck.host import Host
from envcheck.model.facts import AmdDriver, AmdNode
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import files, modules
from envcheck.probes.system import unless_linux

TOPOLOGY = "/sys/class/kfd/kfd/topology/nodes"
VERSION_FILES = (".info/version", ".info/version-dev", "share/rocm-core/version")
GROUPS = ("render", "video")
VRAM_HEAPS = ("1", "2")  #: HSA_MEM_HEAP_TYPE_FB_PUBLIC and _PRIVATE of drivers/gpu/drm/amd/amdkfd/kfd_crat.h


def probe(host: Host) -> AmdDriver:
    """Look at the module amdgpu, the compute nodes of kfd, ROCm's version, and this user's groups."""
    elsewhere = unless_linux(host, "envcheck reads AMD's driver on Linux only")
    if elsewhere is not None:
        return all_unknown(AmdDriver, elsewhere)
    version, how = _rocm(host)
    return AmdDriver(
        module_loaded=modules.is_loaded(host, "amdgpu"),
        module_version=files.line(host, "/sys/module/amdgpu/version"),
        compute_nodes=_nodes(host),
        rocm_version=version,
        rocm_how=how,
        user_groups=_groups(host),
    )


def _nodes(host: Host) -> tuple[AmdNode, ...] | Unknown:
    names = host.list_dir(TOPOLOGY)
    if isinstance(names, Unknown):
        return names
    nodes = []
    for name in sorted((name for name in names or () if name.isdecimal()), key=int):
        text = host.read_text(f"{TOPOLOGY}/{name}/properties")
        if isinstance(text, str):
            table = files.table(text, " ")
            if table.get("simd_count", "0") != "0":  # a CPU is a node too
                nodes.append(_node(host, int(name), table))
    return tuple(nodes)


def _node(host: Host, number: int, table: dict[str, str]) -> AmdNode:
    folder = f"{TOPOLOGY}/{number}"
    return AmdNode(
        node=number,
        name=files.line(host, f"{folder}/name") or None,
        gfx_target=gfx_target(table.get("gfx_target_version", "")),
        compute_units=_compute_units(table),
        memory_bytes=_memory(host, folder),
        pci_address=_address(table),
    )


def gfx_target(version: str) -> str | Unknown:
    """Return the name of a target: 90010 is ``gfx90a``, 110000 ``gfx1100``.

    The number is major * 10000 + minor * 100 + step; in the name, minor and step are hexadecimal digits
    (gfx_target_version in drivers/gpu/drm/amd/amdkfd/kfd_device.c).
    """
    if not version.isdecimal() or version == "0":
        return Unknown("failed", "the kernel does not tell gfx_target_version")
    major, rest = divmod(int(version), 10000)
    minor, step = divmod(rest, 100)
    return f"gfx{major}{minor:x}{step:x}"


def _compute_units(table: dict[str, str]) -> int | None:
    simds, per_unit = table.get("simd_count", ""), table.get("simd_per_cu", "")
    if simds.isdecimal() and per_unit.isdecimal() and int(per_unit):
        return int(simds) // int(per_unit)
    return None


def _memory(host: Host, folder: str) -> int | None:
    banks = host.list_dir(f"{folder}/mem_banks")
    total = 0
    for bank in banks if isinstance(banks, tuple) else ():
        text = host.read_text(f"{folder}/mem_banks/{bank}/properties")
        table = files.table(text, " ") if isinstance(text, str) else {}
        if table.get("heap_type") in VRAM_HEAPS and table.get("size_in_bytes", "").isdecimal():
            total += int(table["size_in_bytes"])
    return total or None


def _address(table: dict[str, str]) -> str | None:
    """Return the PCI address from ``location_id``, which holds bus, device and function in 8, 5 and 3 bits."""
    location, domain = table.get("location_id", ""), table.get("domain", "0")
    if not location.isdecimal() or not domain.isdecimal():
        return None
    number = int(location)
    return f"{int(domain):04x}:{number >> 8 & 0xFF:02x}:{number >> 3 & 0x1F:02x}.{number & 7}"


def _rocm(host: Host) -> tuple[str | None | Unknown, str | None | Unknown]:
    for base in _rocm_folders(host):
        for name in VERSION_FILES:
            text = files.line(host, f"{base}/{name}")
            if isinstance(text, str) and text:
                return text.partition("-")[0], f"{base}/{name}"
    return None, None


def _rocm_folders(host: Host) -> list[str]:
    told = [host.environ[name] for name in ("ROCM_PATH", "ROCM_HOME") if host.environ.get(name, "").startswith("/")]
    names = host.list_dir("/opt")
    versions = [f"/opt/{name}" for name in names if name.startswith("rocm-")] if isinstance(names, tuple) else []
    return [*told, "/opt/rocm", *reversed(versions)]


def _groups(host: Host) -> tuple[str, ...] | Unknown:
    """Return which of the groups that own AMD's device files this process has."""
    status = files.required(host.read_text("/proc/self/status"), "/proc/self/status")
    if isinstance(status, Unknown):
        return status
    table = files.table(status)
    numbers = {*table.get("Groups", "").split(), *table.get("Gid", "").split()}
    text = host.read_text("/etc/group")
    entries = [entry.split(":") for entry in text.splitlines()] if isinstance(text, str) else []
    names = {entry[0] for entry in entries if len(entry) > 2 and entry[2] in numbers}
    return tuple(name for name in GROUPS if name in names)
