"""What a parent tells a party arrives as it was, with the ports that are really used."""

from __future__ import annotations

import json
from pathlib import Path

from connector_sim.on_premise.port_range import PortRange
from maco_lab.lab_file import LabFile, default_text, parse_lab
from maco_lab.names import OnPremiseNames
from maco_lab.party_settings import PartySettings, placed

PORTS = {"socks5": 1, "token": 2, "tunnel": 3, "imap": 4, "imaps": 5, "smtp": 6, "submission": 7, "smtps": 8}


def lab_file() -> LabFile:
    return parse_lab(default_text(), name="lab.yaml", folder=Path("/somewhere"))


def settings(**changes: object) -> PartySettings:
    values: dict[str, object] = {
        "file": lab_file(),
        "state": Path("/state"),
        "certificates": Path("/certificates"),
        "canary_lines": ("secretline1", "secretline2"),
        "connector": "scc",
        "installation_id": "0815",
        "signing_key": {"d": "secretkey"},
    }
    return PartySettings(**(values | changes))  # type: ignore[arg-type]


def sent(original: PartySettings) -> PartySettings:
    return PartySettings.from_message(json.loads(json.dumps(original.as_message())))


def test_settings_survive_their_way_over_the_pipe() -> None:
    assert sent(settings()) == settings()


def test_the_place_of_one_of_a_pair_survives_too() -> None:
    one = settings(role="shadow", address=("127.0.0.1", 0), peer=("127.0.0.1", 8444))
    assert sent(one) == one


def test_where_the_taps_are_survives_too() -> None:
    tapped = settings(dials={"socks5": ("127.0.0.1", 40000)}, key_folder="/keys")
    assert sent(tapped) == tapped


def test_a_lab_file_need_not_be_there_any_more() -> None:
    arrived = sent(settings())

    assert (arrived.file.name, arrived.file.folder, arrived.file.model) == (
        "lab.yaml",
        Path("/somewhere"),
        lab_file().model,
    )


def test_the_ports_that_are_used_take_the_place_of_those_of_the_file() -> None:
    model = sent(settings(ports=PORTS)).file.model

    assert (model.cloud.socks5_port, model.cloud.token_port, model.cloud.tunnel_port) == (1, 2, 3)
    assert list(model.mail_server.ports.model_dump(exclude_none=True).values()) == [4, 5, 6, 7, 8]


def test_names_on_premise_follow_the_mail_server_to_its_new_ports() -> None:
    hosts = placed(lab_file().model, PORTS).hosts

    assert hosts["mail.stadtwerke.example:143"] == ("127.0.0.1", PortRange(4, 4))
    assert hosts["mail.stadtwerke.example:993"] == ("127.0.0.1", PortRange(5, 5))


def test_a_name_that_leads_elsewhere_stays_where_it_is() -> None:
    text = default_text().replace("143: 127.0.0.1:3143", "143: 192.0.2.7:3143")
    model = parse_lab(text, name="lab.yaml", folder=Path()).model

    assert placed(model, PORTS).hosts["mail.stadtwerke.example:143"] == ("192.0.2.7", PortRange(3143, 3143))


def test_a_port_of_a_range_follows_the_mail_server_by_a_row_of_its_own() -> None:
    row = "mail.stadtwerke.example:143: 127.0.0.1:3143"
    text = default_text().replace(row, "mail.stadtwerke.example:140-149: 127.0.0.1:3140-3149")
    model = placed(parse_lab(text, name="lab.yaml", folder=Path()).model, PORTS)
    names = OnPremiseNames(model.hosts, {})

    assert names.resolve("mail.stadtwerke.example", 143) == ("127.0.0.1", 4)
    assert names.resolve("mail.stadtwerke.example", 144) == ("127.0.0.1", 3144)


def test_a_row_for_one_port_stays_although_a_range_with_that_port_moves() -> None:
    added = "  mail.stadtwerke.example:140-149: 127.0.0.1:3140-3149\n  mail.stadtwerke.example:143: 192.0.2.7:9\n"
    text = default_text().replace("  mail.stadtwerke.example:143: 127.0.0.1:3143\n", added)
    model = placed(parse_lab(text, name="lab.yaml", folder=Path()).model, PORTS)

    assert OnPremiseNames(model.hosts, {}).resolve("mail.stadtwerke.example", 143) == ("192.0.2.7", 9)


def test_a_protocol_that_is_not_served_is_not_served_because_of_a_port() -> None:
    text = default_text().replace("smtp: 3025, submission: 3587, smtps: 3465", "smtp: 3025")
    model = parse_lab(text, name="lab.yaml", folder=Path()).model

    assert placed(model, PORTS).mail_server.ports.smtps is None


def test_no_secret_is_in_a_repr() -> None:
    shown = repr(settings())

    for secret in ("secretline1", "secretkey", "Strom4711Postfach", "lab-secret-of-maco"):
        assert secret not in shown
