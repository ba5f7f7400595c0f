"""envcheck: why does deep learning not run here, and what mends it.

>>> import envcheck
>>> report = envcheck.check(smoke=False)
>>> print(report.verdict)
ok

Importing this package loads nothing else and starts nothing.
"""

__version__ = "0.1.0"

_PUBLIC = {
    "check": "envcheck.library",
    "load": "envcheck.library",
    "require": "envcheck.library",
    "explain": "envcheck.library",
    "RequirementError": "envcheck.library",
    "TargetError": "envcheck.probes.target",
    "SnapshotError": "envcheck.snapshot",
    "KnowledgeError": "envcheck.knowledge",
    "Report": "envcheck.report",
    "install_excepthook": "envcheck.excepthook",
}

__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'envcheck' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
