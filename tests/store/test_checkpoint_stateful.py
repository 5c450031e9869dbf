"""Checkpoints of several runs and two servers, in any order: what is live is whole."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jupyter_flows import composition
from jupyter_flows.core.errors import CheckpointRefused
from jupyter_flows.core.model import RunId

from .saving import HOUR, age, blobs, manifest, manifests, opened, sha256, write_blob

RUNS = st.sampled_from([RunId("run_1"), RunId("run_2"), RunId("run_3")])
BLOBS = [b"one" * 9000, b"two" * 9000, b"small", b""]
CONTENTS = st.lists(st.integers(0, 3).map(lambda n: BLOBS[n]), min_size=1, max_size=3)
SERVERS = st.integers(0, 1)
MEANWHILE = st.lists(st.tuples(st.sampled_from(["collect", "tidy", "end"]), RUNS), max_size=2)


class Folder(RuleBasedStateMachine):
    """`live` is what the log would name: digests by run, with the blobs of each. `saves` are under
    way: a place with what was written there.
    """

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.scrap = tempfile.TemporaryDirectory()
        self.folder = Path(self.scrap.name) / "checkpoints"
        self.ahead = 0.0
        self.servers = [self.server(), self.server()]
        self.live = {}
        self.saves = []

    def server(self):
        return opened(self.folder, clock=lambda: composition.clock() + self.ahead)

    def teardown(self):
        for server, place, *_ in self.saves:
            self.run(server.abandon(place))
        self.runner.close()
        self.scrap.cleanup()

    def run(self, coroutine):
        return self.runner.run(coroutine)

    # ------------------------------------------------------------ saving

    @rule(server=SERVERS)
    @precondition(lambda self: len(self.saves) < 2)
    def begin(self, server):
        server = self.servers[server]
        self.saves.append((server, self.run(server.place()), {}, self.ahead))

    @rule(run=RUNS, contents=CONTENTS, meanwhile=MEANWHILE)
    @precondition(lambda self: not self.saves)
    def save(self, run, contents, meanwhile):
        """All of it, with what the other server does before the commit."""
        self.begin(0)
        self.write(contents, 0)
        for what, other in meanwhile:
            if what == "end":
                self.end(other, False, 1)
            else:
                getattr(self, what)(1)
        self.commit(run)

    @rule(contents=CONTENTS, which=st.integers(0, 1))
    @precondition(lambda self: self.saves)
    def write(self, contents, which):
        _, _, written, _ = self.saves[which % len(self.saves)]
        for content in contents:
            written[content] = write_blob(self.folder, content)
            age(self.folder, -self.ahead, {sha256(content), sha256(content) + ".z"})

    @rule(run=RUNS)
    @precondition(lambda self: self.saves)
    def commit(self, run):
        """Only a save that lasted for more than an hour may be refused."""
        server, place, written, began = self.saves.pop(0)
        streams = [{**blob, "names": []} for blob in list(written.values())[:2]]
        said = manifest(streams, written.values(), run)
        try:
            digest = self.run(server.commit(run, place, said))
        except CheckpointRefused:
            assert self.ahead - began > HOUR
            return
        self.live.setdefault(run, {})[digest] = set(written)

    @rule()
    @precondition(lambda self: self.saves)
    def give_up(self):
        server, place, *_ = self.saves.pop()
        self.run(server.abandon(place))

    # ------------------------------------------------------------ removing

    @rule(run=RUNS, newest=st.booleans(), server=SERVERS)
    def end(self, run, newest, server):
        digests = list(self.live.get(run, {}))
        keep = digests[-1:] if newest else []
        self.live[run] = {digest: self.live[run][digest] for digest in keep}
        self.run(self.servers[server].drop(run, keep))

    @rule(run=RUNS)
    def forget(self, run):
        """As when the run's server dies before it drops what it has."""
        self.live.pop(run, None)

    @rule(server=SERVERS)
    def collect(self, server):
        self.run(self.servers[server].collect([run for run in self.live if self.live[run]]))

    @rule(server=SERVERS)
    def tidy(self, server):
        self.run(self.servers[server].tidy())

    @rule(hours=st.sampled_from([0.5, 2, 100]))
    def wait(self, hours):
        self.ahead += hours * HOUR

    @rule(which=SERVERS)
    def start_anew(self, which):
        self.servers[which] = self.server()

    @rule()
    @precondition(lambda self: not self.saves and self.folder.exists())
    def nothing_else_stays(self):
        self.ahead += 2 * HOUR
        for run, digests in self.live.items():
            self.run(self.servers[0].drop(run, list(digests)))
        self.collect(0)
        named = {
            sha256(content) for of in self.live.values() for own in of.values() for content in own
        }
        assert {name.removesuffix(".z") for name in blobs(self.folder)} == named
        digests = {digest.removeprefix("sha256:") for of in self.live.values() for digest in of}
        assert manifests(self.folder) == digests

    # ------------------------------------------------------------ what holds

    @invariant()
    def what_is_live_is_whole(self):
        for run, digests in self.live.items():
            for digest in digests:
                self.run(self.servers[0].verify(run, digest))

    @invariant()
    def nothing_is_left_half_written(self):
        for name in blobs(self.folder) | manifests(self.folder):
            assert len(name.removesuffix(".z")) == 64


def test_whatever_is_done_to_the_folder_what_is_live_is_whole():
    run_state_machine_as_test(
        Folder,
        settings=settings(
            max_examples=50,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
