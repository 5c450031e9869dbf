"""A receiver of webhooks on this machine: it keeps what it was sent, and answers what it is told
to.
"""

import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    path: str
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Receiver:
    """`statuses` are answered in turn, the last of them for ever. `certificate` is (cert, key)."""

    statuses: list = field(default_factory=lambda: [204])
    headers: dict = field(default_factory=dict)
    received: list = field(default_factory=list)
    certificate: tuple | None = None

    def __post_init__(self):
        self._news = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.keep(Received(self.path, dict(self.headers.items()), body))
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def keep(self, received):
        """What is to be answered."""
        with self._news:
            self.received.append(received)
            self._news.notify_all()
            return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    def wait(self, count, seconds=60):
        """Until so many have come. To be called in a thread where the server is in this one."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.received) >= count, seconds), self.received
            return list(self.received)

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
