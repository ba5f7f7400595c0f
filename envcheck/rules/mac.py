"""Macs: whether PyTorch gets at the GPU through Metal."""

from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes.files import by_hand
from envcheck.fixes.solved import change
from envcheck.model.facts import Backend, Facts
from envcheck.model.unknown import need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.shared import backend, in_use, version_of
from envcheck.words import template

MPS_NOTES = "https://docs.pytorch.org/docs/stable/notes/mps.html"
MACOS_FOR_METAL = (("2.9", "14.0"), ("2.5", "13.0"), ("1.12", "12.3"))
"""The oldest macOS on which a release of PyTorch uses the GPU, the newest release first: pytorch/pytorch#162921 ('in
2.9+ MPS is only supported on MacOS Sonoma+'), pytorch/pytorch#139425 (2.5 needs 13.0) and the release notes of 1.12
(12.3). Read on 2026-11-23."""
UPDATE_MACOS = template("Update macOS to {wanted} or newer")
OLDER_TORCH = template("Take a PyTorch that still uses the GPU on this macOS")
OUT_OF_SANDBOX = template(
    "Run it from a terminal of the logged-in user: not in a sandbox (as agents and some editors use), not in a "
    "container or a virtual machine without a GPU, not over SSH into an account that has no session on the screen"
)


def _torch_without_metal(facts: Facts) -> tuple[int, Backend, Version]:
    """Return a PyTorch that lists no Metal device on a Mac with an Apple processor, and its version.

    Raises:
        NotApplicable: if there is none.
        Undecided: if it is not known what it lists.
    """
    if need(facts.platform.system) != "Darwin" or need(facts.hardware.cpu.vendor) != "Apple":
        raise NotApplicable("not a Mac with an Apple processor")
    if need(facts.python.machine) != "arm64":
        raise NotApplicable("a Python for Intel processors has no PyTorch with Metal, which has a finding of its own")
    found = backend(facts, "torch")
    if found is None:
        raise NotApplicable("PyTorch is not installed")
    version = version_of(need(found[1].version))
    if version is None or need(found[1].imported.status) != "ok":
        raise NotApplicable("PyTorch cannot be imported")
    if any(device.name.startswith("mps") for device in need(found[1].devices)):
        raise NotApplicable("PyTorch lists the GPU")
    return (*found, version)


def _oldest_macos(torch: Version) -> Version | None:
    rows = (Version(macos) for release, macos in MACOS_FOR_METAL if torch.release >= Version(release).release)
    return next(rows, None)


@rule(
    "mps-macos-too-old",
    severity="warning",
    layer="platform",
    title=template("macOS {macos} is too old for PyTorch {torch} to use the GPU"),
    message=template(
        "PyTorch {torch} computes on the GPU of a Mac (through Metal, 'mps') from macOS {wanted} on, and this is macOS "
        "{macos}. It runs on the processor instead. The version that its own message names is often an older one."
    ),
)
def mps_macos_too_old(facts: Facts) -> Iterator[Failure]:
    """Each release of PyTorch names an oldest macOS for its Metal backend, and this one is older.

    'The MPS backend is supported on macOS 14.0+' is the sign; torch.backends.mps.is_built() is True and is_available()
    is False.
    """
    index, _, version = _torch_without_metal(facts)
    macos, wanted = version_of(need(facts.platform.os_version)), _oldest_macos(version)
    if macos is None or wanted is None or macos >= wanted:
        return
    last = next((release for release, oldest in reversed(MACOS_FOR_METAL) if Version(oldest) > macos), None)
    older = change(facts, OLDER_TORCH, add=(f"torch<{last}",), source=MPS_NOTES) if last != "1.12" else None
    yield Failure(
        evidence=("/platform/os_version", f"/backends/{index}/version", f"/backends/{index}/devices"),
        fields={"macos": macos, "torch": version, "wanted": wanted},
        fixes=(by_hand(UPDATE_MACOS, MPS_NOTES, wanted=wanted), *((older,) if older else ())),
        subject="torch",
        severity="warning" if in_use(facts, "torch") else "info",
    )


@rule(
    "metal-device-not-visible",
    severity="warning",
    layer="platform",
    title=template("Metal shows no GPU to this process"),
    message=template(
        "This Mac has an Apple processor with a GPU, and macOS {macos} is new enough for PyTorch {torch}, but PyTorch "
        "lists no GPU: something keeps this process from Metal, as a sandbox or a session without a screen does. Its "
        "own message blames the version of macOS, wrongly."
    ),
)
def metal_device_not_visible(facts: Facts) -> Iterator[Failure]:
    """PyTorch has its Metal backend, macOS is new enough, and no GPU is listed.

    Sandboxes of agents and editors, virtual machines of build services and some sessions over SSH hide the GPU. It is a
    warning where the system itself shows a GPU with Metal, else a note.
    """
    index, _, version = _torch_without_metal(facts)
    macos, wanted = version_of(need(facts.platform.os_version)), _oldest_macos(version)
    if macos is None or wanted is None or macos < wanted:
        return
    shown = isinstance(facts.hardware.apple.metal, str)
    yield Failure(
        evidence=(f"/backends/{index}/devices", "/platform/os_version", "/hardware/apple/metal"),
        fields={"macos": macos, "torch": version},
        fixes=(by_hand(OUT_OF_SANDBOX, MPS_NOTES),),
        subject="torch",
        severity="warning" if shown and in_use(facts, "torch") else "info",
    )
