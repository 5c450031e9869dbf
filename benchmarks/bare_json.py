"""A plain tornado server with one small JSON answer: the peer of a call of `wmill`.

`python -m benchmarks.bare_json PORT`
"""

import asyncio
import json
import sys

from tornado import web

ANSWER = {
    "type": "QueuedJob",
    "id": "run_0123456789abcdef0123.c0",
    "running": True,
    "canceled": False,
    "parent_job": "run_0123456789abcdef0123",
    "workspace_id": "jupyter",
    "script_path": "flow.ipynb",
    "created_by": "bob",
    "args": {},
}


class BareJson(web.RequestHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(ANSWER))


async def serve(port: int) -> None:
    web.Application([("/api/.*", BareJson)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
