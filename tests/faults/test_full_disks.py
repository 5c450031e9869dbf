"""A disk that is full: what was there stays, what can't be done is said, and once there is room it is
done.
"""

import os
import subprocess

import pytest

from jupyter_flows.core.errors import CheckpointRefused, StoreUnavailable
from tests.faults.conftest import trials
from tests.faults.houses import GATE, STATE, SUM, House, result, until
from tests.faults.looking import lost, manifest, unfinished
from tests.store.saving import RUN, manifests, opened

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


@pytest.mark.parametrize("how", ["full disk", "limit of a file's size"])
@pytest.mark.timeout(900)
async def test_a_save_for_which_there_is_no_room_is_given_up_and_leaves_nothing(
    request, forks, tally, chance, quick_path, how
):
    count = tally(f"saved with a {how}")
    disk = request.getfixturevalue("disk") if how == "full disk" else None
    folder = (disk.path if disk else quick_path) / "checkpoints"
    checkpoints = opened(folder)
    before, digest = await saved(checkpoints, forks, 1)
    for _ in range(trials(10)):
        room = chance.randrange(0, before["kernel"]["bytes"] // 2)
        limits = {"leave_room": room} if disk else {"file_bytes": room // 2}
        told, _ = await saved(checkpoints, forks, chance.randrange(2, 10**6), **limits)
        wrong = await lost(checkpoints, RUN, [digest])
        wrong += [f"{name} is left" for name in unfinished(folder)]
        error = told["kernel"].get("error", {})
        if error.get("name") != "NoSpace" or not told["untouched"]:
            wrong.append(f"with {room} bytes: {told}")
        if disk:
            disk.empty()
        await checkpoints.drop(RUN, [digest])
        count.add("refused", *wrong)
    again, _ = await saved(checkpoints, forks, 2)
    assert "error" not in again["kernel"]
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
