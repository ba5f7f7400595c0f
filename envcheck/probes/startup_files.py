"""Files that shells read at their start: which folders they put into LD_LIBRARY_PATH.

Programs that no shell started (services, editors, notebook servers) do not get what these files set.
"""

import posixpath
import re

from envcheck.host import Host
from envcheck.model.facts import StartupFile
from envcheck.probes import home

OF_USERS = (".bashrc", ".bash_profile", ".profile", ".zshrc", ".zshenv", ".zprofile")
OF_SYSTEM = ("/etc/environment", "/etc/profile", "/etc/bash.bashrc", "/etc/bashrc")
SNIPPETS = "/etc/profile.d"
"""bash(1) and zsh(1), 'Files'; environment(5) of pam_env."""
ASSIGNMENT = re.compile(r"""^\s*(?:export\s+)?LD_LIBRARY_PATH=["']?([^"'#\n]*)""", re.MULTILINE)


def probe(host: Host) -> tuple[StartupFile, ...]:
    """Return the files that set the variable, those of the system first."""
    names = host.list_dir(SNIPPETS)
    snippets = [f"{SNIPPETS}/{name}" for name in names if name.endswith(".sh")] if isinstance(names, tuple) else []
    places = [(host, path) for path in (*OF_SYSTEM, *snippets)]
    own = home.folder(host)
    if own is not None:
        places += [(host.unrooted(), posixpath.join(own, name)) for name in OF_USERS]
    found = []
    for reader, path in places:
        text = reader.read_text(path, 256 * 1024)
        folders = _folders(text, own) if isinstance(text, str) else ()
        if folders:
            found.append(StartupFile(path=path, folders=folders))
    return tuple(found)


def _folders(text: str, own: str | None) -> tuple[str, ...]:
    """Return the absolute folders of every assignment; those that rest on other variables are left out."""
    found = []
    for match in ASSIGNMENT.finditer(text):
        for entry in match[1].split(":"):
            if own is not None:
                entry = re.sub(r"^(?:~|\$HOME|\$\{HOME\})(?=/)", lambda _: own, entry.strip())
            if entry.startswith("/") and "$" not in entry:
                found.append(entry.rstrip("/"))
    return tuple(dict.fromkeys(found))
