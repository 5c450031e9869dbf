"""A step as the cell that its kernel is to execute, and the driver's hold on a run."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_flows.core.bindings import bindings
from jupyter_flows.core.entries import with_entry
from jupyter_flows.core.model import Digest, Json, Run, Step, StepId, StepStatus
from jupyter_flows.ports import Cell


@dataclass(slots=True)
class Driving:
    """What the driver holds of one run between its effects. Late outputs are told one after the
    other: the newest are the last.

    `waited` says that the run has waited since its last cell, here or before, and `saved` that its
    variables were to be saved since. `busy` seconds went into its cells, and `saving` seconds into
    saving its variables between them, which is done again when `least` seconds may go into it: as
    many as the last took, or twice as many as were not enough.
    """

    epoch: int
    digest: Digest
    snapshot: Mapping[str, Json]
    amending: asyncio.Lock = field(default_factory=asyncio.Lock)
    waited: bool = True
    saved: bool = False
    busy: float = 0.0
    saving: float = 0.0
    least: float = 0.0


def cell_of(
    run: Run, step: Step, snapshot: Mapping[str, Json], *, rebuilding: bool = False
) -> Cell:
    return Cell(
        step=step.id,
        attempt=max(step.attempts, 1),
        source=with_entry(snapshot["cells"][step.spec.index]["source"], step.spec),
        timeout=step.spec.timeout,
        raises=step.spec.raises,
        bindings=bindings(run, before=step.id),
        rebuilding=rebuilding,
        goes_on=step.spec.continue_on_error,
        replay=step.spec.replay,
        failed_before=step.status is StepStatus.FAILED,
    )


def sources(run: Run, steps: tuple[StepId, ...], snapshot: Mapping[str, Json]) -> dict[StepId, str]:
    return {step: snapshot["cells"][run.steps[step].spec.index]["source"] for step in steps}
