"""A Prefect task that runs a notebook flow, and a flow around it.

export JUPYTER_FLOWS_URL=https://hub.example.org/user/bob JUPYTER_FLOWS_TOKEN=…
python prefect_notebook.py report.ipynb
"""

import asyncio
import json
import os
import sys
from typing import Any

from flows_rest import OVER, Flows, approval_page, why
from prefect import flow, get_client, get_run_logger, runtime, task
from prefect.artifacts import acreate_link_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

RUN_ARTIFACT = "notebook-run"


def flows() -> Flows:
    return Flows(os.environ["JUPYTER_FLOWS_URL"], os.environ["JUPYTER_FLOWS_TOKEN"])


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
async def run_notebook(
    notebook: str,
    parameters: dict[str, Any] | None = None,
    name: str = "",
    every: float = 10.0,
) -> Any:
    """What the run of the notebook results in. Where it waits for people, the address of the
    approval page is in the log and an artifact of the task.

    A retry, of the task or of the flow, finds the run of the earlier try, unless that has failed or
    was cancelled: then it starts one anew. A flow that runs one notebook with the same parameters
    several times gives each a `name`.
    """
    flow_run, task_run = runtime.flow_run, runtime.task_run
    key = json.dumps([flow_run.id or task_run.id, name, notebook, parameters], sort_keys=True)
    tries = task_run.run_count + (flow_run.run_count or 1) - 1
    run = await flows().start(notebook, parameters, key=key, tries=tries)
    await acreate_link_artifact(f"{run['links_base']}/api/runs/{run['id']}", key=RUN_ARTIFACT)
    async for seen in flows().news(run["id"], every=every):
        run = seen
        if run["status"] not in OVER:
            get_run_logger().info("waits for approval: %s", approval_page(run))
            await acreate_link_artifact(approval_page(run), "Approve or reject", key="approval")
    if run["status"] != "succeeded":
        raise RuntimeError(why(run))
    return run["result"]


async def cancel_notebooks(flow: Any, flow_run: Any, state: Any) -> None:  # noqa: ARG001
    """The runs of a flow that was cancelled are cancelled too: its artifacts name them."""
    wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run.id]))
    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=wanted)
    for artifact in found:
        if artifact.key == RUN_ARTIFACT:
            run_id = artifact.data.rpartition("/")[2].rstrip(")")
            await flows().cancel(run_id, "The Prefect flow was cancelled.")


@flow(on_cancellation=[cancel_notebooks], log_prints=True)
async def publish_report(notebook: str = "report.ipynb", every: float = 10.0) -> Any:
    result = await run_notebook(notebook, every=every)
    print("published:", result)
    return result


if __name__ == "__main__":
    asyncio.run(publish_report(*sys.argv[1:2]))
