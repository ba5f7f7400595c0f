"""Windows: what keeps a framework from being installed whole or its libraries from being loaded."""

import ntpath
from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes.files import by_hand
from envcheck.fixes.system import by_system
from envcheck.model.facts import Backend, Facts, Package, RuntimeLibrary
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import for_each, for_each_framework, last_words, listed, title_of, version_of
from envcheck.words import template

REDISTRIBUTABLE = "https://learn.microsoft.com/en-us/cpp/windows/latest-supported-vc-redist"
LONG_PATHS = "https://learn.microsoft.com/en-us/windows/win32/fileio/maximum-file-path-limitation"
APP_CONTROL = "https://support.microsoft.com/en-us/windows/smart-app-control-frequently-asked-questions"
PATH_LIMIT = 260
"""MAX_PATH, the end of the text included (LONG_PATHS, 2026-11-23)."""
DLL_WORDS = ("DLL load failed", "[WinError 126]", "Could not find the DLL")
"""CPython's dynload_win.c; ERROR_MOD_NOT_FOUND; tensorflow/python/platform/self_check.py."""
INIT_WORDS = ("[WinError 1114]", "initialization routine failed")
"""ERROR_DLL_INIT_FAILED (winerror.h)."""
BLOCKED_WORDS = ("Application Control policy has blocked", "[WinError 4551]")
"""ERROR_SYSTEM_INTEGRITY_POLICY_VIOLATION (winerror.h; pytorch/pytorch#182008)."""
OWN_RUNTIME = ("vc14_runtime", "vs2015_runtime", "msvc-runtime")
"""Packages that bring the runtime into an environment's own folders: two of conda (conda-forge/vc-feedstock), one of
PyPI (the files of msvc-runtime 14.44, 2026-11-23)."""
FIRST_WITH_NEW_MUTEX = Version("14.40")
"""Programs of newer compilers crash in older copies of msvcp140.dll: std::mutex is built in another way since then
(microsoft/STL, changelog of VS 2022 17.10; tensorflow/tensorflow#89269)."""

INSTALL_RUNTIME = template("Install Microsoft's Visual C++ Redistributable for x64, then open a new window")
UPDATE_CONDA = template("In a conda environment: conda update vc14_runtime, which brings the environment's own copy")
ALLOW_LONG = template("Allow long paths (in a PowerShell of the administrator), then install the packages again")
SHORT_FOLDER = template("Make the environment in a short folder: py -m venv C:\\dl")
ALLOW = template("Turn Smart App Control off, ask whoever manages this machine to allow the folder, or work in WSL 2")


def _windows(facts: Facts) -> None:
    if need(facts.platform.system) != "Windows":
        raise NotApplicable("not Windows")


