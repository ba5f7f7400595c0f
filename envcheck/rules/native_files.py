"""What the compiled files of a framework need of the system, told by their own headers before anything is loaded."""

from collections.abc import Iterator

from envcheck.fixes import shell
from envcheck.fixes.files import look
from envcheck.fixes.system import commands
from envcheck.model.facts import Backend, Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.legacy_backends import OPEN_MPI
from envcheck.rules.shared import for_each_framework, listed, title_of
from envcheck.words import template

LD_SO = "https://man7.org/linux/man-pages/man8/ld.so.8.html"
WHICH_PACKAGE = template("Find the package that holds {library}, and install it; or add its folder to LD_LIBRARY_PATH")


@rule(
    "system-library-missing",
    severity="error",
    layer="python",
    title=template("{framework} needs libraries that this system lacks: {missing}"),
    message=template(
        "{file} of {framework} {version} is linked with {missing}, and the loader finds no file of that name: not "
        "beside the framework, not in LD_LIBRARY_PATH, not in the folders of the system. The import ends with 'cannot "
        "open shared object file'."
    ),
)
def system_library_missing(facts: Facts) -> Iterator[Failure]:
    """A framework's compiled half is linked with libraries that are not installed.

    Old releases expect libraries of the systems of their days; builds of one's own want what the building machine had;
    packages of another distribution want that one's libraries. The names stand in the header of the file, so this is
    told before anything is imported. CUDA's libraries have findings of their own. Nothing is said of a framework that
    can be imported.
    """
    searched = {found.soname for found in known(facts.driver.libraries, ())}

    def check(index: int, backend: Backend) -> Iterator[Failure]:
        if known(backend.imported.status, None) == "ok":
            return
        told_elsewhere = searched.union(OPEN_MPI if backend.name == "cntk" else ())
        missing = [name for name in need(backend.main_library.missing) if name not in told_elsewhere]
        if missing:
            yield Failure(
                evidence=(f"/backends/{index}/main_library/missing", f"/backends/{index}/main_library/path"),
                fields={
                    "framework": title_of(backend.name),
                    "version": known(backend.version, None) or "",
                    "file": (known(backend.main_library.path, None) or "").rpartition("/")[2],
                    "missing": listed(missing),
                },
                fixes=(_find(facts, missing[0]),),
                subject=backend.name,
            )

    yield from for_each_framework(facts, check)


def _find(facts: Facts, library: str) -> Fix:
    search = commands(facts, "file-search", library=library)
    everywhere = f"find / -name {shell.words(library)} -not -path '/proc/*'"
    return look(WHICH_PACKAGE, *(search or (everywhere,)), source=LD_SO, library=library)
