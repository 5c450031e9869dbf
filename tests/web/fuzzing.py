"""What the fuzzer finds on the server: things that are there, and how each operation names them."""

import json
import re
from http.cookiejar import DefaultCookiePolicy

import requests

from jupyter_flows.core.links import kernel_token
from jupyter_flows.web.shown.assets import plotly_name

W = "/api/w/{workspace}"
FORM = {
    "required_events": 2,
    "resume_form": {"schema": {"properties": {"limit": {"type": "integer"}}}},
}
PYTHON = "def main(n: int = 1):\n    return n + 1"
HOOK = "https://hooks.example.org/done"
FLOW, PATH, OBJECT, KEY = "limits", "f/team/limit", "reports/a.csv", "seen"
KERNEL = {
    f"GET {W}/jobs/wac/checkpoint/{{job}}",
    f"POST {W}/jobs/wac/inline_checkpoint/{{job}}",
    "POST /api/users/tokens/create",
}
"""Operations of a run's kernel alone."""
ENDED = {
    "GET /api/runs/{run}/events",
    f"GET {W}/jobs_u/completed/get_result/{{job}}",
    f"GET {W}/jobs_u/completed/get_result_maybe/{{job}}",
}
"""Operations that wait for a run's end, or ask for what came of it."""
TAKEN_BACK = {"DELETE /api/runs/{run}/gates/{gate}/votes"}
PAGES = {"POST /page/{gate}": "reject", "POST /inbox": "review"}
"""Forms, and the button that is pressed."""
RESUMED = {"POST /api/runs/{run}/resume"}


