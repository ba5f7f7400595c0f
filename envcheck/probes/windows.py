"""What only Windows has: Microsoft's C++ runtime, and settings that keep programs from being installed or started."""

import os
import re
import struct
from collections.abc import Mapping

from envcheck.child import ProgramResult
from envcheck.host import Host
from envcheck.model.facts import RuntimeLibrary, Windows
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes.system import system

RUNTIME = ("msvcp140.dll", "msvcp140_1.dll", "vcruntime140.dll", "vcruntime140_1.dll")
"""Of the Visual C++ Redistributable, which TensorFlow and PyTorch are linked with (tensorflow.org/install/pip)."""
FILE_SYSTEM = r"HKLM\SYSTEM\CurrentControlSet\Control\FileSystem"
APP_CONTROL = r"HKLM\SYSTEM\CurrentControlSet\Control\CI\Policy"
APP_CONTROL_STATES: Mapping[int, str] = {0: "off", 1: "on", 2: "evaluation"}
"""VerifiedAndReputablePolicyState (learn.microsoft.com, 'Smart App Control', 2026-11-23)."""
FIXED_FILE_INFO = b"\xbd\x04\xef\xfe"
"""The signature of VS_FIXEDFILEINFO; the number of the file stands 8 bytes behind it (verrsrc.h)."""


def probe(host: Host) -> Windows:
    """Look at Windows; on other systems there is nothing to see."""
    name = system(host)
    if isinstance(name, Unknown):
        return all_unknown(Windows, name)
    if name != "Windows":
        return Windows(runtime=(), long_paths_enabled=None, smart_app_control=None)
    return look(host)


def look(host: Host) -> Windows:
    """Look for the runtime as programs find it (the system's folder, then PATH), and ask the registry."""
    long_paths = _number(host, FILE_SYSTEM, "LongPathsEnabled")
    state = _number(host, APP_CONTROL, "VerifiedAndReputablePolicyState")
    return Windows(
        runtime=tuple(_runtime(host, name) for name in RUNTIME),
        long_paths_enabled=long_paths if isinstance(long_paths, Unknown) else long_paths == 1,
        smart_app_control=APP_CONTROL_STATES.get(state) if isinstance(state, int) else state,
    )


def _runtime(host: Host, name: str) -> RuntimeLibrary:
    system_folder = os.path.join(host.environ.get("SystemRoot", r"C:\Windows"), "System32")
    files = host.unrooted()
    for folder in (system_folder, *host.environ.get("PATH", "").split(os.pathsep)):
        path = os.path.join(folder, name)
        if folder and files.is_file(path):
            return RuntimeLibrary(name=name, path=path, version=_version(files.read_bytes(path)))
    return RuntimeLibrary(name=name, path=None, version=None)


def _version(data: bytes | None | Unknown) -> str | Unknown:
    if not isinstance(data, bytes):
        return Unknown("failed", "the file is gone") if data is None else data
    place = data.find(FIXED_FILE_INFO)
    if place < 0 or len(data) < place + 16:
        return Unknown("failed", "the file tells no version")
    high, low = struct.unpack_from("<II", data, place + 8)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"


def _number(host: Host, key: str, name: str) -> int | None | Unknown:
    """Return a number of the registry, or None where it is not set."""
    text = setting(host, key, name)
    return int(text, 16) if isinstance(text, str) else text


def setting(host: Host, key: str, name: str) -> str | None | Unknown:
    """Return a value of the registry as the program reg shows it (a number as ``0x1``), or None where it is not set."""
    answer = host.run("reg", "query", key, "/v", name)
    if not isinstance(answer, ProgramResult):
        return Unknown("failed", "the program reg is not there") if answer is None else answer
    found = re.search(rf"{name}\s+REG_(?:DWORD|SZ)\s+(\S.*)", answer.stdout)
    return found[1].strip() if found else None
