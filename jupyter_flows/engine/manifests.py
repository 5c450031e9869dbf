"""What a kernel says of its saved variables, as the run's log and its manifest have it."""

from collections.abc import Mapping, Sequence

from jupyter_flows.core import machine
from jupyter_flows.core.binders import last_binders
from jupyter_flows.core.checkpoint import Checkpoint, OnUnsaved, Unsaved
from jupyter_flows.core.errors import CheckpointRefused
from jupyter_flows.core.model import Digest, Json, Run, StepId

FORMAT = 1
NAMED = 50
"""How many unsaved variables are named in the log."""

OF_THE_FLOW = frozenset(
    ("flows", "flow_input", "results", "previous_result", "resume", "resumes", "approvers", "error")
)
"""Names that a flow binds: they are saved as all others are, and not counted as the author's."""

CHARACTERS = 200
"""Of a kernel's own words that are kept in the log."""


def manifest(run: Run, covers: Sequence[StepId], saved: Mapping[str, Json]) -> dict[str, Json]:
    return {"format": FORMAT, "run": run.id, "covers": list(covers), "kernel": dict(saved)}


def checkpoint_of(
    run: Run,
    digest: Digest,
    saved: Mapping[str, Json],
    sources: Mapping[StepId, str],
    on_unsaved: OnUnsaved | None,
) -> Checkpoint:
    """`run` is as it was when saving began; `sources` are those of the covered steps, in order.

    Raises CheckpointRefused for words of a kernel that are none of a checkpointer.
    """
    try:
        return _checkpoint_of(run, digest, saved, sources, on_unsaved)
    except (LookupError, TypeError, ValueError) as error:
        raise CheckpointRefused(f"The kernel said what can't be understood: {error!r}") from None


def _checkpoint_of(
    run: Run,
    digest: Digest,
    saved: Mapping[str, Json],
    sources: Mapping[StepId, str],
    on_unsaved: OnUnsaved | None,
) -> Checkpoint:
    covers = machine.steps_behind(run)
    unsaved = saved.get("unsaved", ())[:NAMED]
    binders = last_binders(sources, {each["name"] for each in unsaved})
    return Checkpoint(
        digest=digest,
        saved_at=float(saved["saved_at"]),
        covers=covers,
        attempts=machine.attempts(run, covers),
        tried=machine.tried(run),
        variables=len(set(saved["names"]) - OF_THE_FLOW),
        size=int(saved["bytes"]),
        new=int(saved["new_bytes"]),
        seconds=float(saved["seconds"]),
        unsaved=tuple(
            Unsaved(
                name=_short(each["name"]),
                type=_short(each["type"]),
                path=_short(each["path"]),
                reason=_short(each["reason"]),
                step=binders.get(each["name"]),
            )
            for each in unsaved
        ),
        drops=on_unsaved is OnUnsaved.DROP,
    )


def _short(said: Json) -> str:
    text = str(said)
    return text if len(text) <= CHARACTERS else text[: CHARACTERS - 1] + "…"
