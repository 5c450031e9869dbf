"""Who may vote: the whole matrix of ways and policies (G40), and the rules of one vote."""

from dataclasses import dataclass
from typing import Any

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors, policy
from jupyter_flows.core.commands import CastVote
from jupyter_flows.core.model import (
    Gate,
    GateOptions,
    GateStatus,
    GroupNeed,
    LinkId,
    Purpose,
    StepId,
    Vote,
    Voter,
)

BOB = Voter("bob", verified=True, route="api")


# ---------------------------------------------------------------- the matrix


@dataclass(frozen=True)
class Way:
    """How somebody comes to vote: logged in under `name`, or with a link that names `link` ("" for
    nobody), or both. By the kernel a `name` is no more than said.
    """

    name: str | None = None
    route: str = "link"
    link: str | None = None
    groups: tuple[str, ...] = ()

    def voter(self, link: LinkId | None) -> Voter:
        claimed = self.link or None
        if self.name is None:
            return Voter(claimed, verified=False, route=self.route, link=link)
        return Voter(self.name, self.verified, self.route, link, claimed, self.groups)

    @property
    def verified(self) -> bool:
        return self.name is not None and self.route != "kernel"


WAYS = {
    "owner by rest": Way("owner", "api"),
    "owner by cli": Way("owner", "cli"),
    "owner by page": Way("Owner ", "page"),
    "owner by inline prompt": Way("owner", "notebook"),
    "owner by inbox": Way("owner", "inbox"),
    "owner by bob's link": Way("owner", "page", link="bob"),
    "anonymous link": Way(link=""),
    "link naming owner": Way(link="OWNER"),
    "link naming bob": Way(link="bob"),
    "link naming carol": Way(link="carol"),
    "bob": Way("bob", "api"),
    "bob by inbox": Way("bob", "inbox"),
    "bob by anonymous link": Way("bob", "page", link=""),
    "bob by carol's link": Way("bob", "page", link="carol"),
    "carol": Way("carol", "page"),
    "fin of finance": Way("fin", "api", groups=("finance",)),
    "rob of risk": Way("rob", "cli", groups=("staff", "risk")),
    "bob of finance": Way("bob", "page", groups=("finance",)),
    "kernel": Way("owner", "kernel"),
}

PEOPLE = {"approvers": ("Bob", "carol")}
GROUPS = {"groups": (GroupNeed("finance"), GroupNeed("risk")), "required_events": 2}

POLICIES: dict[str, dict[str, Any]] = {
    "none": {},
    "self_approval_disabled": {"self_approval_disabled": True},
    "user_auth_required": {"user_auth_required": True},
    "both": {"self_approval_disabled": True, "user_auth_required": True},
    "approvers": PEOPLE,
    "approvers, logged in": {**PEOPLE, "user_auth_required": True},
    "not by the owner, though named": {
        "approvers": ("owner", "bob"),
        "self_approval_disabled": True,
    },
    "user_groups_required": {"user_groups_required": ("finance", "risk")},
    "approvers who are in a group": {**PEOPLE, "user_groups_required": ("finance",)},
    "groups": GROUPS,
    "approvers in turn": {**PEOPLE, "sequential": True, "required_events": 2},
    "groups in turn": {**GROUPS, "sequential": True},
}

# The columns are WAYS in their order: the owner by REST, CLI, page, inline prompt, inbox, and by
# bob's link; links naming nobody, the owner, bob, carol; bob, by the inbox, with an anonymous link,
# with carol's; carol; fin of finance, rob of risk, bob of finance; the kernel, of a gate that is no
# prompt.
# "-" counts, s is SelfApproval, l LoginNeeded, n NotAnApprover, t NotYourTurn, x NotAllowed.
MATRIX = {
    #                                owner        links    bob      carol  groups kernel
    #                                r c p i n b  a o b c  r n a c  p      f r b
    "none":                         "- - - - - -  - - - -  - - - -  -      - - -  x",
    "self_approval_disabled":       "s s s s s s  s s - -  - - - -  -      - - -  s",
    "user_auth_required":           "- - - - - -  l l l l  - - - -  -      - - -  l",
    "both":                         "s s s s s s  l l l l  - - - -  -      - - -  l",
    "approvers":                    "n n n n n n  n n - -  - - - -  -      n n -  n",
    "approvers, logged in":         "n n n n n n  l l l l  - - - -  -      n n -  l",
    "not by the owner, though named": "s s s s s s  s s - n  - - - -  n      n n -  s",
    "user_groups_required":         "n n n n n n  l l l l  n n n n  n      - - -  l",
    "approvers who are in a group": "n n n n n n  l l l l  n n n n  n      n n -  l",
    "groups":                       "n n n n n n  l l l l  n n n n  n      - - -  l",
    "approvers in turn":            "n n n n n n  n n - t  - - - -  t      n n -  n",
    "groups in turn":               "n n n n n n  l l l l  n n n n  n      - t -  l",
}  # fmt: skip
MARKS = {
    "-": None,
    "s": errors.SelfApproval,
    "l": errors.LoginNeeded,
    "n": errors.NotAnApprover,
    "t": errors.NotYourTurn,
    "x": errors.NotAllowed,
}
CELLS = [
    pytest.param(POLICIES[row], WAYS[way], MARKS[mark], id=f"{row} / {way}")
    for row, marks in MATRIX.items()
    for way, mark in zip(WAYS, marks.split(), strict=True)
]
BY_LINK = [cell for cell in CELLS if cell.values[1].link is not None]


