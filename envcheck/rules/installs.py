"""Whether installed packages are whole."""

import re
from collections.abc import Iterator

from packaging.version import Version

from envcheck.fixes import shell
from envcheck.fixes.files import in_shell, move_aside
from envcheck.fixes.packages import again, consistency
from envcheck.model.facts import Backend, Facts, Package
from envcheck.model.unknown import known, need
from envcheck.rules.doubled import of_one_folder
from envcheck.rules.engine import Failure, rule
from envcheck.rules.requirements import closure, framework_of
from envcheck.rules.shared import for_each, for_each_framework, listed, package, proven, title_of, version_of
from envcheck.rules.tracebacks import package_that_was_read, said
from envcheck.words import template

RECORD = "https://packaging.python.org/en/latest/specifications/recording-installed-packages/"
AGAIN = template("Write the files of {package} again")
ONE_VERSION = template("Remove {package} and install it again, so that its files are of one release")
NO_SOURCE = re.compile(
    r"source code (?:string )?cannot contain null bytes|\(unicode error\) 'utf-8' codec can't decode byte"
)
"""Python/pythonrun.c and Parser/tokenizer.c of 3.11 and 3.12."""
DELETE = template("Delete them")
MOVE_LEFTOVER = template("Move the empty folder away: {path}")
FILES_MISSING = template(
    "{package} {version} is installed as its metadata tell, but files of it are gone: {files}. An interrupted "
    "installation does this, and the removal of another package that wrote into the same folder."
)


def _incomplete(facts: Facts, *, tensorflow: bool) -> Iterator[Failure]:
    relevant = closure(facts)

    def check(place: int, found: Package) -> Iterator[Failure]:
        framework = framework_of(facts, found.name)
        if found.name not in relevant or (framework == "tensorflow") != tensorflow:
            return
        if len(of_one_folder(facts, found)) > 1:
            return  # distribution-installed-twice: the files that miss are those of the release that went
        missing = need(found.files_missing)
        if missing and not (framework and proven(facts, framework)):
            yield Failure(
                evidence=(f"/python/packages/{place}/files_missing",),
                fields={
                    "package": found.name,
                    "version": known(found.version, None) or "",
                    "files": listed(missing, 3),
                },
                fixes=(again(facts, AGAIN, found),),
                subject=framework,
            )

    yield from for_each(need(facts.python.packages), check)


@rule(
    "tensorflow-install-incomplete",
    severity="error",
    layer="backend",
    title=template("Files of TensorFlow are missing"),
    message=FILES_MISSING,
    after=("tensorflow-duplicate-distributions", "windows-long-paths-disabled"),
)
def tensorflow_install_incomplete(facts: Facts) -> Iterator[Failure]:
    """The folder of TensorFlow lacks files that its own list of files (RECORD) names.

    Signs: "No module named 'tensorflow.python'", 'Ignoring invalid distribution -ensorflow'. Nothing is said where the
    smoke test passes all the same.
    """
    yield from _incomplete(facts, tensorflow=True)


@rule(
    "package-install-incomplete",
    severity="error",
    layer="python",
    title=template("Files of {package} are missing"),
    message=FILES_MISSING,
    after=("keras-duplicate-distributions", "windows-long-paths-disabled"),
)
def package_install_incomplete(facts: Facts) -> Iterator[Failure]:
    """A framework, Keras, or something that they need lacks files that its own list of files (RECORD) names.

    Nothing is said of packages that no framework needs, nor of a framework whose smoke test passes all the same.
    """
    yield from _incomplete(facts, tensorflow=False)


@rule(
    "library-file-damaged",
    severity="error",
    layer="python",
    title=template("A compiled file of {package} is cut short"),
    message=template(
        "{files} ends before its own header says. The program dies of SIGBUS, without a message, when it reads "
        "beyond the end. A full disk or a broken download leaves such files behind."
    ),
    after=("disk-full",),
)
def library_file_damaged(facts: Facts) -> Iterator[Failure]:
    """A shared library of a package is shorter than it should be.

    Both the list of files (RECORD) and the library's own header tell its true size. Make sure that there is space on
    the disk, then write the package again; 'pip cache purge' removes a broken download.
    """
    relevant = closure(facts)

    def check(place: int, found: Package) -> Iterator[Failure]:
        if found.name in relevant and need(found.files_truncated):
            yield Failure(
                evidence=(f"/python/packages/{place}/files_truncated",),
                fields={"package": found.name, "files": listed(need(found.files_truncated), 3)},
                fixes=(again(facts, AGAIN, found),),
                subject=framework_of(facts, found.name),
            )

    yield from for_each(need(facts.python.packages), check)


