"""A stand-in for the program ``pixi``, which no test machine has to have.

As with ``conda_program.py`` its command line is ours, and all below it is py-rattler, the library that pixi itself is
built on. Its lock file is no more than the addresses of the packages. It takes what envcheck prints and uses:

    pixi add|remove --manifest-path FOLDER [--no-install] SPEC...
    pixi install --manifest-path FOLDER [--frozen] [--environment NAME]
"""

import argparse
import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import rattler
from rattler.exceptions import FetchRepoDataError, GatewayError, SolverError

from simulated.conda_program import available, installed, name_of, platforms

TABLE = "[dependencies]\n"


def main() -> int:
    arguments = _parser().parse_args()
    try:
        return asyncio.run(_changed(arguments))
    except SolverError as error:
        print(f"Error:   × failed to solve requirements of environment 'default'\n  {error}", file=sys.stderr)
    except (GatewayError, FetchRepoDataError) as error:
        print(f"Error:   × error sending request for url ({error})", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pixi", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("add", "remove", "install"):
        command = commands.add_parser(name, allow_abbrev=False)
        command.add_argument("--manifest-path", type=Path, required=True)
        if name == "install":
            command.add_argument("--frozen", action="store_true")
            command.add_argument("--environment", default="default")
        else:
            command.add_argument("--no-install", action="store_true")
            command.add_argument("specs", nargs="+")
    return parser


async def _changed(arguments: argparse.Namespace) -> int:
    folder = arguments.manifest_path
    manifest, lock = folder / "pixi.toml", folder / "pixi.lock"
    if arguments.command == "install" and arguments.frozen:
        await _link(folder, await _locked(manifest, lock))
        return 0
    head, _, table = manifest.read_text().partition(TABLE)
    wanted = dict(re.findall(r'^(\S+) = "(.*)"$', table, re.MULTILINE))
    for text in getattr(arguments, "specs", ()):
        name, version = re.match(r"([\w-]+)(.*)", text).groups()  # type: ignore[union-attr]
        if arguments.command == "remove" and wanted.pop(name, None) is None:
            print(f"Error:   × package {name} is not in the manifest", file=sys.stderr)
            return 1
        if arguments.command == "add":
            wanted[name] = version or "*"
    specs = [f"{name} {version}" for name, version in wanted.items()]
    before = await _locked(manifest, lock) if lock.exists() else []
    records = await rattler.solve(_channels(manifest), specs, platforms=platforms(), locked_packages=before)
    manifest.write_text(head + TABLE + "".join(f'{name} = "{version}"\n' for name, version in wanted.items()))
    lock.write_text(json.dumps({record.url: name_of(record) for record in records}))
    if not getattr(arguments, "no_install", False):
        await _link(folder, records)
    return 0


def _channels(manifest: Path) -> list[str]:
    return re.findall(r'"([^"]+)"', re.search(r"^channels = (.*)$", manifest.read_text(), re.MULTILINE)[1])  # type: ignore[index]


async def _locked(manifest: Path, lock: Path) -> list[Any]:
    urls = json.loads(lock.read_text())
    found = await available(_channels(manifest), sorted(set(urls.values())))
    return [record for record in found if record.url in urls]


async def _link(folder: Path, records: list[Any]) -> None:
    prefix = folder / ".pixi" / "envs" / "default"
    await rattler.install(
        records,
        target_prefix=prefix,
        installed_packages=installed(prefix),
        cache_dir=Path(os.environ["HOME"], "conda-cache"),
        show_progress=False,
    )
    (prefix / "conda-meta" / "pixi").write_text(json.dumps({"manifest_path": str(folder / "pixi.toml")}))


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # py-rattler's threads crash the interpreter now and then while it shuts down
