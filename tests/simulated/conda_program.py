"""A stand-in for the program ``conda`` (and ``mamba``, ``micromamba``), which no test machine has to have.

It is ours, and it is no proof that conda does what its documentation says. What is real is all below the command line:
py-rattler solves, reads the channels, links and unlinks packages and writes ``conda-meta``. It takes the options that
envcheck prints and uses, and no others, so that a wrong one is an error:

    conda install|create [-y] -p PREFIX [-c CHANNEL] [--dry-run] [--force-reinstall] [--no-deps] [--file FILE] [SPEC...]
    conda remove -y --force -p PREFIX NAME...

Channels are those of ``CONDA_CHANNELS``, as conda has it (docs.conda.io, 'Settings'). What is not asked for stays as
it is where that is possible, as with conda.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import rattler
from rattler.exceptions import FetchRepoDataError, GatewayError, SolverError


def main() -> int:
    arguments = _parser().parse_args()
    try:
        return asyncio.run({"remove": _remove}.get(arguments.command, _install)(arguments))
    except SolverError as error:
        print(f"LibMambaUnsatisfiableError: Encountered problems while solving:\n  - {error}", file=sys.stderr)
    except (GatewayError, FetchRepoDataError) as error:
        print(f"CondaHTTPError: HTTP 000 CONNECTION FAILED for url <{error}>", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="conda", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("install", "create"):
        install = commands.add_parser(name, allow_abbrev=False)
        install.add_argument("-c", "--channel", action="append", default=[])
        for option in ("--dry-run", "--force-reinstall", "--no-deps"):
            install.add_argument(option, action="store_true")
        install.add_argument("--file", action="append", default=[])
    remove = commands.add_parser("remove", allow_abbrev=False)
    remove.add_argument("--force", action="store_true", required=True)
    for command in commands.choices.values():
        command.add_argument("-y", "--yes", action="store_true", required=True)
        command.add_argument("-p", "--prefix", type=Path, required=True)
        command.add_argument("specs", nargs="*")
    return parser


def installed(prefix: Path) -> list[rattler.PrefixRecord]:
    return [rattler.PrefixRecord.from_path(path) for path in sorted(prefix.glob("conda-meta/*.json"))]


async def _install(arguments: argparse.Namespace) -> int:
    there = installed(arguments.prefix)
    if not there and arguments.command == "install":
        print(f"EnvironmentLocationNotFound: Not a conda environment: {arguments.prefix}", file=sys.stderr)
        return 1
    channels = [*arguments.channel, *filter(None, os.environ.get("CONDA_CHANNELS", "").split(","))]
    specs = [rattler.MatchSpec(text) for text in arguments.specs]
    names = {name_of(spec) for spec in specs}
    if arguments.file:
        wanted = [line.split("#")[0] for file in arguments.file for line in _explicit(Path(file))]
        found = await available(channels, [Path(url).name.rsplit("-", 2)[0] for url in wanted])
        chosen = [record for record in found if record.url in wanted]
        if len(chosen) < len(wanted):
            print("PackagesNotFoundError: The following packages are not available", file=sys.stderr)
            return 1
        names = {name_of(record) for record in chosen}
        records = [*(each for each in there if name_of(each) not in names), *chosen]
    elif arguments.no_deps:
        found = await available(channels, sorted(names))
        best = {spec: [each for each in found if spec.matches(each)] for spec in specs}
        if not all(best.values()):
            print("PackagesNotFoundError: The following packages are not available", file=sys.stderr)
            return 1
        chosen = [max(each, key=lambda record: record.version) for each in best.values()]
        records = [*(each for each in there if name_of(each) not in names), *chosen]
    else:
        kept = [name_of(each) for each in there if name_of(each) not in names]
        records = await rattler.solve(channels, [*specs, *kept], platforms=platforms(), locked_packages=there)
    again = names if arguments.force_reinstall else set()
    await _link(arguments, records, there, again)
    return 0


def _explicit(file: Path) -> list[str]:
    first, *lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    assert first == "@EXPLICIT", first
    return lines


async def available(channels: list[str], names: list[str]) -> list[Any]:
    found = await rattler.Gateway().query(channels, platforms(), names, recursive=False)
    return [record for records in found for record in records]


def platforms() -> list[Any]:
    return [rattler.Subdir.current(), "noarch"]


def name_of(found: Any) -> str:
    return str(found.name.normalized)


async def _remove(arguments: argparse.Namespace) -> int:
    there = installed(arguments.prefix)
    missing = set(arguments.specs) - {name_of(record) for record in there}
    if missing:
        print(f"PackagesNotFoundError: The following packages are missing: {sorted(missing)}", file=sys.stderr)
        return 1
    kept = [record for record in there if name_of(record) not in arguments.specs]
    await _link(arguments, kept, there, set())
    return 0


async def _link(arguments: argparse.Namespace, records: list[Any], there: list[Any], again: set[str]) -> None:
    before = {(name_of(each), str(each.version), each.build) for each in there}
    for record in records:
        if (name_of(record), str(record.version), record.build) not in before or name_of(record) in again:
            print(f"  {name_of(record)}-{record.version}-{record.build}")
    if getattr(arguments, "dry_run", False):
        print("DryRunExit: Dry run. Exiting.")
        return
    await rattler.install(
        records,
        target_prefix=arguments.prefix,
        installed_packages=there,
        reinstall_packages=again or None,
        cache_dir=Path(os.environ["HOME"], "conda-cache"),
        show_progress=False,
    )


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # py-rattler's threads crash the interpreter now and then while it shuts down
