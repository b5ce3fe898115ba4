from __future__ import annotations

import pytest

from connector_sim.admission import Admission
from connector_sim.passage import Watcher
from connector_sim.relay import Relay
from connector_sim.relays import Relays
from maco_net.errors import PeerReset
from maco_wire.observation import Observation, Party
from tests.connector_sim.sides import ScriptedSide


def _ignore(_: Observation) -> None:
    """Take an observation that nobody asks about."""


def _relay(maco: ScriptedSide | None = None) -> Relay:
    return Relay(maco or ScriptedSide(), ScriptedSide(), Watcher(Party.CLOUD_CONNECTOR, _ignore), "trace")


async def test_a_relay_counts_until_it_ends() -> None:
    relays, relay = Relays(), _relay()
    relays.start(relay)
    assert len(relays) == 1
    relay.cut()
    assert len(relays) == 0


async def test_the_place_of_a_relay_is_given_back_at_its_end() -> None:
    relays, admission, maco = Relays(), Admission(1), ScriptedSide()
    relays.start(_relay(maco), admission.admit())
    assert admission.open() == 1
    assert maco.outlet is not None
    maco.outlet.failed(PeerReset("reset by peer"))
    assert admission.open() == 0


async def test_the_place_of_a_relay_that_ends_twice_is_given_back_once() -> None:
    relays, admission, relay = Relays(), Admission(2), _relay()
    admission.admit()
    relays.start(relay, admission.admit())
    relay.cut()
    relay.cut()
    assert admission.open() == 1


async def test_a_relay_that_cannot_start_leaves_nothing_behind() -> None:
    class Broken(ScriptedSide):
        def write(self, data: memoryview) -> int:
            raise KeyError("a defect")

    relays, admission, maco = Relays(), Admission(1), Broken()
    with pytest.raises(KeyError):
        relays.start(_relay(maco), admission.admit(), early_to_maco=b"* OK")
    assert (len(relays), admission.open(), maco.told) == (0, 0, ["abort"])


async def test_all_are_cut_when_the_party_shuts_down() -> None:
    relays, sides = Relays(), [ScriptedSide(), ScriptedSide()]
    for side in sides:
        relays.start(_relay(side))
    relays.cut()
    assert [side.told for side in sides] == [["abort"], ["abort"]]