def _heard(facts: Facts, index: int, found: Backend, signs: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the line in which a framework that fails tells one of these signs, after the fact that holds it."""
    for pointer, words in last_words(facts, index, found):
        for line in words.splitlines():
            if any(sign in line for sign in signs):
                return pointer, line.strip()
    return None


def _redistributable() -> Fix:
    command = "winget install Microsoft.VCRedist.2015+.x64"
    return by_system(INSTALL_RUNTIME, (command,), REDISTRIBUTABLE, restart="shell", verify="winget list VCRedist")


@rule(
    "msvc-runtime-missing",
    severity="error",
    layer="python",
    title=template("{framework} misses Microsoft's C++ runtime"),
    message=template(
        "{framework} is linked with Microsoft's C++ runtime, which Windows does not bring, and these of its files are "
        "neither in the system's folder nor on PATH: {missing}. It said: {said}"
    ),
)
def msvc_runtime_missing(facts: Facts) -> Iterator[Failure]:
    """The Visual C++ Redistributable is not installed, or only an old one.

    The message names the framework's own file: 'DLL load failed: The specified module could not be found' means that
    something which that file needs is missing.
    """
    _windows(facts)
    names = [found.name for found in known(facts.python.conda_packages, ())]
    names += [found.name for found in known(facts.python.packages, ())]
    if any(name in OWN_RUNTIME for name in names):
        raise NotApplicable("the environment has a copy of its own")
    files = need(facts.platform.windows.runtime)
    missing = [(index, item.name) for index, item in enumerate(files) if need(item.path) is None]

    def check(index: int, found: Backend) -> Iterator[Failure]:
        heard = _heard(facts, index, found, DLL_WORDS)
        if heard and missing:
            yield Failure(
                evidence=(*(f"/platform/windows/runtime/{place}/path" for place, _ in missing), heard[0]),
                fields={
                    "framework": title_of(found.name),
                    "missing": listed(name for _, name in missing),
                    "said": heard[1],
                },
                fixes=(_redistributable(),),
                subject=found.name,
            )

    yield from for_each_framework(facts, check)


@rule(
    "msvc-runtime-too-old",
    severity="error",
    layer="python",
    title=template("Microsoft's C++ runtime {version} is older than {framework} needs"),
    message=template(
        "{file} is of release {version}. Libraries made by newer compilers crash in one older than {wanted} while they "
        "start. {framework} said: {said}"
    ),
)
def msvc_runtime_too_old(facts: Facts) -> Iterator[Failure]:
    """The copy of msvcp140.dll that programs find is older than the compiler of the framework.

    Sign: 'A dynamic link library (DLL) initialization routine failed' (WinError 1114). Another program may have put its
    old copy on PATH, before the system's.
    """
    _windows(facts)

    def check(index: int, found: Backend) -> Iterator[Failure]:
        heard = _heard(facts, index, found, INIT_WORDS)
        if heard is None:
            return
        for place, item in enumerate(need(facts.platform.windows.runtime)):
            version = _release(item)
            if item.name == "msvcp140.dll" and version is not None and version < FIRST_WITH_NEW_MUTEX:
                yield Failure(
                    evidence=(f"/platform/windows/runtime/{place}/version", heard[0]),
                    fields={
                        "framework": title_of(found.name),
                        "file": item.path,
                        "version": version,
                        "wanted": FIRST_WITH_NEW_MUTEX,
                        "said": heard[1],
                    },
                    fixes=(_redistributable(), by_hand(UPDATE_CONDA, REDISTRIBUTABLE)),
                    subject=found.name,
                )

    yield from for_each_framework(facts, check)


def _release(item: RuntimeLibrary) -> Version | None:
    return version_of(need(item.version))


@rule(
    "windows-long-paths-disabled",
    severity="error",
    layer="python",
    title=template("{package} lacks files whose paths are too long for Windows"),
    message=template(
        "Windows is not set to allow paths longer than {limit} characters, and {package} lacks files that would lie "
        "deeper, such as {file}. The installation broke off there."
    ),
)
def windows_long_paths_disabled(facts: Facts) -> Iterator[Failure]:
    """Files deep inside a package could not be written, because their paths are longer than Windows allows by default.

    pip says 'Could not install packages due to an OSError: [Errno 2]', with a hint at long paths. Python from the
    Microsoft Store has an especially long folder. It is said where files that long are really missing.
    """
    _windows(facts)
    if need(facts.platform.windows.long_paths_enabled):
        return

    def check(index: int, found: Package) -> Iterator[Failure]:
        for name in need(found.files_missing):
            if len(ntpath.join(found.location, name)) < PATH_LIMIT:
                continue
            key = r"HKLM:\SYSTEM\CurrentControlSet\Control\FileSystem"
            command = f"Set-ItemProperty -Path {key} -Name LongPathsEnabled -Value 1 -Type DWord"
            yield Failure(
                evidence=("/platform/windows/long_paths_enabled", f"/python/packages/{index}/files_missing"),
                fields={"package": found.name, "limit": PATH_LIMIT, "file": name},
                fixes=(
                    by_system(ALLOW_LONG, (command,), LONG_PATHS, restart="shell", verify=f"Get-ItemProperty {key}"),
                    by_hand(SHORT_FOLDER, LONG_PATHS),
                ),
            )
            return

    yield from for_each(need(facts.python.packages), check)


@rule(
    "windows-app-control-blocked",
    severity="error",
    layer="python",
    title=template("A policy of Windows blocks a library of {framework}"),
    message=template(
        "Windows refused to load a library of {framework}: a policy allows known programs only (Smart App Control, or "
        "one of the administrator). Installing it again cannot help. It said: {said}"
    ),
)
def windows_app_control_blocked(facts: Facts) -> Iterator[Failure]:
    """Smart App Control or a policy of the administrator blocks the framework's library.

    Sign: 'An Application Control policy has blocked this file' (WinError 4551). Smart App Control is on in some new
    installations of Windows 11.
    """
    _windows(facts)

    def check(index: int, found: Backend) -> Iterator[Failure]:
        heard = _heard(facts, index, found, BLOCKED_WORDS)
        if heard:
            state = known(facts.platform.windows.smart_app_control, None)
            yield Failure(
                evidence=(heard[0], *(("/platform/windows/smart_app_control",) if state else ())),
                fields={"framework": title_of(found.name), "said": heard[1]},
                fixes=(by_hand(ALLOW, APP_CONTROL),),
                subject=found.name,
            )

    yield from for_each_framework(facts, check)
