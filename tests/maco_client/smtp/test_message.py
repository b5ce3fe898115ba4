from __future__ import annotations

import pytest

from maco_client.failures import SettingsError
from maco_client.smtp.message import OutgoingMail, data_lines


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (b"", b""),
        (b"a", b"a\r\n"),
        (b"a\r\n", b"a\r\n"),
        (b"a\r\n\r\n", b"a\r\n\r\n"),
        (b"a\nb\rc", b"a\r\nb\r\nc\r\n"),
        (b".\r\n..a", b"..\r\n...a\r\n"),  # RFC 5321, section 4.5.2
    ],
)
def test_every_line_ends_with_crlf_and_no_line_ends_the_mail(message: bytes, sent: bytes) -> None:
    assert data_lines(message) == sent


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r\n", b"\r\n.\n"])
def test_no_line_end_smuggles_a_second_mail(end: bytes) -> None:
    sent = data_lines(b"first" + end + b"MAIL FROM:<eve@example.com>")
    assert sent == b"first\r\n..\r\nMAIL FROM:<eve@example.com>\r\n"


@pytest.mark.parametrize("recipients", [(), ("nobody",), ("gas@stadtwerke.example", "a@b>\r\nDATA")])
def test_an_envelope_has_recipients_and_they_are_addresses(recipients: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="to"):
        OutgoingMail("maco@example.com", recipients, b"")


def test_a_mail_knows_what_it_needs_of_a_server() -> None:
    plain = OutgoingMail("maco@example.com", ("gas@b\u00fccher.example",), b"Subject: x\r\n\r\n")
    assert (plain.recipients, plain.needs_smtputf8, plain.needs_8bitmime) == (
        ("gas@xn--bcher-kva.example",), False, False,
    )  # fmt: skip
    more = OutgoingMail("maco@example.com", ("g\u00e4s@b.example",), "Z\u00e4hler".encode())
    assert (more.needs_smtputf8, more.needs_8bitmime) == (True, True)
