"""Print the N-th command block of the README's set-up section, so that CI runs just what the README says."""

import re
import sys
from pathlib import Path


def blocks(text: str) -> list[str]:
    """Return the shell blocks below the heading 'Set-up'."""
    section = re.search(r"^## Set-up\n(.*?)(?=^## )", text, re.S | re.M)
    if section is None:
        raise SystemExit("README.md has no section 'Set-up'")
    return re.findall(r"^```sh\n(.*?)^```", section.group(1), re.S | re.M)


if __name__ == "__main__":
    readme = Path(__file__).parent.parent / "README.md"
    print(blocks(readme.read_text(encoding="utf-8"))[int(sys.argv[1]) - 1], end="")
