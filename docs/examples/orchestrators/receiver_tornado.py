"""Receives webhooks with tornado and the library of Standard Webhooks, and prints them.

pip install tornado standardwebhooks
WEBHOOK_SECRET=$(jupyter flows webhooks secret) python receiver_tornado.py 9000
"""

import asyncio
import os
import sys

from standardwebhooks import Webhook, WebhookVerificationError
from tornado import httpserver, netutil, web


class Receiver(web.RequestHandler):
    def post(self):
        try:
            secret = Webhook(os.environ["WEBHOOK_SECRET"])
            told = secret.verify(self.request.body, dict(self.request.headers))
        except WebhookVerificationError as error:
            raise web.HTTPError(401, str(error)) from None
        print(told["type"], told["data"]["run"]["id"], told["data"]["run"]["status"], flush=True)
        self.set_status(204)


async def main(port):
    sockets = netutil.bind_sockets(port, "127.0.0.1")
    httpserver.HTTPServer(web.Application([("/.*", Receiver)])).add_sockets(sockets)
    print(f"http://localhost:{sockets[0].getsockname()[1]}/", file=sys.stderr, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
