"""Stories with real servers and kernels: kill -9, restarts, several processes on one store."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor

from .conftest import ask, token_of, until

ONE = "x = 20\nprint('one')"
ASK = ("import jupyter_flows as flows\nprint('look')\nflows.get_resume_urls('bob')", ["suspend"])


def blocks_once(flag):
    """A cell that never ends the first time, and says how often it began."""
    return (
        "import pathlib, threading\n"
        f"flag = pathlib.Path({str(flag)!r})\n"
        "if not flag.exists():\n"
        "    print('half', flush=True)\n"
        "    flag.touch()\n"
        "    threading.Event().wait()\n"
        "print('whole')\n"
        "y = x + 1"
    )


def test_an_open_gate_and_its_links_survive_kill_9(make_server, make_notebook):
    """G12, G19: the gate, its deadline and its votes are rows, and no process holds them."""
    server = make_server(checkpoint="never")
    gate = (ASK[0], [], {"suspend": {"required_events": 2}})
    run = server.started(make_notebook(ONE, gate, "resumes"))
    before = server.reached(run, "suspended", "failed")
    assert before["status"] == "suspended", before["error"]
    links = before["steps"][1]["result"]
    other = server.minted(run, "c1", "eve")
    assert ask("POST", other["resume"], {"n": 1}).status == 201
    before = server.run(run)
    server.kill()
    server.start()
    after = server.run(run)
    assert after["status"] == "suspended"
    assert after["gates"] == before["gates"]
    voted = ask("POST", links["resume"], {"n": 2})
    assert voted.status == 201
    assert voted.json["gate"]["status"] == "approved"
    assert [vote["approver"] for vote in voted.json["gate"]["votes"]] == ["eve", "bob"]
    lost = server.reached(run, "interrupted", "succeeded", "failed")
    assert lost["status"] == "interrupted", "its kernel went with the server"
    assert server.call("POST", f"api/runs/{run}/resume").status == 200
    ended = server.reached(run, "succeeded", "failed")
    assert ended["result"] == [{"n": 1}, {"n": 2}]
    server.logged_none_of(*(token_of(link) for link in links.values()))


def test_a_run_whose_earlier_cells_are_tagged_replay_goes_on_after_kill_9(server, make_notebook):
    run = server.started(
        make_notebook(("x = 20", ["replay"]), (ASK[0], ["suspend", "replay"]), "x + resume['n']")
    )
    links = server.reached(run, "suspended", "failed")["gates"][0]["links"]
    server.kill()
    server.start()
    assert ask("POST", links["resume"], {"n": 22}).status == 201
    assert server.reached(run, "succeeded", "failed", "interrupted")["result"] == 42


def test_a_server_that_is_interrupted_without_a_terminal_ends_in_order(server, make_notebook):
    """As a hub ends it. With a run that shows in its notebook there are threads of the contents
    manager, for which the process would wait.
    """
    gate = ("print('look')", ["suspend"])
    path = server.home / "root" / "shown.ipynb"
    path.write_text(json.dumps(make_notebook(ONE, gate, "x")))
    shown = server.call("POST", "api/runs", {"path": path.name}).json["id"]
    assert server.reached(shown, "suspended", "failed")["status"] == "suspended"
    flag = server.home / "began"
    running = server.started(make_notebook(ONE, blocks_once(flag)))
    until(flag.exists)
    server.kill(signal.SIGINT)
    assert server.process.returncode == 0
    server.start()
    assert server.run(shown)["status"] == "suspended"
    interrupted = server.run(running)
    assert interrupted["status"] == "interrupted"
    assert interrupted["error"]["message"] == "The server was stopped while this cell ran."


def test_kill_9_in_a_cell_interrupts_the_run_and_resume_goes_on_from_there(
    server, make_notebook, tmp_path
):
    flag = tmp_path / "began"
    run = server.started(make_notebook(ONE, blocks_once(flag), "x + y"))
    kept = server.home / "flows" / "partial" / f"{run}.json"
    until(lambda: kept.exists() and b"half" in kept.read_bytes())
    assert server.run(run)["status"] == "running"
    server.kill()
    server.start()
    found = server.reached(run, "interrupted", "failed")
    assert found["status"] == "interrupted"
    assert "died" in found["error"]["message"]
    assert [step["status"] for step in found["steps"]] == ["succeeded", "pending", "pending"]
    assert server.outputs(run) == ["one\n", "half\n", ""]
    assert server.call("POST", f"api/runs/{run}/resume").status == 200
    ended = server.reached(run, "succeeded", "failed")
    assert ended["status"] == "succeeded", ended["error"]
    assert ended["result"] == 41
    assert [step["attempts"] for step in ended["steps"]] == [1, 2, 1]
    assert server.outputs(run) == ["one\n", "whole\n", ""]


def test_of_racing_votes_at_two_servers_one_counts_and_the_next_cell_runs_once(
    make_server, make_notebook, tmp_path
):
    """G10, G19"""
    servers = [make_server(), make_server()]
    log = tmp_path / "ran"
    wrote = f"print('after', file=open({str(log)!r}, 'a')); resume['from']"
    run = servers[0].started(make_notebook(("1", ["suspend"]), wrote, ("2", ["suspend"]), wrote))
    for gate in ("c0", "c2"):
        until(lambda gate=gate: any(g["step"] == gate for g in servers[0].run(run)["gates"]))
        links = [servers[0].minted(run, gate, name)["resume"] for name in ("bob", "eve")]
        with ThreadPoolExecutor() as voters:
            done = list(
                voters.map(
                    lambda server, link: ask("POST", server.here(link), {"from": server.port}),
                    servers,
                    links,
                )
            )
        assert sorted(answer.status for answer in done) == [201, 409]
        (won,) = [s.port for s, a in zip(servers, done, strict=True) if a.status == 201]
    ended = servers[1].reached(run, "succeeded", "failed", "interrupted")
    assert ended["status"] == "succeeded", ended["error"]
    assert ended["result"] == won
    assert log.read_text() == "after\n" * 2
    assert [len(gate["votes"]) for gate in ended["gates"]] == [1, 1]


def test_sigterm_ends_a_server_in_order_and_leaves_every_run_as_it_should_be(
    server, make_notebook, tmp_path
):
    flag = tmp_path / "began"
    parked = server.started(make_notebook(ONE, ASK, "resume"))
    before = server.reached(parked, "suspended", "failed")
    running = server.started(make_notebook(ONE, blocks_once(flag), "x + y"))
    until(flag.exists)
    server.kill(signal.SIGTERM)
    assert server.process.returncode == 0
    assert list((server.home / "flows" / "servers").glob("*")) == []
    server.start()
    cut = server.run(running)
    assert cut["status"] == "interrupted"
    assert "stopped" in cut["error"]["message"]
    assert server.outputs(running) == ["one\n", "half\n", ""]
    after = server.run(parked)
    assert after["gates"] == before["gates"]
    assert after["status"] == "suspended"
    assert ask("POST", after["gates"][0]["links"]["cancel"], {"reason": "no"}).status == 201
    assert server.reached(parked, "failed")["error"]["reason"] == "no"
