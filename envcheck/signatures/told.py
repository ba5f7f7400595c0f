"""What a log tells of the machine that it comes from: versions, the system, the GPU."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from envcheck.signatures.derive import gpu_architecture
from envcheck.signatures.judge import Ground
from envcheck.signatures.scan import Scan

_SYSTEMS = (("windows", "Windows"), ("macos", "Darwin"), ("macos-intel", "Darwin"), ("apple-silicon", "Darwin"))
_FRAMEWORKS = (("tf", "tensorflow"), ("torch", "torch"), ("jax", "jax"))


@dataclass(frozen=True)
class Told:
    """What a log tells; what it contradicts itself in is left out."""

    versions: dict[str, str] = field(default_factory=dict)  #: by the names of ``_versions.json``
    frameworks: tuple[str, ...] = ()  #: those that it is about
    system: str = "Linux"
    compute_capability: str | None = None


def told(found: Scan) -> Told:
    """Return what a log tells of its machine."""
    ground = Ground(found)
    versions = {name: version for name, seen in ground.versions.items() if (version := _one(seen))}
    if "driver" in versions:  # NVIDIA writes the third number with two digits
        first, *rest = versions["driver"].split(".")
        versions["driver"] = ".".join((first, *(part.zfill(2) for part in rest)))
    named = [name for name in ("tensorflow", "torch", "jax") if name in versions]
    about = [name for context, name in _FRAMEWORKS if context in ground.contexts]
    system = next((name for context, name in _SYSTEMS if context in ground.contexts), "Linux")
    return Told(versions, tuple(dict.fromkeys((*named, *about))), system, gpu_architecture(found.hits))


def _one(seen: Iterable[tuple[int, ...]]) -> str | None:
    """Return the most exact of versions that say the same; None if they differ."""
    longest = max(seen, key=len)
    if any(longest[: len(each)] != each for each in seen):
        return None
    return ".".join(map(str, longest))
