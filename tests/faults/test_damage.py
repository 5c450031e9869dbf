"""Files of a checkpoint that are not as they were written: refused with a sentence, and nothing of
them is run.
"""

import os
import random

import pytest

from jupyter_flows.client.checkpoint.hashes import name_in
from jupyter_flows.core.errors import CheckpointUnusable
from jupyter_flows.core.model import RunId
from jupyter_flows.store.checkpoints.folder import Layout, hex_of
from tests.faults.conftest import trials
from tests.faults.looking import manifest
from tests.faults.states import SIZE
from tests.store.saving import HOUR, OTHER, RUN, age, opened

SMALL = 4096
"""Bytes up to which each byte of a file is flipped."""


class Saved:
    """Two checkpoints of one run, and one of another, in one folder."""

    def __init__(self, folder, forks):
        self.folder, self.forks = folder, forks
        self.layout = Layout(folder)
        self.checkpoints = opened(folder)

    async def made(self, size=SIZE):
        self.older, _, _ = await self.saved(RUN, 1, size)
        self.digest, self.kernel, self.fingerprint = await self.saved(RUN, 2, size)
        self.others, _, _ = await self.saved(OTHER, 3, size)
        return self

    async def saved(self, run, seed, size):
        place = await self.checkpoints.place(run)
        told = self.forks.save(place.folder, seed, size=size)["told"]
        digest = await self.checkpoints.commit(run, place, manifest(run, told["kernel"]))
        return digest, told["kernel"], told["fingerprint"]

    @property
    def manifest(self):
        return self.layout.manifest(RUN, self.digest)

    @property
    def blobs(self):
        """The streams first; plain or compressed, as they lie there."""
        parts = [*self.kernel["streams"], *self.kernel["blobs"]]
        paths = [self.layout.blob(name_in(part)) for part in parts]
        return [p if p.exists() else p.with_name(p.name + ".z") for p in dict.fromkeys(paths)]

    async def restored(self):
        """As a restore asks: the server for the manifest, then a kernel. What is said of it."""
        try:
            found = await self.checkpoints.manifest(RUN, self.digest)
        except CheckpointUnusable as error:
            return {"error": {"message": str(error)}, "ran": [], "bound": False}
        return self.forks.load(self.folder, found["kernel"])["told"]


@pytest.fixture
def saved(quick_path, forks, jp_asyncio_loop):
    return jp_asyncio_loop.run_until_complete(Saved(quick_path / "checkpoints", forks).made())


def is_refused(told):
    """With a sentence, and nothing was done before."""
    said = told.get("error", {}).get("message", "")
    return said.endswith(".") and not told["ran"] and not told["bound"]


def places(size, chance, sampled):
    """Each byte of a small file, some of a large one; and which bit of it."""
    some = {0, size - 1, *chance.sample(range(size), min(sampled, size))}
    every = range(size) if size <= SMALL else sorted(some)
    return [(at, 1 << chance.randrange(8)) for at in every]


async def test_a_flipped_byte_of_a_manifest_is_refused(saved, tally, chance):
    count, path = tally("byte flipped in a manifest"), saved.manifest
    whole = path.read_bytes()
    for at, bits in places(len(whole), chance, trials(600)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ bits]) + whole[at + 1 :])
        try:
            await saved.checkpoints.manifest(RUN, saved.digest)
            count.add("read", f"byte {at} by {bits} is not found")
        except CheckpointUnusable as error:
            count.add("refused", "" if str(error).endswith(".") else f"no sentence: {error}")
    path.write_bytes(whole)
    assert "error" not in await saved.restored()
    count.check(min(len(whole), trials(600)))


