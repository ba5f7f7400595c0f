"""A package index on this machine: the wheels of a folder, served in the words of PEP 503."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the wheels that lie in a folder at each moment; the value is the address of the index."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place, _, name = self.path.strip("/").rpartition("/")
            if place == "files" and (folder / name).is_file():
                self._answer("application/octet-stream", (folder / name).read_bytes())
                return
            wheels = [wheel.name for wheel in sorted(folder.glob("*.whl")) if _project(wheel.name) == name]
            links = "".join(f'<a href="/files/{wheel}">{wheel}</a>\n' for wheel in wheels)
            self._answer("text/html", f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), bool(links))

        do_HEAD = do_GET

        def _answer(self, kind: str, data: bytes, found: bool = True) -> None:
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple/"
    finally:
        server.shutdown()
        server.server_close()


def _project(wheel: str) -> str:
    return re.sub(r"[-_.]+", "-", wheel.partition("-")[0]).lower()
