"""Home folders in the commands of a POSIX shell: what stands for them must still lead there."""

import re

_PIECES = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|[^'\"]+|['\"]", re.DOTALL)


def shorten_home(command: str, home: str) -> str:
    """Write ``home`` in a command so that the shell puts it in again: ``~`` where a word begins, else ``$HOME``.

    A shell expands no tilde between quotes or inside a word.
    """
    home = home.rstrip("/")
    path = re.compile(rf"(?<![\w.~/-]){re.escape(home)}(?=/|$|[\s'\":;,)])")
    done = ""
    for piece in _PIECES.findall(command):
        if piece[0] == "'" and len(piece) > 1:
            done += _single_quoted(piece[1:-1], path, is_start=not done or done[-1].isspace())
        elif piece[0] == '"' and len(piece) > 1:
            done += path.sub("$HOME", piece)
        else:
            done += _unquoted(piece, path, is_start=not done)
    return done


def _single_quoted(text: str, path: "re.Pattern[str]", *, is_start: bool) -> str:
    found = path.match(text)
    rest = path.sub("'\"$HOME\"'", text[found.end() :] if found else text)
    if not found:
        return f"'{rest}'"
    if not is_start:
        return f"\"$HOME\"'{rest}'"
    return f"~/'{rest[1:]}'" if rest else "~"


def _unquoted(text: str, path: "re.Pattern[str]", *, is_start: bool) -> str:
    def expandable(found: "re.Match[str]") -> str:
        before = text[found.start() - 1 : found.start()]
        return "~" if before.isspace() or (not before and is_start) else '"$HOME"'

    return path.sub(expandable, text)
