"""Somebody else's site: it serves traps, and keeps all that is asked of it besides."""

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS")


@dataclass(frozen=True)
class Hit:
    method: str
    path: str
    headers: dict
    body: str = ""


class Attacker:
    """`hits` are the requests for anything but its own traps, and datagrams: what has leaked.
    `connections` are those of TCP, also the ones by which nothing was asked.
    """

    def __init__(self, port):
        self.port = port
        self.hits = []
        self.visits = []
        self.connections = 0
        self._traps = {}

    @property
    def foreign(self):
        """Another site than the server's."""
        return f"http://evil.test:{self.port}"

    @property
    def neighbour(self):
        """The server's site, for which cookies know no ports; another origin all the same."""
        return f"http://localhost:{self.port}"

    def trap(self, html, name="trap"):
        """The path of a page that says this."""
        self._traps[f"/{name}"] = html
        return f"/{name}"

    def asked(self, method, path, headers, body):
        """What it answers, and whether it has that."""
        hit = Hit(method, path, headers, body)
        if path in self._traps:
            self.visits.append(hit)
            return self._traps[path]
        if path != "/favicon.ico":
            self.hits.append(hit)
        return None


def _handler(attacker):
    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode(errors="replace")
            html = attacker.asked(self.command, self.path, dict(self.headers), body)
            said = (html or "").encode()
            self.send_response(404 if html is None else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said)

        def log_message(self, *_):
            """Its log is `hits`."""

    for method in METHODS:
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


def _listen(attacker, datagrams):
    """Until the socket is shut down."""
    while True:
        try:
            said, _ = datagrams.recvfrom(2048)
        except OSError:
            return
        if said == STOP:
            return
        attacker.hits.append(Hit("UDP", "", {}, said.hex()))


STOP = b"stop"


@contextmanager
def attacking():
    attacker = Attacker(0)

    class Server(ThreadingHTTPServer):
        def process_request(self, request, client_address):
            attacker.connections += 1
            super().process_request(request, client_address)

    server = Server(("127.0.0.1", 0), _handler(attacker))
    attacker.port = server.server_port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", attacker.port))
        threads = [
            threading.Thread(target=server.serve_forever, daemon=True),
            threading.Thread(target=_listen, args=(attacker, datagrams), daemon=True),
        ]
        for thread in threads:
            thread.start()
        yield attacker
        datagrams.sendto(STOP, ("127.0.0.1", attacker.port))
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()
