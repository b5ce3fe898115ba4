"""What parties report names each other, never the tap between them."""

from __future__ import annotations

from maco_lab.taps.ends import REMEMBERED_S, Ends
from maco_wire.observation import Address, Login, Party, StreamOpened

CLIENT: Address = ("127.0.0.1", 50001)
TAP: Address = ("127.0.0.1", 30000)
TAP_OUT: Address = ("127.0.0.1", 50002)
SERVER: Address = ("127.0.0.1", 3143)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def login(party: Party, local: Address, peer: Address) -> Login:
    return Login(party, "IMAP", "client", "strom", True, True, False, local=local, peer=peer)


def tapped(clock: Clock | None = None) -> Ends:
    ends = Ends(clock or Clock())
    ends.tap(TAP, SERVER)
    ends.opened(TAP, CLIENT, (TAP_OUT, SERVER))
    return ends


def test_a_client_sees_the_server_behind_the_tap() -> None:
    seen = tapped().as_untapped(login(Party.MACO, CLIENT, TAP))

    assert (seen.local, seen.peer) == (CLIENT, SERVER)


def test_a_server_sees_the_client_before_the_tap() -> None:
    seen = tapped().as_untapped(login(Party.MAIL_SERVER, SERVER, TAP_OUT))

    assert (seen.local, seen.peer) == (SERVER, CLIENT)


def test_the_back_end_of_a_stream_is_the_server() -> None:
    opened = StreamOpened(Party.CLOUD_CONNECTOR, "virtual", 143, back_end=(CLIENT, TAP))

    seen = tapped().as_untapped(opened)

    assert isinstance(seen, StreamOpened)
    assert seen.back_end == (CLIENT, SERVER)


def test_an_observation_without_a_tap_is_left_alone() -> None:
    seen = login(Party.MAIL_SERVER, SERVER, ("127.0.0.1", 50009))

    assert tapped().as_untapped(seen) is seen


def test_the_same_port_towards_another_server_is_another_connection() -> None:
    seen = login(Party.MAIL_SERVER, ("127.0.0.1", 3993), TAP_OUT)

    assert tapped().as_untapped(seen) is seen


def test_a_server_may_report_for_a_while_after_the_end() -> None:
    clock = Clock()
    ends = tapped(clock)
    ends.closed((TAP_OUT, SERVER))
    clock.now = REMEMBERED_S / 2

    assert ends.as_untapped(login(Party.MAIL_SERVER, SERVER, TAP_OUT)).peer == CLIENT


def test_a_port_that_is_used_again_without_a_tap_is_not_taken_for_an_old_connection() -> None:
    clock = Clock()
    ends = tapped(clock)
    ends.closed((TAP_OUT, SERVER))
    clock.now = 2 * REMEMBERED_S

    assert ends.as_untapped(login(Party.MAIL_SERVER, SERVER, TAP_OUT)).peer == TAP_OUT


def test_a_port_that_a_tap_uses_again_belongs_to_the_new_connection() -> None:
    clock = Clock()
    ends = tapped(clock)
    ends.closed((TAP_OUT, SERVER))
    other: Address = ("127.0.0.1", 50077)
    ends.opened(TAP, other, (TAP_OUT, SERVER))
    clock.now = 2 * REMEMBERED_S

    assert ends.as_untapped(login(Party.MAIL_SERVER, SERVER, TAP_OUT)).peer == other
