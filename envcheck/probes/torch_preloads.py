"""Which CUDA libraries 'import torch' opens in the wheels by their full path, before the loader is asked for them.

Releases differ in whether and for which libraries torch/__init__.py does so; its source tells, which is read and not
run. Seen with the wheels of 2.13: a PyTorch with CUDA 13 takes a wheel for CUDA 12 where both give a library one name.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence

from envcheck.host import Host

SOURCE_BYTES = 512 * 1024
CALL_FOR_ALL = re.compile(r"^ +_preload_cuda_deps\(\)", re.MULTILINE)
CALL_FOR_ONE = re.compile(r'^ +_preload_cuda_deps\("(\w+)", "(lib\w+)\.so', re.MULTILINE)
LIST = re.compile(r'^ +\(?"(\w+)"[,:] "(lib[\w-]+)\.so', re.MULTILINE)


def files(host: Host, location: str, path: Sequence[str], cuda: str) -> tuple[str, ...]:
    """Return the files in the order in which they are opened."""
    source = host.read_text(posixpath.join(location, "__init__.py"), SOURCE_BYTES)
    if not isinstance(source, str):
        return ()
    if CALL_FOR_ALL.search(source):
        wanted = LIST.findall(source)
    else:
        wanted = CALL_FOR_ONE.findall(source)
    return tuple(_found(host, path, cuda.partition(".")[0], wanted))


def _found(host: Host, path: Sequence[str], cuda_major: str, wanted: Sequence[tuple[str, str]]) -> Iterator[str]:
    for folder, library in wanted:
        name = re.compile(rf"{re.escape(library)}\.so\..*[0-9]")
        places = [
            place
            for entry in path
            for place in (
                f"{entry}/nvidia/{folder}/lib",
                f"{entry}/nvidia/cu{cuda_major}/lib",
                f"{entry}/{folder}/lib",
            )
        ]
        first = next((found for place in places for found in _matching(host, place, name)), None)
        if first is None:
            return  # PyTorch gives up at the first that it does not find
        yield first


def _matching(host: Host, folder: str, name: re.Pattern[str]) -> list[str]:
    names = host.list_dir(folder)
    return [f"{folder}/{found}" for found in names if name.fullmatch(found)] if isinstance(names, tuple) else []
