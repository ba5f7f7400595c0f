"""Fixes for what a log tells, computed like those for a machine, and those that every such log gets, for its system.

A log tells little of its machine, so the little is made into facts, and everything else stays unknown. Where a snapshot
of the machine is there, its facts are taken instead.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec
from packaging.version import Version

from envcheck.fixes import gpu_builds, packages, shell, solved, windows
from envcheck.knowledge.releases import releases
from envcheck.knowledge.unstated import first_without
from envcheck.model.facts import Facts, PciDevice
from envcheck.model.record import all_unknown
from envcheck.model.report import Fix
from envcheck.model.unknown import Unknown, known
from envcheck.signatures.told import Told
from envcheck.words import sentence, template, title_of

NOT_IN_LOG = Unknown("skipped", "only a log was read")
STEP_BACK = template("Keep {framework} {version}, with the releases that go with it")
UPDATE = template("Update {framework} to a release that goes with NumPy 2")
FOR_PYTHON = template("Take the newest {framework} for Python {python}, with the releases that go with it")
FOR_DRIVER = template("Take the newest {framework} that the driver {driver} can run")
FOR_GPU = template("Take the newest {framework} that supports this GPU")
SAME_JAX = template("Keep JAX {version}, with the plug-in of the same release")
NEWEST_FOR_PYTHON = template("Take the newest {framework} for Python {python}")
ASSUMED = template("Computed for Python {python} on {system}, of which the log says nothing else")
COMPANIONS = {
    "protobuf-too-new": ("protobuf",),
    "ml-dtypes-version-mismatch": ("ml-dtypes",),
    "h5py-too-new-for-keras": ("h5py",),
    "keras-tensorflow-version-mismatch": ("keras",),
    "tf-keras-missing": ("tf-keras",),
    "tf-keras-version-mismatch": ("tf-keras",),
    "jax-jaxlib-version-mismatch": ("jaxlib",),
    "torchvision-torch-mismatch": ("torchvision",),
    "numpy-aliases-removed": ("numpy<1.24",),
}
"""What has to go with the framework, by the finding."""
OF_GPU = ("gpu-older-than-framework-build", "gpu-newer-than-framework-build", "gpu-arch-missing-from-build")


@dataclass(frozen=True)
class _Wanted:
    """What a fix is to bring, and how it is called."""

    title: str
    add: tuple[str, ...]
    on_gpu: tuple[str, ...] = ()
    fields: Mapping[str, object] = field(default_factory=dict)


def fixes(finding: str, told: Told, snapshot: Facts | None = None) -> tuple[Fix, ...]:
    """Return the fixes of a finding whose releases can be computed from what is known; () if none can."""
    if snapshot is not None:
        told = _as_installed(told, snapshot)
    if finding == "jax-cuda-plugin-version-mismatch":
        return _same_jax(told)
    found = (_fix(wanted, told, snapshot) for wanted in _wanted(finding, told))
    # Where nothing keeps the newest release from this Python, the log has another cause.
    says_why = finding == "python-version-unsupported"
    return tuple(dict.fromkeys(fix for fix in found if fix is not None and (fix.notes or not says_why)))


def for_system(fixes: tuple[Fix, ...], told: Told) -> tuple[Fix, ...]:
    """Return the fixes of the data as the system of the log can run them, what is meant for it first.

    Where Windows can run none of them, they stay as steps without commands.
    """
    if told.conda:
        fixes = tuple(sorted(fixes, key=lambda fix: not fix.title.startswith("Conda")))
    if told.system != "Windows":
        return fixes
    facts = _facts(told, told.versions.get("python", NOT_IN_LOG))
    struct = msgspec.structs.replace
    written = tuple(struct(fix, commands=tuple(_powershell(facts, each) for each in fix.commands)) for fix in fixes)
    can_run = windows.runnable(facts, written) or tuple(struct(fix, commands=(), effect="lasting") for fix in fixes)
    return tuple(sorted(can_run, key=lambda fix: not fix.title.startswith("Windows")))


def _powershell(facts: Facts, command: str) -> str:
    """Return a command of the data for PowerShell, if it is one that has another form there."""
    name, is_export, value = command.removeprefix("export ").partition("=")
    if command.startswith("export ") and is_export and "$" not in value and not value.startswith(("/", "~")):
        return shell.export(facts, name, value.strip("\"'"))
    if command.startswith("unset "):
        return shell.unset(facts, *command.split()[1:])
    if command.startswith("mv ~"):
        return shell.move(facts, *command.split()[1:])
    # The packages of the extra are for Linux alone (requires_dist of tensorflow, pypi.org, 2026-11-23).
    return re.sub(r"^python3 ", "py ", command).replace("tensorflow[and-cuda]", "tensorflow")


def _as_installed(told: Told, snapshot: Facts) -> Told:
    """Return what a log tells, with the releases that are installed on the machine in place of those that it names."""
    installed = {
        package.name: package.version.partition("+")[0]
        for package in known(snapshot.python.packages, ())
        if isinstance(package.version, str)
    }
    return replace(told, versions={**told.versions, **installed})


def _fix(wanted: _Wanted, told: Told, snapshot: Facts | None) -> Fix | None:
    if snapshot is not None:
        return _computed(snapshot, wanted)
    if "python" in told.versions:
        return _computed(_facts(told, told.versions["python"]), wanted)
    for python in _pythons(wanted):
        fix = _computed(_facts(told, f"{python}.0"), wanted, only_here=True)
        if fix is not None:
            note = sentence(ASSUMED, python=python, system=told.system)
            return msgspec.structs.replace(fix, notes=(note, *fix.notes))
    return None


def _computed(facts: Facts, wanted: _Wanted, *, only_here: bool = False) -> Fix | None:
    return solved.computed(
        facts,
        wanted.title,
        wanted.fields,
        add=wanted.add,
        on_gpu=wanted.on_gpu,
        only_here=only_here,
        source=gpu_builds.SOURCES.get(wanted.add[0], packages.PIP),
    )


def _wanted(finding: str, told: Told) -> Iterator[_Wanted]:
    if finding == "numpy2-abi-mismatch":
        yield from _for_numpy(told)
    elif finding in COMPANIONS:
        yield from _together(told, COMPANIONS[finding])
    elif finding == "nvidia-driver-too-old":
        driver = told.versions.get("driver") or told.versions.get("cuda-driver")
        yield from _on_gpu(told, FOR_DRIVER, driver=driver) if driver else ()
    elif finding in OF_GPU:
        yield from _on_gpu(told, FOR_GPU) if told.compute_capability else ()
    elif finding == "python-version-unsupported" and "python" in told.versions:
        for name in told.frameworks[:1]:
            fields = {"framework": title_of(name), "python": told.versions["python"]}
            yield _Wanted(NEWEST_FOR_PYTHON, (name,), fields=fields)


def _for_numpy(told: Told) -> Iterator[_Wanted]:
    for name, version in _releases(told):
        first = first_without(name, "numpy<2")
        if first and Version(version) < Version(first):
            fields = {"framework": title_of(name), "version": version}
            yield _Wanted(STEP_BACK, (f"{name}=={version}", "numpy<2"), fields=fields)
            yield _Wanted(UPDATE, (f"{name}>={first}", "numpy>=2"), fields=fields)


def _same_jax(told: Told) -> tuple[Fix, ...]:
    """Return the fix that lets pip choose jaxlib and plug-in by the extra of the release of JAX that the log names."""
    version = told.versions.get("jax")
    if version not in {release.version for release in releases("jax-cuda12-plugin")}:
        return ()
    command = f"python3 -m pip install --force-reinstall 'jax[cuda12]=={version}'"
    return (
        Fix(
            title=sentence(SAME_JAX, version=version),
            commands=(command,),
            needs_root=False,
            restart="kernel",
            risk="environment",
            source="https://docs.jax.dev/en/latest/installation.html",
        ),
    )


def _together(told: Told, others: tuple[str, ...]) -> Iterator[_Wanted]:
    named = _releases(told)[:1]
    for name, version in named:
        fields = {"framework": title_of(name), "version": version}
        yield _Wanted(STEP_BACK, (f"{name}=={version}", *others), fields=fields)
    if not named and "python" in told.versions:
        for name in told.frameworks[:1]:
            fields = {"framework": title_of(name), "python": told.versions["python"]}
            yield _Wanted(FOR_PYTHON, (name, *others), fields=fields)


def _on_gpu(told: Told, title: str, **fields: object) -> Iterator[_Wanted]:
    for name in told.frameworks or ("torch",):
        yield _Wanted(title, (name,), (name,), {"framework": title_of(name), **fields})


def _releases(told: Told) -> list[tuple[str, str]]:
    """Return the frameworks that the log names, each with the release of the tables that it means."""
    found = []
    for name in told.frameworks:
        said = told.versions.get(name)
        known_releases = [each.version for each in releases(name)]
        meant = next((each for each in known_releases if said and f"{each}.".startswith(f"{said}.")), None)
        if meant:
            found.append((name, meant))
    return found


# --- facts ----------------------------------------------------------------------------------------


def _facts(told: Told, python: str | Unknown) -> Facts:
    """Return what a log tells as facts."""
    facts = all_unknown(Facts, NOT_IN_LOG)
    struct = msgspec.structs.replace
    gpus = (_gpu(told.compute_capability),) if told.compute_capability else NOT_IN_LOG
    nvidia = struct(
        facts.driver.nvidia,
        version=told.versions.get("driver", NOT_IN_LOG),
        cuda_driver_api_version=told.versions.get("cuda-driver", NOT_IN_LOG),
    )
    return struct(
        facts,
        platform=struct(facts.platform, system=told.system, machine="x86_64"),
        hardware=struct(facts.hardware, pci=gpus),
        driver=struct(facts.driver, nvidia=nvidia),
        python=struct(facts.python, version=python, packages=()),
    )


def _gpu(capability: str) -> PciDevice:
    return PciDevice(
        address="",
        vendor_id="10de",
        device_id="",
        class_code="030000",
        vendor="NVIDIA",
        kernel_driver=NOT_IN_LOG,
        compute_capability=capability,
    )


def _pythons(wanted: _Wanted) -> list[str]:
    """Return the Pythons that the first of the wanted distributions has wheels for, newest first."""
    name = wanted.add[0].partition("==")[0].partition(">")[0]
    tags = {wheel.partition("-")[0] for release in releases(name) for wheel in release.wheels}
    minors = {int(number) for tag in tags if (number := tag.removeprefix("cp3")).isdecimal()}
    return [f"3.{minor}" for minor in sorted(minors, reverse=True)]
