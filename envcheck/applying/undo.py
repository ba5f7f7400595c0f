"""What is needed to undo the fixes that are carried out: saved files, the frozen packages, and a script.

The folder of one run lies in the user's state folder. Files are saved right before the fix that changes them; the
script grows with each of them, so that it is right at any time.
"""

import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from envcheck.applying import alone, conda, frozen
from envcheck.fixes import conda as of_conda, projects
from envcheck.host import Host
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known
from envcheck.words import sentence, template

WRITTEN = template("Brings back what was there before 'envcheck fix-suggestions --apply' on {when}.")
TARGET = template("Target: {target}")
NO_ROOM = template("there is no room to save {path} in {folder}, so that it could not be undone")

RESTORE = """\
restore() {
    rm -rf -- "$2"
    if [ -e "$here/files/$1" ] || [ -L "$here/files/$1" ]; then
        mkdir -p -- "$(dirname -- "$2")"
        cp -a -- "$here/files/$1" "$2"
    fi
}"""

LIST = """\
try:
    from importlib.metadata import distributions
    found = [((each.metadata or {}).get("Name"), each.version) for each in distributions()]
except ImportError:
    from pkg_resources import working_set
    found = [(each.project_name, each.version) for each in working_set]
print(*("%s==%s" % each for each in found if each[0]), sep="\\n")"""
"""What is installed, as every Python since 3.6 tells, be its pip broken or not there."""
INSTALLERS = """\
list() {
    found=$("$python" -I -c %(list)s)
    printf '%%s\\n' "$found" | awk -F== '{ name = tolower($1); gsub(/[-_.]+/, "-", name); print name "==" $2 }'
}
new() { list | sed 's/==.*//' | grep -Fvx -f "$here/names.txt" | sort -r; }
pip_works() { "$python" -m pip --version >/dev/null 2>&1; }
uv_works() { command -v uv >/dev/null 2>&1; }
choose() {
    pip_works || uv_works || "$python" -m ensurepip
    if %(first)s_works; then tool=%(first)s; else tool=%(second)s; fi
}
remove() {
    choose
    case $tool in
    pip) "$python" -m pip uninstall -y "$1" ;;
    uv) uv pip uninstall -p "$python" "$1" ;;
    esac
}
# Of several indexes that hold a package uv takes the first, unless it is told otherwise.
install() {
    choose
    case $tool in
    pip) "$python" -m pip install --no-deps -r "$1" ;;
    uv) uv pip install -p "$python" --no-deps --index-strategy unsafe-best-match -r "$1" ;;
    esac
}"""
BRING_BACK = """\
for name in $(new); do
    [ "$name" = pip ] || remove "$name" </dev/null
done
now=$(list)
: >"$here/restore.txt"
: >"$here/indexes.txt"
while IFS='	' read -r version requirement index; do
    printf '%s\\n' "$now" | grep -Fqx -- "$version" && continue
    printf '%s\\n' "$requirement" >>"$here/restore.txt"
    [ -z "$index" ] || printf '%s\\n' "--extra-index-url $index" >>"$here/indexes.txt"
done <"$here/packages.txt"
if [ -s "$here/restore.txt" ] && ! install "$here/restore.txt"; then
    [ -s "$here/indexes.txt" ]
    cat "$here/indexes.txt" >>"$here/restore.txt"
    install "$here/restore.txt"
fi
for name in $(new); do
    remove "$name" </dev/null
done"""
"""What is new goes; what is gone or of another version comes back, and nothing else is fetched. The index of a build is
asked only if the usual ones do not have it. What the installers themselves needed goes last."""


class CannotSave(Exception):
    """What undoing needs could not be saved, so the fix must not be carried out; the text says why."""


