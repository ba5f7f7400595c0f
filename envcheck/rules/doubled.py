"""One distribution that is installed twice in the same folder."""

from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes.packages import change, consistency, of_same_build
from envcheck.model.facts import Facts, Package
from envcheck.model.unknown import known, need
from envcheck.rules.engine import Failure, rule
from envcheck.rules.requirements import closure, framework_of
from envcheck.rules.shared import listed, version_of
from envcheck.words import template

RECORD = "https://packaging.python.org/en/latest/specifications/recording-installed-packages/"
WRITE_ONE = template("Remove {package} with all that is left of it, and install {version} again")
OLDEST = Version("0")


def of_one_folder(facts: Facts, package: Package) -> list[tuple[int, Package]]:
    """Return what is installed under this name in the folder of ``package``, with its places."""
    same = (package.name, package.location)
    return [(i, found) for i, found in enumerate(need(facts.python.packages)) if (found.name, found.location) == same]


@rule(
    "distribution-installed-twice",
    severity="error",
    layer="python",
    title=template("{package} is installed twice in one folder: {versions}"),
    message=template(
        "{folder} holds the metadata of {package} {versions}. An interrupted update leaves this behind, and so does a "
        "folder that was copied over another. Installers and programs take one of them by chance, and the files may "
        "be a mixture."
    ),
    after=("pip-leftover-folders",),
)
def distribution_installed_twice(facts: Facts) -> Iterator[Failure]:
    """Two releases of one distribution stand beside each other in the same site-packages.

    Each installation has a folder NAME-VERSION.dist-info, and an update removes the old one. Where both are there, pip
    and importlib.metadata tell either version, and the modules may come from both. It is a warning where every smoke
    test passed, and nothing is said of packages that no framework needs.
    """
    relevant = closure(facts)
    runs = [run for run in known(facts.smoke, ()) if run.status != "skipped"]
    works = bool(runs) and all(run.status == "passed" for run in runs)
    for first, package in enumerate(need(facts.python.packages)):
        group = of_one_folder(facts, package)
        versions = list(dict.fromkeys(known(found.version, None) or "?" for _, found in group))
        if package.name not in relevant or len(versions) < 2 or group[0][0] != first:
            continue
        name = package.name
        kept = max((found for _, found in group), key=_whole_and_new)
        wanted, index = of_same_build(kept)
        yield Failure(
            evidence=tuple(
                f"/python/packages/{place}/{field}" for place, _ in group for field in ("metadata", "version")
            ),
            fields={"package": name, "versions": listed(versions), "folder": package.location},
            fixes=(
                change(
                    facts,
                    WRITE_ONE,
                    {"package": name, "version": known(kept.version, None) or ""},
                    remove=(name,),
                    add=(wanted,),
                    reinstall=True,
                    index=index,
                    source=RECORD,
                    verify=consistency(facts),
                ),
            ),
            subject=framework_of(facts, name),
            severity="warning" if works else None,
        )


def _whole_and_new(found: Package) -> tuple[bool, Version]:
    """Order releases: one whose files are all there before one that misses some, then the newer one."""
    return not known(found.files_missing, ()), version_of(known(found.version, None)) or OLDEST
