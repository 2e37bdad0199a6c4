"""A server between the client and MLflow's own, which can be in every kind of trouble."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Trouble = Literal["none", "down", "500", "hangs", "slow", "401", "403"]
_SLOW = 0.1  # seconds that every answer takes
_READS = ("search", "/get", "list")


class Gate(ThreadingHTTPServer):
    """Passes requests on to `backend`, until there is trouble."""

    daemon_threads = True

    def __init__(self, backend: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.backend = urlsplit(backend)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.healed = threading.Event()
        self.settle()

    def trouble(self, kind: Trouble, after: int = 0) -> None:
        """Be in trouble once so many writes were passed on."""
        self.kind: Trouble = kind
        self.after = after
        self.healed.clear()

    def settle(self) -> None:
        """Let everything pass again."""
        self.kind, self.after = "none", 0
        self.healed.set()

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that have hung up."""

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            self.healed.set()
            self.shutdown()
            thread.join()
            self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Gate

    def log_message(self, *_: object) -> None:
        pass

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reads = self.command == "GET" or any(word in self.path for word in _READS)
        gate = self.server
        if not reads:
            gate.after -= 1
        kind = gate.kind if gate.after < 0 or (gate.after == 0 and reads) else "none"
        if kind == "down":
            self.close_connection = True
            return
        if kind == "hangs":
            gate.healed.wait(60)
            self.close_connection = True
            return
        if kind == "slow":
            gate.healed.wait(_SLOW)
        if kind in {"500", "401"} or (kind == "403" and not reads):
            self._answer(int(kind), b"no", "text/plain")
            return
        back = http.client.HTTPConnection(str(gate.backend.netloc), timeout=60)
        with contextlib.closing(back):
            back.request(self.command, self.path, body, dict(self.headers))
            answer = back.getresponse()
            self._answer(answer.status, answer.read(), answer.getheader("Content-Type") or "")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _pass  # noqa: N815 - the base's names
