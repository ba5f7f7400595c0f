"""``python -m envcheck.knowledge refresh`` against an index of the test's own, over HTTP, and against the real one."""

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from envcheck.knowledge.index import Index, IndexFailure
from envcheck.knowledge.index_settings import settings
from envcheck.knowledge.store import read

JSON = "application/vnd.pypi.simple.v1+json"
METADATA = "Metadata-Version: 2.1\nName: alpha\nVersion: {version}\n{requires}\n\nRequires-Dist: not this one\n"


class Shop:
    """A package index: what it answers by path, and what it was asked for."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.answers: dict[str, tuple[int, str, bytes]] = {}
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.ranges = True
        self.missing = 0  #: bytes at the end of each answer that do not arrive

    def list(self, distribution: str, *files: dict[str, Any]) -> None:
        content = json.dumps({"meta": {"api-version": "1.1"}, "name": distribution, "files": files}).encode()
        self.answers[f"/simple/{distribution}/"] = (200, JSON, content)

    def file(self, name: str, content: bytes, **more: Any) -> dict[str, Any]:
        """Store a file and return its entry for the list; its address is relative, as the standard allows."""
        self.answers[f"/files/{name}"] = (200, "application/octet-stream", content)
        return {"filename": name, "url": f"../../files/{name}", "hashes": {}, "requires-python": ">=3.9", **more}

    def wheel(self, name: str, *requires: str, **more: Any) -> dict[str, Any]:
        version = name.split("-")[1]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr("alpha/big.bin", os.urandom(300_000))
            wheel.writestr("alpha/vendored/other-1.0.dist-info/METADATA", metadata("9", "wrong"))
            wheel.writestr(f"alpha-{version}.dist-info/METADATA", metadata(version, *requires))
        return self.file(name, buffer.getvalue(), **more)

    def with_metadata(self, name: str, *requires: str, **more: Any) -> dict[str, Any]:
        """Return a wheel whose METADATA the index offers beside it; the wheel itself cannot be had."""
        entry = self.file(name, b"", **{"core-metadata": {"sha256": "0"}, **more})
        self.answers[f"/files/{name}"] = (500, "text/plain", b"")
        text = metadata(name.split("-")[1], *requires).encode()
        self.answers[f"/files/{name}.metadata"] = (200, "application/octet-stream", text)
        return entry


def metadata(version: str, *requires: str) -> str:
    return METADATA.format(version=version, requires="\n".join(f"Requires-Dist: {line}" for line in requires))


def sdist(**texts: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in texts.items():
            member = tarfile.TarInfo(f"alpha-1.0/{name.replace('__', '/').replace('_', '.')}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def shop() -> Iterator[Shop]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            shop.asked.append((self.path, asked, self.headers.get("Authorization")))
            status, kind, content = shop.answers.get(self.path, (404, "text/plain", b"not here"))
            size = len(content)
            if asked and shop.ranges and status == 200:
                first, _, last = asked.removeprefix("bytes=").rpartition("-")
                start = max(size - int(last), 0) if not first else int(first)
                content = content[start:] if not first else content[start : int(last) + 1]
                status = 206
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content) + shop.missing))
            if status == 302:
                self.send_header("Location", content.decode())
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{start + len(content) - 1}/{size}")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop = Shop(f"http://127.0.0.1:{server.server_port}/simple")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield shop
    server.shutdown()
    server.server_close()
    thread.join()


def refresh(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    unset = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
    variables = {name: value for name, value in os.environ.items() if name not in unset} | environment
    return subprocess.run(
        [sys.executable, "-m", "envcheck.knowledge", "refresh", "--folder", str(folder), *arguments],
        capture_output=True,
        text=True,
        env=variables,
        timeout=120,
    )


def stored(folder: Path, name: str) -> list[dict[str, Any]]:
    releases: list[dict[str, Any]] = json.loads((folder / "releases" / f"{name}.json").read_text())["releases"]
    return releases


def test_a_table_is_made_shown_and_brought_up_to_date(shop: Shop, tmp_path: Path) -> None:
    first = (
        shop.wheel("alpha-1.0-cp39-cp39-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", "numpy>=1.20", "unheard-of"),
        shop.wheel("alpha-1.0-cp310-cp310-manylinux2014_x86_64.whl", "numpy>=1.20"),
        shop.wheel("alpha-1.0-cp310-cp310-win_amd64.whl", "numpy>=1.19"),
        shop.wheel("alpha-1.0-pp39-pypy39_pp73-manylinux2014_x86_64.whl"),
        shop.file("alpha-1.0.tar.gz", b"never read"),
        shop.file("alpha-1.0-py3.9.egg", b"of old"),
    )
    shop.list("alpha", *first)
    shown = refresh(tmp_path, "--table", "Alpha", "--index", shop.base)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines() == ["alpha: 1 added, 0 removed, 0 changed", "  added: 1.0"]
    assert shown.stderr == f"Reading {shop.base} (--index) over the network.\n"
    assert not (tmp_path / "releases").exists()

    refresh(tmp_path, "--table", "alpha", "--index", shop.base, "--write")
    assert stored(tmp_path, "alpha") == [
        {
            "version": "1.0",
            "requires_python": ">=3.9",
            "requires": ["numpy>=1.20"],
            "wheels": {"manylinux_2_17_x86_64": "cp39-cp39", "manylinux_2_17_x86_64 win_amd64": "cp310-cp310"},
            "sdist": True,
        }
    ]
    again = refresh(tmp_path, "--index", shop.base)
    assert again.stdout.splitlines() == ["alpha: 0 added, 0 removed, 0 changed"]

    shop.list(
        "alpha",
        *first[:1],
        shop.with_metadata("alpha-2.0-py3-none-any.whl", 'scipy<2; extra == "more"', "alpha-not (broken"),
        shop.wheel("alpha-2.1-py3-none-any.whl", yanked="broken"),
        shop.wheel("alpha-3.0rc1-py3-none-any.whl"),
    )
    changed = refresh(tmp_path, "--index", shop.base, "--write")
    assert changed.stdout.splitlines() == ["alpha: 1 added, 0 removed, 1 changed", "  added: 2.0", "  changed: 1.0"]
    newest = stored(tmp_path, "alpha")[0]
    assert (newest["version"], newest["requires"]) == ("2.0", ['scipy<2; extra == "more"'])
    shop.list("alpha", *first[:1])
    assert "removed: 2.0" in refresh(tmp_path, "--index", shop.base).stdout


def test_only_the_needed_part_of_a_wheel_is_fetched(shop: Shop, tmp_path: Path) -> None:
    shop.list("alpha", shop.wheel("alpha-1.0-py3-none-any.whl", "numpy"))
    assert refresh(tmp_path, "--table", "alpha", "--index", shop.base).returncode == 0
    wheel_requests = [asked for path, asked, _ in shop.asked if path.endswith(".whl")]
    assert wheel_requests == ["bytes=-100000"]


def test_releases_before_since_are_not_read(shop: Shop, tmp_path: Path) -> None:
    old, new = shop.wheel("alpha-1.0-py3-none-any.whl"), shop.wheel("alpha-2.0-py3-none-any.whl")
    shop.list("alpha", old, new)
    (tmp_path / "releases").mkdir()
    head = {"source": "a test", "checked": "2026-11-23", "since": "1.5", "releases": []}
    (tmp_path / "releases" / "alpha.json").write_text(json.dumps(head))
    assert "added: 2.0\n" in refresh(tmp_path, "--index", shop.base, "--write").stdout
    table = read(tmp_path / "releases" / "alpha.json")
    assert table is not None and table.since == "1.5"
    assert not any("alpha-1.0" in path for path, _, _ in shop.asked)


@pytest.mark.parametrize(
    ("texts", "requires"),
    [
        ({"PKG-INFO": "Metadata-Version: 2.1\nRequires-Dist: numpy>=1\n"}, ["numpy>=1"]),
        ({"PKG-INFO": "Metadata-Version: 1.0\n"}, []),
        (
            {
                "PKG-INFO": "Metadata-Version: 1.0\n",
                "a_egg-info__requires_txt": 'numpy>=1\n\n[:python_version < "3"]\nsix\n\n[gpu]\nscipy\n',
            },
            ["numpy>=1", 'scipy; extra == "gpu"'],
        ),
    ],
)
def test_a_release_of_sources_alone(shop: Shop, tmp_path: Path, texts: dict[str, str], requires: list[str]) -> None:
    shop.list("alpha", shop.file("alpha-1.0.tar.gz", sdist(**texts)))
    result = refresh(tmp_path, "--table", "alpha", "--index", shop.base, "--write")
    assert result.returncode == 0, result.stderr
    assert stored(tmp_path, "alpha")[0].get("requires", []) == requires


def answer(shop: Shop, status: int, kind: str, content: bytes) -> None:
    shop.answers["/simple/alpha/"] = (status, kind, content)


@pytest.mark.parametrize(
    ("status", "kind", "content", "words"),
    [
        (404, "text/plain", b"", "HTTP status 404"),
        (503, "text/plain", b"", "HTTP status 503"),
        (200, "text/html", b"<html>", "answers with text/html, not with JSON"),
        (200, JSON, b"{", "is no file list (PEP 691)"),
        (200, JSON, b"[]", "is no file list (PEP 691)"),
        (200, JSON, b'{"files": [{"filename": "alpha-1.0.tar.gz"}]}', "is no file list (PEP 691): KeyError: 'url'"),
    ],
)
def test_an_index_without_a_usable_list(
    shop: Shop, tmp_path: Path, status: int, kind: str, content: bytes, words: str
) -> None:
    answer(shop, status, kind, content)
    result = refresh(tmp_path, "--table", "alpha", "--index", shop.base, "--write")
    assert (result.returncode, result.stdout) == (1, "")
    assert words in result.stderr.splitlines()[-1]
    assert result.stderr.splitlines()[-1].startswith(f"failed: alpha: {shop.base}/alpha/")
    assert not (tmp_path / "releases").exists()


@pytest.mark.parametrize(
    ("content", "ranges", "words"),
    [
        (b"no zip archive", True, "holds no metadata: BadZipFile"),
        (None, True, "HTTP status 404"),
        (b"no zip archive", False, "gives no parts of files"),
    ],
)
def test_a_release_whose_metadata_cannot_be_read_is_not_stored(
    shop: Shop, tmp_path: Path, content: bytes | None, ranges: bool, words: str
) -> None:
    broken = shop.file("alpha-2.0-py3-none-any.whl", content or b"")
    if content is None:
        del shop.answers["/files/alpha-2.0-py3-none-any.whl"]
    shop.ranges = ranges
    shop.list("alpha", broken, shop.with_metadata("alpha-1.0-py3-none-any.whl"))
    result = refresh(tmp_path, "--table", "alpha", "--index", shop.base, "--write")
    assert result.returncode == 1
    assert result.stdout.splitlines() == ["alpha: 1 added, 0 removed, 0 changed", "  added: 1.0"]
    assert "failed: alpha 2.0: " in result.stderr
    assert words in result.stderr
    assert not (tmp_path / "releases").exists()


def test_a_table_that_cannot_be_read_or_written(shop: Shop, tmp_path: Path) -> None:
    shop.list("alpha", shop.with_metadata("alpha-1.0-py3-none-any.whl"))
    place = tmp_path / "releases"
    place.write_text("in the way")
    result = refresh(tmp_path, "--table", "alpha", "--index", shop.base, "--write")
    assert result.returncode == 1
    assert f"failed: {place / 'alpha.json'} cannot be written: " in result.stderr
    place.unlink()
    place.mkdir()
    (place / "alpha.json").write_text("{")
    result = refresh(tmp_path, "--index", shop.base, "--write")
    assert (result.returncode, result.stdout) == (1, "")
    assert f"failed: {place / 'alpha.json'}: " in result.stderr


def test_no_server_at_all(tmp_path: Path) -> None:
    result = refresh(tmp_path, "--table", "alpha", "--index", "http://127.0.0.1:9/simple")
    assert result.returncode == 1
    assert "failed: alpha: http://127.0.0.1:9/simple/alpha/: " in result.stderr


def test_the_index_of_pip_and_its_password(shop: Shop, tmp_path: Path) -> None:
    shop.list("alpha", shop.with_metadata("alpha-1.0-py3-none-any.whl"))
    address = shop.base.replace("http://", "http://anna:s%40cret@")
    result = refresh(tmp_path, "--table", "alpha", PIP_INDEX_URL=address)
    assert result.returncode == 0, result.stderr
    assert result.stderr == f"Reading {shop.base} (PIP_INDEX_URL) over the network.\n"
    assert {authorization for _, _, authorization in shop.asked} == {"Basic YW5uYTpzQGNyZXQ="}


def test_a_password_goes_to_no_other_server(shop: Shop) -> None:
    entry = shop.with_metadata("alpha-1.0-py3-none-any.whl")
    entry["url"] = shop.base.replace("127.0.0.1", "localhost").removesuffix("simple") + entry["url"].removeprefix(
        "../../"
    )
    shop.list("alpha", entry)
    index = Index(shop.base.replace("http://", "http://anna:secret@"))
    index.metadata(index.files("alpha")[0])
    assert [bool(authorization) for _, _, authorization in shop.asked] == [True, False]


def test_a_password_does_not_follow_a_redirect(shop: Shop) -> None:
    shop.list("alpha", shop.with_metadata("alpha-1.0-py3-none-any.whl"))
    elsewhere = shop.base.replace("127.0.0.1", "localhost") + "/alpha/"
    shop.answers["/simple/moved/"] = (302, "text/plain", elsewhere.encode())
    assert Index(shop.base.replace("http://", "http://anna:secret@")).files("moved")
    assert [bool(authorization) for _, _, authorization in shop.asked] == [True, False]


def test_an_answer_that_breaks_off_is_asked_for_again_and_named(shop: Shop) -> None:
    shop.list("alpha", shop.with_metadata("alpha-1.0-py3-none-any.whl"))
    shop.missing = 10
    with pytest.raises(IndexFailure, match="IncompleteRead"):
        Index(shop.base).files("alpha")
    assert len(shop.asked) == 3


@pytest.mark.parametrize(
    ("environ", "file", "url", "how"),
    [
        ({"PIP_INDEX_URL": "https://a/simple"}, "", "https://a/simple", "PIP_INDEX_URL"),
        ({"UV_DEFAULT_INDEX": "mine=https://b/simple?x=1"}, "", "https://b/simple?x=1", "UV_DEFAULT_INDEX"),
        ({}, "[global]\nindex-url = https://c/simple\n", "https://c/simple", "pip.conf"),
        ({"PIP_INDEX_URL": "https://a"}, "[global]\nindex-url = https://c\n", "https://a", "PIP_INDEX_URL"),
        ({}, "[global\n", None, "default"),
    ],
)
def test_which_index_is_read(tmp_path: Path, environ: dict[str, str], file: str, url: str | None, how: str) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(file)
    found = settings({**environ, "PIP_CONFIG_FILE": str(config)})
    if url is None and found.how != "default":
        pytest.skip(f"pip of this machine has an index of its own: {found.how}")
    assert found.url == (url or "https://pypi.org/simple")
    assert found.how.endswith(how)


@pytest.mark.frameworks
def test_the_real_index(tmp_path: Path) -> None:
    configured = settings(os.environ)
    try:
        Index(configured.url, configured.certificates).files("cntk")
    except IndexFailure as failure:
        pytest.skip(f"no package index: {failure}")
    result = refresh(tmp_path, "--table", "cntk", "--write", **os.environ)
    assert result.returncode == 0, result.stderr
    assert {release["version"] for release in stored(tmp_path, "cntk")} >= {"2.6", "2.7"}
