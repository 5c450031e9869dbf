"""The first event of a run: what was asked for, and what its notebook says."""

from msgspec.structs import replace

from jupyter_flows.core import events as e
from jupyter_flows.core.flow import Flow
from jupyter_flows.core.model import Digest, Retry, StepSpec
from jupyter_flows.engine.asked import Limits, NewRun


def created(
    new: NewRun,
    flow: Flow,
    snapshot: Digest,
    kernel_name: str,
    *,
    limits: Limits,
    root: str | None,
) -> e.RunCreated:
    """`root` is that of the server, for a run that shows in place."""
    return e.RunCreated(
        path=new.path,
        owner=new.owner,
        parameters=dict(new.parameters),
        snapshot=snapshot,
        steps=_tried_again(flow.steps, new.retry),
        kernel_name=kernel_name,
        kernel_id=new.kernel_id,
        folder=new.folder,
        output=new.output,
        default_timeout=limits.timeout,
        name=flow.name,
        timeout=min((x for x in (flow.timeout, new.lifetime) if x is not None), default=None),
        concurrency=flow.concurrency,
        in_place=new.in_place,
        root=root if new.in_place else None,
        checkpointing=flow.checkpointing.over(limits.checkpointing),
        parent_job=new.parent_job,
        root_job=new.root_job,
        started_by=new.started_by,
        at_once=None if new.started_by is None else limits.children_at_once,
        wake_at=new.begins_at,
        queue=flow.queue or limits.queue,
        completion=new.completion,
    )


def _tried_again(steps: tuple[StepSpec, ...], retry: Retry | None) -> tuple[StepSpec, ...]:
    """Each step that says nothing of it itself is tried again so: what ran before it stays."""
    if retry is None:
        return steps
    return tuple(
        step if step.retry is not None or step.failure or step.once else replace(step, retry=retry)
        for step in steps
    )
