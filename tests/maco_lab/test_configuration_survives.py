"""Any sequence of requests leaves what a restart, a backup and an exported lab file bring back."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.cast import Cast
from certs.profile import Validity
from connector_sim.http_server import RawAnswer
from maco_lab.export import exported
from maco_lab.lab_file import parse_lab
from maco_lab.testing.lab import new_authority
from tests.connector_sim.admin.good_bodies import CHANNELS, PATTERN_RULE, PATTERN_RULES
from tests.connector_sim.admin.settings import CLOUD_PASSWORD, CLOUD_USER, CONFIGURED, REGION, SUBACCOUNTS, TO_ADD
from tests.faults.seeds import SOAK
from tests.maco_lab.installed import Installed, installed
from tests.maco_lab.kept import administered_file
from tests.maco_lab.test_export import in_a_lab_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Request: TypeAlias = Callable[[Installed], RawAnswer | None]

CONNECTOR = "/api/v1/configuration/connector"
ON_PREMISE = f"{CONNECTOR}/onPremises"
BACKUP = "/api/v1/configuration/backup"
SUBACCOUNT_PATHS = [f"{SUBACCOUNTS}/{REGION}/{name}" for name in (CONFIGURED, TO_ADD)]

AUTHORITY = new_authority()
OTHER = Cast(AUTHORITY.settings.now)
CERTIFICATES = [
    each.public_bytes(Encoding.PEM)
    for each in (AUTHORITY.root_certificate, AUTHORITY.unknown_root_certificate, OTHER.root_certificate)
]
VALIDITY = Validity(AUTHORITY.settings.now, AUTHORITY.settings.now + dt.timedelta(days=30))
PAIRS = [OTHER.mail_server.pkcs12("a", "p"), OTHER.administration.pkcs12("b", "p")]

subaccounts = st.sampled_from(SUBACCOUNT_PATHS)
texts = st.sampled_from(["", "a text", 'Größe: "x" # y\\', "yes", "12:30"])  # fmt: skip
flags = st.booleans()
hosts = st.sampled_from(["", "shadow.example", "a b"])
own_certificates = st.sampled_from(
    [f"{ON_PREMISE}/systemCertificate", f"{ON_PREMISE}/ppCaCertificate", f"{CONNECTOR}/ui/uiCertificate"]
)


def mappings() -> st.SearchStrategy[str]:
    """Return the virtual host and port of a mapping that may be there."""
    return st.sampled_from(["a.virtual:143", "b.virtual:80", "c.virtual:1000-1010", "mailbox.virtual:993"])


@st.composite
def calls(draw: st.DrawFn) -> Request:
    """Return a request with JSON, good or bad."""
    method, path, content = draw(
        st.one_of(_of_subaccounts(), _of_mappings(), _of_resources(), _of_channels(), _of_settings())
    )
    return lambda connector: connector.call(method, path, content)


Call: TypeAlias = tuple[str, str, object]


@st.composite
def _of_subaccounts(draw: st.DrawFn) -> Call:
    path = draw(subaccounts)
    described = {
        "locationID": draw(st.sampled_from(["", "A", "B"])),
        "displayName": draw(texts),
        "description": draw(texts),
        "autoCertRenewal": draw(flags),
    }
    password = draw(st.sampled_from([CLOUD_PASSWORD, CLOUD_PASSWORD, "wrong"]))
    user = {"cloudUser": CLOUD_USER, "cloudPassword": password}
    added = {**described, **user, "regionHost": REGION, "subaccount": path.rpartition("/")[2]}
    possible: list[Call] = [
        ("POST", SUBACCOUNTS, {**added, "isManaged": draw(flags)}),
        ("PUT", path, described),
        ("PUT", f"{path}/state", {"connected": draw(flags)}),
        ("PUT", f"{path}/trust", {"autoSyncTrustEnabled": draw(flags)}),
        ("POST", f"{path}/validity", user),
        ("DELETE", path, None),
    ]
    return draw(st.sampled_from(possible))


@st.composite
def _of_mappings(draw: st.DrawFn) -> Call:
    path = f"{draw(subaccounts)}/systemMappings"
    host, _, port = draw(mappings()).partition(":")
    protocol = draw(st.sampled_from(["TCP", "TCPS", "HTTP", "HTTPS", "LDAP", "RFC"]))
    content: dict[str, object] = {
        "virtualHost": host, "virtualPort": port, "localHost": draw(st.sampled_from(["x.local", "y"])),
        "localPort": port, "protocol": protocol, "backendType": draw(st.sampled_from(["abapSys", "nonSAPsys", "BC"])),
    }  # fmt: skip
    more: dict[str, object] = {
        "description": draw(texts), "sid": draw(texts), "sncPartnerName": "p:CN=x", "sapRouter": "/H/x",
        "hostInHeader": "INTERNAL", "allowedClients": ["100"], "blacklistedUsers": ["U"], "authenticationMode": "NONE",
    }  # fmt: skip
    chosen = draw(st.lists(st.sampled_from(sorted(more)), unique=True, max_size=4))
    content |= {name: more[name] for name in chosen}
    possible: list[Call] = [
        ("POST", path, content),
        ("POST", path, content),
        ("PUT", f"{path}/{host}:{port}", content),
        ("PUT", f"{path}/{host}:{port}", {name: more[name] for name in chosen}),
        ("DELETE", f"{path}/{host}:{port}", None),
        ("DELETE", path, None),
    ]
    return draw(st.sampled_from(possible))


@st.composite
def _of_resources(draw: st.DrawFn) -> Call:
    subaccount = draw(subaccounts)
    path, domains = f"{subaccount}/systemMappings/{draw(mappings())}/resources", f"{subaccount}/domainMappings"
    content = {"id": draw(st.sampled_from(["/", "/a-b", "/c+d"])), "enabled": draw(flags), "description": draw(texts)}
    domain = {
        "virtualDomain": draw(st.sampled_from(["v1", "v2"])),
        "internalDomain": draw(st.sampled_from(["i1", "i2"])),
    }
    possible: list[Call] = [
        ("POST", path, content),
        ("PUT", f"{path}/-", content),
        ("DELETE", f"{path}/-a+2Db", None),
        ("POST", domains, domain),
        ("PUT", f"{domains}/i1", domain),
        ("DELETE", f"{domains}/i2", None),
    ]
    return draw(st.sampled_from(possible))


@st.composite
def _of_channels(draw: st.DrawFn) -> Call:
    path = f"{draw(subaccounts)}/channels/{draw(st.sampled_from(sorted(CHANNELS)))}"
    content = {**good_channel(path), "connections": draw(st.integers(0, 9)), "comment": draw(texts)}
    one = f"{path}/{draw(st.integers(1, 4))}"
    rule = {**PATTERN_RULE, "description": draw(texts)}
    possible: list[Call] = [
        ("POST", path, content),
        ("POST", path, content),
        ("PUT", one, content),
        ("PUT", one, {"comment": draw(texts)}),
        ("PUT", f"{one}/state", {"enabled": False}),  # what would open one fails, always
        ("DELETE", one, None),
        ("POST", PATTERN_RULES, rule),
        ("PUT", f"{PATTERN_RULES}/1", rule),
        ("DELETE", f"{PATTERN_RULES}/0", None),
    ]
    return draw(st.sampled_from(possible))


def good_channel(path: str) -> dict[str, object]:
    return CHANNELS[path.rpartition("/")[2]]


@st.composite
def _of_settings(draw: st.DrawFn) -> Call:
    of_subaccount = draw(subaccounts).removeprefix("/api/v1/configuration")
    proxy = {"host": "proxy", "port": 8080, "user": draw(texts), "password": draw(texts)}
    possible: list[Call] = [
        ("PUT", CONNECTOR, {"description": draw(texts)}),
        ("PATCH", f"{CONNECTOR}/auditLog", {"level": draw(st.sampled_from(["OFF", "ALL", "BAD"])), "cleanup": 90}),
        ("PATCH", f"{CONNECTOR}/auditLog{of_subaccount}", {"level": "ALL"}),
        ("PATCH", f"{CONNECTOR}/logAndTrace", {"sccLogLevel": "DEBUG", "rolloverThreshold": draw(texts)}),
        ("PUT", f"{CONNECTOR}/proxy", proxy),
        ("DELETE", f"{CONNECTOR}/proxy", None),
        ("PATCH", f"{ON_PREMISE}/truststore", {"trustAllBackends": draw(flags)}),
        ("DELETE", f"{ON_PREMISE}/truststore/certificates", None),
        ("DELETE", f"{ON_PREMISE}/truststore/certificates/trustedbackend.{draw(st.integers(1, 3))}.1", None),
        ("DELETE", f"{ON_PREMISE}/systemCertificate", None),
        ("DELETE", f"{ON_PREMISE}/ppCaCertificate", None),
        (draw(st.sampled_from(["PUT", "PATCH"])), f"{CONNECTOR}/alerting", draw(_alerts())),
        ("PUT", f"{CONNECTOR}/ha/master/config", {"haEnabled": draw(flags), "allowedShadowHost": draw(hosts)}),
        ("DELETE", f"{CONNECTOR}/ha/master/state", None),
    ]
    return draw(st.sampled_from(possible))


def _alerts() -> st.SearchStrategy[dict[str, object]]:
    """Return a change of the alerting, good or bad."""
    thresholds = {"cpuLoad": st.sampled_from([1, 90, 101]), "certificateValidityDays": st.sampled_from([7, "30"])}
    notification = {"ha": flags, "CPU": st.sampled_from([True, "false", "yes"])}
    return st.fixed_dictionaries(
        {},
        optional={
            "thresholds": st.fixed_dictionaries({}, optional=thresholds),
            "notification": st.fixed_dictionaries({}, optional=notification),
        },
    )


@st.composite
def made_certificates(draw: st.DrawFn) -> Request:
    """Return the request for a self-signed certificate, or for one to be signed, which is then signed or not."""
    path, kind = draw(own_certificates), draw(st.sampled_from(["selfsigned", "csr"]))
    is_signed = draw(flags)

    def make(connector: Installed) -> RawAnswer:
        asked = {"type": kind, "subjectDN": f"CN={kind}", "keySize": 2048}
        answer = connector.call("POST", path, asked)
        if kind == "selfsigned" or not is_signed or answer.status != 200:
            return answer
        key = x509.load_pem_x509_csr(answer.body).public_key()
        signed = AUTHORITY.connector_ca.certify(key, "signed", VALIDITY, usage="client")  # type: ignore[arg-type]
        return connector.upload("PATCH", path, {"signedCertificate": signed})

    return make


@st.composite
def uploads(draw: st.DrawFn) -> Request:
    """Return an upload of a certificate."""
    certificates = b"".join(draw(st.lists(st.sampled_from(CERTIFICATES), min_size=1, max_size=2, unique=True)))
    own = draw(own_certificates)
    pair = {"pkcs12": draw(st.sampled_from(PAIRS)), "password": b"p"}
    trusted = ("POST", f"{ON_PREMISE}/truststore/certificates", {"certificates": certificates})
    method, path, parts = draw(st.sampled_from([trusted, ("PUT", own, pair)]))
    return lambda connector: connector.upload(method, path, parts)


@st.composite
def credentials(draw: st.DrawFn) -> Request:
    """Return a change of the user's own name or password."""
    name, password = draw(st.sampled_from(["Chief", "Administrator"])), draw(st.sampled_from(["a", "manage"]))
    renames = draw(flags)
    path = f"{CONNECTOR}/authentication/basic"

    def change(connector: Installed) -> RawAnswer:
        if renames:
            content = {"password": connector.password, "user": name}
        else:
            content = {"oldPassword": connector.password, "newPassword": password}
        answer = connector.call("PUT", path, content)
        if answer.status == 204 and renames:
            connector.user = name
        elif answer.status == 204:
            connector.password = password
        return answer

    return change