def matrix(cells):
    return pytest.mark.parametrize(("options", "way", "refusal"), cells)


def test_the_matrix_has_every_policy():
    assert set(MATRIX) == set(POLICIES)
    tried = {key for options in POLICIES.values() for key in options}
    assert tried == {
        "self_approval_disabled",
        "user_auth_required",
        "user_groups_required",
        "approvers",
        "groups",
        "required_events",
        "sequential",
    }


def ready(play, options: dict[str, Any], *, opened: bool):
    p = play(ask={"required_events": 2, **options}, publish=None).begin()
    if opened:
        p.finish("ask")
    return p


def by(p, way: Way, *, flow_level: bool = False) -> Voter:
    """The voter of this way; the link is minted first."""
    if way.link is None:
        return way.voter(None)
    name = way.link or None
    return way.voter(p.mint_flow_level(name) if flow_level else p.mint(name))


def cast_by(p, voter: Voter, *, approved: bool = True, gate: str | None = "ask") -> list[str]:
    generation = 1 if gate else 0
    return p.tell(CastVote(gate=gate, generation=generation, voter=voter, approved=approved))


def voters(p) -> list[Voter]:
    return [vote.voter for vote in p.gate().votes]


@matrix(CELLS)
@pytest.mark.parametrize("approved", [True, False], ids=["approval", "rejection"])
def test_the_policy_and_the_machine_agree_on_who_may_vote(play, options, way, refusal, approved):
    """G40, G42, G43, G44: whichever way the vote comes."""
    p = ready(play, options, opened=True)
    voter = by(p, way)
    found = policy.why_not(p.run.owner, p.gate(), voter)
    assert (None if found is None else type(found)) is refusal
    if refusal is None:
        assert cast_by(p, voter, approved=approved)[0] == "VoteCast"
    else:
        with pytest.raises(refusal):
            cast_by(p, voter, approved=approved)
        assert voters(p) == []


@matrix(CELLS)
def test_a_vote_before_the_opening_is_refused_as_one_after_it(play, options, way, refusal):
    """G4, G40."""
    p = ready(play, options, opened=False)
    voter = by(p, way)
    if refusal is None:
        cast_by(p, voter)
    else:
        with pytest.raises(refusal):
            cast_by(p, voter)
    p.finish("ask")
    assert voters(p) == ([voter] if refusal is None else [])


FROM_THE_CELL = ("approvers", "user_groups_required")
COMPUTED = [cell for cell in CELLS if set(cell.values[0]) & set(FROM_THE_CELL)]


@matrix([cell for cell in COMPUTED if "sequential" not in cell.values[0]])
def test_a_vote_from_before_the_cell_named_its_approvers_is_judged_by_them(
    play, options, way, refusal
):
    """G4, G40, G44, G46: a link that the cell may have minted before stands for nobody then."""
    said = {key: list(value) for key, value in options.items() if key in FROM_THE_CELL}
    p = play(
        ask={key: value for key, value in options.items() if key not in said},
        publish=None,
    ).begin()
    voter = by(p, way)
    if policy.why_not(p.run.owner, p.gate(), voter) is None:
        cast_by(p, voter)
    p.finish("ask", said)
    known_link = not voter.verified and "approvers" in said
    assert voters(p) == ([voter] if refusal is None and not known_link else [])


