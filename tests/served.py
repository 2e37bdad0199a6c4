"""A file server on the loopback interface that can fail in the ways that servers do."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What the server has, how it behaves, and what it was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    url: str = ""
    version: str | None = '"1"'
    """The ETag; None: the server says nothing of versions."""
    ranges: bool = True
    cut: list[int] = field(default_factory=list)
    """After how many bytes the connection breaks, one entry for each answer."""
    statuses: list[int] = field(default_factory=list)
    """What is answered first."""
    shift: int = 0
    """By how many bytes a part begins too late."""
    length: bool = True
    encoding: str = "identity"
    """The Content-Encoding that is said."""
    announced: int = 0
    """The size of the file that parts are said to be of, if not its own."""
    elsewhere: str = ""
    """Where everything is, if not here."""
    asked: list[str | None] = field(default_factory=list)
    """The range of each request."""


@contextmanager
def serve(certificate: str = "") -> Iterator[Served]:
    """Yield a server on a free port; an encrypted one with a PEM file of certificate and key."""
    served = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.headers.get("Range"))
            if served.statuses:
                self.send_error(served.statuses.pop(0))
                return
            if served.elsewhere:
                self.send_response(302)
                self.send_header("Location", f"{served.elsewhere}{self.path}")
                self.end_headers()
                return
            name = self.path.rsplit("/", 1)[1]
            if name not in served.files:
                self.send_error(404)
                return
            data, start = served.files[name], 0
            wanted = self.headers.get("Range")
            same = self.headers.get("If-Range") == served.version
            if wanted and served.ranges and same:
                start = int(wanted.removeprefix("bytes=").rstrip("-")) + served.shift
                if start >= len(data):
                    self.send_error(416)
                    return
                self.send_response(206)
                size = served.announced or len(data)
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            else:
                self.send_response(200)
            if served.version:
                self.send_header("ETag", served.version)
            self.send_header("Content-Encoding", served.encoding)
            if served.length:
                self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            self.wfile.write(
                data[start : start + served.cut.pop(0)] if served.cut else data[start:]
            )
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = _address(server, certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _address(server: ThreadingHTTPServer, certificate: str) -> str:
    here = f"127.0.0.1:{server.server_address[1]}"
    if not certificate:
        return f"http://{here}"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return f"https://{here}"
