"""The variables of the dynamic loader: kept from envcheck's own process where they break it, never from its children.

They are not left out from the first, because some Pythons find their own library by them.
"""

from collections.abc import Mapping

NAMES = ("LD_LIBRARY_PATH", "LD_PRELOAD")
KEPT = "ENVCHECK_KEPT_"


def are_harmful(environ: Mapping[str, str]) -> bool:
    """Say whether they put a broken library in front of one that Python itself needs."""
    if not any(name in environ for name in NAMES):
        return False
    try:
        import ctypes  # noqa: F401  # these two load libraries of the system
        import zlib  # noqa: F401
    except ImportError:
        return True
    return False


def left_out(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for envcheck itself, in which they have names that the loader does not know."""
    return {(KEPT if name in NAMES else "") + name: value for name, value in environ.items()}


def put_back(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment as the user set it."""
    return {name.removeprefix(KEPT): value for name, value in environ.items()}
