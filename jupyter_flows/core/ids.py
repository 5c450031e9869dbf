"""What runs, steps, links and stored content go by."""

from typing import NewType

RunId = NewType("RunId", str)
StepId = NewType("StepId", str)
LinkId = NewType("LinkId", str)
Digest = NewType("Digest", str)  # "sha256:<64 hex digits>"