def pre_vote_refusal(options, way, refusal):
    """G46: the author may know every flow-level link, so none stands for a named approver."""
    known = way.name is None and "approvers" in options
    return errors.LoginNeeded if refusal is None and known else refusal


@matrix(BY_LINK)
def test_a_pre_approval_counts_where_a_vote_would_and_is_kept_elsewhere(
    play, options, way, refusal
):
    """G36, G40."""
    refusal = pre_vote_refusal(options, way, refusal)
    p = ready(play, options, opened=False)
    voter = by(p, way, flow_level=True)
    cast_by(p, voter, gate=None)
    p.finish("ask")
    assert voters(p) == ([voter] if refusal is None else [])
    assert [vote.voter for vote in p.run.pre_votes] == ([] if refusal is None else [voter])


@matrix(BY_LINK)
def test_a_vote_by_a_flow_level_link_on_an_open_gate_is_refused_as_any(play, options, way, refusal):
    """G36, G40."""
    refusal = pre_vote_refusal(options, way, refusal)
    p = ready(play, options, opened=True)
    voter = by(p, way, flow_level=True)
    if refusal is None:
        assert cast_by(p, voter, gate=None)[:2] == ["VoteCast", "PreVoteCounted"]
    else:
        with pytest.raises(refusal):
            cast_by(p, voter, gate=None)
        assert p.run.pre_votes == ()


@matrix(CELLS)
def test_who_may_vote_or_is_the_owner_may_read(play, options, way, refusal):
    """G45: also before one's turn."""
    p = ready(play, options, opened=True)
    is_owner = way.verified and (way.name or "").strip().lower() == "owner"
    allowed = refusal in (None, errors.NotYourTurn, errors.NotAllowed)
    assert policy.may_read("owner", p.gate(), by(p, way)) is (is_owner or allowed)


BOTH = {"resume": "http://r", "cancel": "http://c"}
BY_KERNEL = {
    "none": None,
    "self_approval_disabled": errors.SelfApproval,
    "user_auth_required": errors.LoginNeeded,
    "both": errors.LoginNeeded,
    "approvers": errors.NotAnApprover,
    "approvers, logged in": errors.LoginNeeded,
    "not by the owner, though named": errors.SelfApproval,
    "user_groups_required": errors.LoginNeeded,
    "approvers who are in a group": errors.LoginNeeded,
    "groups": errors.LoginNeeded,
    "approvers in turn": errors.NotAnApprover,
    "groups in turn": errors.LoginNeeded,
}


@pytest.mark.parametrize("row", POLICIES)
@pytest.mark.parametrize("approved", [True, False], ids=["approval", "rejection"])
def test_what_the_kernel_says_counts_at_prompts_where_nobody_is_named(play, row, approved):
    """G40, G46, G50."""
    p = play(ask={"required_events": 2, **POLICIES[row]}).opened(result=BOTH)
    refusal, voter = BY_KERNEL[row], by(p, WAYS["kernel"])
    if refusal is None:
        assert cast_by(p, voter, approved=approved)[0] == "VoteCast"
    else:
        with pytest.raises(refusal):
            cast_by(p, voter, approved=approved)


def test_the_kernel_is_nobodys_login_though_its_owner_is_named(play):
    """G44, G46."""
    p = play(ask={"approvers": ("owner", "bob")}).opened(result=BOTH)
    with pytest.raises(errors.LoginNeeded):
        cast_by(p, by(p, WAYS["kernel"]))


@pytest.mark.parametrize(
    ("options", "result"),
    [({}, {"resume": "http://r"}), ({"hide_cancel": True}, BOTH)],
    ids=["no cancel", "hidden"],
)
def test_the_kernel_rejects_only_where_the_form_has_the_button(play, options, result):
    """G16, G50."""
    p = play(ask=options).opened(result=result)
    with pytest.raises(errors.CancelHidden):
        cast_by(p, by(p, WAYS["kernel"]), approved=False)
    assert "GateApproved" in cast_by(p, by(p, WAYS["kernel"]))


def test_an_owner_who_answered_in_the_notebook_and_logged_in_counts_once(play):
    """G10, G41."""
    p = play(ask={"required_events": 2}).opened(result=BOTH)
    cast_by(p, by(p, WAYS["kernel"]))
    assert cast_by(p, by(p, WAYS["owner by inline prompt"])) == []
    assert policy.lacking(p.gate()) == 1