@pytest.mark.parametrize("kind", ["plain", "small", "compressed"])
@pytest.mark.timeout(900)
async def test_a_flipped_byte_of_a_blob_is_refused_and_nothing_of_it_runs(
    saved, tally, chance, kind
):
    count = tally(f"byte flipped in a blob, {kind}")
    if kind == "compressed":
        age(saved.folder, 2 * HOUR)
        await saved.checkpoints.tidy()
        assert any(path.suffix for path in saved.blobs)
    elif kind == "small":
        await saved.made(5000)
    for path in saved.blobs:
        sampled = trials(300 if kind == "small" else 60)
        flips = places(path.stat().st_size, chance, sampled)
        asked = {"kernel": saved.kernel, "fingerprint": saved.fingerprint}
        done = saved.forks.ask(
            "damages", folder=str(saved.folder), path=str(path), flips=flips, **asked
        )
        for _ in range(done["told"]["refused"]):
            count.add("refused")
        for _ in range(done["told"]["harmless"]):
            count.add("read, and the same")
        for each in done["told"]["wrong"]:
            count.add("lost", each)
    assert "error" not in await saved.restored()
    assert kind == "compressed" or "read, and the same" not in count.outcomes
    count.check(len(saved.blobs) * min(trials(60), 300))


def truncate(path, _):
    os.truncate(path, path.stat().st_size // 2)


def shorten(path, _):
    os.truncate(path, path.stat().st_size - 1)


def lengthen(path, _):
    with path.open("ab") as file:
        file.write(b"\0")


def empty(path, _):
    os.truncate(path, 0)


def remove(path, _):
    path.unlink()


def replace(path, saved):
    """By the same file of another checkpoint."""
    if path == saved.manifest:
        path.write_bytes(saved.layout.manifest(RUN, saved.older).read_bytes())
    else:
        others = [p for p in saved.layout.blobs.glob("*/*") if p not in saved.blobs]
        path.write_bytes(random.Random(1).choice(sorted(others)).read_bytes())


def zero(path, _):
    """As a disk does that lost what was not synced."""
    path.write_bytes(bytes(path.stat().st_size))


def link_to_another(path, saved):
    target = saved.layout.root / "elsewhere"
    target.write_bytes(bytes(path.stat().st_size))
    path.unlink()
    path.symlink_to(target)


def link_that_never_ends(path, _):
    path.unlink()
    path.symlink_to("/dev/zero")


def pipe(path, _):
    path.unlink()
    os.mkfifo(path)


def folder(path, _):
    path.unlink()
    path.mkdir()


WAYS = (
    truncate,
    shorten,
    lengthen,
    empty,
    remove,
    replace,
    zero,
    link_to_another,
    link_that_never_ends,
    pipe,
    folder,
)


@pytest.mark.parametrize("kind", ["plain", "compressed"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_a_file_that_is_another_is_refused(saved, tally, way, kind, tmp_path):
    count = tally(f"file of a checkpoint: {way.__name__.replace('_', ' ')}")
    if kind == "compressed":
        age(saved.folder, 2 * HOUR)
        await saved.checkpoints.tidy()
    for path in [saved.manifest, *saved.blobs]:
        aside = tmp_path / "aside"
        aside.write_bytes(path.read_bytes())
        way(path, saved)
        told = await saved.restored()
        harmless = path.suffix == ".z" and told.get("fingerprint") == saved.fingerprint
        refused = is_refused(told)
        count.add(
            "refused" if refused else "read, and the same",
            "" if refused or harmless else f"{path.name}: {told}",
        )
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        path.write_bytes(aside.read_bytes())
    assert (await saved.restored()).get("fingerprint") == saved.fingerprint
    count.check(1 + len(saved.blobs))


async def test_a_manifest_of_another_run_is_refused(saved, tally):
    count, theirs = tally("manifest of another run"), saved.layout.manifest(OTHER, saved.others)
    content, name = theirs.read_bytes(), hex_of(saved.others)
    saved.manifest.write_bytes(content)
    for digest in (saved.digest, saved.others):
        (saved.manifest.parent / name).write_bytes(content)
        try:
            await saved.checkpoints.manifest(RunId(RUN), digest)
            count.add("read", f"{digest} is taken for the run's own")
        except CheckpointUnusable:
            count.add("refused")
    count.check(2)
