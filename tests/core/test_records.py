"""A gate's record: what stands of it in the notebook."""

import re
from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core.model import StepId
from jupyter_flows.core.records import gate_record, gate_records

from .conftest import DAY, Play

EVIL = "<img src=x onerror=alert(1)> **b** [l](javascript:x) $x$ \u202eevil"
TOKEN = "flow_token=" + "a" * 40 + "." + "b" * 43


def texts(play: Play, generation: int = 1) -> dict[str, str]:
    found: dict[str, str] = gate_record(play.run, play.gate(generation=generation))["data"]
    return found


def said(play: Play) -> str:
    return texts(play)["text/plain"]


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_record_is_a_display_that_names_its_gate() -> None:
    play = Play(ask={}).opened()
    record = gate_record(play.run, play.gate())
    assert record["metadata"] == {"jupyter_flows": {"gate": "r1.ask.1"}}
    assert set(record["data"]) == {"text/html", "text/markdown", "text/plain"}
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.from_dict(record)], id="ask")
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))


def test_the_same_state_makes_the_same_record() -> None:
    play = Play(ask={"required_events": 2}).opened()
    play.vote("bob")
    assert gate_record(play.run, play.gate()) == gate_record(play.run, play.gate())


@pytest.mark.parametrize(
    ("options", "who"),
    [
        ({}, "Awaited from anybody who has a link."),
        ({"required_events": 3}, "Awaited from anybody who has a link: 0 of 3 approvals."),
        ({"user_auth_required": True}, "Awaited from anybody who is logged in."),
        ({"approvers": ("ann", "bob")}, "Awaited from ann or bob."),
        (
            {"approvers": ("ann", "bob"), "sequential": True, "required_events": 2},
            "Awaited from ann, bob, in this order: 0 of 2 approvals.",
        ),
        ({"user_groups_required": ("risk", "it")}, "Awaited from a member of risk or it."),
        ({"self_approval_disabled": True}, "anybody who has a link, but not from owner."),
    ],
)
def test_an_open_gate_says_who_is_awaited(options: dict[str, Any], who: str) -> None:
    assert who in said(Play(ask=options).opened())


def test_a_prompt_is_answered_in_the_notebook_too() -> None:
    play = Play(ask={}).opened(result={"resume": "http://r"})
    assert "Awaited from anybody who has this notebook, or a link." in said(play)


@pytest.mark.parametrize(
    ("options", "then"),
    [
        ({}, "then the run fails."),
        ({"continue_on_disapprove_timeout": True}, "then the run goes on without."),
        ({"on_timeout": {"resume": {}}}, "then it counts as approved, as the author has set it."),
    ],
)
def test_an_open_gate_says_until_when_and_what_happens_then(
    options: dict[str, Any], then: str
) -> None:
    play = Play(ask={"timeout": DAY, **options}).opened()
    assert f"Until 1970-01-02 at 00:16 UTC; {then}" in said(play)
    assert "open the approval page or the flows panel" in said(play)


def test_an_open_gate_says_who_has_approved_already() -> None:
    play = Play(ask={"required_events": 2}).opened()
    play.vote("bob", link=play.mint("bob"))
    assert "1 of 2 approvals" in said(play)
    approved = "Approved by bob (by a link, not verified) on 1970-01-01 at 00:16 UTC"
    assert approved in said(play)


def test_an_approved_gate_says_by_whom_and_when() -> None:
    play = Play(ask={}).opened()
    play.vote("ann")
    assert said(play) == "Approved by ann (logged in) on 1970-01-01 at 00:16 UTC"


def test_of_several_approvals_each_is_told() -> None:
    play = Play(ask={"required_events": 2}).opened()
    play.vote("ann", reason="looks well")
    play.vote(None, link=play.mint())
    heading, *lines = said(play).splitlines()
    assert heading == "Approved on 1970-01-01 at 00:16 UTC"
    assert lines == [
        "Approved by ann (logged in) on 1970-01-01 at 00:16 UTC: “looks well”",
        "Approved by somebody (by a link that names nobody) on 1970-01-01 at 00:16 UTC",
    ]


def test_a_rejected_gate_says_by_whom_and_why() -> None:
    play = Play(ask={"required_events": 2}).opened()
    play.vote("bob")
    play.vote("ann", False, reason="too early")
    heading, other = said(play).splitlines()
    assert heading == "Rejected by ann (logged in) on 1970-01-01 at 00:16 UTC: “too early”"
    assert other.startswith("Approved by bob")


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({}, " without an approval"),
        ({"continue_on_disapprove_timeout": True}, "; the run went on without an approval"),
        ({"on_timeout": {"resume": {}}}, "; as the author has set it, that counts as an approval"),
    ],
)
def test_a_gate_that_timed_out_says_what_that_meant(options: dict[str, Any], outcome: str) -> None:
    play = Play(ask={"timeout": 60.0, **options}).opened()
    play.time_comes()
    assert said(play) == f"The deadline passed on 1970-01-01 at 00:17 UTC{outcome}"