def test_whoever_only_claims_to_be_the_owner_may_not_read(play):
    """G41, G45."""
    p = ready(play, {"user_auth_required": True}, opened=True)
    assert not policy.may_read("owner", p.gate(), by(p, WAYS["link naming owner"]))


@pytest.mark.parametrize("flow_level", [True, False])
def test_to_mint_a_link_is_no_vote(play, flow_level):
    """G46: more than that the kernel can't ask for."""
    p = ready(play, {}, opened=False)
    link = p.mint_flow_level("bob") if flow_level else p.mint("bob")
    p.finish("ask")
    assert voters(p) == []
    assert p.run.links[link].consumed_by is None


def test_a_vote_by_no_link_must_name_its_gate(play):
    """G36, G46."""
    with pytest.raises(errors.UnknownGate):
        cast_by(ready(play, {}, opened=True), BOB, gate=None)


def test_a_blank_name_among_the_approvers_is_nobody():
    """G44: nor does it stand for an anonymous link."""
    nobody = Voter(None, verified=False, route="link", link=LinkId("l"))
    options = GateOptions(approvers=(" ", "bob"))
    assert isinstance(policy.why_never("owner", options, nobody), errors.NotAnApprover)


@pytest.mark.parametrize(
    ("options", "needs", "keeps"),
    [
        ({}, False, False),
        ({"self_approval_disabled": True}, False, False),
        ({"user_auth_required": True}, True, False),
        ({"user_groups_required": ("a",)}, True, False),
        ({"groups": (GroupNeed("a"),)}, True, False),
        ({"approvers": ("bob",)}, False, True),
    ],
)
def test_where_a_login_is_needed_and_whose_the_links_are(options, needs, keeps):
    """G43, G44, G46."""
    assert policy.needs_login(GateOptions(**options)) is needs
    assert policy.keeps_links(GateOptions(**options)) is keeps


# ---------------------------------------------------------------- groups and turns


def members(*said: str) -> list[Voter]:
    """`"fay:finance,risk"` is Fay of both."""
    found = []
    for each in said:
        name, _, groups = each.partition(":")
        found.append(Voter(name, True, "api", groups=tuple(groups.split(","))))
    return found


@pytest.mark.parametrize(
    ("approved_by", "owed"),
    [
        ((), {"finance": 1, "risk": 2}),
        (("a:finance",), {"risk": 2}),
        (("a:other",), {"finance": 1, "risk": 2}),
        (("a:finance", "b:finance"), {"risk": 2}),
        (("a:finance,risk",), {"risk": 2}),
        (("a:finance,risk", "b:finance"), {"risk": 1}),
        (("a:risk", "b:finance,risk", "c:risk"), {}),
        (("a:finance,risk", "b:finance,risk", "c:finance,risk"), {}),
        (("a:risk,finance", "A:risk,finance"), {"risk": 2}),
        (("a:finance,risk", "b:risk", "c:finance"), {"risk": 0}),
    ],
)
def test_each_approver_counts_for_one_group_and_where_that_helps_most(approved_by, owed):
    """G44."""
    needs = GateOptions(groups=(GroupNeed("finance"), GroupNeed("risk", 2)), required_events=3)
    found = policy.missing_of(needs, members(*approved_by))
    assert {need.group: need.required for need in found} == {g: n for g, n in owed.items() if n}


def test_a_gate_with_groups_waits_for_each_of_them(play):
    """G44."""
    p = play(ask=GROUPS).opened()
    p.vote("fay", groups=("finance",))
    assert p.vote("fin", groups=("finance",)) == ["VoteCast"]
    assert p.run.open_gate is not None
    assert "GateApproved" in p.vote("rob", groups=("risk",))


def test_one_of_both_groups_does_not_stand_for_both(play):
    """G10, G44."""
    p = play(ask=GROUPS).opened()
    p.vote("fay", groups=("finance", "risk"))
    assert p.run.open_gate is not None
    assert "GateApproved" in p.vote("fin", groups=("finance",))


def test_approvers_vote_in_turn(play):
    """G44."""
    p = play(ask={"approvers": ("ann", "bob"), "sequential": True, "required_events": 2}).opened()
    with pytest.raises(errors.NotYourTurn, match="ann votes first"):
        p.vote("bob")
    p.vote("ann")
    assert p.vote("ann") == []
    assert "GateApproved" in p.vote("Bob")


