"""Words of a command line: for a POSIX shell, and for PowerShell where the machine runs Windows.

A path below the user's home folder begins with an unquoted tilde (``$HOME`` in PowerShell, which expands no tilde for a
program): it stays right for the user, and stays runnable when the home folder's name is taken out of a report.

PowerShell's rules: learn.microsoft.com/powershell, about_Quoting_Rules, about_Parsing and about_Operators (the call
operator ``&``), 2026-11-23. Windows PowerShell 5.1 loses double quotes inside an argument of a program, so that code
for ``python -c`` is written with single ones.
"""

import re
import shlex

from envcheck.model.facts import Facts

_PLAIN = re.compile(r"[A-Za-z0-9%+=:./_-][A-Za-z0-9%+=:./_@-]*")
"""What stands for itself in both kinds of shell."""
_ACTIVE_IN_DOUBLE_QUOTES = frozenset('"$`\\!')
_PLAIN_WINDOWS_PATH = re.compile(r"[A-Za-z0-9:._\\/-]+")
_SHELL_COMMANDS = ("export ", "unset ", "$env:", "Remove-Item Env:", "ulimit ", "srun ")


def is_powershell(facts: Facts) -> bool:
    """Say whether commands for this machine are for PowerShell."""
    return facts.platform.system == "Windows"


# --- words ----------------------------------------------------------------------------------------


def path(facts: Facts, text: str) -> str:
    """Quote a path."""
    windows = is_powershell(facts)
    below_home = _powershell_below_home if windows else _below_home
    separators = ("/", "\\") if windows else ("/",)
    home = facts.platform.home
    for folder in (home, "~"):
        if not isinstance(folder, str) or (len(folder) < 2 and folder != "~"):
            continue
        if text == folder:
            return "$HOME" if windows else "~"
        if text.startswith(tuple(folder + separator for separator in separators)):
            return below_home(text[len(folder) + 1 :])
    return _powershell_path(text) if windows else shlex.quote(text)


def program(facts: Facts, text: str) -> str:
    """Quote the path of a program at the beginning of a command."""
    word = path(facts, text)
    return f"& {word}" if is_powershell(facts) and word[0] in "'\"$" else word


def words(*texts: str) -> str:
    """Join words that are not paths, quoted so that a POSIX shell and PowerShell read the same."""
    return " ".join(map(_word, texts))


def _word(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    if "'" not in text:
        return f"'{text}'"
    return shlex.quote(text) if _ACTIVE_IN_DOUBLE_QUOTES & set(text) else f'"{text}"'


def _below_home(rest: str) -> str:
    return "~/" + shlex.quote(rest) if rest else "~/"


def _powershell_below_home(rest: str) -> str:
    inside = re.sub('([`$"\u201c-\u201e])', r"`\1", rest)
    return f'"$HOME\\{inside}"'


def _powershell_path(text: str) -> str:
    if _PLAIN_WINDOWS_PATH.fullmatch(text):
        return text
    return powershell_text(text)


def powershell_text(text: str) -> str:
    """Quote any text for PowerShell, which takes typographic quotes for quotes too."""
    inside = re.sub("(['\u2018-\u201b])", r"\1\1", text)
    return f"'{inside}'"


# --- commands -------------------------------------------------------------------------------------


def move(facts: Facts, source: str, target: str) -> str:
    """Return the command that renames a file or folder."""
    if is_powershell(facts):
        return f"Move-Item -LiteralPath {path(facts, source)} -Destination {path(facts, target)}"
    return f"mv {path(facts, source)} {path(facts, target)}"


def remove(facts: Facts, *paths: str) -> str:
    """Return the command that deletes files and folders."""
    if is_powershell(facts):
        return f"Remove-Item -Recurse -Force -LiteralPath {', '.join(path(facts, each) for each in paths)}"
    return f"rm -rf {' '.join(path(facts, each) for each in paths)}"


def unset(facts: Facts, *names: str) -> str:
    """Return the command that takes environment variables away from the shell at hand."""
    if is_powershell(facts):
        return f"Remove-Item {', '.join(f'Env:{name}' for name in names)}"
    return f"unset {' '.join(names)}"


def export(facts: Facts, name: str, value: str) -> str:
    """Return the command that sets an environment variable in the shell at hand."""
    if is_powershell(facts):
        return f"$env:{name} = {powershell_text(value)}"
    return f"export {name}={_word(value)}"


def with_variable(facts: Facts, name: str, value: str, command: str) -> str:
    """Return a command that runs with an environment variable, which the shell at hand does not keep."""
    if is_powershell(facts):
        return f"& {{ {export(facts, name, value)}; {command}; {unset(facts, name)} }}"
    return f"{name}={_word(value)} {command}"


def acts_on_shell(command: str) -> bool:
    """Say whether a command acts on the shell alone that it is typed into, or is a shell itself."""
    return command.startswith(_SHELL_COMMANDS)