def test_a_gate_of_a_cancelled_run_says_so() -> None:
    play = Play(ask={}).opened()
    play.tell(c.Cancel(by="owner", reason="no need"))
    assert said(play) == "Cancelled by owner: “no need”; nothing is awaited any more"


def test_a_gate_whose_run_lost_its_kernel_says_what_can_be_done() -> None:
    play = Play(ask={}, then=None).opened()
    play.vote("ann")
    play.now += 1
    play.tell(c.LoseKernel(why="The kernel is gone."))
    assert said(play).splitlines()[1:] == [
        "The run was interrupted: The kernel is gone.",
        "Its owner can resume it, or cancel it.",
    ]


def test_an_interruption_of_a_later_cell_is_not_told_at_the_gate() -> None:
    play = Play(ask={}, then=None).opened()
    play.vote("ann")
    play.now += 1
    play.tell(c.Advance())
    play.tell(c.LoseKernel(why="The kernel is gone."))
    assert play.run.status == "interrupted"
    assert said(play) == "Approved by ann (logged in) on 1970-01-01 at 00:16 UTC"


def test_only_a_gate_that_has_opened_has_a_record_and_only_the_newest() -> None:
    play = Play(ask={}).begin()
    assert gate_records(play.run) == {}
    play.opened()
    assert list(gate_records(play.run)) == ["ask"]
    play.vote("ann", False)
    play.tell(c.Resume(by="owner"))
    assert "Rejected by ann" in gate_records(play.run)[StepId("ask")]["data"]["text/plain"]
    play.tell(c.FinishRebuild())
    play.tell(c.Advance())
    assert gate_records(play.run) == {}, "its cell runs anew"
    play.finish("ask")
    assert gate_records(play.run)[StepId("ask")]["metadata"]["jupyter_flows"] == {
        "gate": "r1.ask.2"
    }
    assert texts(play)["text/plain"].startswith("Rejected by ann")


def test_nothing_of_an_authors_or_a_voters_text_has_a_meaning() -> None:
    play = Play(ask={"required_events": 2, "description": f"{EVIL}\n# no heading"}).opened()
    play.vote(EVIL, reason=EVIL)
    found = texts(play)
    page = Tags(found["text/html"])
    assert page.tags == {"div", "p", "strong"}
    assert page.names == {"style"}
    assert "**b** [l](javascript:x) $x$" in page.text
    assert "\u202e" not in found["text/plain"] + found["text/html"] + found["text/markdown"]
    for line in found["text/markdown"].splitlines()[1:]:
        if not line.startswith("    "):
            assert not re.search(r"[<>\[\]*$`]", line), line


def test_tokens_are_hidden() -> None:
    play = Play(ask={"required_events": 2, "description": {"text": f"see {TOKEN}"}}).opened()
    play.vote("bob", reason=f"{'x' * 470} {TOKEN}")
    for text in texts(play).values():
        assert "aaaa" not in text
        assert "bbbb" not in text


def test_a_record_is_short_however_long_the_texts_are() -> None:
    long = "\n".join(["a line of text"] * 100_000)
    play = Play(ask={"required_events": 99, "description": long}).opened()
    for n in range(60):
        play.vote(f"approver {n} {'x' * 300}", reason="y" * 3000)
    found = texts(play)
    assert sum(map(len, found.values())) < 90_000
    assert "… and 30 more" in found["text/plain"]


# ---------------------------------------------------------------- saved variables

SHUT_DOWN = "You can shut the kernel down: the run comes back with its variables."


def test_an_open_gate_says_what_was_saved_while_the_run_waits() -> None:
    play = Play(load=None, ask={}).opened()
    play.save()
    assert said(play).endswith("\n14 variables saved (1.16 GB, 0.9 s).")
    assert "14 variables saved" in texts(play)["text/html"]
    assert SHUT_DOWN not in said(play), "it is the run's own kernel: nobody has to shut it down"


def test_a_notebooks_own_kernel_can_be_shut_down_once_all_is_saved() -> None:
    play = Play(_kernel_id="k1", load=None, ask={}).opened()
    assert SHUT_DOWN not in said(play)
    play.save("con")
    assert SHUT_DOWN not in said(play)
    assert "To free it: tag cell 1 `replay`, or del con." in said(play)
    play.save()
    assert said(play).endswith(f"14 variables saved (1.16 GB, 0.9 s). {SHUT_DOWN}")


@pytest.mark.parametrize("approved", [True, False])
def test_after_the_decision_nothing_is_left_of_it(approved: bool) -> None:
    """nbval compares what is saved: no time, and no size, may stay."""
    plain, saved = Play(load=None, ask={}, end=None), Play(load=None, ask={}, end=None)
    for play in (plain, saved):
        play.opened()
    saved.save("con")
    for play in (plain, saved):
        play.vote("bob", approved)
    assert gate_record(saved.run, saved.gate()) == gate_record(plain.run, plain.gate())