def test_groups_vote_in_turn(play):
    """G44."""
    needs = (GroupNeed("finance", 2), GroupNeed("risk"))
    p = play(ask={"groups": needs, "sequential": True, "required_events": 3}).opened()
    p.vote("fay", groups=("finance", "risk"))
    with pytest.raises(errors.NotYourTurn, match="members of 'finance' vote first"):
        p.vote("rob", groups=("risk",))
    p.vote("fin", groups=("finance",))
    with pytest.raises(errors.NotYourTurn, match="members of 'risk' vote first"):
        p.vote("flo", groups=("finance",))
    assert "GateApproved" in p.vote("rob", groups=("risk",))


def test_whoever_withdrew_is_first_again(play):
    """G18, G44."""
    people = ("ann", "bob", "cay")
    p = play(ask={"approvers": people, "sequential": True, "required_events": 3}).opened()
    p.vote("ann")
    p.vote("bob")
    p.tell(c.WithdrawVote(gate="ask", generation=1, voter=voters(p)[0]))
    with pytest.raises(errors.NotYourTurn):
        p.vote("cay")
    p.vote("ann")
    assert "GateApproved" in p.vote("cay")


def test_a_pre_approval_counts_when_its_turn_comes(play):
    """G36, G44: in the order of the approvers, not of the votes, and not before."""
    options = {"approvers": ("ann", "bob", "cay"), "sequential": True, "required_events": 3}
    p = play(ask=options, publish=None).begin()
    for name in ("cay", "bob"):
        cast_by(p, Voter(name, True, "page", p.mint_flow_level()), gate=None)
    p.finish("ask")
    assert voters(p) == []
    kinds = p.vote("ann")
    assert kinds == ["VoteCast", "PreVoteCounted", "PreVoteCounted", "GateApproved"]
    assert [voter.name for voter in voters(p)] == ["ann", "bob", "cay"]


def test_pre_approvals_are_consumed_for_the_groups_that_need_them(play):
    """G36, G44."""
    p = play(ask=GROUPS, sign={}, publish=None).begin()
    for name, group in (("fay", "finance"), ("fin", "finance"), ("rob", "risk")):
        cast_by(p, Voter(name, True, "page", p.mint_flow_level(), groups=(group,)), gate=None)
    assert p.finish("ask").count("PreVoteCounted") == 2
    assert p.gate().status is GateStatus.APPROVED
    assert [vote.voter.name for vote in p.run.pre_votes] == ["fin"]


def test_an_early_vote_out_of_the_turn_that_the_cell_gave_is_dismissed(play):
    """G4, G44: and may be given again when its turn has come."""
    options = {"approvers": ("ann", "bob"), "sequential": True, "required_events": 2}
    p = play(ask=options, publish=None).begin()
    p.vote("ann")
    p.vote("bob")
    assert "VoteDismissed" in p.finish("ask", {"approvers": ["bob", "ann"]})
    assert [voter.name for voter in voters(p)] == ["bob"]
    assert "GateApproved" in p.vote("ann")


def test_votes_before_the_opening_are_not_taken_by_a_gate_that_checks_each(play):
    """G62: neither directly nor by a flow-level link."""
    p = play(ask={"validate": "check"}, publish=None).begin()
    for approved in (True, False):
        with pytest.raises(errors.NoGate, match="checks each answer"):
            p.vote("bob", approved)
    p.pre_vote(p.mint_flow_level("ann"))
    p.finish("ask")
    assert voters(p) == []
    assert "GateApproved" in p.vote("bob")


# ---------------------------------------------------------------- one vote


def gate(status=GateStatus.OPEN, votes=(), **options):
    return Gate(
        StepId("ask"),
        1,
        GateOptions(**options),
        status,
        0.0,
        60.0,
        votes=votes,
        digest="sha256:now",
    )


def vote(approved=True, voter=BOB, **more):
    return CastVote(gate=StepId("ask"), generation=1, voter=voter, approved=approved, **more)


def cast(voter=BOB, approved=True, payload=None):
    return Vote(voter, approved, 0.0, payload)


@pytest.fixture
def run(play):
    return play(ask={}).run


