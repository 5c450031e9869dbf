"""A kernel's stay beyond its server: its card is kept for as long as it is the run's."""

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from jupyter_flows.core.model import RunId
from jupyter_flows.kernels.cards import Card, CardFolder


@dataclass(slots=True, eq=False)
class Stay:
    """It holds the run's lock, and the log that the kernel writes to."""

    run: RunId
    cards: CardFolder
    lock: IO[str]
    log: IO[bytes] | None = None
    card: Card | None = None

    def note(self, card: Card) -> None:
        self.card = card
        self.cards.write(card)

    def met(self, nonce: str) -> None:
        """The kernel has answered, and was given this."""
        if self.card is not None:
            self.note(replace(self.card, nonce=nonce))

    def end(self) -> None:
        """The kernel is no more, or no concern of ours."""
        if self.card is not None:
            with contextlib.suppress(OSError):
                Path(self.card.file).unlink(missing_ok=True)
        self.cards.remove(self.run)
        self.leave()

    def leave(self) -> None:
        """Another server may have it."""
        self.lock.close()
        if self.log is not None:
            self.log.close()
