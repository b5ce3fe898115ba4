"""The trace and the payload trace of the running lab: levels, fields, four eyes, and no secret in any file."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certs.authority import Issued
from connector_sim.logs.logs import LogPlaces
from maco_lab.testing.lab import Lab
from maco_wire.observation import ConnectionChecked
from tests.connector_sim.admin.client import AdminClient
from tests.connector_sim.admin.settings import CLOUD_PASSWORD, CONFIGURED, LAB, MAPPINGS, NEW, REGION
from tests.connector_sim.admin.traffic import MAIL_HOST, connection, reply

pytestmark = LAB

CONNECTOR = "/api/v1/configuration/connector"
LOG, AUDIT = f"{CONNECTOR}/logAndTrace", f"{CONNECTOR}/auditLog"
OF_SUBACCOUNT = f"/subaccounts/{REGION}/{CONFIGURED}"
CHECK = f"/maco-lab{OF_SUBACCOUNT}/systemMappings/{MAIL_HOST}:143/check"
LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \+0000#(?P<level>[A-Z]+)#(?P<logger>[a-zA-Z.]+)#(?P<thread>[a-z-]+)"
    r"#(?P<channel> |0x[0-9a-f]{8})#(?P<message>.*)"
)


def places(lab: Lab) -> LogPlaces:
    found = lab.running.connectors["scc"].logs.places
    assert found is not None
    return found


def flushed(lab: Lab) -> Path:
    """Return the log folder once everything is in its files, and nobody writes them."""
    lab.thread.run(lab.running.connectors["scc"].logs.read(lambda: None))
    return places(lab).folder


def trace(lab: Lab) -> list[dict[str, str]]:
    """Return the lines of the trace by their fields; each must have them all."""
    text = (flushed(lab) / "scc_core.trc").read_text()
    found = [LINE.fullmatch(line) for line in text.splitlines()]
    assert found
    return [match.groupdict() if match else {"message": text} for match in found]


def messages(lab: Lab, logger: str) -> list[str]:
    return [each["message"] for each in trace(lab) if each["logger"].endswith(logger)]


@pytest.fixture
def allowed(maco_lab: Lab) -> Iterator[Path]:
    """Let the second person allow payload traces."""
    switch = places(maco_lab).switch
    switch.parent.mkdir(parents=True, exist_ok=True)
    switch.write_text("allowed=true\n")
    yield switch
    switch.unlink(missing_ok=True)


def test_at_info_a_trace_shows_tunnels_refusals_checks_and_changes_and_no_connection(
    maco_lab: Lab, admin: AdminClient
) -> None:
    with connection(maco_lab):
        pass
    reply(maco_lab, "no.such.host", 143)
    admin.call("POST", CHECK)
    maco_lab.journal.wait_for(ConnectionChecked)
    admin.call("PUT", CONNECTOR, {"description": "x"})
    admin.as_user("nobody").get(CONNECTOR)

    found = [(each["level"], each["logger"].rpartition(".")[2]) for each in trace(maco_lab)]
    assert found == [
        ("INFO", "scc"),  # it has started
        ("INFO", "scc"),  # the tunnel is up
        ("WARN", "OutboundConnectionErrorHandler"),
        ("INFO", "scc"),  # the check
        ("INFO", "config"),
        ("INFO", "security"),
    ]


def test_at_debug_it_shows_connections_by_their_channels(maco_lab: Lab, admin: AdminClient) -> None:
    assert admin.call("PATCH", LOG, {"sccLogLevel": "DEBUG", "otherLogLevel": "DEBUG"}).status == 204
    with connection(maco_lab, "mailbox.virtual", 993) as opened:
        assert opened.greeting.startswith(b"* OK")

    handshake, opened_line = trace(maco_lab)[-2:]
    assert (handshake["level"], handshake["logger"]) == ("DEBUG", "io.netty.handler.ssl.SslHandler")
    assert "HANDSHAKEN: protocol:TLSv1.3 cipher suite:TLS_" in handshake["message"]
    pattern = rf".*opened \[L:/127\.0\.0\.1:\d+ - R:{MAIL_HOST}/127\.0\.0\.1:\d+\]"
    assert re.fullmatch(pattern, opened_line["message"])
    assert opened_line["channel"] == handshake["channel"] != " "


def test_each_kind_of_logger_has_its_level(maco_lab: Lab, admin: AdminClient) -> None:
    before = len(trace(maco_lab))
    admin.call("PATCH", LOG, {"sccLogLevel": "OFF", "otherLogLevel": "DEBUG"})
    with connection(maco_lab, "mailbox.virtual", 993):
        pass
    reply(maco_lab, "no.such.host", 143)

    assert [each["logger"] for each in trace(maco_lab)[before:]] == ["io.netty.handler.ssl.SslHandler"]


def test_the_tls_trace_is_active_from_the_next_start_on(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("PATCH", LOG, {"tlsTrace": True})
    assert (admin.get(LOG).json["tlsTrace"], admin.get(LOG).json["isTlsTraceActive"]) == (True, False)
    logs = maco_lab.running.connectors["scc"].logs
    logs.take(logs.settings)  # as its next start does
    assert admin.get(LOG).json["isTlsTraceActive"] is True

    with connection(maco_lab, "mailbox.virtual", 993):
        pass
    found = messages(maco_lab, "javax.net.ssl")
    assert [each.partition("peer certificate ")[2][:1] for each in found] == ["0", "1", ""]
    assert "verified against Cloud Connector's back-end trust store" in found[2]


@pytest.mark.parametrize("size", ["50", "50 TB", "0 MB", "1 B", "2000000000 GB"])
def test_a_threshold_needs_a_unit_and_sense(admin: AdminClient, size: str) -> None:
    found = admin.call("PATCH", LOG, {"rolloverThreshold": size})

    message = f"rolloverThreshold: found '{size}', allowed: 1 KB to 1 GB with its unit, as in 50 MB"
    assert found.refusal == (400, "INVALID_REQUEST", message)


def test_a_full_trace_is_put_aside(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("PATCH", LOG, {"rolloverThreshold": "1 KB"})
    for _ in range(20):
        admin.call("PUT", CONNECTOR, {"description": "x"})

    assert (flushed(maco_lab) / "scc_core.1.trc").stat().st_size <= 1024


# Payload


def traffic(lab: Lab) -> Path:
    return flushed(lab) / f"tunnel_traffic_{CONFIGURED}_on_{REGION}.trc"


def dumped(path: Path) -> bytes:
    """Return the bytes of a hexadecimal dump, put together; a secret may have gone over its lines."""
    found = re.findall(r"^[0-9a-f]{8}  ((?:[0-9a-f]{2} ?)+)", path.read_text(errors="replace"), re.MULTILINE)
    return bytes.fromhex("".join(found))


def log_in(lab: Lab) -> None:
    """Sign in at a mailbox by a TCP TLS mapping: the connector holds the password in clear."""
    account = lab.running.file.model.mail_server.accounts[0]
    with connection(lab, "mailbox.virtual", 993) as opened:
        assert opened.says(f"a LOGIN {account.user} {account.password.get_secret_value()}".encode()).startswith(b"a OK")
        assert b"a2 OK" in opened.says(b"a2 SELECT INBOX")


def test_payload_is_traced_when_two_people_want_it_with_passwords_masked(
    maco_lab: Lab, admin: AdminClient, allowed: Path
) -> None:
    admin.call("PATCH", LOG + OF_SUBACCOUNT, {"trafficTrace": True})
    log_in(maco_lab)

    text, payload = traffic(maco_lab).read_text(), dumped(traffic(maco_lab))
    assert "#to the back end#" in text
    assert "#to the cloud#" in text
    assert b"a2 SELECT INBOX\r\n" in payload
    assert b"* OK [CAPABILITY" in payload
    assert b"a LOGIN" not in payload
    assert allowed.exists()


@pytest.mark.parametrize(
    "content", [None, "", "allowed=false", "allowed=TRUE", "allowed=true\nallowed=true", "x" * 5000]
)
def test_one_person_alone_gets_no_payload(
    maco_lab: Lab, admin: AdminClient, allowed: Path, content: str | None
) -> None:
    if content is None:
        allowed.unlink()
    else:
        allowed.write_text(content)
    admin.call("PATCH", LOG + OF_SUBACCOUNT, {"trafficTrace": True})
    log_in(maco_lab)

    assert not traffic(maco_lab).exists()


@pytest.mark.usefixtures("allowed")
def test_the_other_one_alone_gets_none_either(maco_lab: Lab) -> None:
    log_in(maco_lab)

    assert not traffic(maco_lab).exists()


@pytest.mark.usefixtures("allowed")
def test_turning_it_on_is_audited(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("PATCH", LOG + OF_SUBACCOUNT, {"trafficTrace": True})

    (path,) = (flushed(maco_lab) / "audit" / CONFIGURED).iterdir()
    assert "modify-PayloadTrace,Administrator," in path.read_text()


# Secrets


def private_key(issued: Issued) -> str:
    key = issued.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return key.splitlines()[1]


def secrets(lab: Lab) -> dict[str, str]:
    """Return everything that must be in no file, by what it is."""
    model = lab.running.file.model
    found = {f"password of {each.user}": each.password.get_secret_value() for each in model.mail_server.accounts}
    found |= {f"secret of {each.client_id}": each.client_secret.get_secret_value() for each in model.cloud.clients}
    found |= {f"password of {each.user}": each.password.get_secret_value() for each in model.cloud.users}
    cast = lab.authority
    return found | {
        "password of the administration": "ChangedByTest4711",
        "password that was guessed": "GuessedByTest4711",
        "password of the proxy": "ProxyByTest4711",
        "password of the cloud user": CLOUD_PASSWORD,
        "token": lab.running.tokens.last,
        "key of the system certificate": private_key(cast.system_certificate),
        "key of the subaccount": private_key(cast.subaccount_certificate(CONFIGURED)),
        "any private key": "PRIVATE KEY",
    }


def ways_to_write(secret: bytes) -> list[bytes]:
    """Return a secret as it is, and what of it is the same in base64 whatever stands before and behind it."""
    encoded = [base64.b64encode(b"\0" * before + secret + b"\0\0") for before in range(3)]
    return [secret, *(each[4:-4].rstrip(b"=") for each in encoded)]


@pytest.mark.usefixtures("allowed")
@pytest.mark.slow
def test_no_secret_is_in_any_file_with_everything_switched_on(maco_lab: Lab, admin: AdminClient) -> None:
    logs = maco_lab.running.connectors["scc"].logs
    everything: list[tuple[str, str, Any]] = [
        ("PATCH", LOG, {"sccLogLevel": "ALL", "otherLogLevel": "ALL", "tlsTrace": True}),
        ("PATCH", LOG + OF_SUBACCOUNT, {"trafficTrace": True}),
        ("PATCH", AUDIT, {"level": "ALL"}),
        ("PATCH", AUDIT + OF_SUBACCOUNT, {"level": "ALL"}),
        ("PUT", f"{CONNECTOR}/proxy", {"host": "proxy", "port": 80, "user": "me", "password": "ProxyByTest4711"}),
        ("POST", "/api/v1/configuration/subaccounts", NEW),
        (
            "POST",
            f"{CONNECTOR}/onPremises/systemCertificate",
            {"type": "selfsigned", "subjectDN": "CN=x", "keySize": 2048},
        ),
        (
            "POST",
            f"{MAPPINGS[: -len('/systemMappings')]}/validity",
            {"user": NEW["cloudUser"], "password": CLOUD_PASSWORD},
        ),
        ("PUT", f"{CONNECTOR}/authentication/basic", {"oldPassword": "manage", "newPassword": "ChangedByTest4711"}),
    ]
    assert [admin.call(*each).status for each in everything] == [204, 204, 204, 204, 204, 201, 201, 200, 204]
    logs.take(logs.settings)
    admin.as_user("Administrator", "GuessedByTest4711").get(AUDIT)
    for email_connection in ("way-a", "way-b"):
        maco_lab.mail_server.deliver(maco_lab.running.file.model.mail_server.accounts[0].user)
        assert maco_lab.maco.poll(email_connection).succeeded
    log_in(maco_lab)

    folder = flushed(maco_lab)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name.partition("_")[0] for path in files} >= {"scc", "tunnel", "audit-log"}
    wanted = secrets(maco_lab)
    assert all(wanted.values())
    found = [
        (name, path.name)
        for path in files
        for content in (path.read_bytes(), dumped(path))
        for name, secret in wanted.items()
        if any(written in content for written in ways_to_write(secret.encode()))
    ]
    assert found == []
    assert b"* OK [CAPABILITY" in dumped(traffic(maco_lab))  # so there was something to find it in
