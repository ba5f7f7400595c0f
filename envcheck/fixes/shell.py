"""Words of a command line for a POSIX shell.

A path below the user's home folder begins with an unquoted tilde: it stays right for the user, and stays runnable when
the home folder's name is taken out of a report.
"""

import shlex

from envcheck.model.facts import Facts


def path(facts: Facts, text: str) -> str:
    """Quote a path."""
    home = facts.platform.home
    if isinstance(home, str) and len(home) > 1:
        if text == home:
            return "~"
        if text.startswith(home + "/"):
            return _below_home(text[len(home) + 1 :])
    if text == "~":
        return text
    return _below_home(text[2:]) if text.startswith("~/") else shlex.quote(text)


def _below_home(rest: str) -> str:
    return "~/" + shlex.quote(rest) if rest else "~/"


def words(*texts: str) -> str:
    """Join words that are not paths, each quoted."""
    return shlex.join(texts)
