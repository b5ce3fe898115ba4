"""An entry as a line for a person: who, what, and every field."""

from __future__ import annotations

import json
import time

import pytest

from maco_lab.journal import Entry
from maco_lab.journal_text import as_text
from maco_wire.observation import CertificateSummary, Handshake, Login, Observation, Party, StreamOpened, TlsSession


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "localtime", time.gmtime)


def text(observation: Observation, *, at: float = 3723.0059) -> str:
    return as_text(json.loads(Entry(12, at, observation).as_json()))


def test_an_entry_is_told_with_number_time_party_and_kind() -> None:
    login = Login(Party.MACO, "IMAP", "client", "gas", succeeded=True, credentials_sent=True, in_clear=False)

    assert text(login) == (
        "   12 01:02:03.005 MaCo: login protocol=IMAP role=client user=gas "
        "succeeded=yes credentials_sent=yes in_clear=no"
    )


def test_addresses_come_last_and_a_back_end_is_a_pair_of_them() -> None:
    back_end = (("127.0.0.1", 40000), ("::1", 143))
    opened = StreamOpened(
        Party.CLOUD_CONNECTOR, "mail", 143, back_end=back_end, system="scc", trace_id="t1", local=("127.0.0.1", 1)
    )

    assert text(opened).endswith(
        "Cloud Connector scc: stream_opened virtual_host=mail virtual_port=143 back_end=127.0.0.1:40000->[::1]:143 "
        "local=127.0.0.1:1 trace_id=t1"
    )


@pytest.mark.parametrize(("field", "texts"), [("warnings", ["in clear"]), ("recipients", ["a@x", "b@x"])])
def test_texts_are_told_one_after_the_other(field: str, texts: list[str]) -> None:
    told = as_text({"n": 1, "t": 1.0, "party": "MaCo", "kind": "send_finished", field: texts})

    assert told.endswith(f"{field}=" + ", ".join(f'"{each}"' if " " in each else each for each in texts))


def test_a_chain_is_told_by_its_subjects() -> None:
    chain = (CertificateSummary("CN=leaf,O=x", "CN=b", "ab"), CertificateSummary("CN=b", "CN=root", "cd"))

    assert 'peer_chain="CN=leaf,O=x", "CN=b"' in text(
        Handshake(Party.MACO, TlsSession.IMAPS, "client", True, peer_chain=chain)
    )


def test_a_text_with_spaces_stands_between_quotes() -> None:
    assert 'session="IMAP over TLS"' in text(Handshake(Party.MACO, TlsSession.IMAPS, "client", True))
