"""Triton, the compiler behind torch.compile: its PTX assemblers, and the GPUs that they know."""

import re

from envcheck.host import Host
from envcheck.model.facts import Python, TritonAssembler
from envcheck.model.unknown import Unknown, known

FOLDER = "triton/backends/nvidia/bin"
VARIABLES = {"ptxas": "TRITON_PTXAS_PATH", "ptxas-blackwell": "TRITON_PTXAS_BLACKWELL_PATH"}
"""The programs, and the variables that replace them: get_ptxas in third_party/nvidia/backend/compiler.py and
NvidiaTool in python/triton/knobs.py of triton-lang/triton (read on 2026-11-23)."""
VERSION = re.compile(r"release [\d.]+, V(\d+(?:\.\d+)+)")
TARGET = re.compile(r"\bsm_\d+[af]?\b")


def assemblers(host: Host, python: Python) -> tuple[TritonAssembler, ...]:
    """Return the assemblers of the target's Triton; none where it is not installed."""
    found = []
    for name, variable in VARIABLES.items():
        own = _own(host, known(python.site_packages, ()), name)
        if own is None:
            continue
        told = host.environ.get(variable)
        path, how = (told, variable) if told and host.unrooted().is_file(told) else (own, "triton")
        found.append(_assembler(host.unrooted(), name, path, how))
    return tuple(found)


def _own(host: Host, site_packages: tuple[str, ...], name: str) -> str | None:
    paths = (f"{folder}/{FOLDER}/{name}" for folder in site_packages)
    return next((path for path in paths if host.unrooted().is_file(path)), None)


def _assembler(host: Host, name: str, path: str, how: str) -> TritonAssembler:
    version = _asked(host, path, "--version")
    targets = _asked(host, path, "--help")
    match = VERSION.search(version) if isinstance(version, str) else None
    return TritonAssembler(
        name=name,
        path=path,
        how=how,
        version=match[1] if match else (version if isinstance(version, Unknown) else None),
        targets=targets if isinstance(targets, Unknown) else tuple(dict.fromkeys(TARGET.findall(targets))),
    )


def _asked(host: Host, path: str, option: str) -> str | Unknown:
    answer = host.run(path, option)
    if answer is None:
        return Unknown("denied", f"{path} is not executable")
    return answer if isinstance(answer, Unknown) else answer.stdout
