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
    conda: bool = False


def told(found: Scan) -> Told:
    """Return what a log tells of its machine."""
    ground = Ground(found)
    versions = {name: version for name, seen in ground.versions.items() if (version := _one(name, seen))}
    if "driver" in versions:  # NVIDIA writes the third number with two digits
        first, *rest = versions["driver"].split(".")
        versions["driver"] = ".".join((first, *(part.zfill(2) for part in rest)))
    named = [name for name in ("tensorflow", "torch", "jax") if name in versions]
    about = [name for context, name in _FRAMEWORKS if context in ground.contexts]
    # Paths of Windows stand in logs of WSL too, where commands are those of Linux.
    inside = "Linux" if "wsl" in ground.contexts else None
    system = inside or next((name for context, name in _SYSTEMS if context in ground.contexts), "Linux")
    frameworks = tuple(dict.fromkeys((*named, *about)))
    return Told(versions, frameworks, system, gpu_architecture(found.hits), "conda" in ground.contexts)


def _one(name: str, seen: Iterable[tuple[int, ...]]) -> str | None:
    """Return the most exact of versions that say the same; None if they differ, or tell too little."""
    numbers = {_as_python(each) if name == "python" else each for each in seen}
    longest = max(numbers, key=len)
    if any(longest[: len(each)] != each for each in numbers) or (len(longest) < 2 and name != "driver"):
        return None
    return ".".join(map(str, longest))


def _as_python(version: tuple[int, ...]) -> tuple[int, ...]:
    """Read the version of a folder such as ``Python310``."""
    text = str(version[0])
    return (int(text[0]), int(text[1:])) if len(version) == 1 and len(text) > 1 else version
