"""One envcheck at a time carries out fixes of a user: two would change packages under each other."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from envcheck.words import sentence, template

ANOTHER = template("another envcheck is carrying out fixes of this user; begin again when it has ended")


class NotAlone(Exception):
    """Another envcheck carries out fixes; the text says so."""


def state_folder() -> Path:
    """Return where what undoing needs is kept."""
    # platformdirs asks the process for HOME and XDG_STATE_HOME, which are the user's own here.
    return Path(platformdirs.user_state_dir("envcheck", appauthor=False)) / "undo"


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep every other envcheck of this user from carrying out fixes, until the process ends at the latest.

    Raises:
        NotAlone: if there is one.
    """
    import fcntl  # not on Windows, where fixes are not carried out

    folder = state_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError:
        yield  # what undoing needs cannot be saved either, and is asked for before the first change
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotAlone(sentence(ANOTHER)) from None
        except OSError:
            pass  # some network disks know no locks
        yield
