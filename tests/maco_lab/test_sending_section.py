"""What a lab file may say of sending, and what it is told about it."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.lab_file import LabFileError
from maco_lab.lab_warnings import warnings
from maco_lab.testing.settings import Change, lab_text


def sending(**settings: Any) -> Change:
    """Change the one sending connection of the default lab file."""
    return lambda data: data["maco"]["sending_connections"][0].update(settings)


def twice(data: dict[str, Any]) -> None:
    data["maco"]["sending_connections"] *= 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            sending(credential="STROMM"),
            "maco.sending_connections[0].credential: found 'STROMM', allowed: 'GAS', 'STROM'",
        ),
        (
            sending(protection="SMTPS"),
            "maco.sending_connections[0].protection: found 'SMTPS' with Proxy Type On-Premise",
        ),
        (sending(timeout_ms=300_000), "maco.sending_connections[0].timeout_ms: found 300000, allowed: "),
        (sending(sender="strom"), "maco.sending_connections[0].sender: found 'strom', allowed is 'name@host'"),
        (sending(subject="${header.x}"), "maco.sending_connections[0].subject: found '${header.x}', allowed is text "),
        (sending(content_transfer_encoding="Binary"), "maco.sending_connections[0].content_transfer_encoding: found "),
        (
            sending(signature_and_encryption_type="S/MIME Signature"),
            "maco.sending_connections[0].signature_and_encryption_type: found 'S/MIME Signature', allowed is 'None'",
        ),
        (
            sending(attachments=[{"name": "m.txt", "source": "File"}]),
            "maco.sending_connections[0].attachments[0].file: found none with Source File",
        ),
        (sending(from_="x"), "maco.sending_connections[0].from_"),
        (twice, "maco.sending_connections[1].name: 'to-partners' is there twice"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(change: Change, said: str) -> None:
    with pytest.raises(LabFileError) as caught:
        lab_text(change).parsed()
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (sending(address="mail.stadtwerke.example:588"), "no system mapping for mail.stadtwerke.example:588"),
        (sending(location_id="WERK9"), "has location ID 'WERK9'"),
        (sending(protection="STARTTLS Optional"), "goes on in clear"),
        (sending(address="mail.stadtwerke.example"), "without a port means 25"),
    ],
)
def test_what_is_rarely_meant_is_a_warning(change: Change, words: str) -> None:
    found = warnings(lab_text(change).parsed().model)
    assert any(each.startswith("sending connection to-partners: ") and words in each for each in found)
