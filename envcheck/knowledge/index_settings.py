"""Which package index this user's installers are told to use."""

import configparser
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

PYPI = "https://pypi.org/simple"


@dataclass(frozen=True)
class Settings:
    url: str
    certificates: str | None
    how: str  #: where the address stands


def settings(environ: Mapping[str, str]) -> Settings:
    """Return the index that uv's or pip's variables or pip's files name, else PyPI.

    Indexes that are searched besides (``extra-index-url``, ``UV_INDEX``) are not read: what they have is a part only.
    """
    files = _pip_files(environ)
    certificates = environ.get("PIP_CERT") or _last(files, "cert")[0]
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if environ.get(name):
            # uv allows a name before the address: name=https://...
            address = environ[name].strip()
            scheme = address.find("://")
            return Settings(address[address.find("=", 0, scheme) + 1 :], certificates, name)
    url, place = _last(files, "index-url")
    return Settings(url or PYPI, certificates, place or "default")


def _pip_files(environ: Mapping[str, str]) -> list[Path]:
    """Return pip's configuration files; a later one goes before an earlier one."""
    if environ.get("PIP_CONFIG_FILE") == "/dev/null":
        return []
    name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    site = platformdirs.site_config_dir("pip", appauthor=False)
    user = platformdirs.user_config_dir("pip", appauthor=False, roaming=True)
    files = [Path("/etc") / name, Path(site) / name, Path.home() / ".pip" / name, Path(user) / name]
    files.append(Path(sys.prefix) / name)
    if environ.get("PIP_CONFIG_FILE"):
        files.append(Path(environ["PIP_CONFIG_FILE"]))
    return files


def _last(files: list[Path], key: str) -> tuple[str | None, str]:
    """Return the value that counts of a key in the files, and where it stands."""
    value, place = None, ""
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself stops at such a file; the index is named as 'default' then
        if parser.has_option("global", key):
            value, place = parser.get("global", key).strip(), str(file)
    return value, place
