"""What is known of a kernel's saved variables, and what an author may say of saving them."""

from enum import StrEnum

from msgspec import Struct

from jupyter_flows.core.ids import Digest, StepId

KEPT = 4
"""How many checkpoints of a run are kept, the newest: a run may be resumed from a step that lies
behind it, and then needs one from before that step."""


class When(StrEnum):
    """`auto` keeps the kernel for a while after saving, `always` lets it go at once."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class OnUnsaved(StrEnum):
    """What becomes of variables that can't be saved: the kernel is kept for them, the run fails, or
    they are lost with the kernel.
    """

    KEEP_ALIVE = "keep_alive"
    FAIL = "fail"
    DROP = "drop"


class CheckpointOptions(Struct, frozen=True):
    """How the variables are saved while a run waits. None is what the wider place says: the cell,
    then the notebook, then the server. `grace` is in seconds; `exclude` are names.
    """

    when: When | None = None
    on_unsaved: OnUnsaved | None = None
    grace: float | None = None
    exclude: tuple[str, ...] = ()

    def over(self, wider: "CheckpointOptions") -> "CheckpointOptions":
        """These, and where they say nothing the wider ones."""
        return CheckpointOptions(
            when=self.when or wider.when,
            on_unsaved=self.on_unsaved or wider.on_unsaved,
            grace=wider.grace if self.grace is None else self.grace,
            exclude=tuple(dict.fromkeys((*wider.exclude, *self.exclude))),
        )


class Unsaved(Struct, frozen=True):
    """A variable that could not be saved: `path` leads to what stood in the way, `type` is that
    one's. `step` is the last that bound the name, as far as its source tells.
    """

    name: str
    type: str
    path: str
    reason: str
    step: StepId | None = None


class Checkpoint(Struct, frozen=True):
    """The variables of a run's kernel as they were behind the steps that it `covers`, each at the
    time of so many `attempts`. `tried` is how often the next one had been tried in that kernel:
    what a failed try has done is then in it.

    `digest` names its manifest. `size` and `new` are bytes, `new` those that had to be written;
    `seconds` is how long that took. `lost_with` says that the author has the unsaved ones dropped.
    `doubt` is why a trial of loading it failed.
    """

    digest: Digest
    saved_at: float
    covers: tuple[StepId, ...]
    attempts: tuple[int, ...]
    tried: int
    variables: int
    size: int
    new: int
    seconds: float
    unsaved: tuple[Unsaved, ...] = ()
    drops: bool = False
    doubt: str | None = None

    @property
    def complete(self) -> bool:
        """Whether a run can go on with it in the place of its kernel."""
        return self.doubt is None and (self.drops or not self.unsaved)


class Choice(StrEnum):
    """What a person may choose for an interrupted run, besides giving it up: go on with what was
    saved; with that although packages have changed since; with the kernel as it is now; or with the
    earlier cells run again.
    """

    CHECKPOINT = "checkpoint"
    CHANGED = "changed"
    KERNEL = "kernel"
    RERUN = "rerun"
