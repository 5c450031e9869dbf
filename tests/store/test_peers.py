"""Who lives: a lock that goes with its process, however that dies."""

import subprocess
import sys

import pytest

from jupyter_flows.core.model import RunId
from jupyter_flows.store.peers import PeerFolder, Server

HOLDER = """
import sys
from pathlib import Path
from jupyter_flows.store.peers import PeerFolder, Server
peers = PeerFolder(Path(sys.argv[1]))
peers.hold("srv_2")
peers.announce(Server("srv_2", "http://127.0.0.1:9", "http://127.0.0.1:9", "secret", 1))
print("held", flush=True)
sys.stdin.read()
peers.leave("srv_2")
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "servers"


@pytest.fixture
def holder(folder):
    """Another process that is alive as `srv_2`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


async def test_a_server_is_alive_while_its_process_holds_the_lock(folder, holder):
    peers = PeerFolder(folder)
    assert await peers.alive("srv_2")
    assert await peers.alive("srv_2"), "asking does not take the lock away"
    assert [server.id for server in await peers.all()] == ["srv_2"]


async def test_a_server_that_was_killed_is_dead_and_cleared_away(folder, holder):
    peers = PeerFolder(folder)
    holder.kill()
    holder.wait()
    assert not await peers.alive("srv_2")
    assert list(folder.iterdir()) == []
    assert await peers.all() == []


async def test_a_server_that_leaves_is_gone(folder, holder):
    holder.communicate()
    assert not await PeerFolder(folder).alive("srv_2")
    assert list(folder.iterdir()) == []


async def test_a_process_is_alive_to_itself_until_it_leaves(folder):
    peers = PeerFolder(folder)
    peers.hold("srv_1")
    assert await peers.alive("srv_1")
    assert await PeerFolder(folder).alive("srv_1"), "another one in the same process sees the lock"
    peers.leave("srv_1")
    assert not await peers.alive("srv_1")


async def test_a_server_never_heard_of_is_dead(folder):
    assert not await PeerFolder(folder).alive("srv_none")


async def test_the_lock_is_held_from_the_moment_that_others_can_see_it(folder, monkeypatch):
    """One who looked between the making of the file and the lock would clear it away."""
    seen = []
    flock = __import__("fcntl").flock

    def looked_at(file, operation):
        if folder.exists():
            seen.append(list(folder.glob("*.lock")))
        flock(file, operation)

    peers = PeerFolder(folder)
    with monkeypatch.context() as patch:
        patch.setattr("fcntl.flock", looked_at)
        peers.hold("srv_1")
    assert seen == [[]]
    assert await PeerFolder(folder).alive("srv_1")
    peers.leave("srv_1")


def test_the_folder_is_private(folder):
    peers = PeerFolder(folder)
    peers.hold("srv_1")
    peers.announce(Server("srv_1", "http://127.0.0.1:9", "", "secret", 1))
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "srv_1.json").stat().st_mode & 0o077 == 0
    peers.leave("srv_1")


def test_the_secret_is_not_shown_where_a_server_is_printed():
    assert "hush" not in repr(Server("srv_1", "", "", "hush", 1))


async def test_a_half_written_card_is_no_card(folder):
    peers = PeerFolder(folder)
    peers.hold("srv_1")
    (folder / "srv_1.json").write_text('{"id": "srv_1"')
    assert await peers.all() == []
    peers.leave("srv_1")


async def test_a_poke_that_nobody_answers_is_no(folder, holder):
    peers = PeerFolder(folder)
    assert not await peers.poke("srv_2", RunId("run_1"))
    assert not await peers.poke("srv_none", RunId("run_1"))
