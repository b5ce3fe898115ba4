from __future__ import annotations

import base64
import hmac
import json
import smtplib

import pytest

from maco_wire.observation import Login
from mailserver_sim.settings import AUTH_MECHANISMS, Account
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import HOST_NAME, PASSWORD, TIMEOUT_S, USER, RunningServer

LONG_TOKEN = "x" * 8000  # longer than any other line of SMTP
WITH_TOKEN = (Account(USER, PASSWORD, tokens=(LONG_TOKEN,)),)


def connect(server: RunningServer) -> smtplib.SMTP:
    host, port = server.address("smtps")
    client = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=server.client_context())
    client.ehlo()
    return client


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_mechanisms_are_those_of_imap(start_server: StartServer) -> None:
    server = start_server(accounts=WITH_TOKEN, auth_mechanisms=AUTH_MECHANISMS)
    with connect(server) as client:
        assert set(client.esmtp_features["auth"].split()) == {"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"}


def test_only_the_mechanisms_of_the_settings_are_offered_and_taken(start_server: StartServer) -> None:
    server = start_server(auth_mechanisms=("CRAM-MD5",))
    with connect(server) as client:
        assert client.esmtp_features["auth"].split() == ["CRAM-MD5"]
        assert client.docmd("AUTH PLAIN " + encoded(f"\0{USER}\0{PASSWORD}"))[0] == 504


def test_cram_md5_logs_in(start_server: StartServer) -> None:
    server = start_server(auth_mechanisms=AUTH_MECHANISMS)
    with connect(server) as client:
        code, challenge = client.docmd("AUTH CRAM-MD5")
        digest = hmac.new(PASSWORD.encode(), base64.b64decode(challenge), "md5").hexdigest()
        assert (code, client.docmd(encoded(f"{USER} {digest}"))[0]) == (334, 235)
    (login,) = server.recorder.of(Login)
    assert (login.user, login.succeeded, login.credentials_sent) == (USER, True, False)


def test_cram_md5_takes_no_initial_response(start_server: StartServer) -> None:
    server = start_server(auth_mechanisms=AUTH_MECHANISMS)
    with connect(server) as client:
        assert client.docmd("AUTH CRAM-MD5 " + encoded(f"{USER} {'0' * 32}"))[0] == 501  # RFC 4954, section 4


@pytest.mark.parametrize("initial", [True, False])
def test_the_standard_librarys_client_logs_in_by_login(server: RunningServer, *, initial: bool) -> None:
    with connect(server) as client:
        client.user, client.password = USER, PASSWORD
        assert client.auth("LOGIN", client.auth_login, initial_response_ok=initial)[0] == 235


def test_a_long_token_logs_in(start_server: StartServer) -> None:
    server = start_server(accounts=WITH_TOKEN)
    message = f"n,a={USER},\1host={HOST_NAME}\1auth=Bearer {LONG_TOKEN}\1\1"
    with connect(server) as client:
        assert client.docmd("AUTH OAUTHBEARER " + encoded(message))[0] == 235
    with connect(server) as client:
        assert client.docmd("AUTH XOAUTH2")[0] == 334
        assert client.docmd(encoded(f"user={USER}\1auth=Bearer {LONG_TOKEN}\1\1"))[0] == 235


def test_a_wrong_token_is_told_as_json_and_then_refused(start_server: StartServer) -> None:
    server = start_server(accounts=WITH_TOKEN)
    with connect(server) as client:
        code, challenge = client.docmd("AUTH XOAUTH2 " + encoded(f"user={USER}\1auth=Bearer wrong\1\1"))
        assert (code, "status" in json.loads(base64.b64decode(challenge))) == (334, True)
        assert client.docmd("")[0] == 535


@pytest.mark.parametrize("response", ["*", "no Base64", "AQ=="])
def test_what_is_no_response_is_501(server: RunningServer, response: str) -> None:
    with connect(server) as client:
        client.docmd("AUTH PLAIN")
        assert client.docmd(response)[0] == 501
    assert server.recorder.of(Login) == []


@pytest.mark.parametrize("length", [12_289, 40_000])
def test_a_response_that_is_too_long_is_refused_to_its_end(server: RunningServer, length: int) -> None:
    with connect(server) as client:
        client.docmd("AUTH PLAIN")
        assert client.docmd("x" * length)[0] == 500  # RFC 4954, section 6
        assert client.noop()[0] == 250


def test_nobody_acts_as_somebody_else(server: RunningServer) -> None:
    with connect(server) as client:
        code, text = client.docmd("AUTH PLAIN " + encoded(f"lieferant\0{USER}\0{PASSWORD}"))
    assert (code, b"somebody else" in text) == (535, True)
