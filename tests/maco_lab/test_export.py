"""A running lab becomes a lab file again: the text it was started with, changed where the API has changed something."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.cast import Cast
from maco_client.configuration import Configuration
from maco_lab.export import HEADER, exported
from maco_lab.lab_file import LabFile, default_text, parse_lab
from maco_lab.testing.lab import Lab, new_authority, started_lab
from tests.connector_sim.admin.good_bodies import CHANNELS
from tests.connector_sim.admin.settings import CONFIGURED, MAPPINGS, NEW, OWN, REGION, SUBACCOUNTS, TO_ADD
from tests.maco_lab.kept import admin_of, administered_file
from tests.maco_lab.test_keeping import CONNECTOR, HTTP, MAIL, SYSTEM, TRUST, configure, done, shown

ADDED = f"{SUBACCOUNTS}/{REGION}/{TO_ADD}"


@pytest.fixture(scope="module")
def authority() -> Cast:
    """Return the certificates of every lab of this module."""
    return new_authority()


def export(lab: Lab) -> str:
    return exported(lab.running.file, lab.thread.run(lab.running.described()), lab.running.maco.section)


def parsed(text: str) -> LabFile:
    return parse_lab(text, name="exported", folder=Path())


def changed_lines(before: str, after: str) -> list[str]:
    """Return the lines that came and went."""
    lines = difflib.unified_diff(before.splitlines(), after.removeprefix(HEADER).splitlines(), n=0, lineterm="")
    return [each for each in lines if not each.startswith(("---", "+++", "@@"))]


def in_a_lab_file(shown: dict[str, Any]) -> dict[str, Any]:
    """Return what a lab file can say: neither dates nor aliases, nor the order of trust, nor tunnel certificates."""

    def plain(content: Any) -> Any:
        match content:
            case {"trustedBackends": list(listed)}:
                entries = sorted((plain(each) for each in listed), key=str)
                return {**content, "trustedBackends": entries}
            case dict():
                left_out = {"creationDate", "alias", "subaccountCertificate"}
                return {name: plain(value) for name, value in content.items() if name not in left_out}
            case list():
                return sorted((plain(each) for each in content), key=str)
        return content

    new = ("/truststore/certificates", "/ui/uiCertificate")
    return {path: plain(list(value)) for path, value in shown.items() if not any(each in path for each in new)}


def test_a_lab_that_nobody_has_changed_is_the_lab_file_it_was_started_with(authority: Cast, tmp_path: Path) -> None:
    file = parse_lab(default_text(), name="lab.yaml", folder=Path())

    with started_lab(file, tmp_path, authority=authority) as lab:
        assert changed_lines(default_text(), export(lab)) == []


def test_time_outs_of_the_lab_file_are_written_as_they_stand(authority: Cast, tmp_path: Path) -> None:
    cloud, connector = "  open_timeout_s: 41\n", "    tls_timeout_s: 31\n    max_reconnect_attempts: 9\n"
    text = default_text().replace("cloud:\n", f"cloud:\n{cloud}", 1)
    text = text.replace("  - name: scc\n", f"  - name: scc\n{connector}", 1)

    with started_lab(parsed(text), tmp_path, authority=authority) as lab:
        done(admin_of(lab), ("PUT", CONNECTOR, {"description": "ours"}))
        now = parsed(export(lab)).model

    assert now.cloud.open_timeout_s == 41
    assert (now.cloud_connectors[0].tls_timeout_s, now.cloud_connectors[0].max_reconnect_attempts) == (31, 9)


def test_only_what_has_changed_is_written_anew(authority: Cast, tmp_path: Path) -> None:
    file = parse_lab(default_text(), name="lab.yaml", folder=Path())

    with started_lab(file, tmp_path, authority=authority) as lab:
        change = {"locationID": "WERK2", "displayName": "Stadtwerke"}
        done(admin_of(lab), ("PUT", OWN, change), ("PUT", CONNECTOR, {"description": "ours"}))
        text = export(lab)

    assert sorted(changed_lines(default_text(), text)) == [
        "+        display_name: Stadtwerke",
        "+        location_id: WERK2",
        "+      description: ours",
        "-        location_id: WERK1",
    ]


@pytest.mark.slow
def test_an_export_of_an_export_says_it_once(authority: Cast, tmp_path: Path) -> None:
    with started_lab(administered_file(), tmp_path / "first", authority=authority) as lab:
        first = export(lab)
    with started_lab(parsed(first), tmp_path / "second", authority=authority) as lab:
        assert export(lab) == first


@pytest.mark.slow
def test_a_lab_that_is_started_from_it_shows_the_same(authority: Cast, tmp_path: Path) -> None:
    with started_lab(administered_file(), tmp_path / "first", authority=authority) as lab:
        configure(admin_of(lab), authority)
        change = {"oldPassword": "manage", "newPassword": "Other4711"}
        done(admin_of(lab), ("PUT", f"{OWN}/state", {"connected": False}))
        done(admin_of(lab), ("PUT", f"{CONNECTOR}/authentication/basic", change))
        admin = admin_of(lab).as_user("Administrator", "Other4711")
        done(admin, ("PUT", f"{CONNECTOR}/authentication/basic", {"password": "Other4711", "user": "Chief"}))
        before, text = shown(admin.as_user("Chief", "Other4711")), export(lab)

    with started_lab(parsed(text), tmp_path / "second", authority=authority) as lab:
        again = admin_of(lab).as_user("Chief", "Other4711")
        assert in_a_lab_file(shown(again)) == in_a_lab_file(before)
        assert admin_of(lab).as_user("Administrator", "manage").get(OWN).status == 401
        lab.reset()
        assert in_a_lab_file(shown(again)) == in_a_lab_file(before)


def test_a_certificate_of_the_lab_is_written_by_its_name_and_any_other_as_text(authority: Cast, tmp_path: Path) -> None:
    with started_lab(administered_file(), tmp_path, authority=authority) as lab:
        admin = admin_of(lab)
        for each in (authority.unknown_root_certificate, new_authority().root_certificate):
            pem = each.public_bytes(Encoding.PEM)
            assert admin.upload("POST", f"{TRUST}/certificates", certificate=pem).status == 201
        text = export(lab)

    [connector] = parsed(text).model.cloud_connectors
    listed = connector.back_end_trust_store.certificates
    assert listed[:2] == ["root", "unknown_root_ca"]
    assert [type(each).__name__ for each in listed] == ["str", "str", "CertificateText"]


@pytest.mark.slow
def test_a_connector_without_subaccounts_is_a_lab_file_too(authority: Cast, tmp_path: Path) -> None:
    with started_lab(administered_file(), tmp_path / "first", authority=authority) as lab:
        done(admin_of(lab), ("DELETE", OWN, None))
        text = export(lab)

    with started_lab(parsed(text), tmp_path / "second", authority=authority) as lab:
        assert admin_of(lab).get(SUBACCOUNTS).json == []
        done(admin_of(lab), ("POST", SUBACCOUNTS, {**NEW, "subaccount": CONFIGURED, "locationID": "WERK1"}))
        mapping = {**MAIL, "virtualHost": "mail.stadtwerke.example"}
        done(admin_of(lab), ("POST", MAPPINGS, mapping))
        assert lab.maco.poll("way-a").succeeded


@pytest.mark.slow
def test_a_system_certificate_of_the_user_s_own_is_offered(authority: Cast, tmp_path: Path) -> None:
    with started_lab(administered_file(), tmp_path / "first", authority=authority) as lab:
        content = authority.administration.pkcs12("scc", "secret")
        assert admin_of(lab).upload("PUT", SYSTEM, pkcs12=content, password=b"secret").status == 204
        text = export(lab)

    with started_lab(parsed(text), tmp_path / "second", authority=authority) as lab:
        der = admin_of(lab).get(SYSTEM, Accept="application/pkix-cert").body
        assert der == authority.administration.certificate.public_bytes(Encoding.DER)
        assert export(lab) == text


def test_mappings_of_other_protocols_are_in_it_with_everything(authority: Cast, tmp_path: Path) -> None:
    with started_lab(administered_file(), tmp_path, authority=authority) as lab:
        resource = {"id": "/x", "enabled": True}
        done(admin_of(lab), ("POST", MAPPINGS, HTTP), ("POST", f"{MAPPINGS}/web.virtual:80/resources", resource))
        text = export(lab)

    [connector] = parsed(text).model.cloud_connectors
    mapping = connector.subaccounts[0].mappings[-1]
    assert (mapping.protocol, mapping.description) == ("HTTP", "")
    assert mapping.api_fields == {"hostInHeader": "VIRTUAL", "sid": "ABC"}
    assert [each["id"] for each in mapping.resources] == ["/x"]


def test_what_maco_was_given_at_run_time_is_in_it(authority: Cast, tmp_path: Path) -> None:
    def change(configuration: Configuration) -> Configuration:
        changed = configuration.with_changed_connection("way-a", folder="Archive")
        return changed.with_certificates({"other": authority.unknown_root_certificate.public_bytes(Encoding.DER)})

    file = parse_lab(default_text(), name="lab.yaml", folder=Path())
    with started_lab(file, tmp_path, authority=authority) as lab:
        lab.thread.run(lab.running.tenant.change(change))
        text = export(lab)

    maco = parsed(text).model.maco
    assert maco.email_connections[0].folder == "Archive"
    assert maco.key_store == {"mail-root": "root", "other": "unknown_root_ca"}
    assert "  client: maco                      # whose token MaCo uses" in text


@pytest.mark.slow
def test_service_channels_are_in_it_with_the_last_id_that_was_given(authority: Cast, tmp_path: Path) -> None:
    path = f"{OWN}/channels/K8S"
    with started_lab(administered_file(), tmp_path / "first", authority=authority) as lab:
        done(admin_of(lab), *(("POST", path, CHANNELS["K8S"]) for _ in range(2)), ("DELETE", f"{path}/2", None))
        text = export(lab)

    with started_lab(parsed(text), tmp_path / "second", authority=authority) as lab:
        admin = admin_of(lab)
        assert [each["id"] for each in admin.get(path).json] == [1]
        assert admin.call("POST", path, CHANNELS["K8S"]).header("Location") == f"{admin.url}{path}/3"
