"""Packages that are there and that this user may not read."""

from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import in_shell
from envcheck.model.facts import Facts, Package
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.requirements import closure, framework_of
from envcheck.rules.shared import for_each, in_container, listed
from envcheck.words import template

CHMOD = "https://man7.org/linux/man-pages/man1/chmod.1.html"
ALLOW = template("Let every user of this machine read {package}")


@rule(
    "package-files-unreadable",
    severity="error",
    layer="python",
    title=template("This user may not read the files of {package}"),
    message=template(
        "{package} {version} is installed in {location}, and the permissions of {folders} keep this user out. Python "
        "then behaves as if it were not there, or compiled packages that need it fail without saying why."
    ),
)
def package_files_unreadable(facts: Facts) -> Iterator[Failure]:
    """The folder of a package may be read by its owner alone.

    'sudo pip install' under a strict umask (077) does this, and so do copies and archives made by somebody else. Signs:
    'Permission denied' at import, "No module named" for a package that pip lists.
    """
    relevant = closure(facts)

    def check(place: int, found: Package) -> Iterator[Failure]:
        if found.name not in relevant:
            return
        folders = need(found.folders_denied)
        if folders:
            paths = " ".join(shell.path(facts, f"{found.location}/{name}") for name in folders)
            sudo = "" if in_container(facts) else "sudo "
            yield Failure(
                evidence=(f"/python/packages/{place}/folders_denied",),
                fields={
                    "package": found.name,
                    "version": known(found.version, None) or "",
                    "location": found.location,
                    "folders": listed(folders),
                },
                fixes=(in_shell(ALLOW, f"{sudo}chmod -R a+rX {paths}", source=CHMOD, package=found.name),),
                subject=framework_of(facts, found.name),
            )

    yield from for_each(need(facts.python.packages), check)
