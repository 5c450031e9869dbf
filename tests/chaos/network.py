"""A network that is really lost: servers in network namespaces, each with a link to its database
and another to its readers, of which the first is taken down.
"""

import subprocess
import time

from jupyter_flows import composition
from tests.chaos.fleet import Shared
from tests.chaos.scenarios import Report, _ended, played


def _ip(*arguments):
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)


class Namespace:
    """10.78.N.0/30 is the link to the database, 10.79.N.0/30 that to the readers."""

    def __init__(self, number):
        self.name = f"jf-chaos-{number}"
        self.database = f"10.78.{number}.1"
        self.readers = f"10.79.{number}.2"
        self.link = f"jfd{number}"
        made = [_ip("netns", "add", self.name)]
        for link, net in ((self.link, 78), (f"jfr{number}", 79)):
            inner = f"{link}i"
            made += [
                _ip("link", "add", link, "type", "veth", "peer", "name", inner),
                _ip("link", "set", inner, "netns", self.name),
                _ip("addr", "add", f"10.{net}.{number}.1/30", "dev", link),
                _ip("link", "set", link, "up"),
                _ip("-n", self.name, "addr", "add", f"10.{net}.{number}.2/30", "dev", inner),
                _ip("-n", self.name, "link", "set", inner, "up"),
            ]
        made.append(_ip("-n", self.name, "link", "set", "lo", "up"))
        failed = [each.stderr for each in made if each.returncode]
        if failed:
            self.end()
            raise OSError(failed[0])

    def lose(self):
        _ip("-n", self.name, "link", "set", f"{self.link}i", "down")

    def find(self):
        _ip("-n", self.name, "link", "set", f"{self.link}i", "up")

    def end(self):
        _ip("netns", "del", self.name)


def lost(folder, postgres, *, seed, servers=3, runs=18, seconds=60.0):
    """Each server in turn loses its database, for longer than its lease; then all at once."""
    try:
        spaces = [Namespace(number + 1) for number in range(servers)]
    except OSError as error:
        return Report("network", {}, {}, [f"left out: no network namespace can be made: {error}"])
    fleet = Shared(folder, postgres, 0)
    for number, space in enumerate(spaces):
        settings = {"checkpoint_min_free": 0, "checkpoint_dir": fleet.folder / "checkpoints"}
        node = fleet.add(f"s{number}", host=space.database, inside=space.name, **settings)
        node.address = node.address.replace("127.0.0.1", space.readers)

    def act(faults, people):
        end = time.monotonic() + seconds
        for space, node in zip(spaces, fleet.nodes, strict=True):
            if time.monotonic() > end:
                break
            faults.deaths.append((node.life, composition.clock()))
            space.lose()
            time.sleep(25.0)
            space.find()
            faults.done.append("a server's network lost for 25 s")
        for space in spaces:
            space.lose()
        time.sleep(20.0)
        for space in spaces:
            space.find()
        faults.done.append("all servers' networks lost for 20 s")

    def play():
        try:
            return played("network", fleet, runs, act, seed=seed, work=3.0)
        finally:
            fleet.end()

    try:
        return play()
    finally:
        for space in spaces:
            space.end()


__all__ = ["_ended", "lost"]