sequences = st.lists(st.one_of(calls(), calls(), calls(), uploads(), made_certificates(), credentials()), max_size=20)


@settings(max_examples=12 if SOAK else 5, database=None)
@given(before=sequences, after=sequences)
def test_a_restart_a_backup_and_an_export_bring_everything_back(before: list[Request], after: list[Request]) -> None:
    file = administered_file()
    with tempfile.TemporaryDirectory(prefix="kept-") as folder:
        kept_in = Path(folder) / "configuration.sqlite"
        with installed(file, AUTHORITY, kept_in) as first:
            _send(first, before)
            seen = first.everything()
        with installed(file, AUTHORITY, kept_in) as again:
            again.user, again.password = first.user, first.password
            assert again.everything() == seen
            _send(again, after)
            seen = again.everything()
            backup = again.call("POST", BACKUP, {"password": "p"}).body
            text = exported(file, {"scc": again.described()}, file.model.maco)
        with installed(file, AUTHORITY, kept_in) as third:
            third.user, third.password = again.user, again.password
            assert third.everything() == seen

    with installed(file, AUTHORITY) as other:
        assert other.upload("PUT", BACKUP, {"backup": backup, "password": b"p"}).status == 204
        other.user, other.password = again.user, again.password
        assert other.everything() == seen

    with installed(parse_lab(text, name="exported", folder=Path()), AUTHORITY) as from_text:
        from_text.user, from_text.password = again.user, again.password
        assert in_a_lab_file(from_text.everything()) == in_a_lab_file(seen)


def _send(connector: Installed, requests: list[Request]) -> None:
    for request in requests:
        answer = request(connector)
        assert answer is None or answer.status < 500, answer
