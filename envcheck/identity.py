"""Who runs envcheck, and where: what must not be seen in its output."""

import getpass
import os
import socket

from envcheck import redact


def identity() -> redact.Identity:
    """Return what must not be seen of this user and this machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without an entry and without a variable, as in some containers
        user = ""
    return redact.identity_from(os.environ, socket.gethostname(), user, os.path.expanduser("~"))
