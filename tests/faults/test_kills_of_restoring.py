"""Kernels are killed while they load: the checkpoint stays, and the next try succeeds."""

import pytest

from tests.faults.conftest import trials
from tests.faults.looking import lost, manifest
from tests.store.saving import RUN, opened


@pytest.mark.timeout(900)
async def test_a_checkpoint_outlives_the_kernels_that_die_of_it(quick_path, forks, tally, chance):
    count, checkpoints = tally("kernel killed while it loads"), opened(quick_path / "checkpoints")
    place = await checkpoints.place(RUN)
    told = forks.save(place.folder, 7)["told"]
    digest = await checkpoints.commit(RUN, place, manifest(RUN, told["kernel"]))
    seconds = forks.load(place.folder, told["kernel"])["seconds"]
    for _ in range(trials(20)):
        kernel = (await checkpoints.manifest(RUN, digest))["kernel"]
        after = chance.uniform(0, 1.1) * seconds
        killed = forks.load(place.folder, kernel, kill_after=after)["killed"]
        again = forks.load(place.folder, kernel)
        seconds += (again["seconds"] - seconds) / 3
        wrong = await lost(checkpoints, RUN, [digest])
        if again["told"].get("fingerprint") != told["fingerprint"]:
            wrong.append(f"it came back as {again['told']}")
        count.add("killed" if killed else "ended before", *wrong)
    count.check(trials(20))
    assert count.outcomes["killed"] > trials(5)
