"""The table of what is kept for flows, and of who asks."""

from collections.abc import Sequence

from jupyter_flows.core.model import Json
from jupyter_flows.web.declared import TEXT, Problem, flag, whole
from jupyter_flows.web.route import Access, Route
from jupyter_flows.web.windmill import door, kept, resources, users, variables

K = Access.KERNEL
W = "api/w/{workspace}"
V = f"{W}/variables"
R = f"{W}/resources"
PAGES = (whole("page", 1, door.MOST_PAGES, 1), whole("per_page", 1, door.PAGE, door.PAGE))

VARIABLES: Sequence[Route] = (
    Route(
        "GET",
        f"{V}/get_value/{{path+}}",
        variables.VariableValueDoor,
        K,
        "A variable's value, secret or not",
        answers={200: str},
    ),
    Route(
        "GET",
        f"{V}/get/{{path+}}",
        variables.VariableDoor,
        K,
        "A variable; the value of a secret one is null unless it is asked for",
        answers={200: variables.VariableView},
        query=(flag("decrypt_secret"),),
    ),
    Route(
        "GET",
        f"{V}/exists/{{path+}}",
        variables.VariableExistsDoor,
        K,
        "Whether there is such a variable",
        answers={200: bool},
    ),
    Route(
        "GET",
        f"{V}/list",
        variables.VariablesDoor,
        K,
        "The variables that are shared, and the asker's own",
        answers={200: list[variables.VariableView]},
        query=PAGES,
    ),
    Route(
        "POST",
        f"{V}/create",
        variables.CreateVariableDoor,
        K,
        "Keep a variable; it is encrypted",
        variables.CreateVariable,
        {201: TEXT},
        (flag("update_if_exists"),),
    ),
    Route(
        "POST",
        f"{V}/update/{{path+}}",
        variables.UpdateVariableDoor,
        K,
        "Change a variable",
        variables.UpdateVariable,
        {200: TEXT},
    ),
    Route(
        "DELETE",
        f"{V}/delete/{{path+}}",
        variables.DeleteVariableDoor,
        K,
        "Remove a variable",
        answers={200: TEXT},
    ),
)

RESOURCES: Sequence[Route] = (
    Route(
        "GET",
        f"{R}/get_value_interpolated/{{path+}}",
        resources.ResourceInterpolatedDoor,
        K,
        "A resource's value, with what it names by $var: and $res: in their places",
        answers={200: Json},
    ),
    Route(
        "GET",
        f"{R}/get_value/{{path+}}",
        resources.ResourceValueDoor,
        K,
        "A resource's value as it was written",
        answers={200: Json},
    ),
    Route(
        "GET",
        f"{R}/get/{{path+}}",
        resources.ResourceDoor,
        K,
        "A resource",
        answers={200: resources.ResourceView},
    ),
    Route(
        "GET",
        f"{R}/exists/{{path+}}",
        resources.ResourceExistsDoor,
        K,
        "Whether there is such a resource",
        answers={200: bool},
    ),
    Route(
        "GET",
        f"{R}/list",
        resources.ResourcesDoor,
        K,
        "The resources that are shared, and the asker's own",
        answers={200: list[resources.ResourceView]},
        query=("resource_type", *PAGES),
    ),
    Route(
        "POST",
        f"{R}/create",
        resources.CreateResourceDoor,
        K,
        "Keep a resource",
        resources.CreateResource,
        {201: TEXT},
        (flag("update_if_exists"),),
    ),
    Route(
        "POST",
        f"{R}/update_value/{{path+}}",
        resources.UpdateResourceValueDoor,
        K,
        "Change a resource's value",
        resources.UpdateResourceValue,
        {200: TEXT},
    ),
    Route(
        "DELETE",
        f"{R}/delete/{{path+}}",
        resources.DeleteResourceDoor,
        K,
        "Remove a resource",
        answers={200: TEXT},
    ),
)

_STATES = f"{W}/jobs/flow/user_states/{{job}}"

OF_RUNS: Sequence[Route] = (
    Route(
        "GET",
        _STATES,
        kept.UserStatesDoor,
        K,
        "All that is kept with a run and its family",
        answers={200: dict[str, Json]},
    ),
    Route(
        "GET",
        f"{_STATES}/{{key+}}",
        kept.UserStateDoor,
        K,
        "What is kept with a run under this key; null for nothing",
        answers={200: Json},
    ),
    Route(
        "POST",
        f"{_STATES}/{{key+}}",
        kept.UserStateDoor,
        K,
        "Keep any JSON with a run",
        body=Json,
        answers={200: TEXT},
    ),
    Route(
        "DELETE",
        f"{_STATES}/{{key+}}",
        kept.UserStateDoor,
        K,
        "Keep nothing under this key",
        answers={200: TEXT},
    ),
    Route(
        "POST",
        f"{W}/job_metrics/set_progress/{{job+}}",
        kept.SetProgressDoor,
        K,
        "Say how far a job is",
        kept.SetProgress,
        {200: TEXT},
    ),
    Route(
        "GET",
        f"{W}/job_metrics/get_progress/{{job+}}",
        kept.ProgressDoor,
        K,
        "How far a job says it is, in percent; null for nothing",
        answers={200: Json},
    ),
    Route(
        "GET",
        f"{W}/jobs/worker_is_draining/{{job+}}",
        users.DrainingDoor,
        K,
        "Whether this server is about to end",
        answers={200: bool},
    ),
)

USERS: Sequence[Route] = (
    Route(
        "GET",
        "api/version",
        users.VersionDoor,
        K,
        "The version of this server",
        answers={200: TEXT},
    ),
    Route(
        "GET",
        "api/users/whoami",
        users.WhoamiDoor,
        K,
        "Who asks",
        answers={200: users.Whoami},
        options={"of_workspace": False},
    ),
    Route(
        "GET",
        f"{W}/users/whoami",
        users.WhoamiDoor,
        K,
        "Who asks, in the workspace",
        answers={200: users.Whoami},
    ),
    Route(
        "GET",
        f"{W}/users/username_to_email/{{name+}}",
        users.AddressDoor,
        K,
        "A user's address: the name itself",
        answers={200: TEXT},
    ),
    Route(
        "POST",
        "api/users/tokens/create",
        users.CreateTokenDoor,
        K,
        "Another token of the kernel that asks",
        users.CreateToken,
        {201: TEXT, 501: Problem},
    ),
)

THINGS: Sequence[Route] = (*USERS, *VARIABLES, *RESOURCES, *OF_RUNS)
