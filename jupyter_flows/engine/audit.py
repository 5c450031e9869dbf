"""Audit: is a run's log as it was written, and the receipt of it (G71)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from jupyter_flows.core import receipt
from jupyter_flows.core.audit import Head, Row, Verdict, verify
from jupyter_flows.core.errors import LogBroken
from jupyter_flows.core.model import RunId
from jupyter_flows.core.moments import rfc3339
from jupyter_flows.ports import Clock, ReceiptKeys, Store


class Auditor:
    """`keys` opens the keys when they are needed: they are made at the first need. A long log takes
    its time, in a thread.
    """

    def __init__(self, store: Store, keys: Callable[[], ReceiptKeys], clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    async def verdict(self, run: RunId, holds: Head | None = None) -> Verdict:
        """`holds` is a row that must be in the log, from an earlier receipt. Raises UnknownRun."""
        rows = await self._store.chain(run)
        return await asyncio.to_thread(verify, run, rows, holds=holds)

    async def receipt(self, run: RunId, *, payloads: bool = True) -> bytes:
        """The signed receipt of the log as it is now, as the content of a file.

        Raises UnknownRun; LogBroken, for nobody may sign what is not as it was written.
        """
        rows = await self._store.chain(run)
        return await asyncio.to_thread(self._receipt, run, rows, payloads)

    def _receipt(self, run: RunId, rows: Sequence[Row], payloads: bool) -> bytes:
        verdict = verify(run, rows)
        if not verdict.good:
            raise LogBroken(_broken(run, verdict))
        key = self._keys().newest()
        signer = receipt.Signer(rfc3339(self._clock()), key.id, key.public_key)
        written = receipt.written(run, rows, signer, payloads=payloads)
        return receipt.document(written, key.sign(receipt.signed_bytes(written)))

    def public_keys(self) -> Mapping[str, str]:
        """By their id, newest first, as PEM."""
        return self._keys().public_keys()

    def new_key(self) -> str:
        """Sign with a new key from now on; its id."""
        return self._keys().rotate()


def _broken(run: RunId, verdict: Verdict) -> str:
    said = "; ".join(map(str, verdict.findings[:5]))
    more = len(verdict.findings) - 5
    more_said = f"; and {more} more" if more > 0 else ""
    return f"The log of run {run} is broken, so no receipt is given of it: {said}{more_said}."
