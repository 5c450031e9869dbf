"""Events to JSON text and back, for the log. Reading checks every type."""

import functools

import msgspec

from jupyter_flows.core.events import KINDS, Event


class UnknownKind(ValueError):
    """The log holds an event of a kind that this version does not know."""


def encode(event: Event) -> tuple[str, str]:
    """`(kind, body)`; the body is JSON text."""
    return type(event).__name__, msgspec.json.encode(event).decode()


@functools.cache
def _decoder(kind: str) -> msgspec.json.Decoder[Event]:
    try:
        return msgspec.json.Decoder(KINDS[kind])
    except KeyError:
        raise UnknownKind(
            f"event kind {kind!r} is not known to this version; known: {', '.join(KINDS)}"
        ) from None


def decode(kind: str, body: str) -> Event:
    """Raises UnknownKind, or msgspec.ValidationError when the body does not fit its kind."""
    return _decoder(kind).decode(body)
