"""``python -m envcheck.knowledge refresh``: brings the tables of releases up to the package index.

It is the only part of envcheck that asks the network itself; ``fix-suggestions --verify`` lets uv or pip do so.
"""

import os
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import click
from packaging.utils import canonicalize_name

from envcheck.knowledge import releases, store
from envcheck.knowledge.index import Index, IndexFailure
from envcheck.knowledge.index_settings import settings
from envcheck.knowledge.rebuild import Changes, changes, rebuild

SOURCE = "package index: file lists (PEP 691) and the METADATA of the files"
PACKAGE = Path(__file__).parent


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Keep envcheck's knowledge base."""


@command.command()
@click.option("--table", "names", multiple=True, metavar="NAME", help="Only this distribution. Can be repeated.")
@click.option("--write", is_flag=True, help="Store what is new; otherwise it is only shown.")
@click.option("--index", "address", metavar="URL", help="Package index (default: the one that pip or uv is told).")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=PACKAGE,
    help="Compare with and write to the tables of this overlay (default: those of envcheck itself).",
)
@click.pass_context
def refresh(ctx: click.Context, names: tuple[str, ...], write: bool, address: str | None, folder: Path) -> None:
    """Rebuild what package metadata tells of releases, and show what changed.

    Uses the network: the lists of files and the metadata of every release of each table. Exit status: 0 all was read,
    1 something could not be read.
    """
    configured = settings(os.environ)
    index = Index(address or configured.url, configured.certificates)
    click.echo(f"Reading {index.url} ({'--index' if address else configured.how}) over the network.", err=True)
    kept = folder / releases.FOLDER
    wanted = sorted({str(canonicalize_name(name)) for name in names} or {file.stem for file in kept.glob("*.json")})
    tracked = releases.tracked() | {file.stem for file in kept.glob("*.json")} | set(wanted)
    failures = [line for name in wanted for line in _refresh(index, name, kept / f"{name}.json", tracked, write)]
    for line in failures:
        click.echo(f"failed: {line}", err=True)
    ctx.exit(1 if failures else 0)


def _refresh(index: Index, name: str, file: Path, tracked: frozenset[str] | set[str], write: bool) -> tuple[str, ...]:
    """Rebuild one table; return what could not be read."""
    try:
        old = store.read(file)
    except ValueError as error:
        return (f"{file}: {error}",)
    since = old.since if old else ""
    try:
        rebuilt = rebuild(index, name, since, tracked)
    except IndexFailure as failure:
        return (f"{name}: {failure}",)
    found = changes(old.releases if old else (), rebuilt.releases)
    for line in _lines(name, found):
        click.echo(line)
    if write and not rebuilt.failures:
        today = datetime.now(timezone.utc).date().isoformat()
        try:
            store.write(file, releases.Table(source=SOURCE, checked=today, since=since, releases=rebuilt.releases))
        except OSError as error:
            return (f"{file} cannot be written: {error.strerror}",)
    return rebuilt.failures


def _lines(name: str, found: Changes) -> Iterator[str]:
    yield f"{name}: {len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed"
    for word, versions in (("added", found.added), ("removed", found.removed), ("changed", found.changed)):
        if versions:
            yield f"  {word}: {', '.join(versions)}"


if __name__ == "__main__":
    command(prog_name="python -m envcheck.knowledge")
