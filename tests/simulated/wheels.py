"""Wheels of small packages and a folder that serves as the package index, so that installers work without a network."""

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulated import pythons

SECONDS = 300
UV = Path(sys.executable).with_name("uv")
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


def wheel(
    folder: Path, name: str, version: str, *, requires: tuple[str, ...] = (), more: Mapping[str, str] | None = None
) -> Path:
    """Write a wheel of a module of the package's own name, and of the files ``more``."""
    module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    files = {
        f"{module}/__init__.py": f"__version__ = {version!r}\n",
        **(more or {}),
        f"{info}/METADATA": "\n".join(
            (
                "Metadata-Version: 2.1",
                f"Name: {name}",
                f"Version: {version}",
                *(f"Requires-Dist: {r}" for r in requires),
            )
        )
        + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},{_hash(text)},{len(text.encode())}\n" for path, text in files.items())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, text in files.items():
            archive.writestr(place, text)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass
class User:
    """Somebody with a home, an environment ``~/env``, an index of wheels in ``~/wheels``, and no network."""

    home: Path
    tool: str
    environ: dict[str, str] = field(default_factory=dict)
    index: bool = True  #: its own; otherwise that of this machine

    @property
    def environment(self) -> Path:
        return self.home / "env"

    @property
    def python(self) -> str:
        return str(self.environment / "bin" / "python")

    @property
    def site(self) -> Path:
        return pythons.site_packages(self.environment)

    def online(self) -> None:
        """Let the installers use the index that those of this machine use."""
        names = ("PIP_", "UV_", "SSL_", "REQUESTS_")
        self.environ |= {name: value for name, value in os.environ.items() if name.startswith(names)}
        self.index = False

    @property
    def variables(self) -> dict[str, str]:
        # uv is found only by the user whose tool it is.
        tools = [str(self.home / "bin")] if self.tool == "uv" else []
        return {
            "PATH": os.pathsep.join((*tools, "/usr/local/bin", "/usr/bin", "/bin")),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.home / "tmp"),
            **(self._index() if self.index else {}),
            **self.environ,
        }

    def _index(self) -> dict[str, str]:
        wheels = str(self.home / "wheels")
        return {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": wheels,
            "UV_FIND_LINKS": wheels,
            "UV_CACHE_DIR": str(self.home / "uv-cache"),
            "UV_CONFIG_FILE": str(self.home / "uv.toml"),
            "UV_LINK_MODE": "copy",
        }

    def offer(
        self, name: str, version: str, requires: tuple[str, ...] = (), more: Mapping[str, str] | None = None
    ) -> Path:
        return wheel(self.home / "wheels", name, version, requires=requires, more=more)

    def call(self, *argv: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program as this user."""
        return subprocess.run(
            argv,
            cwd=self.home / "work",
            env=self.variables,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def install(self, *requirements: str) -> None:
        if self.tool == "uv":
            result = self.call("uv", "pip", "install", "-q", "--no-deps", "-p", self.python, *requirements)
        else:
            result = self.call(self.python, "-m", "pip", "install", "-q", "--no-deps", *requirements)
        assert result.returncode == 0, result.stderr

    def call_here(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run envcheck without an environment of the user's own."""
        (self.home / "work").mkdir(parents=True, exist_ok=True)
        return self.call(sys.executable, "-m", "envcheck", *arguments)

    def fixes(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run ``envcheck fix-suggestions`` on ``~/env``."""
        return self.call(
            sys.executable, "-m", "envcheck", "fix-suggestions", "--python", "~/env", *arguments, stdin=stdin
        )

    def versions(self) -> dict[str, str]:
        """Return what is installed, as the target's own interpreter tells."""
        code = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
        said = self.call(self.python, "-I", "-c", code).stdout.split()
        return dict(item.split("==") for item in sorted(said))


def user(place: Path, tool: str, base: str = "") -> User:
    """Make a user whose environment was made with ``tool``, ``pip`` or ``uv``, of the interpreter ``base``."""
    somebody = User(place, tool)
    for name in ("work", "wheels", "tmp"):
        (place / name).mkdir(parents=True, exist_ok=True)
    (place / "uv.toml").write_text("no-index = true\n")
    if tool == "uv":
        (place / "bin").mkdir(exist_ok=True)
        (place / "bin" / "uv").symlink_to(UV)
    base = base or str(getattr(sys, "_base_executable", sys.executable))
    if tool == "uv":
        result = somebody.call("uv", "venv", "-q", "-p", base, str(somebody.environment))
    else:
        result = somebody.call(base, "-m", "venv", str(somebody.environment))
    assert result.returncode == 0, result.stderr
    return somebody


def with_conflict(place: Path, tool: str, base: str = "") -> User:
    """Make a user whose environment has one fault: tensorflow-text asks for another helper-lib than is there.

    The index has what mends it. Keras and PyTorch are stand-ins that can be looked at and not used.
    """
    somebody = user(place, tool, base)
    somebody.environ["KERAS_BACKEND"] = "torch"
    somebody.offer("helper-lib", "1.0")
    somebody.offer("helper-lib", "2.0", requires=("new-lib",))
    somebody.offer("new-lib", "1.0")
    somebody.offer("tensorflow-text", "1.0", requires=("helper-lib>=2",))
    backends = {f"keras/src/backend/{name}/__init__.py": "" for name in ("tensorflow", "jax", "torch")}
    somebody.offer("keras", "3.15.1", more=backends)
    somebody.offer("torch", "2.2.2", more={"torch/version.py": "cuda: str = None\nhip: str = None\n"})
    somebody.install("helper-lib==1.0", "tensorflow-text", "keras", "torch")
    return somebody
