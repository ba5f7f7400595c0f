"""A client of a package index: its file lists (PEP 691) and the metadata of single releases.

Only ``python -m envcheck.knowledge refresh`` uses it: nothing else in envcheck asks the network itself.
"""

import base64
import http.client
import io
import json
import ssl
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from typing import Any

from envcheck.knowledge.egg_info import requirements
from envcheck.knowledge.remote_file import RemoteFile

TIMEOUT_SECONDS = 60
ATTEMPTS = 3
JSON = "application/vnd.pypi.simple.v1+json"


class IndexFailure(Exception):
    """The index did not give what was asked for; the message says what and why."""


@dataclass(frozen=True)
class File:
    """One file of a release, as the index lists it."""

    name: str
    url: str
    requires_python: str
    yanked: bool
    metadata: bool  #: whether the index offers its METADATA beside it (PEP 658, PEP 714)


class Index:
    """A package index by its address, which may hold a user name and password."""

    def __init__(self, url: str, certificates: str | None = None) -> None:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
        self.url = parts._replace(netloc=host + (f":{parts.port}" if parts.port else "")).geturl().rstrip("/")
        self._server = _server(url)
        self._secret = ""
        if parts.username:
            pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
            self._secret = "Basic " + base64.b64encode(pair.encode()).decode()
        self._context = ssl.create_default_context(cafile=certificates)

    def files(self, distribution: str) -> tuple[File, ...]:
        """Return the files of all releases of a distribution.

        Raises:
            IndexFailure: if the index does not know it, cannot be reached, or answers in another language.
        """
        address = f"{self.url}/{distribution}/"
        headers, data = self._get(address, {"Accept": JSON})
        kind = headers.get_content_type()
        if "json" not in kind:
            raise IndexFailure(f"{address} answers with {kind}, not with JSON (PEP 691)")
        try:
            return tuple(_file(entry, address) for entry in json.loads(data)["files"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IndexFailure(f"{address} is no file list (PEP 691): {type(error).__name__}: {error}") from None

    def metadata(self, file: File) -> Message:
        """Return the METADATA of a wheel, or what a source distribution tells of its requirements.

        Raises:
            IndexFailure: if it cannot be had.
        """
        if file.metadata:
            return HeaderParser().parsestr(self._get(file.url + ".metadata", {})[1].decode("utf-8", "replace"))
        try:
            if file.name.endswith(".whl"):
                text = _from_wheel(RemoteFile(lambda first, last: self._range(file.url, first, last)))
            else:
                text = _from_sdist(self._get(file.url, {})[1])
        except (zipfile.BadZipFile, tarfile.TarError, StopIteration, EOFError, OSError) as error:
            raise IndexFailure(f"{file.url} holds no metadata: {type(error).__name__}: {error}") from None
        return HeaderParser().parsestr(text)

    def _range(self, url: str, first: int, last: int) -> tuple[int, bytes]:
        """Return the whole size of a file and its bytes from ``first`` to ``last``; negative ``first``: its end."""
        wanted = f"bytes={first}" if first < 0 else f"bytes={first}-{last}"
        headers, data = self._get(url, {"Range": wanted})
        size = (headers.get("Content-Range") or "").rpartition("/")[2]
        if not size.isdecimal():
            raise IndexFailure(f"{url}: the server gives no parts of files (range requests)")
        return int(size), data

    def _get(self, url: str, headers: dict[str, str]) -> tuple[Message, bytes]:
        """Return the headers and the content of an answer."""
        request = urllib.request.Request(url, headers={"User-Agent": "envcheck", **headers})
        if self._secret and _server(url) == self._server:
            request.add_unredirected_header("Authorization", self._secret)  # not for where a redirect leads
        failure = ""
        for _ in range(ATTEMPTS):
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=self._context) as answer:
                    return answer.headers, answer.read()
            except urllib.error.HTTPError as error:
                failure = f"HTTP status {error.code} {error.reason}"
                if error.code < 500:
                    break
            except (OSError, ValueError, http.client.HTTPException) as error:
                failure = str(getattr(error, "reason", error))
        raise IndexFailure(f"{url}: {failure}")


def _server(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _file(entry: dict[str, Any], address: str) -> File:
    offered = entry.get("core-metadata", entry.get("data-dist-info-metadata", entry.get("dist-info-metadata")))
    return File(
        name=entry["filename"],
        url=urllib.parse.urljoin(address, entry["url"]),
        requires_python=entry.get("requires-python") or "",
        yanked=bool(entry.get("yanked")),
        metadata=bool(offered),
    )


def _from_wheel(file: RemoteFile) -> str:
    with zipfile.ZipFile(file) as wheel:
        name = next(name for name in wheel.namelist() if name.count("/") == 1 and name.endswith(".dist-info/METADATA"))
        return wheel.read(name).decode("utf-8", "replace")


def _from_sdist(data: bytes) -> str:
    """Return the requirements in a source distribution as METADATA would name them.

    Newer tools write them into PKG-INFO, older setuptools into requires.txt alone.
    """
    members = _zip_members(data) if data[:2] == b"PK" else _tar_members(data)
    information = next(text for name, text in members.items() if name.endswith("/PKG-INFO"))
    if "\nDynamic: Requires-Dist" in information:
        raise EOFError("its requirements are computed while it is built")
    required = next((text for name, text in members.items() if name.endswith("/requires.txt")), "")
    if required and "\nRequires-Dist:" not in information:
        return "".join(f"Requires-Dist: {line}\n" for line in requirements(required))
    return information


def _wanted(name: str) -> bool:
    return name.endswith((".egg-info/requires.txt", "/PKG-INFO"))


def _tar_members(data: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = [(member, archive.extractfile(member)) for member in archive if _wanted(member.name)]
        return {member.name: file.read().decode("utf-8", "replace") for member, file in found if file}


def _zip_members(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist() if _wanted(name)}
