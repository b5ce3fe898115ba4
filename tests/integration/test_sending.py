"""MaCo sends a mail through the whole lab: SOCKS5, tunnel, Cloud Connector, STARTTLS with the mail server."""

from __future__ import annotations

import asyncio
import email
import email.policy
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.summary import summarize
from maco_client.key_store import KeyStore
from maco_client.settings import Credential, SocksProxy, TokenService
from maco_client.smtp.choices import SendingAuthentication, SendingProtection
from maco_client.smtp.message import OutgoingMail
from maco_client.smtp.results import SendResult
from maco_client.smtp.sender import MailSender
from maco_client.smtp.settings import SendingConnection
from maco_client.token import TokenSource
from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_wire.observation import Login, MailAccepted, Observation, Party, StreamOpened
from tests.maco_client.bench import HOST
from tests.maco_lab.page.client import PageClient

USER = "strom@stadtwerke.example"
MAIL = b"From: strom@stadtwerke.example\nTo: gas@stadtwerke.example\nSubject: CONTRL\n\n.ok\n"


def send(lab: Lab, seen: list[Observation], recipient: str, *, location_id: str = "WERK1") -> SendResult:
    accounts = lab.running.file.model.mail_server.accounts
    password = next(each for each in accounts if each.user == USER).password.get_secret_value()
    connection = SendingConnection(
        "to partners",
        f"{HOST}:587",
        SendingProtection.STARTTLS_MANDATORY,
        USER,
        location_id=location_id,
        timeout_ms=5_000,
        authentication=SendingAuthentication.PLAIN,
        credential=Credential("strom", USER, password),
    )
    binding = lab.service_binding
    tokens = TokenSource(TokenService(binding["token_service_url"], binding["clientid"], binding["clientsecret"]))
    sender = MailSender(
        connection,
        proxy=SocksProxy(*lab.addresses["socks5"]),
        tokens=tokens,
        key_store=KeyStore({"root": lab.authority.root_certificate.public_bytes(Encoding.DER)}),
        record=seen.append,
        describe_certificate=summarize,
    )
    return asyncio.run(sender.send(OutgoingMail(USER, (recipient,), MAIL)))


def test_a_mail_goes_all_the_way_to_the_mailbox(maco_lab: Lab, lab_journal: LabJournal) -> None:
    seen: list[Observation] = []
    result = send(maco_lab, seen, "gas@stadtwerke.example")

    assert (result.error, result.stage, result.vouched_by) == ("", "done", "root")
    accepted = lab_journal.wait_for(MailAccepted, Party.MAIL_SERVER)
    assert (accepted.account, accepted.subject) == ("gas@stadtwerke.example", "CONTRL")
    opened = lab_journal.wait_for(StreamOpened, Party.CLOUD_CONNECTOR)
    assert (opened.virtual_port, opened.protocol) == (587, "TCP")
    (by_maco,) = [each for each in seen if isinstance(each, Login)]
    (by_server,) = lab_journal.of(Login, Party.MAIL_SERVER)
    assert (by_maco.protocol, by_maco.in_clear, by_maco.succeeded) == ("SMTP", False, True)
    assert (by_server.protocol, by_server.in_clear, by_server.succeeded) == ("SMTP", False, True)


def test_a_recipient_that_the_mail_server_does_not_know_is_told(maco_lab: Lab) -> None:
    result = send(maco_lab, [], "nobody@stadtwerke.example")
    assert (result.succeeded, result.stage) == (False, "recipients")
    assert result.error.startswith("SendFailedException: Invalid Addresses; nested exception is: 55")


def test_a_wrong_location_id_ends_before_any_mapping(maco_lab: Lab) -> None:
    result = send(maco_lab, [], "gas@stadtwerke.example", location_id="WERK2")
    assert (result.stage, result.socks_reply) == ("socks", 0x03)
    assert result.error.startswith("MailConnectException: Couldn't connect to host, port: ")


BODY = "UNA:+.? '\r\nZähler\r\n"


def both_ways(data: dict[str, Any]) -> None:
    """Add a mapping of protocol TCP TLS to 465, and a sending connection that goes by it."""
    data["cloud_connectors"][0]["subaccounts"][0]["mappings"].append(
        {"virtual": "mailbox.virtual:465", "internal": f"{HOST}:465", "protocol": "TCPS"}
    )
    data["hosts"][f"{HOST}:465"] = "127.0.0.1:3465"
    way_a = data["maco"]["sending_connections"][0]
    way_b = {**way_a, "name": "by-tcp-tls", "address": "mailbox.virtual:465", "protection": "Off"}
    data["maco"]["sending_connections"].append(way_b)


@pytest.mark.maco_lab(change=both_ways)
@pytest.mark.parametrize(("connection", "in_clear"), [("to-partners", False), ("by-tcp-tls", True)])
def test_what_maco_sends_maco_fetches_again(
    maco_lab: Lab, lab_journal: LabJournal, connection: str, in_clear: bool
) -> None:
    """Send by way A, where MaCo does TLS, and by way B, where the Cloud Connector does."""
    address = maco_lab.running.maco_api
    assert address is not None
    api = PageClient(address)

    sent = api.ask(
        "POST", f"/api/send?connection={connection}", BODY.encode(), Content_Type="application/octet-stream"
    ).data["result"]
    polled = maco_lab.maco.poll("way-b")

    assert (sent["error"], sent["vouched_by"]) == ("", "" if in_clear else "mail-root")
    assert (polled.error, polled.stored) == ("", 1)
    fetched = email.message_from_bytes(api.get("/api/inbox/1/raw").content, policy=email.policy.default)
    assert (fetched["Message-ID"], fetched["Subject"]) == (sent["message_id"], "Market message")
    assert fetched.get_content() == BODY
    (by_maco,) = [each for each in lab_journal.of(Login, Party.MACO) if each.protocol == "SMTP"]
    assert by_maco.in_clear == in_clear
    (by_server,) = [each for each in lab_journal.of(Login, Party.MAIL_SERVER) if each.protocol == "SMTP"]
    assert (by_server.succeeded, by_server.in_clear) == (True, False)
    opened = [each for each in lab_journal.of(StreamOpened, Party.CLOUD_CONNECTOR) if each.virtual_port in (587, 465)]
    assert [each.protocol for each in opened] == ["TCPS" if in_clear else "TCP"]


ADDRESS_BEYOND_ASCII = "jürgen@stadtwerke.example"


def to_an_address_beyond_ascii(data: dict[str, Any]) -> None:
    """Give the account that is polled such an address, and send there."""
    data["mail_server"]["accounts"][1]["addresses"] = [ADDRESS_BEYOND_ASCII]
    data["maco"]["sending_connections"][0]["to"] = ADDRESS_BEYOND_ASCII


@pytest.mark.maco_lab(change=to_an_address_beyond_ascii)
def test_a_mail_to_an_address_beyond_ascii_arrives(maco_lab: Lab) -> None:
    address = maco_lab.running.maco_api
    assert address is not None
    api = PageClient(address)

    sent = api.ask(
        "POST", "/api/send?connection=to-partners", BODY.encode(), Content_Type="application/octet-stream"
    ).data["result"]
    polled = maco_lab.maco.poll("way-b")

    assert (sent["error"], polled.error, polled.stored) == ("", "", 1)
    raw = api.get("/api/inbox/1/raw").content
    assert f"\r\nTo: {ADDRESS_BEYOND_ASCII}\r\n".encode() in raw
    assert b" with UTF8SMTPSA; " in raw  # RFC 6531, section 4.3
    assert email.message_from_bytes(raw, policy=email.policy.default).get_content() == BODY
