"""Runs that wait at gates of a real server, and the links to them, for the browser's tests."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..conftest import notebook  # noqa: TID252 (the tests are no installed package)
from .conftest import Server, ask, until

EVERY_KIND = {
    "title": "Release the payment run",
    "properties": {
        "limit": {"type": "integer", "title": "Limit", "description": "In euros", "minimum": 1},
        "mail": {"type": "string", "format": "email", "title": "Tell whom"},
        "when": {"type": "string", "format": "date-time", "title": "Not before"},
        "day": {"type": "string", "format": "date", "title": "Value day"},
        "notify": {"type": "boolean", "title": "Notify the team"},
        "team": {"enum": ["finance", "risk"], "title": "Team"},
        "channels": {
            "type": "array",
            "title": "Channels",
            "items": {"enum": ["mail", "chat", "phone"]},
            "uniqueItems": True,
        },
        "address": {
            "type": "object",
            "title": "Address",
            "properties": {"street": {"type": "string"}, "zip": {"type": "string"}},
            "required": ["street"],
        },
        "amounts": {"type": "array", "title": "Amounts", "items": {"type": "number"}},
        "way": {
            "title": "Way of payment",
            "oneOf": [
                {
                    "title": "By card",
                    "properties": {"kind": {"const": "card"}, "number": {"type": "string"}},
                    "required": ["kind", "number"],
                },
                {
                    "title": "By bank",
                    "properties": {"kind": {"const": "bank"}, "iban": {"type": "string"}},
                    "required": ["kind", "iban"],
                },
            ],
        },
        "proof": {"type": "string", "contentEncoding": "base64", "title": "Proof"},
        "note": {"type": ["string", "null"], "format": "textarea", "title": "Note"},
        "extra": {"title": "Anything else"},
    },
    "required": ["limit", "mail", "way"],
    "order": ["limit", "mail"],
}
"""A field of each kind that a form can have."""


@dataclass(frozen=True)
class Gate:
    """A gate of the step `ask`, on a server."""

    server: Server
    run: str

    @property
    def key(self):
        return f"{self.run}.ask.1"

    def links(self, approver=None):
        """Freshly minted: `id`, `approvalPage`, `resume`, `cancel`."""
        return self.server.minted(self.run, "ask", approver)

    @property
    def shown(self):
        gates = self.server.run(self.run)["gates"]
        return next(gate for gate in gates if gate["step"] == "ask")

    @property
    def votes(self):
        return self.shown["votes"]

    def events(self):
        """The kinds of all events so far, in order."""
        told = self.server.call("GET", f"api/runs/{self.run}/audit").json["trail"]
        return [line["kind"] for line in told]

    def votes_by_link(self, which="resume", body=None):
        answer = ask("POST", self.links()[which], body)
        assert answer.status in {200, 201}, answer.text
        return answer

    def reached(self, *statuses):
        return self.server.reached(self.run, *statuses)


def opened(server, suspend=None, source="print('42 rows')\n'Publish the report?'", then="resume"):
    """A run that waits at such a gate."""
    flow = {"id": "ask", "suspend": suspend or {}}
    gate = Gate(server, server.started(notebook("rows = 42", (source, [], flow), then)))
    shown = gate.reached("suspended", "failed")
    assert shown["status"] == "suspended", shown["error"]
    return gate


def expected(server, folder, ending="'go?'", **flow):
    """A run whose gate's cell has minted links, and works on until `folder/go` is there; the links
    too.
    """
    links, go = Path(folder, "links.json"), Path(folder, "go")
    source = (
        "import json, pathlib, time\nimport jupyter_flows as flows\n"
        f"fresh = pathlib.Path({str(links)!r} + '.new')\n"
        "fresh.write_text(json.dumps(flows.get_resume_urls('bob@example.org')))\n"
        f"fresh.rename({str(links)!r})\n"
        f"while not pathlib.Path({str(go)!r}).exists():\n    time.sleep(0.02)\n"
        f"{ending}"
    )
    flow = {"id": "ask", "suspend": {}, **flow}
    gate = Gate(server, server.started(notebook("x = 1", (source, [], flow), "resume")))
    until(links.exists)
    return gate, json.loads(links.read_text())
