"""Whether packages were built for this system, this processor and this Python."""

import re
from collections.abc import Iterator

from envcheck.fixes import solved
from envcheck.fixes.files import by_hand
from envcheck.model.facts import Facts, Package
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.requirements import closure, framework_of
from envcheck.rules.shared import for_each, listed, matching, proven, title_of, version_of
from envcheck.words import template

TAGS = "https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/"
BY_NAME = template("Remove {package}, then install it by its name, so that the one for this machine is chosen")
NEWER_SYSTEM = template("Use a newer distribution, or a container with one")
OLDER_RELEASE = template("Install an older release of {package}, which was built for older systems")
GLIBC_IMAGE = template("Use an image that is based on Debian or Ubuntu instead of Alpine, such as python:3.12-slim")
PYTHON_64 = template("Install a 64-bit Python, and a 64-bit system if this one is not, and make a new environment")

PLATFORMS = {"Linux": ("linux", "manylinux", "musllinux"), "Darwin": ("macosx",), "Windows": ("win",)}
MACHINES = {
    "x86_64": ("x86_64", "amd64", "universal2", "intel", "universal"),
    "amd64": ("amd64", "x86_64"),
    "arm64": ("arm64", "aarch64", "universal2"),
    "aarch64": ("aarch64", "arm64"),
}
"""Names in platform tags that serve a machine (PEP 425, PEP 600; ``universal2`` holds both kinds of Mac)."""
MANYLINUX = re.compile(r"manylinux(?:_(\d+)_(\d+)|(1|2010|2014))_")
MANYLINUX_GLIBC = {"1": (2, 5), "2010": (2, 12), "2014": (2, 17)}
"""The C library that the older platform tags promise (PEP 513, PEP 571, PEP 599)."""


def serves(tag: str, system: str, machine: str, python: tuple[int, int]) -> bool:
    """Say whether a wheel of this tag fits a system, a processor and a CPython version."""
    parts = tag.split("-")
    if len(parts) != 3:
        return True  # not a tag that envcheck understands
    interpreters, abi, platform = parts
    return _serves_platform(platform, system, machine) and any(
        _serves_python(interpreter, abi, python) for interpreter in interpreters.split(".")
    )


def _serves_platform(platform: str, system: str, machine: str) -> bool:
    if platform == "any" or system not in PLATFORMS:
        return True
    right_system = any(platform.startswith(start) for start in PLATFORMS[system])
    return right_system and any(platform.endswith(name) for name in MACHINES.get(machine.lower(), (machine.lower(),)))


def _serves_python(interpreter: str, abi: str, python: tuple[int, int]) -> bool:
    match = re.fullmatch(r"cp(\d)(\d+)", interpreter)
    if match is None:
        return True  # py3 and the like, and other implementations
    made_for = (int(match[1]), int(match[2]))
    return made_for == python or (abi in ("abi3", "none") and made_for <= python)


@rule(
    "wheel-for-other-platform",
    severity="error",
    layer="python",
    title=template("Built for another system or another Python: {package}"),
    message=template(
        "What is installed of {package} is made for {tags}. This is {system} on {machine} with Python {python}, "
        "where such compiled parts cannot be loaded."
    ),
    after=(
        "rosetta-x86-python",
        "user-site-shadows-environment",
        "pythonpath-shadows-environment",
        "startup-file-shadows-environment",
        "distribution-installed-twice",
    ),
)
def wheel_for_other_platform(facts: Facts) -> Iterator[Failure]:
    """A package with compiled parts was made for another operating system, processor or Python version.

    It was installed from a file or an address whose name hides what it is, or a folder of packages was copied from
    another machine, or into the environment of another Python. Signs: "No module named '_pywrap_tensorflow_internal'",
    'invalid ELF header', 'DLL load failed'.
    """
    system, machine = need(facts.platform.system), need(facts.python.machine)
    version = version_of(need(facts.python.version))
    if machine is None or version is None or need(facts.python.implementation) != "CPython":
        raise NotApplicable("not a CPython whose version and machine are known")
    python = (version.major, version.minor)
    relevant = closure(facts)

    def is_misfit(found: Package) -> bool:
        if found.name not in relevant:
            return False
        tags = need(found.wheel_tags)
        framework = framework_of(facts, found.name)
        return not (
            not tags
            or any(serves(tag, system, machine, python) for tag in tags)
            or (framework is not None and proven(facts, framework))
        )

    misfits = matching(need(facts.python.packages), is_misfit)
    of_frameworks = [[found] for found in misfits if framework_of(facts, found[1].name)]
    others = [found for found in misfits if not framework_of(facts, found[1].name)]
    for group in (*of_frameworks, *([others] if others else [])):
        names = tuple(found.name for _, found in group)
        fields = {"package": listed(names)}
        yield Failure(
            evidence=(
                *(f"/python/packages/{place}/wheel_tags" for place, _ in group),
                "/python/version",
                "/python/machine",
            ),
            fields={
                **fields,
                "tags": listed(need(group[0][1].wheel_tags), 2),
                "system": system,
                "machine": machine,
                "python": f"{python[0]}.{python[1]}",
            },
            fixes=(solved.anew(facts, BY_NAME, fields, remove=names, add=[found for _, found in group], source=TAGS),),
            subject=framework_of(facts, names[0]),
        )


