"""From hand-made observations to who did TLS with whom; nothing of another connection slips in."""

from __future__ import annotations

from maco_lab.sight import Sight, sight_of
from maco_wire.observation import Hop, Observation, Party, Starttls, TlsSession, TokenRefused
from tests.maco_lab.observed import Connection, entries, plain, tunnel, way_a, way_b

ALL_HOPS = (Hop.CLOUD_NETWORK, Hop.TUNNEL, Hop.CUSTOMER_LAN)


def sight(*parts: list[Observation], of: str = "way-a") -> Sight:
    found = sight_of(entries(tunnel(), *parts), of)
    assert found is not None
    return found


def a_connection(name: str = "way-a", *, maco: int = 50001, lan: int = 60001, trace: str = "t1") -> Connection:
    return Connection(name, maco=maco, lan=lan, trace=trace)


def b_connection(name: str = "way-b", *, maco: int = 50002, lan: int = 60002, trace: str = "t2") -> Connection:
    return Connection(name, maco=maco, lan=lan, trace=trace, protocol="TCPS")


def test_without_a_finished_poll_there_is_no_sight() -> None:
    connection = a_connection()

    assert sight_of(entries(tunnel(), connection.opened()), "way-a") is None
    assert sight_of(entries(way_a(connection)), "way-b") is None


def test_way_a_is_one_session_from_maco_to_the_mail_server_over_all_hops() -> None:
    session = sight(way_a(a_connection())).mail_session

    assert session is not None
    assert (session.client, session.server, session.hops) == (Party.MACO, Party.MAIL_SERVER, ALL_HOPS)
    assert (session.succeeded, session.agreed, session.version) == (True, True, "TLSv1.3")
    assert session.verified_against == "MaCo key store: mail-root"
    assert session.presented == "CN=mail.stadtwerke.example"


def test_way_a_is_covered_twice_in_the_tunnel() -> None:
    seen = sight(way_a(a_connection()))

    assert [each.kind for each in seen.covering(Hop.TUNNEL)] == [TlsSession.TUNNEL, TlsSession.IMAP_STARTTLS]
    assert [each.kind for each in seen.covering(Hop.CUSTOMER_LAN)] == [TlsSession.IMAP_STARTTLS]


def test_way_a_keeps_the_secret_between_its_ends() -> None:
    (secret,) = sight(way_a(a_connection())).secrets

    assert (secret.name, secret.held_by) == ("mailbox password of strom", (Party.MACO, Party.MAIL_SERVER))


def test_way_a_shows_who_saw_foreign_tls_pass() -> None:
    seen = sight(way_a(a_connection()))

    assert seen.client_hello_seen_by == (Party.CONNECTIVITY, Party.CLOUD_CONNECTOR)


def test_way_b_is_one_session_from_the_connector_on_the_lan() -> None:
    seen = sight(way_b(b_connection()), of="way-b")

    session = seen.mail_session
    assert session is not None
    assert (session.client, session.hops) == (Party.CLOUD_CONNECTOR, (Hop.CUSTOMER_LAN,))
    assert session.agreed
    assert seen.covering(Hop.CLOUD_NETWORK) == ()
    assert seen.protocol == "TCPS"


def test_way_b_lets_everybody_hold_the_secret() -> None:
    (secret,) = sight(way_b(b_connection()), of="way-b").secrets

    assert secret.held_by == (Party.MACO, Party.CONNECTIVITY, Party.CLOUD_CONNECTOR, Party.MAIL_SERVER)


def test_without_tls_there_is_only_the_tunnel() -> None:
    seen = sight(plain(a_connection()))

    assert [each.kind for each in seen.sessions] == [TlsSession.TUNNEL]
    assert seen.mail_session is None


