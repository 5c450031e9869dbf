"""The main job, through the real server and a real kernel."""

GATED = (
    "import jupyter_flows as flows\nx = 20",
    (
        """urls = flows.get_resume_urls('bob@example.org')
print('look at this')
{**urls, 'default_args': {'limit': 1}, 'description': 'Publish?'}""",
        ["suspend"],
    ),
    "x + resume['limit'], approvers, len(resumes)",
)


async def test_a_notebook_runs_stops_at_suspend_and_goes_on_by_a_signed_link(
    call, anyone, make_notebook, reached
):
    started = await call("POST", "api/runs", {"notebook": make_notebook(*GATED)})
    assert started.status == 201
    run_id = started.json["id"]

    suspended = await reached(run_id, "suspended", "failed")
    assert suspended.status == "suspended", suspended.error
    shown = (await call("GET", f"api/runs/{run_id}")).json
    gate = shown["gates"][0]
    assert gate["status"] == "open"
    assert gate["description"] == "Publish?"
    assert set(gate["links"]) == {"approvalPage", "resume", "cancel"}
    link = shown["steps"][1]["result"]["resume"]

    voted = await anyone("POST", link, {"limit": 22})
    assert voted.status == 201
    assert voted.json["gate"]["status"] == "approved"

    ended = await reached(run_id, "succeeded", "failed")
    assert ended.status == "succeeded", ended.error
    assert ended.result == [42, ["bob@example.org"], 1]
    notebook = (await call("GET", f"api/runs/{run_id}/notebook")).json
    assert "look at this" in str(notebook["cells"][1]["outputs"])
    assert notebook["cells"][2]["execution_count"] is not None
