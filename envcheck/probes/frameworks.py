"""Which frameworks are installed and what they were built for: from their files, without importing them."""

import functools
import importlib
import os
import pkgutil
from collections.abc import Sequence
from dataclasses import asdict

from envcheck.host import Host
from envcheck.model.facts import Backend, BuiltFor, Import, MainLibrary, Package, Python
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown, known
from envcheck.probes import elf, framework_files, native_needs
from envcheck.probes.framework_reading import NOT_TOLD, Build, Files, Framework, locate
from envcheck.probes.loader import system_host

NOT_IMPORTED = Unknown("skipped", "not imported yet")
NOT_INSTALLED = Unknown("skipped", "not installed")
FILES_GONE = Unknown("failed", "its metadata are there, its files are not")


def probe(host: Host, python: Python) -> tuple[Backend, ...] | Unknown:
    """Return one record for each framework: those that Keras 3 runs on always, the others where they are installed."""
    path = known(python.path, known(python.site_packages, None))
    if path is None:
        return Unknown("failed", "the folders that packages are installed in are not known")
    packages = known(python.packages, ())
    reader = native_needs.Reader(host, python)
    records = ((framework, _record(host, framework, path, packages, reader)) for framework in frameworks())
    return tuple(record for framework, record in records if framework.always_listed or record.installed is True)


def frameworks() -> tuple[Framework, ...]:
    """Return every framework that has a file in ``framework_files``."""
    names = [f"{framework_files.__name__}.{module.name}" for module in pkgutil.iter_modules(framework_files.__path__)]
    found: list[Framework] = [importlib.import_module(name).FRAMEWORK for name in names]
    return tuple(sorted(found, key=lambda framework: framework.position))


@functools.cache
def framework(name: str) -> Framework | None:
    """Return the framework of that name, None if it has no file."""
    return next((found for found in frameworks() if found.name == name), None)


def providers(
    packages: Sequence[Package], module: str, names: Sequence[str], guests: Sequence[str] = ()
) -> list[Package]:
    """Return the distributions that provide ``module``: those that say so, and where that is not known, by name."""
    found = []
    for package in packages:
        if isinstance(package.top_level, Unknown):
            provides = package.name in names
        else:
            provides = module in package.top_level and package.name not in guests
        if provides:
            found.append(package)
    return found


def leftover(host: Host, path: Sequence[str], module: str) -> str | None:
    """Return a folder called ``module`` that holds something, but not the code that makes it a package."""
    for folder in path:
        names = host.list_dir(os.path.join(folder, module))
        if isinstance(names, tuple) and names and not any(name.startswith("__init__.") for name in names):
            return os.path.join(folder, module)
    return None


def agreeing_version(distributions: Sequence[Package], version: str | None) -> str | None | Unknown:
    """Return the version that the metadata tell: of several, the one that fits the files."""
    told = [package.version for package in distributions]
    for candidate in told:
        if isinstance(candidate, str) and version is not None and version.split("+")[0] == candidate.split("+")[0]:
            return candidate
    return told[0] if told else None


def _record(
    host: Host,
    framework: Framework,
    path: Sequence[str],
    packages: Sequence[Package],
    reader: native_needs.Reader,
) -> Backend:
    distributions = providers(packages, framework.module, framework.distributions, framework.guests)
    files = host.unrooted()
    location = framework.find(host) if framework.find else locate(files, path, framework.module)
    host = system_host(host, location) if framework.find and location else files
    if location is None:
        return _without_files(host, framework, path, distributions)
    build = framework.read(Files(host, location, path, tuple(distributions), tuple(packages)))
    metadata_version = agreeing_version(distributions, build.version)
    untold = NOT_TOLD if framework.find else None
    from_metadata = build.version is None and isinstance(metadata_version, str)
    return Backend(
        name=framework.name,
        keras_backend=framework.keras_backend,
        installed=True,
        version=metadata_version if from_metadata else build.version or untold,
        metadata_version=metadata_version,
        distributions=tuple(package.name for package in distributions),
        how=distributions[0].metadata if from_metadata else build.how,
        location=location,
        built_for=_built_for(build),
        devices=NOT_IMPORTED,
        imported=all_unknown(Import, NOT_IMPORTED),
        components=build.components,
        plugins=build.plugins,
        leftover=None,
        main_library=_main_library(host, build.library, reader),
    )


def _without_files(host: Host, framework: Framework, path: Sequence[str], distributions: Sequence[Package]) -> Backend:
    # An editable install can serve its files from anywhere: that they lie on no folder of the path says nothing.
    editable = any(package.editable is True for package in distributions)
    elsewhere = Unknown("unsupported", "an editable install, whose files lie elsewhere")
    if editable:
        nothing = elsewhere
    else:
        nothing = FILES_GONE if distributions else NOT_INSTALLED
    return Backend(
        name=framework.name,
        keras_backend=framework.keras_backend,
        installed=bool(distributions),
        version=elsewhere if editable else None,
        metadata_version=agreeing_version(distributions, None),
        distributions=tuple(package.name for package in distributions),
        how=None,
        location=elsewhere if editable else None,
        built_for=all_unknown(BuiltFor, nothing),
        devices=NOT_IMPORTED if distributions else NOT_INSTALLED,
        imported=all_unknown(Import, NOT_IMPORTED if distributions else NOT_INSTALLED),
        components=(),
        plugins=(),
        leftover=leftover(host, path, framework.module),
        main_library=all_unknown(MainLibrary, nothing),
    )


def _built_for(build: Build) -> BuiltFor:
    return BuiltFor(
        cuda=build.cuda,
        cudnn=build.cudnn,
        rocm=build.rocm,
        compute_capabilities=build.compute_capabilities,
        numpy_abi=build.numpy_abi,
        instruction_sets=build.instruction_sets,
    )


def _main_library(host: Host, path: str | None, reader: native_needs.Reader) -> MainLibrary:
    needs = asdict(reader.needs(path))
    if path is None:
        return MainLibrary(path=None, machine=None, truncated=False, **needs)
    header = elf.read(host, path)
    if isinstance(header, elf.Elf):
        return MainLibrary(path=path, machine=header.machine, truncated=header.truncated, **needs)
    unread = header if header is not None else Unknown("unsupported", "its file format is not read")
    state = host.stat(path)
    too_short = isinstance(state, os.stat_result) and state.st_size < elf.HEAD_BYTES
    return MainLibrary(path=path, machine=unread, truncated=True if too_short else unread, **needs)