@rule(
    "package-source-damaged",
    severity="error",
    layer="python",
    title=template("A file of {package} is damaged"),
    message=template(
        "Python cannot read a source file of {package} {version}: {said}. No release is like that: a power failure, a "
        "full disk or a broken download spoiled the file."
    ),
    after=("disk-full",),
)
def package_source_damaged(facts: Facts) -> Iterator[Failure]:
    """A source file of a package holds null bytes, or bytes that are no text.

    A crash of the machine leaves files of the right length that are full of zeros. Signs: 'source code string cannot
    contain null bytes', "(unicode error) 'utf-8' codec can't decode byte". More files than one may be hit: write the
    package again, and the others too if it goes on.
    """
    for pointer, words in said(facts):
        sign = NO_SOURCE.search(words)
        found = package_that_was_read(facts, words) if sign else None
        if sign and found:
            place, package_ = found
            yield Failure(
                evidence=(pointer, f"/python/packages/{place}/version"),
                fields={
                    "package": package_.name,
                    "version": known(package_.version, None) or "",
                    "said": sign.group(),
                },
                fixes=(again(facts, AGAIN, package_),),
            )
            return


@rule(
    "framework-folder-left-over",
    severity="warning",
    layer="backend",
    title=template("A folder named {module} is there without {framework} in it"),
    message=template(
        "{folder} holds no code of {framework}. Python takes the empty folder for the package: 'import {module}' "
        "succeeds, and everything after it fails with 'has no attribute'. Keras can be misled by it on every backend."
    ),
)
def framework_folder_left_over(facts: Facts) -> Iterator[Failure]:
    """What an uninstallation left behind is still a folder with the framework's name.

    pip leaves files that it did not write, such as caches. Python takes a folder without code for a part of a package
    (a namespace package). Code that tries 'import jax' to see whether JAX is there believes that it is. It is an error
    where a smoke test did not pass.
    """
    failed = any(run.status not in ("passed", "skipped") for run in known(facts.smoke, ()))

    def check(index: int, found: Backend) -> Iterator[Failure]:
        folder = need(found.leftover)
        if folder is not None:
            yield Failure(
                evidence=(f"/backends/{index}/leftover",),
                fields={"framework": title_of(found.name), "module": found.name, "folder": folder},
                fixes=(move_aside(facts, MOVE_LEFTOVER, folder, source=RECORD, verify=consistency(facts)),),
                severity="error" if failed else "warning",
            )

    yield from for_each(need(facts.backends), check)


@rule(
    "framework-files-differ-from-metadata",
    severity="warning",
    layer="backend",
    title=template("The files of {framework} are of another release than pip believes"),
    message=template(
        "The files of {framework} are of release {files} ({how}), and its metadata say {metadata}. Two installations "
        "lie over each other; what programs get is a mixture."
    ),
    after=("tensorflow-duplicate-distributions", "tensorflow-install-incomplete", "package-install-incomplete"),
)
def framework_files_differ_from_metadata(facts: Facts) -> Iterator[Failure]:
    """What the installer believes to be there and what is there differ.

    Copying folders, interrupted updates and several distributions of one framework do this. Only the release numbers
    are compared; suffixes such as '+cu130' may differ.
    """

    def check(index: int, found: Backend) -> Iterator[Failure]:
        files, metadata = version_of(need(found.version)), version_of(need(found.metadata_version))
        if files is None or metadata is None or _release(files) == _release(metadata):
            return
        provider = next((package(facts, name) for name in known(found.distributions, ())), None)
        yield Failure(
            evidence=(f"/backends/{index}/version", f"/backends/{index}/metadata_version"),
            fields={
                "framework": title_of(found.name),
                "files": files,
                "metadata": metadata,
                "how": known(found.how, None) or "",
            },
            fixes=(again(facts, ONE_VERSION, provider[1], remove=True, source=RECORD),) if provider else (),
            subject=found.name,
        )

    yield from for_each_framework(facts, check)


def _release(version: Version) -> tuple[int, ...]:
    return (version.major, version.minor, version.micro)


@rule(
    "pip-leftover-folders",
    severity="info",
    layer="python",
    title=template("An interrupted pip left folders behind"),
    message=template(
        "{folders}: pip renames what it removes in this way, and takes it away at the end. An interrupted run leaves "
        "it. pip says 'Ignoring invalid distribution' from then on; the folders only take space."
    ),
)
def pip_leftover_folders(facts: Facts) -> Iterator[Failure]:
    """Folders whose names begin with a tilde lie among the packages.

    They are parts of packages that pip was about to remove when it was interrupted, or that were in use on Windows.
    They can be deleted.
    """
    folders = need(facts.python.leftovers)
    if folders:
        yield Failure(
            evidence=("/python/leftovers",),
            fields={"folders": listed(folders, 3)},
            fixes=(
                in_shell(
                    DELETE,
                    shell.remove(facts, *folders),
                    source=RECORD,
                    risk="environment",
                    files=folders,
                    verify=consistency(facts),
                ),
            ),
        )