@rule(
    "glibc-too-old",
    severity="error",
    layer="python",
    title=template("The system's C library is too old for {package}"),
    message=template(
        "{package} {version} was built for systems with glibc {needed} or newer; this one has {there}. Its compiled "
        "parts fail with \"version 'GLIBC_{needed}' not found\". The C library cannot be updated without the whole "
        "system."
    ),
)
def glibc_too_old(facts: Facts) -> Iterator[Failure]:
    """A package was built on a newer distribution than this one.

    pip refuses such packages; they come in where an environment was made on another machine and copied, or lies on a
    shared disk. Wheels without a promise of their own (paddlepaddle, cntk, own builds) are judged by the symbols that
    their main library asks for. Use a newer distribution, a container, or conda-forge, whose packages are built for
    older systems.
    """
    if need(facts.platform.libc_name) != "glibc":
        raise NotApplicable("the C library is not glibc")
    version = version_of(need(facts.platform.libc_version))
    if version is None:
        raise NotApplicable("the version of glibc is not a number")
    there = (version.major, version.minor)
    relevant = closure(facts)

    def check(place: int, found: Package) -> Iterator[Failure]:
        if found.name not in relevant:
            return
        promised = [_glibc_of(tag) for tag in need(found.wheel_tags)]
        needed = min((glibc for glibc in promised if glibc is not None), default=None)
        if needed is None or needed <= there or None in promised:
            return
        yield Failure(
            evidence=(f"/python/packages/{place}/wheel_tags", "/platform/libc_version"),
            fields={
                "package": found.name,
                "version": known(found.version, None) or "",
                "needed": f"{needed[0]}.{needed[1]}",
                "there": version,
            },
            fixes=(_older(facts, found), by_hand(NEWER_SYSTEM, TAGS)),
            subject=framework_of(facts, found.name),
        )

    packages = need(facts.python.packages)
    yield from for_each(packages, check)
    for index, framework in enumerate(known(facts.backends, ())):
        needed = version_of(known(framework.main_library.glibc, None))
        by_tag = any(found.name in known(framework.distributions, ()) and _promises(found) for found in packages)
        if needed and needed > version and not by_tag and known(framework.imported.status, None) != "ok":
            yield Failure(
                evidence=(f"/backends/{index}/main_library/glibc", "/platform/libc_version"),
                fields={
                    "package": title_of(framework.name),
                    "version": known(framework.version, None) or "",
                    "needed": needed,
                    "there": version,
                },
                fixes=(by_hand(NEWER_SYSTEM, TAGS), by_hand(OLDER_RELEASE, TAGS, package=title_of(framework.name))),
                subject=framework.name,
            )


def _older(facts: Facts, package: Package) -> Fix:
    release = version_of(known(package.version, None))
    wanted = f"{package.name}<{release.public}" if release else package.name
    fields = {"package": package.name}
    fix = solved.computed(facts, OLDER_RELEASE, fields, add=(wanted,), only_here=True, source=TAGS)
    return fix or by_hand(OLDER_RELEASE, TAGS, **fields)


def _promises(package: Package) -> bool:
    """Say whether a package's tags tell which glibc it was built for."""
    return any(_glibc_of(tag) for tag in known(package.wheel_tags, ()))


def _glibc_of(tag: str) -> tuple[int, int] | None:
    """Return the oldest glibc that a platform tag promises to work with; None if it promises nothing."""
    match = MANYLINUX.search(tag)
    if match is None:
        return None
    return MANYLINUX_GLIBC[match[3]] if match[3] else (int(match[1]), int(match[2]))


def _nothing_installed(facts: Facts) -> bool:
    return not any(need(found.installed) for found in need(facts.backends))


@rule(
    "musl-libc-no-wheels",
    severity="error",
    layer="python",
    title=template("There are no framework packages for this system's C library (musl)"),
    message=template(
        "{system} uses the C library musl. TensorFlow, PyTorch and JAX publish packages for glibc only, so pip finds "
        "none that fits."
    ),
)
def musl_libc_no_wheels(facts: Facts) -> Iterator[Failure]:
    """Alpine Linux and other systems with the C library musl have no packages of the big frameworks.

    pip says 'No matching distribution found' or tries to build from source. Nothing is said where a framework is
    installed all the same.
    """
    if need(facts.platform.libc_name) != "musl":
        raise NotApplicable("the C library is not musl")
    if _nothing_installed(facts):
        yield Failure(
            evidence=("/platform/libc_name",),
            fields={"system": known(facts.platform.os_name, None) or "This system"},
            fixes=(by_hand(GLIBC_IMAGE, "https://hub.docker.com/_/python"),),
        )


@rule(
    "python-32-bit",
    severity="error",
    layer="python",
    title=template("The target Python is a 32-bit program"),
    message=template(
        "{python} is a 32-bit Python. No deep-learning framework publishes packages for 32-bit Pythons any more; pip "
        "finds none, or very old ones."
    ),
)
def python_32_bit(facts: Facts) -> Iterator[Failure]:
    """The interpreter is a 32-bit program, for which frameworks publish no packages.

    On Windows the wrong installer was taken; on small ARM boards the system itself is 32-bit although the processor
    could do more. Nothing is said where a framework is installed all the same.
    """
    if need(facts.python.bits) == 32 and _nothing_installed(facts):
        yield Failure(
            evidence=("/python/bits",),
            fields={"python": known(facts.python.executable, None) or "The target"},
            fixes=(by_hand(PYTHON_64, "https://www.python.org/downloads/"),),
        )
