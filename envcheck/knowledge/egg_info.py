"""The requirements of distributions from before wheels: requires.txt of setuptools."""

import re


def requirements(text: str) -> tuple[str, ...]:
    """Return the requirements as PEP 508 writes them; a section of the file is ``[extra]``, ``[:marker]`` or both."""
    found = []
    conditions: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        section = re.fullmatch(r"\[([^:\]]*)(?::(.*))?\]", line)
        if section is None:
            found.append(f"{line} ; {' and '.join(conditions)}" if conditions else line)
            continue
        extra, marker = section[1], section[2]
        conditions = [f'extra == "{extra}"'] if extra else []
        conditions += [f"({marker})"] if marker else []
    return tuple(found)
