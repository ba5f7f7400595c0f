"""Caffe, as Debian 11 packages it or as it is built by hand. It has no metadata: names of its libraries tell."""

import os
import re
from dataclasses import replace

from envcheck.model.facts import OptionalText
from envcheck.probes import elf_dynamic
from envcheck.probes.framework_reading import NOT_TOLD, Build, Files, Framework

LIBRARY = re.compile(r"libcaffe(?:-nv)?\.so\.(\d[\w.-]*)")
"""DYNAMIC_VERSIONED_NAME in Caffe's Makefile and SOVERSION in its CMake files: the version is part of the name."""
LIBRARY_FOLDERS = ("../../build/lib", "../../.build_release/lib", "../../../x86_64-linux-gnu")
"""Seen from the module: a tree built with CMake (or make: build is a link to .build_release), and Debian's."""
CUDART = re.compile(r"libcudart\.so\.([\d.]+)")
CUDNN = re.compile(r"libcudnn\.so\.([\d.]+)")


def read(files: Files) -> Build:
    files = replace(files, folder=os.path.realpath(files.folder))  # often a link from site-packages into the tree
    binding = next((name for name in files.names("") if re.fullmatch(r"_caffe\..*so", name)), None)
    path = files.first(binding) if binding else None
    dynamic = elf_dynamic.read(files.host, path) if path else None
    named = next((name for name in dynamic.needed if LIBRARY.fullmatch(name)), None) if dynamic else None
    library = files.first(*(f"{folder}/{named}" for folder in LIBRARY_FOLDERS)) if named else None
    main = elf_dynamic.read(files.host, library) if library else None
    needed = main.needed if main else None
    match = LIBRARY.fullmatch(named) if named else None
    return Build(
        version=match[1] if match else None,
        how=path if match else None,
        cuda=_told(needed, CUDART),
        cudnn=_told(needed, CUDNN),
        rocm=None if needed else NOT_TOLD,
        compute_capabilities=() if needed and _told(needed, CUDART) is None else NOT_TOLD,
        library=os.path.normpath(library) if library else path,
    )


def _told(needed: tuple[str, ...] | None, pattern: "re.Pattern[str]") -> OptionalText:
    """Return the number in the name of the library that it is linked with; None: with none of the kind."""
    if needed is None:
        return NOT_TOLD
    return next((match[1] for name in needed if (match := pattern.fullmatch(name))), None)


FRAMEWORK = Framework(name="caffe", module="caffe", position=9, read=read, native=True)
