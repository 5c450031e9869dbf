"""Whoever saves is killed at a random moment of it: nothing that was committed is lost."""

import pytest

from jupyter_flows.client.checkpoint.hashes import name_in
from jupyter_flows.store.checkpoints.folder import Layout
from tests.faults.conftest import trials
from tests.faults.looking import lost, manifest, unfinished, unlike_its_name
from tests.store.saving import HOUR, RUN, age, blobs, opened

KEPT = 2
"""How many of a run's checkpoints are kept."""


class Saves:
    """One run whose state goes on changing, and which is saved again and again."""

    def __init__(self, folder, forks, chance):
        self.folder, self.forks, self.chance = folder, forks, chance
        self.checkpoints = opened(folder)
        self.committed = []  # digest, fingerprint
        self.seconds = 0.1

    async def saved(self, seed):
        """A whole save, by a kernel that lives: the fingerprint that it comes back with."""
        place = await self.checkpoints.place(RUN)
        done = self.forks.save(place.folder, seed)
        told = done["told"]
        assert "error" not in told["kernel"], told["kernel"]
        assert told["untouched"]
        assert [each["name"] for each in told["kernel"]["unsaved"]] == ["job"]
        digest = await self.checkpoints.commit(RUN, place, manifest(RUN, told["kernel"]))
        self.committed = [*self.committed, (digest, told["fingerprint"])][-KEPT:]
        await self.checkpoints.drop(RUN, [digest for digest, _ in self.committed])
        self.seconds += (done["seconds"] - self.seconds) / 3

    async def killed(self, seed):
        """Whether it was, before its end."""
        place = await self.checkpoints.place(RUN)
        try:
            after = self.chance.uniform(0, 1.1) * self.seconds
            return self.forks.save(place.folder, seed, kill_after=after)["killed"]
        finally:
            await self.checkpoints.abandon(place)

    async def wrong(self):
        """What is not as it was committed, or as its name says."""
        digests = [digest for digest, _ in self.committed]
        found = await lost(self.checkpoints, RUN, digests)
        return found + unlike_its_name(self.folder)

    async def comes_back_wrong(self):
        """The same of the newest, as a kernel finds it."""
        digest, fingerprint = self.committed[-1]
        kernel = (await self.checkpoints.manifest(RUN, digest))["kernel"]
        told = self.forks.load(self.folder, kernel)["told"]
        same = told.get("fingerprint") == fingerprint
        return [] if same else [f"{digest} came back as {told}"]

    async def left_over(self):
        """What collecting leaves that no checkpoint needs, or takes that one does."""
        age(self.folder, 2 * HOUR)
        await self.checkpoints.collect([RUN])
        needed = {
            name_in(part)
            for digest, _ in self.committed
            for kernel in [(await self.checkpoints.manifest(RUN, digest))["kernel"]]
            for part in [*kernel["streams"], *kernel["blobs"]]
        }
        there = {name.removesuffix(".z") for name in blobs(self.folder)}
        return [f"{name} is left over, or missing" for name in there ^ needed]


@pytest.fixture
def saves(quick_path, forks, chance):
    return Saves(quick_path / "checkpoints", forks, chance)


@pytest.mark.timeout(900)
async def test_every_checkpoint_outlives_a_kernel_that_is_killed_while_it_saves(
    saves, tally, chance
):
    count, halves = tally("kernel killed while it saves"), 0
    for seed in (1, 2, 3):
        await saves.saved(seed)
    for trial in range(2 * trials(60)):
        if count.outcomes["killed"] == trials(60):
            break
        seed = chance.randrange(10**6)
        killed = await saves.killed(seed)
        halves += bool(unfinished(saves.folder))
        wrong = await saves.wrong()
        await saves.saved(seed)  # the same state: what is there of it is used again
        wrong += await saves.wrong() + await saves.comes_back_wrong()
        if trial % 3 == 0:
            wrong += await saves.left_over()
        if trial % 7 == 0:  # from now on some blobs are there compressed
            await saves.checkpoints.tidy()
            wrong += await saves.wrong() + await saves.comes_back_wrong()
        count.add("killed" if killed else "ended before", *wrong)
    count.outcomes["left half written"] = halves
    assert not list(Layout(saves.folder).manifests.rglob("*.new"))
    count.check(trials(60))
    assert count.outcomes["killed"] == trials(60)
