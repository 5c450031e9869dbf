"""Receives webhooks with Python's standard library alone, and prints them.

WEBHOOK_SECRET=$(jupyter flows webhooks secret) python receiver_plain.py 9000
"""

import base64
import hashlib
import hmac
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE = 300  # seconds that the sender's clock may be off; an older message is a replay
SEEN = set()  # of webhook-ids; a real receiver keeps them where it keeps what it does with them


def is_ours(headers, body):
    """Whether one of the signatures is by our secret, and not long ago."""
    at = headers.get("webhook-timestamp", "")
    if not at.isdecimal() or abs(time.time() - int(at)) > TOLERANCE:
        return False
    signed = f"{headers.get('webhook-id', '')}.{at}.".encode() + body
    ours = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest())
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(b"v1," + ours, each.encode()) for each in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        genuine = is_ours(self.headers, body)
        if genuine and self.headers["webhook-id"] not in SEEN:
            SEEN.add(self.headers["webhook-id"])
            print(body.decode(), flush=True)
        self.send_response(204 if genuine else 401)
        self.end_headers()

    def log_message(self, *_):
        """Nothing but what was received is printed."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    print(f"http://localhost:{server.server_port}/", file=sys.stderr, flush=True)
    server.serve_forever()
