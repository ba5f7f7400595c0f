"""Microsoft's C++ runtime and settings of Windows, looked at where files and the program reg stand in for it."""

import os
import struct
from pathlib import Path

import pytest
from simulated.pythons import program, user_host, write
from simulated.trees import simulated_host

from envcheck.model.facts import Windows
from envcheck.model.unknown import Unknown
from envcheck.probes import windows

REG = """#!/bin/sh
case "$4" in
{cases}
*) echo "ERROR: The system was unable to find the specified registry key or value." >&2; exit 1;;
esac
"""


def library(version: tuple[int, int, int, int]) -> bytes:
    """Return the part of a library that tells its release: VS_FIXEDFILEINFO of verrsrc.h."""
    high, low = version[0] << 16 | version[1], version[2] << 16 | version[3]
    return b"MZ" + bytes(300) + struct.pack("<IIII", 0xFEEF04BD, 0x00010000, high, low) + bytes(40)


def look(tmp_path: Path, files: dict[str, bytes], settings: dict[str, str], system: str = "windows") -> Windows:
    folder = write(tmp_path / system / "System32", files)
    lines = (f'{name}) printf "\\n{name}    REG_DWORD    {value}\\n";;' for name, value in settings.items())
    tool = program(tmp_path / "bin" / "reg", REG.format(cases="\n".join(lines)))
    path = os.pathsep.join((str(tool.parent), str(tmp_path / "old"), os.defpath))
    return windows.look(user_host(tmp_path, PATH=path, SystemRoot=str(folder.parent)))


def test_what_is_there(tmp_path: Path) -> None:
    write(tmp_path / "old", {"msvcp140_1.dll": library((14, 29, 30133, 0)), "msvcp140.dll": library((14, 20, 1, 0))})
    files = {"msvcp140.dll": library((14, 44, 35211, 0)), "vcruntime140.dll": b"MZ and no more"}
    seen = look(tmp_path, files, {"LongPathsEnabled": "0x1", "VerifiedAndReputablePolicyState": "0x1"})
    assert isinstance(seen.runtime, tuple)
    first, second, plain, missing = seen.runtime
    assert (first.path, first.version) == (str(tmp_path / "windows/System32/msvcp140.dll"), "14.44.35211.0")
    assert (second.path, second.version) == (str(tmp_path / "old/msvcp140_1.dll"), "14.29.30133.0")
    assert isinstance(plain.version, Unknown)
    assert (missing.name, missing.path, missing.version) == ("vcruntime140_1.dll", None, None)
    assert (seen.long_paths_enabled, seen.smart_app_control) == (True, "on")


@pytest.mark.parametrize("settings", [{}, {"LongPathsEnabled": "0x0"}])
def test_settings_that_are_off_or_not_set(tmp_path: Path, settings: dict[str, str]) -> None:
    seen = look(tmp_path, {}, settings)
    assert (seen.long_paths_enabled, seen.smart_app_control) == (False, None)


def test_text_of_the_registry(tmp_path: Path) -> None:
    program(tmp_path / "bin/reg", "#!/bin/sh\nprintf '\\nHKLM\\\\X\\n    %s    REG_SZ    AMD EPYC 7 \\n\\n' \"$4\"\n")
    host = user_host(tmp_path, PATH=os.pathsep.join((str(tmp_path / "bin"), os.defpath)))
    assert windows.setting(host, "HKLM\\X", "ProcessorNameString") == "AMD EPYC 7"


def test_without_the_registry(tmp_path: Path) -> None:
    seen = windows.look(user_host(tmp_path, PATH=str(tmp_path)))
    assert isinstance(seen.long_paths_enabled, Unknown)
    assert isinstance(seen.smart_app_control, Unknown)


def test_other_systems_have_none_of_it(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    seen = windows.probe(simulated_host(tmp_path))
    assert seen == Windows(runtime=(), long_paths_enabled=None, smart_app_control=None)
