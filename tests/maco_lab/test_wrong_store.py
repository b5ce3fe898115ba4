"""The CA goes into the store that plays no part, whoever does the handshake; nothing else is changed."""

from __future__ import annotations

from typing import Any

from maco_lab.lab_model import LabModel
from maco_lab.testing.settings import lab_text
from maco_lab.wrong_store import OTHER_CA, with_ca_in_the_wrong_store
from maco_wire.observation import Party


def model(change: Any = lambda _: None) -> LabModel:
    return lab_text(change).parsed().model


def way_b_alone(data: dict[str, Any]) -> None:
    del data["maco"]["email_connections"][0]


def over_tcp_without_starttls(data: dict[str, Any]) -> None:
    data["mail_server"]["offer_starttls"] = False
    data["maco"]["email_connections"][1]["server"] = "mail-starttls"


def test_where_maco_does_tls_its_key_store_is_left_with_another_ca() -> None:
    wrong = with_ca_in_the_wrong_store(model())

    assert wrong is not None
    assert (wrong.connection, wrong.asked) == ("way-a", Party.MACO)
    assert list(wrong.model.maco.key_store.values()) == [OTHER_CA]
    assert wrong.model.cloud_connectors[0].back_end_trust_store.certificates == ["root"]
    assert "MaCo's key store has another CA's root" in wrong.note


def test_where_the_connector_does_tls_its_store_is_left_with_another_ca() -> None:
    wrong = with_ca_in_the_wrong_store(model(way_b_alone))

    assert wrong is not None
    assert (wrong.connection, wrong.asked) == ("way-b", Party.CLOUD_CONNECTOR)
    assert list(wrong.model.maco.key_store.values()) == ["root"]
    assert wrong.model.cloud_connectors[0].back_end_trust_store.certificates == [OTHER_CA]
    assert "Cloud Connector's back-end trust store has another CA's root" in wrong.note


def test_the_first_way_that_has_tls_is_taken() -> None:
    def no_starttls(data: dict[str, Any]) -> None:
        data["mail_server"]["offer_starttls"] = False

    wrong = with_ca_in_the_wrong_store(model(no_starttls))

    assert wrong is not None
    assert wrong.connection == "way-b"


def test_without_tls_there_is_no_wrong_store() -> None:
    assert with_ca_in_the_wrong_store(model(over_tcp_without_starttls)) is None


def test_the_given_landscape_is_not_changed() -> None:
    given = model()
    with_ca_in_the_wrong_store(given)

    assert given == model()
