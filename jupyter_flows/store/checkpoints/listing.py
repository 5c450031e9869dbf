"""What lies in a storage of checkpoints: manifests, the blobs that they name, and marks."""

from collections import defaultdict

from jupyter_flows.core.model import RunId
from jupyter_flows.ports import CheckpointUsage
from jupyter_flows.store.checkpoints import manifests
from jupyter_flows.store.checkpoints.bucket import Bucket, Found, at_once
from jupyter_flows.store.checkpoints.folder import HOUR, RUN, digits_of, is_manifest


class Listing:
    """Raises StorageUnavailable."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._named: dict[str, set[str]] = {}

    def usage(self) -> CheckpointUsage:
        blobs = {_digits(found): found.size for found in self._bucket.list("blobs")}
        lists = self.manifests()
        runs: dict[RunId, set[str]] = defaultdict(set)
        named = at_once(self._digits_in, [found for _, found in lists])
        for (run, _), digits in zip(lists, named, strict=True):
            runs[run] |= digits
        return CheckpointUsage(
            manifests=len(lists),
            blobs=sum(digits is not None for digits in blobs),
            bytes=sum(blobs.values()) + sum(found.size for _, found in lists),
            runs={
                run: sum(size for digits, size in blobs.items() if digits in found)
                for run, found in runs.items()
            },
        )

    def manifests(self) -> list[tuple[RunId, Found]]:
        found = [(each.key.split("/"), each) for each in self._bucket.list("manifests")]
        return [
            (RunId(parts[1]), each)
            for parts, each in found
            if len(parts) == len(("manifests", "run", "digest"))
            and RUN.fullmatch(parts[1])
            and is_manifest(parts[2])
        ]

    def _digits_in(self, found: Found) -> set[str]:
        """What the manifest names; those do not change, so each is read once by a server."""
        known = self._named.get(found.key)
        if known is None:
            try:
                known = manifests.digits_in(self._bucket.read(found.key))
            except FileNotFoundError:  # its run has ended meanwhile
                return set()
            self._named[found.key] = known
        return known

    def loose(self, mark: Found, dead: float) -> list[Found]:
        """What is of no use: blobs that no manifest names and that are an hour old, and marks that
        are `dead` seconds old. What is not ours is none of it.
        """
        lists = [found for _, found in self.manifests()]
        known = {found.key for found in lists}
        self._named = {key: names for key, names in self._named.items() if key in known}
        kept = set().union(*at_once(self._digits_in, lists)) if lists else set()
        found = ((_digits(each), each) for each in self._bucket.list("blobs"))
        blobs = [each for digits, each in found if digits is not None and digits not in kept]
        marks = [each for kind in ("saving", "collecting") for each in self._bucket.list(kind)]
        old = [each for each in marks if each.key != mark.key and is_old(each, mark, dead)]
        return [*(each for each in blobs if is_old(each, mark, HOUR)), *old]

    def marks(self, prefix: str, mine: Found, counts: float) -> list[Found]:
        """Others' marks there that count: not those whose process has died long ago."""
        return [
            found
            for found in self._bucket.list(prefix)
            if found.key != mine.key and not is_old(found, mine, counts)
        ]


def _digits(found: Found) -> str | None:
    return digits_of(found.key.rpartition("/")[2].removesuffix(".damaged"))


def is_old(found: Found, now: Found, age: float) -> bool:
    """Whether it is so many seconds older than the other, by the storage's own clock. What does not
    tell its time is never old.
    """
    if found.modified is None or now.modified is None:
        return False
    return found.modified < now.modified - age
