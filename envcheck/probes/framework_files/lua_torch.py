"""Torch 7, the framework of Lua that PyTorch grew out of. It belongs to no Python: it is looked for on the machine.

Sources: install.sh of torch/distro (its own tree is ``~/torch``, what it builds lies in ``install`` below that, and
``torch-activate`` puts it into PATH and LUA_PATH), and the file list of Debian 10's lua-torch-torch7.
"""

import os
import posixpath

from envcheck.host import Host
from envcheck.probes.framework_reading import Build, Files, Framework
from envcheck.probes.loader import system_host

MODULE = "share/lua/5.1/torch"  #: below a prefix
SYSTEM_PREFIXES = ("/usr", "/usr/local")
LIBRARIES = ("../../../../lib/lua/5.1/libtorch.so", "../../../../lib/x86_64-linux-gnu/lua/5.1/libtorch.so")
COMPANIONS = ("nn", "cutorch", "cunn", "cudnn")  #: the last three compute on NVIDIA's GPUs


def find(host: Host) -> str | None:
    """Return the folder of Torch's Lua code: of the shell's own, of the home folder, of the system."""
    program = host.which("th")
    prefixes = [posixpath.dirname(posixpath.dirname(os.path.realpath(program)))] if program else []
    prefixes += [_prefix_of(place) for place in host.environ.get("LUA_PATH", "").split(";") if place.endswith("/?.lua")]
    home = host.environ.get("HOME")
    prefixes += [f"{home}/torch/install"] if home else []
    for prefix in (*prefixes, *SYSTEM_PREFIXES):
        folder = posixpath.join(prefix, MODULE)
        if system_host(host, folder).is_file(posixpath.join(folder, "init.lua")):
            return folder
    return None


def _prefix_of(place: str) -> str:
    """Return the prefix of an entry of LUA_PATH such as ``/home/ana/torch/install/share/lua/5.1/?.lua``."""
    return place.removesuffix("/share/lua/5.1/?.lua")


def read(files: Files) -> Build:
    there = files.names("..")
    library = files.first(*LIBRARIES)
    return Build(
        plugins=tuple(name for name in COMPANIONS if name in there),
        library=posixpath.normpath(library) if library else None,
    )


FRAMEWORK = Framework(name="lua-torch", module="lua-torch", position=11, read=read, find=find)