class World:
    """Used from a thread; what has gone is there again after `mend`."""

    def __init__(self, url, token, keys, notebook):
        self.url, self._keys, self._notebook = url, keys, notebook
        self.session = requests.Session()
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.session.headers["Connection"] = "close"  # an answer may come before all is read
        self.login = {"Authorization": f"token {token}"}
        self.ended = self._started("1")
        told = self.ask("GET", "api/deliveries", params={"run": self.ended}).json()
        self.delivery = told["deliveries"][0]["id"]
        self.failed = self._started("1 / 0")
        self.schedule = self.link = self.run = None
        self.tokens = {}

    # ------------------------------------------------------------ what is there

    def ask(self, method, path, body=None, ok=(200, 201, 204), **more):
        answer = self.session.request(
            method, f"{self.url}/{path}", headers=self.login, json=body, timeout=20, **more
        )
        assert answer.status_code in ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def _started(self, *cells):
        notebook = self._notebook(*((cell, [], {"id": "s1"}) for cell in cells))
        asked = {"notebook": notebook, "completion_url": HOOK}
        run = self.ask("POST", "api/runs", asked).json()["id"]
        self.ask("GET", f"api/w/jupyter/jobs_u/completed/get_result_maybe/{run}.s1")
        return run

    def _waiting(self):
        body = {"input": {"task": "Set", "state": {}}}
        return self.ask("POST", f"v1/agents/{FLOW}/workflow", body).json()["run_id"][4:]

    def mend(self, label=""):
        """A waiting run with a link and a user state, a flow, a schedule and all that is kept."""
        flow = self.ask("PUT", f"api/flows/{FLOW}", {"path": "limits.ipynb"}).json()
        self.hash = flow["hash"]
        w = "api/w/jupyter"
        if label in TAKEN_BACK:
            self.run = None
        if self.run is None or self._status() != "suspended":
            self.run = f"run_{self._waiting()}"
            self._status()
        if label in TAKEN_BACK:
            vote = {"approved": True, "payload": {"limit": 1}}
            self.ask("POST", f"api/runs/{self.run}/gates/review/votes", vote)
        minted = self.ask("POST", "api/links", {"run": self.run, "gate": "review"}).json()
        self.link = minted["id"]
        for purpose in ("approve", "resume", "cancel"):
            url = minted["approvalPage" if purpose == "approve" else purpose]
            self.tokens[purpose] = url.partition("flow_token=")[2]
        self.ask("POST", f"{w}/jobs/flow/user_states/{self.run}/{KEY}", 1)
        again = {"update_if_exists": "true"}
        body = {"path": PATH, "value": "300"}
        self.ask("POST", f"{w}/variables/create", body, params=again)
        body = {"path": PATH, "value": {"n": 1}, "resource_type": "limit"}
        self.ask("POST", f"{w}/resources/create", body, params=again)
        self.ask("POST", f"{w}/job_helpers/upload_s3_file", 1, params={"file_key": OBJECT})
        signed = self.ask("POST", f"{w}/apps/sign_s3_objects", {"s3_objects": [{"s3": OBJECT}]})
        self.signed = dict(pair.split("=", 1) for pair in signed.json()[0]["presigned"].split("&"))
        if self.schedule is None or self._has_gone():
            body = {"path": "limits.ipynb", "cron": "0 3 1 1 *"}
            self.schedule = self.ask("POST", "api/schedules", body).json()["id"]

    def _status(self):
        found = self.ask("GET", f"api/runs/{self.run}").json()
        gates = found["gates"]
        self.page = gates[0]["key"] if gates and "key" in gates[0] else f"{self.run}.review.1"
        return found["status"]

    def _has_gone(self):
        found = self.ask("GET", f"api/schedules/{self.schedule}", ok=(200, 404))
        return found.status_code == 404

    # ------------------------------------------------------------ how it is asked for

    def headers(self, label):
        if label in KERNEL:
            return {"Authorization": f"Bearer {kernel_token(self._keys, self.run)}"}
        return self.login

    def run_for(self, label):
        if label in RESUMED:
            return self.failed
        return self.ended if label in ENDED else self.run

    def in_path(self, label, names):
        """The parts of the path that name what is there."""
        run = self.run_for(label)
        step = "s1" if run != self.run else "review"
        known = {
            "workspace": "jupyter",
            "run": f"wfr_{run[4:]}" if " /v1/" in label else run,
            "job": f"{run}.{step}",
            "gate": self.page if " /page/" in label else "review",
            "link": self.link,
            "schedule": self.schedule,
            "delivery": self.delivery,
            "name": self._name(label),
            "nonce": "1",
            "hash": self.hash,
            "function": "double",
            "path": FLOW if "/jobs/run/" in label else PATH,
            "key": OBJECT if "/s3_proxy/" in label else KEY,
            "storage": "_default_",
            "audience": "sts",
        }
        return {name: known[name] for name in names}

    def _name(self, label):
        if "/assets/" in label:
            return plotly_name()
        return "somebody" if "/users/" in label else FLOW

    def media_type(self, label):
        return "application/x-www-form-urlencoded" if label in PAGES else "application/json"

    def _pressed(self, page, **more):
        """What a browser sends when a button of this page is pressed."""
        shown = self.ask("GET", page).text
        said = re.findall(r'name="(form|digest|_xsrf)" value="([^"]*)"', shown)
        return {**dict(said), **more}

    def in_query(self, label):
        """Values of the address without which nothing good comes."""
        purpose = label.rpartition("/")[2]
        if purpose in self.tokens and " /" + purpose == label[label.index(" ") :]:
            return {"flow_token": self.tokens[purpose]}
        if "/s3_proxy/" in label:
            return self.signed
        return {
            "GET /api/documents": {"path": "limits.ipynb"},
            f"GET {W}/job_helpers/download_s3_file": {"file_key": OBJECT},
            f"DELETE {W}/job_helpers/delete_s3_file": {"file_key": OBJECT},
            "POST /v1/agents/{name}/workflow": {"wait": 0},
            "POST /v1/workflow-runs/{run}/resume": {"wait": 0},
        }.get(label, {})

    def body(self, label):
        """One that is right, where a made up one hardly ever is."""
        if label in PAGES:
            page = f"page/{self.page}" if "/page/" in label else "inbox"
            return self._pressed(page, decision=PAGES[label])
        flow = {"id": "a", "timeout": "1h", "suspend": FORM, "retry": {"constant": {"attempts": 1}}}
        notebook = self._notebook(("n = 1", ["parameters"]), ("n", ["suspend"], flow))
        return {
            "POST /api/inspect": {"notebook": notebook},
            "POST /api/runs": {
                "notebook": notebook,
                "parameters": {"n": 1},
                "kernel_name": "python3",
                "completion_url": HOOK,
                "completion_events": ["run.failed", "gate.opened"],
            },
            "POST /api/deliveries/{delivery}/send": {},
            "POST /api/runs/{run}/cancel": {"reason": "because"},
            "POST /api/runs/{run}/resume": {"edited": False, "choice": "rerun", "kernel_id": None},
            "POST /api/runs/{run}/gates/{gate}/votes": {
                "approved": True,
                "payload": {"limit": 1},
                "reason": "good",
                "digest": None,
                "inline": False,
            },
            "POST /api/links": {"run": self.run, "gate": "review", "approver": "bob", "key": None},
            "POST /api/schedules": {
                "path": "limits.ipynb",
                "cron": "0 3 1 1 *",
                "zone": "UTC",
                "name": "yearly",
                "parameters": {"task": "Set"},
                "kernel_name": "python3",
            },
            "PUT /api/flows/{name}": {"path": "limits.ipynb"},
            "POST /v1/agents/{name}/workflow": {"input": {"task": "Set", "state": {"n": 1}}},
            "POST /v1/workflow-runs/{run}/resume": {
                "input": {"resume": {"step": "review", "input": {"limit": 1}}}
            },
            "POST /resume": {"limit": 1},
            "POST /cancel": {"reason": "no"},
            "POST /api/users/tokens/create": {"label": "x", "expiration": "2100-01-01T00:00:00Z"},
            f"POST {W}/variables/update/{{path}}": {"value": "1", "description": "x"},
            f"POST {W}/resources/update_value/{{path}}": {"value": {"n": "$var:f/team/limit"}},
            f"POST {W}/jobs/flow/user_states/{{job}}/{{key}}": {"n": 1},
            f"POST {W}/jobs_u/queue/cancel/{{job}}": {"reason": "because"},
            f"POST {W}/jobs/run/f/{{path}}": {"task": "Set"},
            f"POST {W}/jobs/run/p/{{path}}": {"task": "Set"},
            f"POST {W}/jobs/run/h/{{hash}}": {"task": "Set"},
            "POST /api/teams/activities": {"conversation_id": "x", "text": "x", "card_block": {}},
            **{
                f"POST {W}/job_helpers/v2/{name}": {"s3_resource_path": PATH, "storage": None}
                for name in ("duckdb_connection_settings", "polars_connection_settings")
            },
            f"POST {W}/variables/create": {"path": "f/team/other", "value": "1"},
            f"POST {W}/resources/create": {
                "path": "f/team/other",
                "value": 1,
                "resource_type": "limit",
            },
            f"POST {W}/apps/sign_s3_objects": {"s3_objects": [{"s3": OBJECT}]},
            f"POST {W}/jobs/run_inline/preview": {
                "content": PYTHON,
                "language": "python3",
                "args": {"n": 1},
            },
            f"POST {W}/jobs/run_wait_result/preview": {
                "content": PYTHON,
                "language": "python3",
                "args": {"n": 1},
            },
            f"POST {W}/jobs/run/workflow_as_code/{{job}}/{{function}}": {"args": {"n": 1}},
            f"POST {W}/jobs/wac/inline_checkpoint/{{job}}": {"key": "first", "result": 1},
            f"POST {W}/job_metrics/set_progress/{{job}}": {"percent": 10},
        }.get(label)


def limits(notebook):
    """A flow that waits for a number."""
    gate = ("'go?'", ["suspend"], {"id": "review", "suspend": FORM})
    define = "import wmill\n\n\n@wmill.task\ndef double(n: int):\n    return n * 2"
    return json.dumps(notebook("task = ''", define, gate, "resume"))
