"""Somebody with a home folder, an environment ``~/env`` in it, and a shell."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulated import pythons

SECONDS = 600
KEPT = ("PIP_", "UV_", "SSL_", "REQUESTS_")
"""Variables that say where this machine gets packages from."""
KERNELS = ".local/share/jupyter/kernels"


@dataclass
class User:
    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> Path:
        return self.home / "env"

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    @property
    def site(self) -> Path:
        return pythons.site_packages(self.environment)

    @property
    def work(self) -> Path:
        return self.home / "work"

    @property
    def temporary(self) -> Path:
        folder = self.home / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run lines in a shell, in the user's environment and working directory."""
        tools = os.pathsep.join((str(self.home / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
        kept = {key: value for key, value in os.environ.items() if key.startswith(KEPT)}
        if "PIP_FIND_LINKS" in kept:
            kept.setdefault("UV_FIND_LINKS", kept["PIP_FIND_LINKS"])
        environ = {
            **kept,
            "PATH": tools,
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),  # 'ipykernel install' leaves an empty folder there
            "LANG": "C.UTF-8",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path("~/.cache/uv").expanduser())),
            **self.environ,
        }
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.work,
            env=environ,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def run(self, script: str) -> None:
        """Run lines that have to succeed."""
        result = self.shell(f"set -e\n{script}")
        assert result.returncode == 0, result.stdout + result.stderr

    def look(self, *, first: str = "", command: str = "report --no-smoke") -> dict[str, Any]:
        """Run envcheck on ``~/env``, after the lines ``first`` in the same shell."""
        # -I: what the user's variables do to Python must not meet envcheck's own.
        call = f"{sys.executable} -I -m envcheck {command} --python ~/env"
        self.run(f"{first}\n{call} --format json --fail-on never -o ~/out.json")
        answer: dict[str, Any] = json.loads((self.home / "out.json").read_text())
        return answer

    def write_script(self, options: str) -> None:
        """Write what envcheck suggests for ``~/env`` to ``~/fix.sh``."""
        call = f"{sys.executable} -I -m envcheck fix-suggestions --python ~/env {options}"
        self.run(f"{call} --format script --fail-on never -o ~/fix.sh")

    # --- what a user, or an accident, does ----------------------------------------------------------

    def pip(self, arguments: str) -> None:
        """Run uv's pip on the environment, without what the packages themselves need."""
        verb, _, rest = arguments.partition(" ")
        self.run(f"{sys.executable} -m uv pip {verb} -q -p {self.python} {'--no-deps ' * (verb == 'install')}{rest}")

    def write(self, files: dict[str, str]) -> None:
        """Write files below the home folder."""
        pythons.write(self.home, files)

    def replace(self, path: Path, content: bytes) -> None:
        """Give a file another content; other environments may share the old one."""
        path.unlink()
        path.write_bytes(content)

    def kernelspec(self, name: str, interpreter: str) -> None:
        """Add a kernel to Jupyter's list."""
        argv = [interpreter, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": name, "language": "python"}
        self.write({f"{KERNELS}/{name}/kernel.json": json.dumps(spec)})


def clone(environment: Path, place: Path, leave: tuple[str, ...] = ()) -> None:
    """Copy an environment but ``leave`` out; files are shared with the original where the file system can do that."""

    def share(source: str, target: str) -> str:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)
        return target

    shutil.copytree(environment, place, symlinks=True, copy_function=share, ignore=shutil.ignore_patterns(*leave))


def user_with(environment: Path | None, folder: Path, **environ: str) -> User:
    """Return a new user below ``folder``, with a copy of an environment."""
    user = User(folder / "ana", environ)
    user.work.mkdir(parents=True)
    if environment is not None:
        clone(environment, user.environment)
    return user
