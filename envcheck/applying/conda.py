"""The packages of conda that were there before, and the lines of a script that bring them back.

A script takes away what is new by name, and brings back the very files of what is gone, by their addresses and sums: no
solver has a say. ``conda install --revision`` would do the same, and micromamba has had none for long.
"""

import os
import shlex
from pathlib import Path

import msgspec

from envcheck.fixes import conda
from envcheck.host import Host
from envcheck.model.facts import Facts
from envcheck.model.unknown import known

FILE = "conda.txt"
"""Of each package the name of its record, its own name, and its address with the sum, between tabs."""
RECORD_BYTES = 32 * 1024 * 1024
BRING_BACK = """\
for file in "$prefix"/conda-meta/*.json; do
    name=${file##*/}
    name=${name%-*-*}
    cut -f 2 "$here/conda.txt" | grep -Fqx -- "$name" || printf '%s\\n' "$name"
done >"$here/new.txt"
[ ! -s "$here/new.txt" ] || xargs __CONDA__ remove -y --force -p "$prefix" <"$here/new.txt"
echo @EXPLICIT >"$here/explicit.txt"
while IFS='	' read -r record name address; do
    [ -e "$prefix/conda-meta/$record" ] || printf '%s\\n' "$address" >>"$here/explicit.txt"
done <"$here/conda.txt"
[ "$(wc -l <"$here/explicit.txt")" -eq 1 ] || __CONDA__ install -y -p "$prefix" --file "$here/explicit.txt\""""
"""What is new goes; what is gone or of another build comes back, and nothing else is fetched
(docs.conda.io, 'Building identical conda environments'; 2026-11-23)."""


class _Record(msgspec.Struct):
    """A file of conda-meta (docs.conda.io, 'Package metadata')."""

    name: str
    url: str
    md5: str | None = None


def save(host: Host, facts: Facts, folder: Path) -> None:
    """Write what the packages of the target's conda environment are."""
    (folder / FILE).write_text("".join(f"{line}\n" for line in _lines(host, facts)), encoding="utf-8")


def lines(facts: Facts) -> list[str]:
    """Return the lines of a shell script that bring back what :func:`save` wrote."""
    prefix = known(facts.python.prefix, None) or ""
    return [f"prefix={shlex.quote(prefix)}", BRING_BACK.replace("__CONDA__", conda.program(facts))]


def _lines(host: Host, facts: Facts) -> list[str]:
    prefix = known(facts.python.prefix, None)
    folder = os.path.join(prefix, "conda-meta") if prefix else None
    names = host.unrooted().list_dir(folder) if folder else ()
    found = []
    for file in names if isinstance(names, tuple) else ():
        data = host.unrooted().read_bytes(os.path.join(folder or "", file), RECORD_BYTES)
        if not file.endswith(".json") or not isinstance(data, bytes):
            continue
        try:
            record = msgspec.json.decode(data, type=_Record)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # a damaged record, which conda does not know either
        found.append("\t".join((file, record.name, f"{record.url}#{record.md5}" if record.md5 else record.url)))
    return found
