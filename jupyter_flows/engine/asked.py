"""What is asked of an engine: its limits at the start, and each new run."""

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_flows.core.model import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`timeout` is a gate's default in seconds (G12), `payload_bytes` a vote's limit (G63), and
    `validator_seconds` what a gate's own check may take (G62).
    """

    timeout: float = 30 * 86400.0
    payload_bytes: int = 1 << 20
    validator_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What is asked for: `notebook` is the parsed .ipynb, `folder` and `output` absolute paths."""

    notebook: Mapping[str, Json]
    path: str
    owner: str
    parameters: Mapping[str, Json]
    kernel_name: str | None = None
    kernel_id: str | None = None
    folder: str | None = None
    output: str | None = None
    idempotency_key: str | None = None
