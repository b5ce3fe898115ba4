"""TLS is found where it begins, and opened to its last byte or not at all; the sessions are OpenSSL's own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from maco_lab.taps.conversation import Conversation
from maco_lab.taps.tls_stream import find_tls, looks_like_tls, open_tls
from tests.maco_lab.taps.tls_sample import Sample, a_session, a_session_of_suite

SAID, ANSWERED = b"a1 LOGIN strom secret\r\n" * 900, b"a1 OK\r\n" + bytes(range(256)) * 200
SUITES = (b"TLS_AES_128_GCM_SHA256", b"TLS_AES_256_GCM_SHA384", b"TLS_CHACHA20_POLY1305_SHA256")
NO_TLS = (b"", b"a1 LOGIN strom secret\r\n", b"\x16\x03", b"text with \x16\x03\x01\x00\x05\x01 in it")
BEFORE = (b"a0 STARTTLS\r\n", b"* OK hello\r\na0 OK begin\r\n")


@pytest.fixture
def session(tmp_path: Path) -> Sample:
    return a_session(tmp_path, SAID, ANSWERED, before=BEFORE)


def opened(sample: Sample, wire: Conversation | None = None, *, is_running: bool = False) -> Conversation | None:
    wire = wire or sample.wire
    begin = find_tls(wire)
    assert begin is not None
    return open_tls(wire, begin, sample.secrets, is_running=is_running)


def test_it_begins_behind_starttls_and_is_named_by_the_random_that_the_server_logged(session: Sample) -> None:
    begin = find_tls(session.wire)

    assert begin is not None
    assert (begin.from_client, begin.to_client) == (len(BEFORE[0]), len(BEFORE[1]))
    assert [begin.client_random] == list(session.keys)


def test_with_the_keys_both_directions_are_opened(session: Sample) -> None:
    assert opened(session) == Conversation(SAID, ANSWERED)


@pytest.mark.parametrize(
    "suite", [b"TLS_AES_128_GCM_SHA256", b"TLS_AES_256_GCM_SHA384", b"TLS_CHACHA20_POLY1305_SHA256"]
)
def test_every_suite_of_openssl_is_opened(suite: bytes) -> None:
    assert opened(a_session_of_suite(suite, SAID[:100], ANSWERED[:100])) == Conversation(SAID[:100], ANSWERED[:100])


def test_with_the_keys_of_another_session_nothing_is_opened(session: Sample, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = a_session(tmp_path / "other", SAID, ANSWERED)

    assert opened(dataclasses.replace(session, keys=other.keys)) is None


def test_with_one_key_missing_nothing_is_opened(session: Sample) -> None:
    begin = find_tls(session.wire)
    assert begin is not None
    for label in ("CLIENT_TRAFFIC_SECRET_0", "SERVER_HANDSHAKE_TRAFFIC_SECRET"):
        secrets = {name: secret for name, secret in session.secrets.items() if name != label}
        assert open_tls(session.wire, begin, secrets) is None


def test_a_byte_that_was_changed_is_noticed(session: Sample) -> None:
    changed = bytearray(session.wire.to_client)
    changed[-1] ^= 1

    assert opened(session, dataclasses.replace(session.wire, to_client=bytes(changed))) is None


def test_a_record_that_is_missing_in_the_middle_is_noticed(session: Sample) -> None:
    wire = session.wire.to_client
    begin = find_tls(session.wire)
    assert begin is not None
    first = begin.to_client + 5 + int.from_bytes(wire[begin.to_client + 3 : begin.to_client + 5], "big")
    second = first + 5 + int.from_bytes(wire[first + 3 : first + 5], "big")
    third = second + 5 + int.from_bytes(wire[second + 3 : second + 5], "big")

    assert opened(session, dataclasses.replace(session.wire, to_client=wire[:second] + wire[third:])) is None


def test_a_record_that_is_cut_off_is_noticed_unless_the_connection_still_runs(session: Sample) -> None:
    cut = dataclasses.replace(session.wire, to_client=session.wire.to_client[:-1])

    assert opened(session, cut) is None
    running = opened(session, cut, is_running=True)
    assert running is not None
    assert running.from_client == SAID
    assert ANSWERED.startswith(running.to_client)
    assert running.to_client != ANSWERED


@pytest.mark.parametrize(
    "suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"]
)
def test_tls_1_2_is_opened_by_its_master_secret(tmp_path: Path, suite: str) -> None:
    session = a_session(tmp_path, SAID, ANSWERED, before=BEFORE, tls_1_2=suite)

    assert list(session.secrets) == ["CLIENT_RANDOM"]
    assert opened(session) == Conversation(SAID, ANSWERED)


def test_tls_1_2_with_a_byte_that_was_changed_is_not_opened(tmp_path: Path) -> None:
    session = a_session(tmp_path, SAID, ANSWERED, tls_1_2="ECDHE-ECDSA-AES128-GCM-SHA256")
    changed = bytearray(session.wire.to_client)
    changed[-1] ^= 1

    assert opened(session, dataclasses.replace(session.wire, to_client=bytes(changed))) is None


def test_tls_1_2_with_a_suite_that_is_not_known_is_found_and_not_opened(tmp_path: Path) -> None:
    session = a_session(tmp_path, SAID, ANSWERED, tls_1_2="ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0")

    assert opened(session) is None


def test_a_client_hello_without_an_answer_is_not_opened(session: Sample) -> None:
    assert opened(session, dataclasses.replace(session.wire, to_client=BEFORE[1])) is None


@pytest.mark.parametrize(
    "data", [b"", b"a1 LOGIN strom secret\r\n", b"\x16\x03", b"text with \x16\x03\x01\x00\x05\x01 in it"]
)
def test_what_is_no_tls_is_not_taken_for_it(data: bytes) -> None:
    assert find_tls(Conversation(data, data)) is None


def test_plaintext_behind_tls_is_not_taken_for_tls_and_not_passed_over(session: Sample) -> None:
    mixed = dataclasses.replace(session.wire, from_client=session.wire.from_client + b"a2 NOOP\r\n")

    assert find_tls(mixed) is None
    assert looks_like_tls(mixed)


@pytest.mark.parametrize("data", NO_TLS)
def test_what_is_no_tls_does_not_look_like_it(data: bytes) -> None:
    assert not looks_like_tls(Conversation(data, data))