def test_a_secret_counts_for_a_party_only_if_that_party_saw_it() -> None:
    connection = b_connection()

    seen = sight([*connection.opened(), *connection.secret(Party.CLOUD_CONNECTOR), *connection.finished()], of="way-b")

    assert [each.held_by for each in seen.secrets] == [(Party.CLOUD_CONNECTOR,)]


def test_a_session_that_one_end_alone_reported_is_not_agreed() -> None:
    connection = a_connection()

    session = sight([*connection.opened(), connection.by_maco(), *connection.finished()]).mail_session

    assert session is not None
    assert (session.succeeded, session.agreed) == (True, False)


def test_a_session_whose_ends_differ_is_not_agreed() -> None:
    """As with somebody in the middle."""
    connection = a_connection()
    seen = [
        *connection.opened(),
        connection.by_maco(cipher="TLS_CHACHA20_POLY1305_SHA256"),
        connection.by_mail_server(TlsSession.IMAP_STARTTLS),
        *connection.finished(),
    ]

    session = sight(seen).mail_session

    assert session is not None
    assert not session.agreed


def test_a_handshake_that_failed_covers_nothing_and_keeps_its_error_and_alert() -> None:
    connection = a_connection()
    seen = sight(
        [
            *connection.opened(),
            connection.by_maco(error="PKIX path building failed"),
            *connection.finished(stage="starttls", error="PKIX path building failed", hint="MaCo's key store"),
            connection.by_mail_server(TlsSession.IMAP_STARTTLS, error="alert", alert="unknown_ca"),
        ]
    )

    session = seen.mail_session
    assert session is not None
    assert (session.succeeded, session.error, session.alert) == (False, "PKIX path building failed", "unknown_ca")
    assert seen.covering(Hop.CUSTOMER_LAN) == ()
    assert (seen.succeeded, seen.stage, seen.hint) == (False, "starttls", "MaCo's key store")


def test_a_handshake_that_only_the_server_refused_has_not_succeeded() -> None:
    """TLS 1.3: a refused client certificate comes after the client has finished."""
    connection = b_connection()
    seen = [
        connection.by_connector(),
        connection.by_mail_server(TlsSession.IMAPS, error="certificate required"),
        *connection.opened(),
        *connection.finished(stage="greeting", error="dropped"),
    ]

    session = sight(seen, of="way-b").mail_session

    assert session is not None
    assert (session.succeeded, session.error) == (False, "certificate required")


def test_a_connector_that_does_not_trust_the_back_end_is_seen_although_nothing_was_opened() -> None:
    connection = b_connection()
    seen = sight(
        [
            connection.by_connector(error="unable to get local issuer certificate"),
            *connection.refused("TLS with internal host real:993 failed"),
            *connection.finished(stage="socks", error="0x04"),
            connection.by_mail_server(TlsSession.IMAPS, error="alert", alert="unknown_ca"),
        ],
        of="way-b",
    )

    session = seen.mail_session
    assert session is not None
    assert (session.client, session.succeeded, session.alert) == (Party.CLOUD_CONNECTOR, False, "unknown_ca")
    assert seen.refusals[0] == "Cloud Connector: TLS with internal host real:993 failed"


def test_a_refused_stream_tells_what_each_party_said_and_the_nearest_mapping() -> None:
    connection = a_connection()
    seen = sight([*connection.refused("no mapping", nearest="virtuel:143"), *connection.finished(error="0x02")])

    assert seen.refusals == (
        "Cloud Connector: no mapping (nearest mapping: virtuel:143)",
        "Connectivity service: the Cloud Connector refused",
    )
    assert (seen.virtual, seen.protocol, seen.sessions) == ("", "", ())


def test_a_refused_token_is_told() -> None:
    connection = a_connection()
    refusal = TokenRefused(Party.CONNECTIVITY, "expired", peer=connection.at_maco)

    seen = sight([refusal, *connection.finished(stage="socks", error="01 05")])

    assert seen.refusals == ("Connectivity service: token refused: expired",)


