"""Where this user's own files lie."""

import os
import sys

from envcheck.host import Host


def folder(host: Host) -> str | None:
    """Return the home folder as ``os.path.expanduser`` gives it to the user's programs; None: there is none."""
    if sys.platform == "win32":
        drive = host.environ.get("HOMEDRIVE", "")
        path = host.environ.get("HOMEPATH")
        return host.environ.get("USERPROFILE") or (drive + path if path else None)
    home = host.environ.get("HOME")
    if home is None:
        return _of_account()
    return home.rstrip("/") or "/"


def expand(host: Host, path: str) -> str:
    """Replace a leading ``~`` by the home folder."""
    home = folder(host)
    if home is None or not (path == "~" or path.startswith(("~/", "~" + os.sep))):
        return path
    return (home.rstrip("/") + path[1:]) or "/"


def _of_account() -> str | None:
    import pwd  # not on Windows

    try:
        return pwd.getpwuid(os.getuid()).pw_dir.rstrip("/") or "/"
    except KeyError:  # a user number without an account, as in some containers
        return None
