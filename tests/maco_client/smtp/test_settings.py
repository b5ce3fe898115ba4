from __future__ import annotations

from typing import Any

import pytest

from maco_client.failures import SettingsError
from maco_client.settings import Credential
from maco_client.smtp.choices import AttachmentSource, SendingAuthentication, SendingProtection
from maco_client.smtp.settings import Attachment, SendingConnection
from maco_client.smtp.traps import sending_traps

PASSWORD = Credential("mailbox", "maco", "sesame")
TOKEN = Credential("mailbox", "maco", access_token="token")
PLAIN, OAUTH2 = SendingAuthentication.PLAIN, SendingAuthentication.OAUTH2


def connection(**settings: Any) -> SendingConnection:
    values: dict[str, Any] = {
        "name": "to partners",
        "address": "mail.example:587",
        "protection": SendingProtection.STARTTLS_MANDATORY,
        "proxy_type": "Internet",
        "sender": "maco@example.com",
    }
    return SendingConnection(**(values | settings))


def test_labels_of_the_screen_are_taken() -> None:
    made = connection(protection="SMTPS", authentication="OAuth2 Authorization Code", credential=TOKEN)
    assert (made.protection, made.authentication) == (SendingProtection.SMTPS, OAUTH2)


def test_without_a_port_it_is_25_and_a_trap() -> None:
    made = connection(address="mail.example")
    assert (made.server.host, made.server.port) == ("mail.example", 25)
    assert any("25" in each for each in sending_traps(made))


def test_everybody_gets_a_mail_once() -> None:
    made = connection(to="a@x, b@x", cc="b@x", bcc="c@x,a@x")
    assert made.recipients == ("a@x", "b@x", "c@x")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"address": "mail.example:0"}, "address"),
        ({"address": "${header.host}"}, "address"),
        ({"timeout_ms": 300_000}, "timeout_ms"),
        ({"timeout_ms": 0}, "timeout_ms"),
        ({"location_id": "WERK1"}, "location_id"),
        ({"protection": "SMTPS", "proxy_type": "On-Premise"}, "protection"),
        ({"protection": "IMAPS"}, "protection"),
        ({"sender": "nobody"}, "sender"),
        ({"sender": "maco@x\r\nBcc: eve@x"}, "sender"),
        ({"to": "a@x, b"}, "to"),
        ({"cc": "a@x\r\nRCPT TO:<eve@x>"}, "cc"),
        ({"bcc": "${header.to}"}, "bcc"),
        ({"to": ",".join(f"a{number}@x" for number in range(101))}, "recipients"),
        ({"subject": "MSCONS\r\nBcc: eve@x"}, "subject"),
        ({"subject": "${property.subject}"}, "subject"),
        ({"mail_body": "Hello ${in.body}"}, "mail_body"),
        ({"body_mime_type": "text/plain"}, "body_mime_type"),
        ({"body_encoding": "UTF-16"}, "body_encoding"),
        ({"content_transfer_encoding": "Binary"}, "content_transfer_encoding"),
        ({"signature_and_encryption_type": "S/MIME Signature"}, "signature_and_encryption_type"),
        ({"signature_and_encryption_type": "PGP"}, "signature_and_encryption_type"),
        ({"credential": TOKEN, "authentication": PLAIN}, "authentication"),
        ({"credential": PASSWORD, "authentication": OAUTH2}, "authentication"),
        ({"credential": PASSWORD}, "authentication"),
        ({"authentication": PLAIN}, "authentication"),
        ({"credential": PASSWORD, "authentication": PLAIN, "plain_fallback": True}, "plain_fallback"),
        ({"name": "a/b"}, "name"),
        ({"attachments": tuple(Attachment(f"{number}") for number in range(21))}, "attachments"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        connection(**settings)
    assert caught.value.field == field


def test_smime_is_refused_with_its_reason() -> None:
    with pytest.raises(SettingsError, match=r"allowed is 'None'.*neither signs nor encrypts"):
        connection(signature_and_encryption_type="S/MIME Encryption")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"source": AttachmentSource.FILE}, "file"),
        ({"file": "x.txt"}, "file"),
        ({"name": "a/b"}, "name"),
        ({"name": "a\r\nb"}, "name"),
        ({"name": "${header.name}"}, "name"),
        ({"mime_type": "Text/Markdown"}, "mime_type"),
        ({"source": "Header"}, "source"),
    ],
)
def test_an_attachment_has_one_source(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Attachment(**({"name": "mscons.txt"} | settings))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"protection": "STARTTLS Optional"}, "in clear"),
        ({"protection": "Off"}, "over the internet"),
        ({"protection": "Off", "proxy_type": "On-Premise"}, "nobody speaks TLS"),
        ({"address": "mail.example:465"}, "Read timed out"),
        ({"protection": "SMTPS"}, "unrecognized SSL message"),
        (
            {"credential": PASSWORD, "authentication": "Encrypted User/Password", "plain_fallback": True},
            "plain_fallback",
        ),
        ({"body_encoding": "ISO-8859-1"}, "'?'"),
    ],
)
def test_what_is_rarely_meant_is_told(settings: dict[str, Any], word: str) -> None:
    assert sending_traps(connection()) == []
    assert any(word in each for each in sending_traps(connection(**settings)))