def test_starttls_that_is_not_offered_is_told() -> None:
    connection = a_connection()
    step = Starttls(Party.MACO, "IMAP", "not_offered", "client", local=connection.at_maco)

    seen = sight([*connection.opened(), step, *connection.finished(stage="starttls", error="no")])

    assert seen.refusals == ("MaCo: STARTTLS not offered",)


def interleaved(first: list[Observation], second: list[Observation]) -> list[Observation]:
    assert len(first) == len(second)
    return [each for pair in zip(first, second, strict=True) for each in pair]


def test_two_polls_at_the_same_time_on_different_sockets_are_kept_apart() -> None:
    one, two = a_connection(), a_connection("other", maco=50002, lan=60002, trace="t2")
    failing = [
        *two.opened(),
        *two.client_hello(),
        two.by_maco(error="PKIX path building failed"),
        two.by_mail_server(TlsSession.IMAP_STARTTLS, error="alert"),
        *two.secret(Party.CONNECTIVITY, Party.CLOUD_CONNECTOR, number=2, name="another"),
        *two.finished(error="PKIX path building failed"),
        *two.closed(),
    ]
    both = interleaved(way_a(one), failing)

    good, bad = sight(both), sight(both, of="other")

    assert good == sight(way_a(one))
    assert bad == sight(failing, of="other")
    assert good.mail_session != bad.mail_session


def test_the_newest_poll_of_a_connection_counts() -> None:
    old, new = a_connection(), a_connection(maco=50009, lan=60009, trace="t9")

    seen = sight(way_a(old), plain(new))

    assert seen.mail_session is None


def test_ports_used_again_by_a_later_poll_do_not_change_the_sight_of_an_earlier_one() -> None:
    early, late = a_connection(), b_connection(maco=50001, lan=60001)

    assert sight(way_a(early), way_b(late)) == sight(way_a(early))
    assert sight(way_a(early), way_b(late), of="way-b") == sight(way_b(late), of="way-b")


def test_a_later_poll_that_is_not_finished_does_not_change_the_sight_of_an_earlier_one() -> None:
    early, late = a_connection(), b_connection(maco=50001, lan=60001)

    assert sight(way_a(early), way_b(late)[:-3]) == sight(way_a(early))


def test_a_poll_that_never_got_through_takes_nothing_from_an_earlier_one_on_its_port() -> None:
    early, late = a_connection(), b_connection(maco=50001)
    refused = [
        TokenRefused(Party.CONNECTIVITY, "expired", peer=late.at_maco),
        *late.finished(stage="socks", error="01 05"),
    ]

    seen = sight(way_a(early), refused, of="way-b")

    assert (seen.sessions, seen.secrets, seen.protocol) == ((), (), "")
    assert seen.refusals == ("Connectivity service: token refused: expired",)


def test_a_failing_handshake_takes_no_other_end_from_an_earlier_connection_on_its_lan_port() -> None:
    early, late = b_connection(), b_connection("late", maco=50003, trace="t3")
    failing = [late.by_connector(), *late.opened(), *late.finished(stage="greeting", error="dropped")]

    session = sight(way_b(early), failing, of="late").mail_session

    assert session is not None
    assert not session.agreed, "the mail server reported this port's earlier session only"


def test_a_poll_that_failed_before_any_socket_shows_its_error_alone() -> None:
    connection = a_connection()
    connection.at_maco = None  # type: ignore[assignment]  # as the reporter leaves it before a socket is there

    seen = sight(way_b(b_connection()), connection.finished(stage="token", error="no token"))

    assert (seen.sessions, seen.secrets, seen.refusals, seen.error) == ((), (), (), "no token")


def test_the_tunnel_is_the_one_that_carried_the_stream() -> None:
    seen = sight(way_a(a_connection()), tunnel())

    assert [each.kind for each in seen.sessions] == [TlsSession.TUNNEL, TlsSession.IMAP_STARTTLS]
    assert seen.sessions[0].agreed
