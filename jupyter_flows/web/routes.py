"""The table of all doors: method, path, who may come in, what goes in and out.

The handlers and the OpenAPI document are both made from it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jupyter_flows.core import receipt
from jupyter_flows.core.model import Json, Purpose, RunStatus
from jupyter_flows.core.workflow import Status
from jupyter_flows.core.workflow_records import FlowList, FlowView, WorkflowRun, WorkflowRunPage
from jupyter_flows.web import (
    api,
    audit,
    documents,
    flows,
    framing,
    gates_api,
    inbox,
    inspecting,
    links,
    links_api,
    looking,
    pages,
    peers,
    schedules,
    views,
    webhooks,
    workflows,
)
from jupyter_flows.web.audit_views import AuditView
from jupyter_flows.web.declared import (
    EVENTS,
    FORM,
    HTML,
    OF_ITS_OWN,
    PEM,
    SCRIPT,
    Value,
    flag,
    needed,
    one_of,
    some_of,
    whole,
)
from jupyter_flows.web.document_views import DocumentView
from jupyter_flows.web.doors import Answering, Doors
from jupyter_flows.web.openapi import OpenApiDoor
from jupyter_flows.web.route import ONCE, Access, Route, pattern
from jupyter_flows.web.schedule_views import ScheduleList, ScheduleView
from jupyter_flows.web.webhook_views import DeliveryList, DeliveryView
from jupyter_flows.web.windmill.routes import WINDMILL

L, K, P, S = Access.LOGIN, Access.KERNEL, Access.PEER, Access.LINK
LIST = (whole("limit", 1, 1000, 100),)
WAIT = (whole("wait", 0, workflows.MOST_SECONDS, workflows.WAIT_SECONDS),)
TOKEN = (needed("flow_token"),)
RUN = {"run": "$response.body#/id"}
WORKFLOW_RUN = {"run": "$response.body#/run_id"}
SCHEDULE = {"schedule": "$response.body#/id"}
_APPROVE, _RESUME, _CANCEL = ({"purpose": purpose} for purpose in Purpose)

AFTER = whole("after", 0, api.MAX_SEQ, 0)

OWN: Sequence[Route] = (
    Route("GET", "openapi.json", OpenApiDoor, L, "This document", answers={200: dict[str, Json]}),
    Route(
        "POST",
        "api/inspect",
        inspecting.InspectDoor,
        L,
        "What a notebook would be as a flow: its parameters, gates and mistakes; nothing runs",
        inspecting.InspectNotebook,
        {200: inspecting.InspectionView},
        works=True,
    ),
    Route(
        "POST",
        "api/runs",
        api.RunsDoor,
        L,
        "Start a run",
        api.StartRun,
        {201: views.RunView},
        gives=RUN,
        works=True,
    ),
    Route(
        "GET",
        "api/runs",
        api.RunsDoor,
        L,
        "List runs, newest first",
        answers={200: views.RunPage},
        query=(some_of("status", RunStatus), "path", "owner", "cursor", *LIST),
    ),
    Route("GET", "api/runs/{run}", api.RunDoor, L, "A run", answers={200: views.RunView}),
    Route(
        "GET",
        "api/runs/{run}/events",
        api.EventsDoor,
        L,
        "The run's events (Server-Sent Events) behind `after` or Last-Event-ID",
        answers={200: EVENTS, 204: None},
        query=(AFTER,),
        headers=(replace(AFTER, name="Last-Event-ID"),),
    ),
    Route(
        "GET",
        "api/runs/{run}/notebook",
        api.NotebookDoor,
        L,
        "The executed notebook so far",
        answers={200: dict[str, Json]},
    ),
    Route(
        "GET",
        "api/documents",
        documents.DocumentsDoor,
        L,
        "What the notebook at `path` shows of its newest run in place",
        answers={200: DocumentView},
        query=(Value("path", required=True),),
        works=True,
    ),
    Route(
        "GET",
        "api/documents/ws",
        documents.DocumentSocket,
        L,
        "The same as it changes, over a web socket; `run` and `since` say what is known already",
        answers={101: None},
        query=("path", "run", whole("since", 0, documents.MAX_BOARD_SEQ)),
        works=True,
    ),
    Route(
        "GET",
        "api/runs/{run}/audit",
        audit.AuditDoor,
        L,
        "What the log tells, line by line, and whether it stands as it was written",
        answers={200: AuditView},
    ),
    Route(
        "GET",
        "api/runs/{run}/receipt",
        audit.ReceiptDoor,
        L,
        "The signed receipt of the run; with payloads=false without payloads and results",
        answers={200: receipt.SignedReceipt},
        query=(flag("payloads", default=True),),
    ),
    Route(
        "GET",
        "api/audit-key",
        audit.AuditKeyDoor,
        L,
        "The public key that checks receipts, as PEM; an older one by its id",
        answers={200: PEM},
        query=("id",),
    ),
    Route(
        "POST",
        "api/runs/{run}/cancel",
        api.CancelDoor,
        L,
        "Cancel the run (its owner)",
        api.CancelRun,
        {200: views.RunView},
    ),
    Route(
        "POST",
        "api/runs/{run}/resume",
        api.ResumeDoor,
        L,
        "Go on after a crash or failure (its owner)",
        api.ResumeRun,
        {200: views.RunView},
    ),
    Route(
        "POST",
        "api/runs/{run}/gates/{gate}/votes",
        gates_api.VotesDoor,
        L,
        "Vote as the logged-in user",
        gates_api.SentVote,
        {200: views.Voted, 201: views.Voted},
    ),
    Route(
        "DELETE",
        "api/runs/{run}/gates/{gate}/votes",
        gates_api.VotesDoor,
        L,
        "Withdraw my approval, while the gate is not closed",
        answers={200: views.Voted},
    ),
    Route(
        "GET",
        "api/gates",
        gates_api.GatesDoor,
        L,
        "Open gates, oldest first; with awaiting=me those without my vote",
        answers={200: views.GatePage},
        query=(one_of("awaiting", ["me"]), "cursor", *LIST),
    ),
    Route(
        "GET",
        "api/links",
        links_api.LinksDoor,
        L,
        "List links, newest first",
        answers={200: views.LinkPage},
        query=("run", *LIST),
    ),
    Route(
        "POST",
        "api/links",
        links_api.LinksDoor,
        K,
        "Mint a link (the run's owner, or the run's own kernel)",
        links_api.MintLink,
        {201: views.MintedLink},
        gives={"link": "$response.body#/id"},
    ),
    Route(
        "DELETE",
        "api/links/{link}",
        links_api.LinkIdDoor,
        L,
        "Revoke a link (the run's owner)",
        answers={204: None},
    ),
    Route(
        "GET",
        "api/schedules",
        schedules.SchedulesDoor,
        L,
        "List schedules, oldest first",
        answers={200: ScheduleList},
    ),
    Route(
        "POST",
        "api/schedules",
        schedules.SchedulesDoor,
        L,
        "Start runs of a notebook by the clock",
        schedules.AddSchedule,
        {201: ScheduleView},
        gives=SCHEDULE,
        works=True,
    ),
    Route(
        "GET",
        "api/schedules/{schedule}",
        schedules.ScheduleDoor,
        L,
        "A schedule",
        answers={200: ScheduleView},
    ),
    Route(
        "DELETE",
        "api/schedules/{schedule}",
        schedules.ScheduleDoor,
        L,
        "Remove a schedule (its owner); the runs that it started stay",
        answers={204: None},
    ),
    Route(
        "POST",
        "api/schedules/{schedule}/pause",
        schedules.PauseDoor,
        L,
        "Start no more runs by this schedule (its owner)",
        schedules.PauseSchedule,
        {200: ScheduleView},
        options={"paused": True},
    ),
    Route(
        "POST",
        "api/schedules/{schedule}/unpause",
        schedules.PauseDoor,
        L,
        "Start runs again, from the next due time on (its owner)",
        schedules.PauseSchedule,
        {200: ScheduleView},
        options={"paused": False},
    ),
    Route(
        "GET",
        "api/deliveries",
        webhooks.DeliveriesDoor,
        L,
        "List webhooks of my runs, newest first: delivered, on their way, given up",
        answers={200: DeliveryList},
        query=("run", *LIST),
    ),
    Route(
        "GET",
        "api/deliveries/{delivery}",
        webhooks.DeliveryDoor,
        L,
        "A webhook of a run of mine",
        answers={200: DeliveryView},
    ),
    Route(
        "POST",
        "api/deliveries/{delivery}/send",
        webhooks.SendDoor,
        L,
        "Send a webhook of a run of mine anew",
        webhooks.SendAgain,
        {202: DeliveryView},
    ),
    Route(
        "GET",
        "api/flows",
        flows.FlowsDoor,
        L,
        "List the flows that can be started by their names",
        answers={200: FlowList},
    ),
    Route("GET", "api/flows/{name+}", flows.FlowDoor, L, "A flow", answers={200: FlowView}),
    Route(
        "PUT",
        "api/flows/{name+}",
        flows.FlowDoor,
        L,
        "Register a notebook as the flow of this name",
        flows.RegisterFlow,
        {200: FlowView},
        gives={"name": "$response.body#/name"},
        works=True,
    ),
    Route(
        "DELETE",
        "api/flows/{name+}",
        flows.FlowDoor,
        L,
        "Unregister a flow (who has registered it); its runs stay",
        answers={204: None},
    ),
    Route(
        "POST",
        "v1/agents/{name+}/workflow",
        workflows.WorkflowDoor,
        L,
        "Start a flow by its name, and wait until it pauses or ends",
        workflows.StartWorkflow,
        {201: WorkflowRun},
        WAIT,
        headers=(ONCE,),
        gives=WORKFLOW_RUN,
        works=True,
    ),
    Route(
        "GET",
        "v1/workflow-runs",
        workflows.WorkflowRunsDoor,
        L,
        "List workflow runs, newest first",
        answers={200: WorkflowRunPage},
        query=(some_of("status", Status), "owner", "cursor", *LIST),
    ),
    Route(
        "GET",
        "v1/workflow-runs/{run}",
        workflows.WorkflowRunDoor,
        L,
        "A workflow run",
        answers={200: WorkflowRun},
    ),
    Route(
        "DELETE",
        "v1/workflow-runs/{run}",
        workflows.WorkflowRunDoor,
        L,
        "Cancel a workflow run (its owner)",
        answers={200: WorkflowRun},
    ),
    Route(
        "POST",
        "v1/workflow-runs/{run}/resume",
        workflows.ResumeWorkflowDoor,
        L,
        "Put in what the paused step waits for, and wait until the run pauses again or ends",
        workflows.ResumeWorkflow,
        {200: WorkflowRun},
        WAIT,
    ),
    Route(
        "GET",
        "approve",
        links.EnterDoor,
        S,
        "Enter by a link: to the page with both buttons",
        answers={303: None},
        query=TOKEN,
        options=_APPROVE,
    ),
    Route(
        "GET",
        "resume",
        links.VoteDoor,
        S,
        "Enter by a link: to the page that approves",
        answers={303: None},
        query=TOKEN,
        options=_RESUME,
    ),
    Route(
        "POST",
        "resume",
        links.VoteDoor,
        S,
        "Approve; the body is the payload",
        Json,
        answers={200: views.Voted, 201: views.Voted},
        query=(*TOKEN, "digest"),
        options=_RESUME,
    ),
    Route(
        "GET",
        "cancel",
        links.VoteDoor,
        S,
        "Enter by a link: to the page that rejects",
        answers={303: None},
        query=TOKEN,
        options=_CANCEL,
    ),
    Route(
        "POST",
        "cancel",
        links.VoteDoor,
        S,
        "Reject; `reason` in the body is the reason",
        Json,
        answers={200: views.Voted, 201: views.Voted},
        query=(*TOKEN, "digest"),
        options=_CANCEL,
    ),
    Route(
        "GET",
        "inbox",
        inbox.InboxDoor,
        L,
        "The page of the open gates that await me, oldest first",
        answers={200: HTML},
        query=("q", "cursor"),
    ),
    Route("POST", "inbox", inbox.InboxDoor, L, "Approve several gates", FORM, {200: HTML}),
    Route("GET", "page/{gate}", pages.PageDoor, S, "The approval page", answers={200: HTML}),
    Route("POST", "page/{gate}", pages.PageDoor, S, "Vote on the page", FORM, {200: HTML}),
    Route(
        "GET",
        "page/{gate}/frame/{name}",
        framing.FrameDoor,
        S,
        "What the approval page shows in a frame",
        answers={200: OF_ITS_OWN},
    ),
    Route(
        "GET",
        "assets/{name}",
        framing.AssetDoor,
        S,
        "A script for frames; it holds no data",
        answers={200: SCRIPT},
    ),
    Route(
        "GET",
        "page/{gate}/live",
        looking.LiveDoor,
        S,
        "How the gate stands: the parts of its page that change",
        answers={200: HTML, 304: None},
        query=("digest",),
    ),
    Route(
        "POST", "peers/runs", peers.PeerRunsDoor, P, "Take over a run", peers.PeerRun, works=True
    ),
    Route(
        "POST",
        "peers/evaluate/{run}",
        peers.PeerEvaluateDoor,
        P,
        "Check an answer in the kernel",
        works=True,
    ),
    Route("POST", "peers/drive/{run}", peers.PeerDriveDoor, P, "Look at a run again"),
    Route("POST", "peers/schedules", schedules.PeerSchedulesDoor, P, "Look at the schedules again"),
)

ROUTES: Sequence[Route] = (*OWN, *(replace(route, works=True) for route in WINDMILL))


def working(path: str) -> frozenset[str]:
    """The methods of this path that need a server which runs cells."""
    methods = {route.method for route in ROUTES if route.path == path and route.works}
    return frozenset(methods | ({"HEAD"} if "GET" in methods else set()))


def handlers(doors: Doors, prefix: str) -> list[tuple[str, type[Answering], dict[str, Any]]]:
    """The tornado handlers of the table, one for each path."""
    found: dict[str, tuple[str, type[Answering], dict[str, Any]]] = {}
    for route in ROUTES:
        options: dict[str, Any] = {"doors": doors, "working": working(route.path), **route.options}
        if route.door is OpenApiDoor:
            options["routes"] = ROUTES
        found[route.path] = (rf"{prefix}/{pattern(route.path)}", route.door, options)
    return list(found.values())