@pytest.mark.parametrize(
    ("found", "asked", "refusal"),
    [
        (gate(), vote(), None),
        (gate(GateStatus.EXPECTED), vote(), None),
        (gate(GateStatus.APPROVED), vote(), errors.GateClosed),
        (gate(GateStatus.REJECTED), vote(), errors.GateClosed),
        (gate(GateStatus.TIMED_OUT), vote(), errors.GateClosed),
        (gate(GateStatus.SUPERSEDED), vote(), errors.GateSuperseded),
        (gate(votes=(cast(),)), vote(), errors.AlreadyVoted),
        (gate(votes=(cast(),)), vote(approved=False), None),
        (gate(votes=(cast(approved=False),)), vote(approved=False), errors.AlreadyVoted),
        (gate(hide_cancel=True), vote(approved=False), errors.CancelHidden),
        (gate(hide_cancel=True), vote(), None),
        (gate(require_reason=True), vote(approved=False), errors.ReasonRequired),
        (gate(require_reason=True), vote(approved=False, reason="x"), None),
        (gate(), vote(digest="sha256:old"), errors.StaleDigest),
        (gate(), vote(digest="sha256:now"), None),
        (gate(GateStatus.EXPECTED, validate="check"), vote(), errors.NoGate),
        (gate(validate="check"), vote(), errors.Unchecked),
        (gate(validate="check"), vote(checked=("ask", 2)), errors.Unchecked),
        (gate(validate="check"), vote(checked=("ask", 1)), None),
        (gate(validate="check"), vote(approved=False), None),
        (gate(approvers=("carol",)), vote(digest="sha256:old"), errors.NotAnApprover),
    ],
)
def test_a_vote_counts_or_is_refused(run, found, asked, refusal):
    """G10, G11, G15, G16, G35, G44, G62, G70. What is unchecked is asked again."""
    if refusal is None:
        policy.check_vote(run, found, asked, 59.9)
    else:
        with pytest.raises(refusal):
            policy.check_vote(run, found, asked, 59.9)


def test_the_deadline_itself_is_too_late(run):
    """G12."""
    with pytest.raises(errors.GateClosed, match="deadline"):
        policy.check_vote(run, gate(), vote(), 60.0)


@pytest.mark.parametrize("purpose", [None, *Purpose])
@pytest.mark.parametrize("approved", [True, False])
def test_each_purpose_gives_its_own_votes(purpose, approved):
    """G31."""
    given = {Purpose.RESUME: {True}, Purpose.CANCEL: {False}}.get(purpose, {True, False})
    if approved in given:
        policy.check_purpose(vote(approved, purpose=purpose))
    else:
        with pytest.raises(errors.NotAllowed):
            policy.check_purpose(vote(approved, purpose=purpose))


@pytest.mark.parametrize(
    ("before", "asked", "repeated"),
    [
        ((), vote(), False),
        ((cast(),), vote(), True),
        ((cast(payload={"n": 1}),), vote(payload={"n": 1}), True),
        ((cast(payload={"n": 1}),), vote(), True),
        ((cast(payload={"n": 1, "more": 2}),), vote(payload={"n": 1}), True),
        ((cast(payload={"n": 1}),), vote(payload={"n": 2}), False),
        ((cast(),), vote(approved=False), False),
        ((cast(), cast(approved=False)), vote(), False),
    ],
)
def test_a_vote_is_a_repeat_when_it_says_the_same(before, asked, repeated):
    """G35."""
    assert policy.is_repeated(gate(votes=before, default_args={"more": 2}), asked) is repeated


ONE = [
    (Voter("bob", True, "api"), Voter("Bob ", False, "link", "l1")),
    (Voter(None, False, "link", "l1"), Voter(None, False, "page", "l1")),
    (Voter(None, False, "link", "l1"), Voter("bob", True, "page", "l1")),
    (Voter("bob", False, "link", "l1"), Voter("alice", True, "page", "l1")),
    (Voter("", False, "link", "l1"), Voter(None, False, "page", "l1")),
    (Voter("stra\u00dfe", True, "api"), Voter("STRASSE", True, "api")),
]
TWO = [
    (Voter("bob", True, "api"), Voter("alice", True, "api")),
    (Voter(None, False, "link", "l1"), Voter(None, False, "link", "l2")),
    (Voter("bob", True, "page", "l1"), Voter("alice", True, "page", "l1")),
    (Voter("link:l1", True, "api"), Voter(None, False, "link", "l1")),
]


@pytest.mark.parametrize(
    ("one", "other", "same"), [(*p, True) for p in ONE] + [(*p, False) for p in TWO]
)
def test_who_counts_as_one_approver(one, other, same):
    """G10."""
    assert one.same_as(other) is other.same_as(one) is same
