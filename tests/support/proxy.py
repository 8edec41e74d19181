"""A reverse proxy on loopback, as hosts have it: it serves an app below a prefix, which it takes off the path."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host"}


@contextmanager
def running_proxy(target: str, prefix: str) -> Iterator[str]:
    """Serve the app at `target` below `prefix`, and yield the address; anything beside the prefix is not found."""
    place = urlsplit(target).netloc

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def forward(self) -> None:
            if not self.path.startswith(prefix):
                self.send_error(404)
                return
            upstream = http.client.HTTPConnection(place, timeout=180)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            headers |= {"X-Forwarded-For": "20.1.2.3", "X-Forwarded-Host": self.headers["host"]}
            upstream.request(self.command, self.path.removeprefix(prefix) or "/", body or None, headers)
            answer = upstream.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.end_headers()
            try:
                while part := answer.read1(65536):  # events must not wait for the end
                    self.wfile.write(part)
                    self.wfile.flush()
            except (OSError, http.client.HTTPException):  # one of the two has gone
                pass
            finally:
                upstream.close()

        def do_GET(self) -> None:
            self.forward()

        def do_POST(self) -> None:
            self.forward()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{prefix}"
    finally:
        server.shutdown()
        server.server_close()
