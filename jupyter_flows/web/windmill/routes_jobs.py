"""The table of jobs: links, what they came to, and those that are started."""

from collections.abc import Sequence

from jupyter_flows.core.model import Json
from jupyter_flows.web.declared import TEXT, flag, whole
from jupyter_flows.web.route import ONCE, Access, Route
from jupyter_flows.web.views import LinkUrls
from jupyter_flows.web.windmill import jobs, starting

K = Access.KERNEL
W = "api/w/{workspace}"
_START = (
    "parent_job",
    "root_job",
    whole("scheduled_in_secs", 1, starting.MOST_DELAY),
    whole("timeout", 1, starting.MOST_TIMEOUT),
    "retry",
    "tag",
)

JOBS: Sequence[Route] = (
    Route(
        "GET",
        f"{W}/jobs/resume_urls/{{job}}/{{nonce}}",
        jobs.ResumeUrlsDoor,
        K,
        "New links for the gate of a step, or for the whole run",
        answers={200: LinkUrls},
        query=("approver", flag("flow_level")),
    ),
    Route(
        "GET",
        f"{W}/jobs/list",
        jobs.JobsDoor,
        K,
        "My jobs, the newest first",
        answers={200: list[jobs.JobView]},
        query=(
            flag("running", default=None),
            "script_path_exact",
            whole("per_page", 1, jobs.MOST_PER_PAGE, jobs.PER_PAGE),
            whole("page", 1, jobs.MOST_PAGE, 1),
        ),
    ),
    Route(
        "GET",
        f"{W}/jobs_u/get/{{job}}",
        jobs.JobDoor,
        K,
        "A job: a run, or one of its steps",
        answers={200: jobs.JobView},
    ),
    Route(
        "GET",
        f"{W}/jobs_u/get_root_job_id/{{job}}",
        jobs.RootJobDoor,
        K,
        "The job that its family began with",
        answers={200: str},
    ),
    Route(
        "GET",
        f"{W}/jobs_u/completed/get_result/{{job}}",
        jobs.ResultDoor,
        K,
        "The result of a job that has ended",
        answers={200: Json},
    ),
    Route(
        "GET",
        f"{W}/jobs_u/completed/get_result_maybe/{{job}}",
        jobs.WaitDoor,
        K,
        "How a job stands: the answer comes when it ends, or after a while",
        answers={200: jobs.JobState},
    ),
    Route(
        "POST",
        f"{W}/jobs_u/queue/cancel/{{job}}",
        jobs.CancelDoor,
        K,
        "Cancel the run that a job belongs to",
        jobs.CancelJob,
        {200: TEXT},
    ),
    Route(
        "POST",
        f"{W}/jobs/run/f/{{path+}}",
        starting.RunPathDoor,
        K,
        "Start a flow by its name; the body holds its arguments",
        body=dict[str, Json],
        answers={201: TEXT},
        query=_START,
        headers=(ONCE,),
    ),
    Route(
        "POST",
        f"{W}/jobs/run/p/{{path+}}",
        starting.RunPathDoor,
        K,
        "Start a script by its name; the body holds its arguments",
        body=dict[str, Json],
        answers={201: TEXT},
        query=_START,
        headers=(ONCE,),
    ),
    Route(
        "POST",
        f"{W}/jobs/run/h/{{hash}}",
        starting.RunHashDoor,
        K,
        "Start a version of a flow by its hash; the body holds its arguments",
        body=dict[str, Json],
        answers={201: TEXT},
        query=_START,
        headers=(ONCE,),
    ),
    Route(
        "POST",
        f"{W}/jobs/run/workflow_as_code/{{job}}/{{function}}",
        starting.RunFunctionDoor,
        K,
        "Start a run of a function that the cells up to this step define",
        starting.CallFunction,
        {201: TEXT},
        query=("tag",),
        headers=(ONCE,),
    ),
)