@dataclass
class Undo:
    """One run's folder; ``files`` holds the original place of each saved file, in the order of saving."""

    host: Host
    facts: Facts
    folder: Path
    when: str
    packages_change: bool = False
    files: list[str] = field(default_factory=list)

    @property
    def command(self) -> str:
        """The command that undoes everything that was done so far."""
        return f"sh {shlex.quote(str(self.folder / 'undo.sh'))}"

    def prepare(self, fix: Fix) -> None:
        """Save what this fix will change.

        Raises:
            CannotSave: if that fails.
        """
        try:
            for path in fix.files:
                self._save(os.path.abspath(_expanded(self.host, path)))
            changes_own = fix.changes is not None and fix.changes.environment is None
            self.packages_change |= changes_own or of_conda.changes_packages(self.facts, fix.commands)
            (self.folder / "undo.sh").write_text(self._script(), encoding="utf-8")
        except OSError as error:
            raise CannotSave(str(error)) from None

    def _save(self, path: str) -> None:
        if path in self.files:
            return
        place = self.folder / "files" / str(len(self.files))
        if os.path.isdir(path) and not os.path.islink(path):
            if _size(path) > shutil.disk_usage(self.folder).free:
                raise CannotSave(sentence(NO_ROOM, path=path, folder=self.folder))
            shutil.copytree(path, place, symlinks=True)
        elif os.path.lexists(path):
            shutil.copy2(path, place, follow_symlinks=False)
        self.files.append(path)

    def _script(self) -> str:
        lines = [
            "#!/bin/sh",
            "# " + sentence(WRITTEN, when=self.when),
            "# " + " ".join(sentence(TARGET, target=known(self.facts.python.target, "?")).split()),
            "set -eu",
            'here=$(CDPATH="" cd -- "$(dirname -- "$0")" && pwd)',
        ]
        if self.files:
            lines.append(RESTORE)
            lines += [f"restore {number} {shlex.quote(path)}" for number, path in reversed([*enumerate(self.files)])]
        if self.packages_change:
            lines += self._packages()
        return "\n".join(lines) + "\n"

    def _packages(self) -> list[str]:
        """Return the lines that bring the frozen packages back; :func:`start` has written the files that they read."""
        project = projects.tool(self.facts)
        lines = [f"python={shlex.quote(known(self.facts.python.executable, None) or 'python3')}"]
        folder = projects.folder(self.facts) if project else None
        if project == "pixi":
            name = os.path.basename(known(self.facts.python.prefix, None) or "default")
            lines.append(f"{projects.sync(self.facts, project)} --frozen --environment {shlex.quote(name)}")
        elif project and folder:
            # The project's own settings say where packages come from; what its lock file never held comes back below.
            lines += [f"cd {shlex.quote(folder)}", f"{projects.sync(self.facts, project)} || :"]
        elif known(self.facts.python.environment, None) == "conda":
            lines += conda.lines(self.facts)
        first = "uv" if known(self.facts.python.installer, None) == "uv" else "pip"
        second = "pip" if first == "uv" else "uv"
        words = {"first": first, "second": second, "list": shlex.quote(LIST)}
        return [*lines, INSTALLERS % words, BRING_BACK]


def start(host: Host, facts: Facts, when: str) -> Undo:
    """Make the folder of this run and save the frozen package set.

    Raises:
        CannotSave: if that fails.
    """
    place = alone.state_folder()
    packages = frozen.own_packages(facts)
    try:
        folder = _new_folder(place, when.partition("+")[0].replace(":", ""))
        (folder / "files").mkdir()
        _write_lines(folder / "packages.txt", frozen.table(host, packages))
        _write_lines(folder / "names.txt", [package.name for package in known(facts.python.packages, ())])
        conda.save(host, facts, folder)
    except OSError as error:
        raise CannotSave(str(error)) from None
    return Undo(host, facts, folder, when)


def _new_folder(place: Path, name: str) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        folder = place / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(mode=0o700)  # indexes and direct URLs may hold passwords
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{place} is full")


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _expanded(host: Host, path: str) -> str:
    home = host.environ.get("HOME")
    return home + path[1:] if home and (path == "~" or path.startswith("~/")) else path


def _size(folder: str) -> int:
    return sum(os.lstat(os.path.join(root, name)).st_size for root, _, names in os.walk(folder) for name in names)
