"""A disk that is full: what was there stays; what can't be done is said, and can be done later."""

import os
import subprocess

import pytest

from jupyter_flows.core.errors import CheckpointRefused, StoreUnavailable
from tests.faults.conftest import trials
from tests.faults.houses import GATE, STATE, SUM, House, result, until
from tests.faults.looking import lost, manifest, unfinished
from tests.store.saving import HOUR, RUN, age, manifests, opened

MEGABYTES = 6


class Disk:
    """A small one, which is filled up."""

    def __init__(self, path):
        self.path = path
        self.filler = path / "filler"

    def fill(self):
        with self.filler.open("ab", buffering=0) as filler:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while filler.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def empty(self):
        self.filler.unlink()


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "none", str(path)]
    if os.geteuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("nobody may mount a small disk here")
    yield Disk(path)
    subprocess.run(["umount", "--lazy", str(path)], check=True)


async def saved(checkpoints, forks, seed, **options):
    place = await checkpoints.place(RUN)
    told = forks.save(place.folder, seed, **options)["told"]
    if "error" in told["kernel"]:
        await checkpoints.abandon(place)
        return told, None
    return told, await checkpoints.commit(RUN, place, manifest(RUN, told["kernel"]))


class Saves:
    """One committed checkpoint, and saves for which there is no room."""

    def __init__(self, folder, forks, chance):
        self.folder, self.forks, self.chance = folder, forks, chance
        self.checkpoints = opened(folder)

    async def first(self):
        self.before, self.digest = await saved(self.checkpoints, self.forks, 1)

    async def refused(self, limit, share):
        """What was lost by one that has a share of what it needs, at most."""
        room = self.chance.randrange(0, int(self.before["kernel"]["bytes"] * share))
        seed = self.chance.randrange(2, 10**6)
        told, _ = await saved(self.checkpoints, self.forks, seed, **{limit: room})
        wrong = await lost(self.checkpoints, RUN, [self.digest])
        wrong += [f"{name} is left" for name in unfinished(self.folder)]
        error = told["kernel"].get("error", {})
        if error.get("name") != "NoSpace" or not told["untouched"]:
            wrong.append(f"with {room} bytes: {told}")
        return wrong

    async def last(self):
        again, digest = await saved(self.checkpoints, self.forks, 2)
        assert "error" not in again["kernel"]
        return await lost(self.checkpoints, RUN, [self.digest, digest])


@pytest.mark.timeout(900)
async def test_a_save_on_a_full_disk_is_given_up_and_leaves_nothing(disk, forks, tally, chance):
    count, saves = tally("saved on a full disk"), Saves(disk.path / "checkpoints", forks, chance)
    await saves.first()
    for _ in range(trials(10)):
        count.add("refused", *await saves.refused("leave_room", 0.5))
        disk.empty()
        age(saves.folder, 2 * HOUR)
        await saves.checkpoints.collect([RUN])
    assert not await saves.last()
    count.check(trials(10))


@pytest.mark.timeout(900)
async def test_a_save_that_may_write_no_more_is_given_up_and_leaves_nothing(
    quick_path, forks, tally, chance
):
    count, saves = tally("saved with a limit"), Saves(quick_path / "checkpoints", forks, chance)
    await saves.first()
    for _ in range(trials(10)):
        count.add("refused", *await saves.refused("file_bytes", 0.2))
    assert not await saves.last()
    count.check(trials(10))


async def test_a_commit_for_which_there_is_no_room_is_refused_and_can_be_done_again(
    disk, forks, tally
):
    count, checkpoints = tally("committed on a full disk"), opened(disk.path / "checkpoints")
    _, digest = await saved(checkpoints, forks, 1)
    place = await checkpoints.place(RUN)
    kernel = forks.save(place.folder, 2)["told"]["kernel"]
    disk.fill()
    with pytest.raises(CheckpointRefused, match=r"is full .*Free some of it"):
        await checkpoints.commit(RUN, place, manifest(RUN, kernel))
    wrong = await lost(checkpoints, RUN, [digest])
    wrong += [f"{name} is left" for name in manifests(disk.path / "checkpoints") if "new" in name]
    disk.empty()
    place = await checkpoints.place(RUN)
    again = await checkpoints.commit(RUN, place, manifest(RUN, kernel))
    count.add("refused", *wrong, *await lost(checkpoints, RUN, [digest, again]))
    count.check(1)


@pytest.fixture
def house(disk, tmp_path, make_notebook, jp_asyncio_loop):
    """Whose data folder is on the small disk."""

    async def opened():
        return await House(tmp_path, make_notebook, data=disk.path / "flows").start()

    house = jp_asyncio_loop.run_until_complete(opened())
    yield house
    jp_asyncio_loop.run_until_complete(house.stop())


async def test_a_run_waits_while_the_disk_of_the_log_is_full_and_then_goes_on(house, disk, tally):
    count = tally("log on a full disk: vote")
    run = await house.waiting(STATE.format(n=3), GATE, SUM)
    await house.lose_kernel(run)
    disk.fill()
    with pytest.raises(StoreUnavailable):
        await house.vote(run)
    found = await house.engine.run(run.id)
    wrong = [] if found == run else [f"it is {found.status} with {found.open_gate}"]
    disk.empty()
    ended = await house.approved(run)
    if (ended.status, ended.result) != ("succeeded", result(3)):
        wrong.append(f"{ended.status} {ended.error}")
    count.add("refused, then restored", *wrong)
    count.check(1)


async def test_a_cell_that_ends_while_the_disk_is_full_is_told_when_there_is_room(
    house, disk, tally, tmp_path, caplog
):
    count, began, goes = tally("log on a full disk: end of a cell"), tmp_path / "b", tmp_path / "g"
    waits = (
        "import os, pathlib, time\n"
        f"pathlib.Path({str(began)!r}).touch()\n"
        f"while not os.path.exists({str(goes)!r}):\n    time.sleep(0.01)\n"
        f"print('ran', file=open({str(tmp_path / 'ran')!r}, 'a'))"
    )
    run = await house.started(STATE.format(n=3), waits, SUM)
    await until(began.exists)
    disk.fill()
    goes.touch()
    await until(lambda: "trying again" in caplog.text)
    disk.empty()
    ended = await house.engine.settled(run.id)
    right = (ended.status, ended.result) == ("succeeded", result(3))
    count.add("told later", "" if right else f"{ended.status} {ended.error}")
    assert (tmp_path / "ran").read_text() == "ran\n"
    count.check(1)
