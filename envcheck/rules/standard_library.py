"""Whether the target's Python has the whole standard library."""

import re
from collections.abc import Iterator

from envcheck.fixes.files import by_hand
from envcheck.model.facts import Facts
from envcheck.model.unknown import known
from envcheck.rules.engine import Failure, rule
from envcheck.rules.tracebacks import said
from envcheck.words import template

PYTHON = "https://docs.python.org/3/using/configure.html#requirements-for-optional-modules"
LIBRARIES = {
    "_bz2": "bzip2",
    "_ctypes": "libffi",
    "_hashlib": "OpenSSL",
    "_lzma": "liblzma (xz)",
    "_sqlite3": "SQLite",
    "_ssl": "OpenSSL",
    "zlib": "zlib",
}
"""Modules that Python is built without where the headers of a library are missing (docs.python.org, 'Configure Python',
of 3.13)."""
MISSING = re.compile(rf"No module named '({'|'.join(LIBRARIES)})'")
BUILD_AGAIN = template(
    "Install the development package of {library} (its name ends in -dev or -devel), build this Python again, for "
    "instance with 'pyenv install --force', and make the environment again"
)
TAKE_ANOTHER = template("Make the environment with a Python that is whole: that of the system, of uv or of conda")


@rule(
    "python-standard-library-incomplete",
    severity="error",
    layer="python",
    title=template("The target's Python was built without {module}"),
    message=template(
        "{python} lacks {module}, a part of the standard library. It was built on a machine without the development "
        "files of {library}; no package can bring what is missing."
    ),
)
def python_standard_library_incomplete(facts: Facts) -> Iterator[Failure]:
    """The interpreter was compiled without an optional module of the standard library.

    pyenv and 'make' go on without a module whose library they do not find, and tell so in a line that is easily
    overlooked. Signs: "No module named '_ctypes'", "No module named '_lzma'", 'SSL module is not available'.
    """
    for pointer, words in said(facts):
        missing = MISSING.search(words)
        if missing:
            library = LIBRARIES[missing.group(1)]
            yield Failure(
                evidence=(pointer, "/python/version"),
                fields={
                    "module": missing.group(1),
                    "library": library,
                    "python": known(facts.python.executable, None) or "The target",
                },
                fixes=(by_hand(BUILD_AGAIN, PYTHON, library=library), by_hand(TAKE_ANOTHER, PYTHON)),
            )
            return
