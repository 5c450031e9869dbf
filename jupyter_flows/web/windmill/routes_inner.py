"""The routes of workflows as code."""

from collections.abc import Sequence

from jupyter_flows.web.route import Access, Route
from jupyter_flows.web.views import LinkUrls
from jupyter_flows.web.windmill import inner

_JOBS = "api/w/{workspace}/jobs"

INNER: Sequence[Route] = (
    Route(
        "GET",
        f"{_JOBS}/wac/checkpoint/{{job}}",
        inner.EndedDoor,
        Access.KERNEL,
        "What the inner steps of a step came to so far (its own kernel)",
        answers={200: inner.Ended},
    ),
    Route(
        "POST",
        f"{_JOBS}/wac/inline_checkpoint/{{job}}",
        inner.KeepDoor,
        Access.KERNEL,
        "Keep what an inner step came to (its own kernel)",
        inner.Outcome,
        {200: inner.Kept},
    ),
    Route(
        "GET",
        f"{_JOBS}/wac_approval_urls/{{job}}/{{key+}}",
        inner.ApprovalUrlsDoor,
        Access.KERNEL,
        "Links to the approval that a step's code waits for, or is going to wait for",
        answers={200: LinkUrls},
        query=("approver",),
    ),
)
